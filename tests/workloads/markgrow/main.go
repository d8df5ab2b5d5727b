// SPDX-License-Identifier: BSD-2-Clause

// Markgrow loads small indices into maps with too small a size hint, one every other millisecond, but
// only while the collector marks a long list, and not more than a hundred: in that mark phase maps
// grow all the time, over seconds they do not. SIGUSR1 begins, SIGUSR2 ends it.
package main

import (
	"flag"
	"math/rand"
	"runtime"
	"sync/atomic"
	"time"

	"gosonde.test/workloads/internal/life"
)

// Entry is what the index holds.
type Entry struct{ offset int64 }

// Index maps keys to entries.
type Index struct{ entries map[int64]*Entry }

var entry Entry

// Load makes the map too small, which is the mistake: it has to grow at 1665 entries (classic), or at
// some 1750 (Swiss).
//
//go:noinline
func (x *Index) Load(hint, n int) {
	x.entries = make(map[int64]*Entry, hint)
	for i := 0; i < n; i++ {
		x.entries[int64(i)] = &entry
	}
}

type link struct {
	next, self *link
	_          [48]byte
}

// scatter makes a list whose links lie in no order, so that one worker after the other waits for
// memory while marking it.
func scatter(n int) *link {
	links := make([]*link, n)
	for i := range links {
		links[i] = &link{}
	}
	var list *link
	for _, i := range rand.Perm(n) {
		links[i].next, links[i].self = list, links[i]
		list = links[i]
	}
	return list
}

// collect returns how long it took. What others do to the machine only makes it longer.
func collect(tries int) time.Duration {
	best := time.Duration(1 << 62)
	for i := 0; i < tries; i++ {
		began := time.Now()
		runtime.GC()
		if took := time.Since(began); took < best {
			best = took
		}
	}
	return best
}

// markFor makes a list that takes so long to mark, and returns its length.
func markFor(least time.Duration) (*link, int) {
	for n := 1 << 19; ; n += n / 2 {
		list := scatter(n)
		runtime.GC() // what is left of the last one
		if collect(3) >= least {
			return list, n
		}
		runtime.KeepAlive(list)
	}
}

func main() {
	hint := flag.Int("hint", 1500, "size that the maps are made for")
	n := flag.Int("entries", 2000, "size that they reach")
	loads := flag.Int("loads", 95, "in one mark phase; up to two growths each")
	mark := flag.Duration("mark", 160*time.Millisecond, "how long a mark phase takes at least")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	list, length := markFor(*mark)
	index := &Index{}
	l.Ready()
	l.AwaitStart()
	for !l.Stopped() {
		var took int64
		go func() { atomic.StoreInt64(&took, int64(collect(1))) }()
		for i := 0; atomic.LoadInt64(&took) == 0; i++ {
			if i < *loads {
				index.Load(*hint, *n)
			}
			time.Sleep(time.Millisecond)
		}
		// The machine may have become faster, or slower.
		if d := time.Duration(took); d < *mark || d > 2**mark {
			length = int(float64(length) * 1.4 * float64(*mark) / float64(d))
			list = scatter(length)
		}
		time.Sleep(2 * time.Second)
	}
	runtime.KeepAlive(list)
	l.AwaitEnd()
}
