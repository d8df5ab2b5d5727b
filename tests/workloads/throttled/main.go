// SPDX-License-Identifier: BSD-2-Clause

// Throttled collects garbage again and again on SIGUSR1, with more threads than its CPU quota feeds:
// where the quota ends within a stop of the world, that lasts until the next period. SIGUSR2 ends it.
package main

import (
	"flag"
	"runtime"
	"time"

	"gosonde.test/workloads/internal/life"
)

var sink [4]uint64

// burn computes with short breaks, so that no stop has to wait for it.
func burn(i int, quit chan bool) {
	for {
		select {
		case <-quit:
			return
		default:
		}
		for j := uint64(0); j < 1000; j++ {
			sink[i] = sink[i]*31 + j
		}
	}
}

func main() {
	threads := flag.Int("threads", 3, "that compute beside the collections")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	runtime.GOMAXPROCS(4)
	l := life.Begin(*limit)
	l.Ready()
	l.AwaitStart()
	quit := make(chan bool)
	for i := 0; i < *threads; i++ {
		go burn(i, quit)
	}
	for !l.Stopped() {
		runtime.GC()
	}
	close(quit)
	l.AwaitEnd()
}
