// SPDX-License-Identifier: BSD-2-Clause

// Storm is a service with a cache that is rebuilt again and again without a size hint, so that
// each rebuild moves every entry through all the sizes on the way. SIGUSR1 begins, SIGUSR2 ends it.
package main

import (
	"flag"
	"time"

	"gosonde.test/workloads/internal/life"
)

// Order is what the cache holds.
type Order struct {
	id    int64
	total float64
}

// Cache maps an order's number to the order.
type Cache struct{ orders map[int64]*Order }

// Rebuild forgets how large the cache was, which is the mistake.
//
//go:noinline
func (c *Cache) Rebuild(entries int) {
	c.orders = make(map[int64]*Order)
	for i := 0; i < entries; i++ {
		c.put(int64(i), &Order{id: int64(i)})
	}
}

//go:noinline
func (c *Cache) put(id int64, o *Order) {
	c.orders[id] = o
}

func main() {
	// Just past a doubling of a classic map (load 6.5 of 8, Go 1.23 and older), so that the probes'
	// own slowing of each write is outweighed: two entries move for each that is written.
	entries := flag.Int("entries", 13<<15+100, "of the cache")
	pause := flag.Duration("pause", 20*time.Millisecond, "between two rebuilds")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	cache := &Cache{}
	l.Ready()
	l.AwaitStart()
	for !l.Stopped() {
		cache.Rebuild(*entries)
		time.Sleep(*pause)
	}
	l.AwaitEnd()
}
