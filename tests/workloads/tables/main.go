// SPDX-License-Identifier: BSD-2-Clause

// Tables is a service that keeps things in maps, well or badly. SIGUSR1 begins, SIGUSR2 ends what -mode
// says, and it lives on:
//
//	counter  counts requests in a map of few keys: every write overwrites
//	leak     remembers each session and forgets none
//	cache    remembers each session and forgets the one of some thousand before: steady size, new keys
//	fill     the same, and shrinks and grows between two sizes
package main

import (
	"flag"
	"fmt"
	"os"
	"time"

	"gosonde.test/workloads/internal/life"
)

// Metrics counts by name of a route.
type Metrics struct{ hits map[uint32]uint64 }

//go:noinline
func (m *Metrics) count(route uint32) {
	m.hits[route&63]++
}

// Session is what the service keeps of a client.
type Session struct{ id, seen uint64 }

// Sessions by number.
type Sessions struct{ open map[uint64]*Session }

//go:noinline
func (s *Sessions) begin(id uint64) {
	s.open[id] = &Session{id: id}
}

//go:noinline
func (s *Sessions) end(id uint64) {
	delete(s.open, id)
}

// keep is how many sessions a cache holds.
const keep = 5000

func main() {
	mode := flag.String("mode", "counter", "counter, leak, cache or fill")
	rate := flag.Float64("rate", 17000, "requests per second")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	metrics := &Metrics{hits: make(map[uint32]uint64)}
	sessions := &Sessions{open: make(map[uint64]*Session)}
	handle := map[string]func(n uint64){
		"counter": func(n uint64) { metrics.count(uint32(n)) },
		"leak":    func(n uint64) { sessions.begin(n) },
		"cache":   func(n uint64) { sessions.begin(n); sessions.end(n - keep) },
		"fill":    func(n uint64) { fill(sessions, n) },
	}[*mode]
	if handle == nil {
		fmt.Fprintln(os.Stderr, "tables: no such mode:", *mode)
		os.Exit(2)
	}

	l := life.Begin(*limit)
	l.Ready()
	l.AwaitStart()
	// By the clock, not by counting sleeps: a late wake-up must not lower the rate.
	began, handled := time.Now(), uint64(0)
	for !l.Stopped() {
		for due := uint64(time.Since(began).Seconds() * *rate); handled < due; handled++ {
			handle(handled)
		}
		time.Sleep(time.Millisecond)
	}
	l.AwaitEnd()
}

// fill opens keep sessions, then ends half of them, and so on.
func fill(s *Sessions, n uint64) {
	if phase := n % (3 * keep / 2); phase < keep {
		s.begin(phase)
	} else {
		s.end(phase - keep)
	}
}
