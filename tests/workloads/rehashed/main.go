// SPDX-License-Identifier: BSD-2-Clause

// Rehashed has long pauses that each follow the growth of a map: an index is built, without a size hint,
// and a collection begins right after, while a loop that nothing can preempt runs. Collections
// with neither come first, so that one knows what is usual. SIGUSR1 begins, SIGUSR2 ends it.
package main

import (
	"flag"
	"runtime"
	"time"

	"gosonde.test/workloads/internal/life"
	"gosonde.test/workloads/internal/pause"
)

// Order is what the index holds.
type Order struct{ id int }

// Index finds orders.
type Index struct{ byID map[int]*Order }

// Build takes far less than a millisecond; the last growth is near its end.
//
//go:noinline
func (x *Index) Build(orders []Order) {
	x.byID = make(map[int]*Order)
	for i := range orders {
		x.byID[orders[i].id] = &orders[i]
	}
}

var sink uint64

func main() {
	stop := flag.Duration("stop", 40*time.Millisecond, "how long a stop is held up")
	usual := flag.Int("usual", 30, "collections before")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	pause.Cooperative()
	// The collector's thread must run beside the loop's, whatever the machine.
	runtime.GOMAXPROCS(4)
	l := life.Begin(*limit)
	work := make(chan uint64)
	go func() {
		for rounds := range work {
			sink += pause.Spin(rounds)
		}
	}()
	orders := make([]Order, 1800) // a map doubles past 1664
	for i := range orders {
		orders[i].id = i
	}
	index := &Index{}
	l.Ready()
	l.AwaitStart()
	for i := 0; i < *usual; i++ {
		runtime.GC()
		time.Sleep(20 * time.Millisecond)
	}
	for !l.Stopped() {
		work <- pause.RoundsFor(*stop) // what the machine does now: it may have been slower
		time.Sleep(*stop / 10)         // the loop is under way
		index.Build(orders)
		runtime.GC()
		time.Sleep(time.Second)
	}
	l.AwaitEnd()
}
