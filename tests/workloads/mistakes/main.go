// SPDX-License-Identifier: BSD-2-Clause

// Mistakes writes to a nil map in 30 places, one after the other, and prints the time before each:
// "<unix ns>". How long until somebody knows?
package main

import (
	"flag"
	"fmt"
	"math/rand"
	"time"

	"gosonde.test/workloads/internal/life"
)

var names map[string]int // never made

const places = 30

func mistake(place int) {
	defer func() { _ = recover() }()
	switch place {
	case 0:
		names["x"] = 1
	case 1:
		names["x"] = 1
	case 2:
		names["x"] = 1
	case 3:
		names["x"] = 1
	case 4:
		names["x"] = 1
	case 5:
		names["x"] = 1
	case 6:
		names["x"] = 1
	case 7:
		names["x"] = 1
	case 8:
		names["x"] = 1
	case 9:
		names["x"] = 1
	case 10:
		names["x"] = 1
	case 11:
		names["x"] = 1
	case 12:
		names["x"] = 1
	case 13:
		names["x"] = 1
	case 14:
		names["x"] = 1
	case 15:
		names["x"] = 1
	case 16:
		names["x"] = 1
	case 17:
		names["x"] = 1
	case 18:
		names["x"] = 1
	case 19:
		names["x"] = 1
	case 20:
		names["x"] = 1
	case 21:
		names["x"] = 1
	case 22:
		names["x"] = 1
	case 23:
		names["x"] = 1
	case 24:
		names["x"] = 1
	case 25:
		names["x"] = 1
	case 26:
		names["x"] = 1
	case 27:
		names["x"] = 1
	case 28:
		names["x"] = 1
	case 29:
		names["x"] = 1
	}
}

func main() {
	pause := flag.Duration("pause", 40*time.Millisecond, "between two, on average")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	l.Ready()
	l.AwaitStart()
	for place := 0; place < places; place++ {
		time.Sleep(time.Duration(rand.Float64() * 2 * float64(*pause)))
		fmt.Println(time.Now().UnixNano())
		mistake(place)
	}
	fmt.Println("done")
	l.AwaitEnd()
}
