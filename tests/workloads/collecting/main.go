// SPDX-License-Identifier: BSD-2-Clause

// Collecting spends its CPU time on garbage collection: with -mode tight because its heap may hardly
// grow from one collection to the next, with -mode forced because it calls for them. SIGUSR1 begins,
// SIGUSR2 ends it.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"gosonde.test/workloads/internal/life"
)

type node struct {
	left, right *node
	rest        [48]byte
}

// grow makes a tree of 2^depth - 1 nodes.
func grow(depth int) *node {
	if depth == 0 {
		return nil
	}
	return &node{left: grow(depth - 1), right: grow(depth - 1)}
}

var garbage *node

// serve allocates what is garbage soon; the tree stays.
//
//go:noinline
func serve() {
	for i := 0; i < 1000; i++ {
		garbage = &node{}
	}
}

// sweep is somebody's idea of helping the collector.
//
//go:noinline
func sweep() {
	runtime.GC()
	time.Sleep(300 * time.Millisecond)
}

func main() {
	mode := flag.String("mode", "tight", "tight or forced")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	// Workers that have a P for themselves would mark at idle priority, and stops wait for nobody.
	runtime.GOMAXPROCS(1)
	var kept *node
	round := serve
	switch *mode {
	case "tight":
		kept = grow(20) // 64 MB
		debug.SetGCPercent(5)
	case "forced":
		round = sweep
	default:
		fmt.Fprintln(os.Stderr, "collecting: no such mode:", *mode)
		os.Exit(2)
	}
	l := life.Begin(*limit)
	l.Ready()
	l.AwaitStart()
	for !l.Stopped() {
		round()
	}
	runtime.KeepAlive(kept)
	l.AwaitEnd()
}
