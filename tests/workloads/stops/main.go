// SPDX-License-Identifier: BSD-2-Clause

// Stops makes the world stop for several reasons at once, on SIGUSR1, and prints how often: readers
// of MemStats queue up behind collections and each other, so that one's request falls into
// another's stop.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"time"

	"gosonde.test/workloads/internal/gcstops"
	"gosonde.test/workloads/internal/life"
)

func main() {
	readers := flag.Int("readers", 4, "goroutines that read MemStats")
	reads := flag.Int("reads", 300, "how often each does")
	collections := flag.Int("collections", 100, "runtime.GC calls beside them")
	flag.Parse()
	l := life.Begin(3 * time.Minute)
	gcstops.Count()
	l.Ready()
	l.AwaitStart()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stopsBefore := gcstops.Count()
	done := make(chan bool)
	for i := 0; i < *readers; i++ {
		go func() {
			var m runtime.MemStats
			for j := 0; j < *reads; j++ {
				runtime.ReadMemStats(&m)
			}
			done <- true
		}()
	}
	go func() {
		for j := 0; j < *collections; j++ {
			runtime.GC()
		}
		done <- true
	}()
	for i := 0; i < *readers+1; i++ {
		<-done
	}
	runtime.ReadMemStats(&after)
	fmt.Printf("{\"type\":\"truth\",\"num_gc\":%d,\"gc_stops\":%d,\"pause_ns\":%d,\"other_stops\":%d}\n",
		after.NumGC-before.NumGC, gcstops.Count()-stopsBefore, after.PauseTotalNs-before.PauseTotalNs, *readers**reads+2)
	l.AwaitEnd()
}
