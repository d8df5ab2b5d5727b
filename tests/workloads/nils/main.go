// SPDX-License-Identifier: BSD-2-Clause

// Nils deletes from nil maps, which Go allows, and from more maps than have a row each, all at one
// line. On SIGUSR1, and prints how many deletes that were.
package main

import (
	"flag"
	"fmt"
	"time"

	"gosonde.test/workloads/internal/life"
)

//go:noinline
func drop(m map[uint64]int, key uint64) { delete(m, key) }

func main() {
	maps := flag.Int("maps", 2500, "beside the nil one")
	rounds := flag.Int("rounds", 12, "a fifth of a second apart")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	all := make([]map[uint64]int, *maps)
	for i := range all {
		all[i] = map[uint64]int{1: i, 2: i}
	}
	l.Ready()
	l.AwaitStart()
	deletes := 0
	for round := 0; round < *rounds; round++ {
		// First: as long as there is room for a row.
		for i := 0; i < 100+round; i++ {
			drop(nil, uint64(i))
		}
		for i := range all {
			drop(all[i], uint64(round))
		}
		deletes += *maps + 100 + round
		time.Sleep(200 * time.Millisecond)
	}
	fmt.Printf("{\"type\":\"truth\",\"deletes\":%d}\n", deletes)
	l.AwaitEnd()
}
