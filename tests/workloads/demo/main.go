// SPDX-License-Identifier: BSD-2-Clause

// Demo is an order service that misbehaves in turns, for `make demo`: a cache that is rebuilt without a size hint,
// collections that must wait for a loop, requests whose goroutines never end. It says which turn it is.
package main

import (
	"flag"
	"fmt"
	"runtime"
	"time"

	"gosonde.test/workloads/internal/life"
	"gosonde.test/workloads/internal/pause"
)

// Order is what the cache holds.
type Order struct {
	id    int64
	lines []int32
}

// Cache maps a customer's name to the newest order.
type Cache struct{ orders map[string]*Order }

// Rebuild forgets how large the cache was, which is the mistake.
//
//go:noinline
func (c *Cache) Rebuild(names []string) {
	c.orders = make(map[string]*Order)
	for i, name := range names {
		c.orders[name] = &Order{id: int64(i), lines: make([]int32, 8)}
	}
}

// Server answers requests, or does not.
type Server struct{ answers, quit chan bool }

//go:noinline
func (s *Server) handle() {
	go func() {
		select {
		case <-s.answers: // nobody sends: the leak
		case <-s.quit:
		}
	}()
}

var sink uint64

// turn is one kind of misbehaviour: do is called again and again for a while.
type turn struct {
	name string
	do   func()
}

func turns() []turn {
	names := make([]string, 13<<14+100) // just past a doubling
	for i := range names {
		names[i] = fmt.Sprintf("customer-%d", i)
	}
	cache := &Cache{}
	server := &Server{make(chan bool), make(chan bool)}
	rounds := pause.RoundsFor(90 * time.Millisecond)
	work := make(chan bool)
	go func() {
		for range work {
			sink += pause.Spin(rounds)
		}
	}()
	return []turn{
		{"the cache is rebuilt, without a size hint", func() {
			cache.Rebuild(names)
			time.Sleep(30 * time.Millisecond)
		}},
		{"garbage collection has to wait for a busy loop", func() {
			work <- true
			time.Sleep(10 * time.Millisecond)
			runtime.GC()
			time.Sleep(900 * time.Millisecond) // for long pauses, not for many
		}},
		{"requests leave goroutines behind", func() {
			for i := 0; i < 4; i++ {
				server.handle()
			}
			time.Sleep(10 * time.Millisecond)
		}},
	}
}

func main() {
	each := flag.Duration("turn", 6*time.Second, "how long a turn lasts")
	limit := flag.Duration("limit", 5*time.Minute, "exit by itself after this")
	flag.Parse()

	pause.Cooperative()
	runtime.GOMAXPROCS(4)
	all := turns()
	l := life.Begin(*limit)
	l.Ready()
	l.AwaitStart()
	for i := 0; ; i++ {
		t := all[i%len(all)]
		fmt.Println("demo:", t.name)
		for began := time.Now(); time.Since(began) < *each; {
			t.do()
			l.Stopped()
		}
	}
}
