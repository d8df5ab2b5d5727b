// SPDX-License-Identifier: BSD-2-Clause

// Cycles has garbage collections, such as allocation drives and forced ones, with every figure of
// the gctrace line above 0: megabytes of heap, of stacks and of globals, assists, idle workers.
//
// Two of the runtime's words are not still between a cycle's last stop and the line that it prints
// some microseconds later, so the line may tell of the cycle what is true only after it. Here they
// keep: no stack grows or ends, and a cycle of one kind is over for a while before the other kind
// begins (to Go 1.19 gcStart sets work.userForced before it waits for the cycle under way).
//
// SIGUSR1 begins; then it prints "done".
package main

import (
	"flag"
	"fmt"
	"io/ioutil"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"sync"
	"time"

	"gosonde.test/workloads/internal/life"
)

// 8 MiB that the collector has to scan.
var globals [1 << 20]*byte

const (
	stacks      = 16  // goroutines that wait at the end of a recursion
	stackFrames = 512 // of 1 KiB
	workers     = 3
	rounds      = 3
	forced      = 4 // cycles, a round
	driven      = 3 // by allocation, a round, at least
	procs       = 4
	keep        = 20000 // nodes, of a worker
)

//go:noinline
func descend(depth int, arrived *sync.WaitGroup, forever chan bool) byte {
	var frame [1024]byte
	if depth == 0 {
		arrived.Done()
		<-forever
	} else {
		frame[depth%len(frame)] = descend(depth-1, arrived, forever)
	}
	return frame[0]
}

type node struct {
	next *node
	rest [200]byte
}

// allocate makes garbage and keeps some of it for a while.
func allocate(until time.Time, done *sync.WaitGroup) {
	var kept *node
	for i := 0; time.Now().Before(until); i++ {
		kept = &node{next: kept}
		if i%keep == 0 {
			kept = nil
		}
	}
	runtime.KeepAlive(kept)
	done.Done()
}

func cycles() int64 {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	return stats.NumGC
}

// awaitLine returns when the line of a cycle under way is printed: until then gcsema is held
// (runtime/mgc.go), which stopping the world for another reason takes, too.
func awaitLine() {
	runtime.GOMAXPROCS(procs - 1)
	runtime.GOMAXPROCS(procs)
}

// round has cycles of both kinds; a pause ends those of one before those of the other begin.
func round(last time.Duration) {
	const quiet = 50 * time.Millisecond
	for before := cycles(); cycles() < before+driven; {
		var done sync.WaitGroup
		done.Add(workers)
		until := time.Now().Add(last)
		for i := 0; i < workers; i++ {
			go allocate(until, &done)
		}
		done.Wait()
	}
	awaitLine()
	for i := 0; i < forced; i++ {
		time.Sleep(quiet)
		runtime.GC()
	}
	time.Sleep(quiet)
}

// lookForLeaks has a cycle that looks for leaked goroutines, from Go 1.27 on (1.26 with an experiment).
func lookForLeaks() {
	if p := pprof.Lookup("goroutineleak"); p != nil {
		p.WriteTo(ioutil.Discard, 2)
	}
}

func main() {
	last := flag.Duration("for", 300*time.Millisecond, "how long allocation drives cycles, a round")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	runtime.GOMAXPROCS(procs)
	l := life.Begin(*limit)
	var arrived sync.WaitGroup
	arrived.Add(stacks)
	for i := 0; i < stacks; i++ {
		go descend(stackFrames, &arrived, make(chan bool))
	}
	arrived.Wait()
	globals[0] = new(byte)
	l.Ready()
	l.AwaitStart()

	for i := 0; i < rounds; i++ {
		round(*last)
	}
	lookForLeaks()
	fmt.Println("done")
	l.AwaitEnd()
}
