// SPDX-License-Identifier: BSD-2-Clause

// Truth does a known amount of everything that the agent counts, on SIGUSR1, and prints its own
// count as one JSON line. Nothing between the signal and the line may write to a map or start a
// goroutine uncounted, so it uses no fmt, json or timer function in there.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"time"

	"gosonde.test/workloads/internal/gcstops"
	"gosonde.test/workloads/internal/life"
)

// The truth, added up by whoever does the thing.
var writes, deletes, clears, created int64
var spawned int64 // of created, by the one go statement in spawnAt

func wrote(n int)                      { atomic.AddInt64(&writes, int64(n)) }
func deleted(n int)                    { atomic.AddInt64(&deletes, int64(n)) }
func cleared(n int)                    { atomic.AddInt64(&clears, int64(n)) }
func startedGo(n int)                  { atomic.AddInt64(&created, int64(n)) }
func spawnedAt(n int)                  { atomic.AddInt64(&spawned, int64(n)) }
func report(name string, value uint64) { fmt.Printf(",%q:%d", name, value) }

// parked goroutines outlive the measured section, so that live differs from the baseline.
const parked = 7

func main() {
	ops := flag.Int("ops", 2000, "map operations of each kind, a round")
	least := flag.Duration("for", 2*time.Second, "run rounds for at least this long")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	// More Ps than one, whatever the machine: goroutines of one round run beside each other.
	runtime.GOMAXPROCS(4)
	l := life.Begin(*limit)
	copier := newCopier()
	gcstops.Count()
	l.Ready()
	l.AwaitStart()

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	stopsBefore := gcstops.Count()
	rounds := 0
	for began := time.Now(); rounds == 0 || time.Since(began) < *least; rounds++ {
		mapRound(*ops)
		goroutineRound()
		collectRound(copier)
	}
	park(parked)
	settle()
	// The last collection leaves no cycle half done: its end is what both sides count.
	runtime.GC()
	runtime.ReadMemStats(&after)
	stops := gcstops.Count() - stopsBefore
	goroutines := runtime.NumGoroutine()

	fmt.Printf(`{"type":"truth","pid":%d,"go":%q,"rounds":%d`, os.Getpid(), runtime.Version(), rounds)
	report("writes", uint64(writes))
	report("deletes", uint64(deletes))
	report("clears", uint64(clears))
	report("created", uint64(created))
	report("spawned", uint64(spawned))
	report("num_gc", uint64(after.NumGC-before.NumGC))
	report("num_forced", uint64(after.NumForcedGC-before.NumForcedGC))
	report("gc_stops", stops)
	report("pause_ns", after.PauseTotalNs-before.PauseTotalNs)
	report("goroutines", uint64(goroutines))
	fmt.Println("}")
	l.AwaitEnd()
}
