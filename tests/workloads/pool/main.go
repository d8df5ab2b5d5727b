// SPDX-License-Identifier: BSD-2-Clause

// Pool is a healthy server: a pool of workers of constant size that is busy, goroutines of some seconds
// that come and go beside it, and connections that live for longer, as many of them as end.
package main

import (
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"gosonde.test/workloads/internal/life"
)

var done int64

func work(jobs <-chan time.Duration) {
	for d := range jobs {
		time.Sleep(d)
		atomic.AddInt64(&done, 1)
	}
}

//go:noinline
func startWorkers(n int, jobs <-chan time.Duration) {
	for i := 0; i < n; i++ {
		go work(jobs)
	}
}

func brief(d time.Duration) {
	time.Sleep(d)
}

//go:noinline
func startBrief(d time.Duration) {
	go brief(d)
}

// serve lives until it is told to end.
func serve(quit <-chan bool) {
	<-quit
}

//go:noinline
func startConnection() chan<- bool {
	quit := make(chan bool)
	go serve(quit)
	return quit
}

func main() {
	workers := flag.Int("workers", 200, "goroutines of the pool")
	connections := flag.Int("connections", 160, "connections; each second two begin and two end")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	jobs := make(chan time.Duration)
	startWorkers(*workers, jobs)
	open := make([]chan<- bool, *connections)
	for i := range open {
		open[i] = startConnection()
	}
	l.Ready()
	for tick := 0; ; tick++ {
		for i := 0; i < 10; i++ {
			jobs <- time.Duration(1+(tick+i)%50) * time.Millisecond
		}
		startBrief(time.Duration(tick%400) * 10 * time.Millisecond)
		if tick%50 == 0 {
			oldest := tick / 50 % len(open)
			close(open[oldest])
			open[oldest] = startConnection()
		}
		select {
		case <-l.End:
			fmt.Printf("{\"type\":\"truth\",\"jobs\":%d}\n", atomic.LoadInt64(&done))
			os.Exit(0)
		case <-l.Limit:
			os.Exit(0)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
