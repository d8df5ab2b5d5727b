// SPDX-License-Identifier: BSD-2-Clause

// Pressure has stops of the world that take long: a loop that nothing can preempt runs while a
// collection wants to begin; with -always also when it wants to end. SIGUSR1 begins, SIGUSR2 ends it.
package main

import (
	"flag"
	"runtime"
	"time"

	"gosonde.test/workloads/internal/life"
	"gosonde.test/workloads/internal/pause"
)

var sink uint64

func main() {
	stop := flag.Duration("stop", 90*time.Millisecond, "how long a stop is held up")
	always := flag.Bool("always", false, "the loop runs again and again, so that every stop waits for it")
	every := flag.Duration("every", time.Second, "from one to the next")
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
	l.Ready()
	l.AwaitStart()
	if *always {
		rounds := pause.RoundsFor(*stop)
		go func() {
			for {
				sink += pause.Spin(rounds)
				runtime.Gosched()
			}
		}()
	}
	for !l.Stopped() {
		if !*always {
			work <- pause.RoundsFor(*stop) // what the machine does now: it may have been slower
			time.Sleep(*stop / 10)         // the loop is under way
		}
		runtime.GC()
		time.Sleep(*every)
	}
	l.AwaitEnd()
}
