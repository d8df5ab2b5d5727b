// SPDX-License-Identifier: BSD-2-Clause

// Spawner starts tens of thousands of goroutines a second, of which few live at a time: a healthy
// program, if a wasteful one.
package main

import (
	"flag"
	"sync"
	"time"

	"gosonde.test/workloads/internal/life"
)

//go:noinline
func request(done *sync.WaitGroup) { done.Done() }

func main() {
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	l.Ready()
	for !l.Stopped() {
		var batch sync.WaitGroup
		batch.Add(100)
		for i := 0; i < 100; i++ {
			go request(&batch)
		}
		batch.Wait()
		time.Sleep(time.Millisecond)
	}
}
