// SPDX-License-Identifier: BSD-2-Clause

// Writer writes to maps at a known rate, from idle to as fast as one can, and prints every 100 ms how
// many writes there were. How it keeps the rate is what a tracer's estimate has to see through:
//
//	free   computes for a fixed time between two writes: whatever slows a write lowers the rate
//	sleep  writes what is due at each tick, then sleeps to the next: it makes up for what slows a write
//	spin   waits for the next write's time in a loop, so it is always busy and makes up too
package main

import (
	"flag"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"gosonde.test/workloads/internal/life"
)

// Padded, so that writers do not slow each other.
type counter struct {
	n uint64
	_ [56]byte
}

var sink uint64

// work keeps the CPU busy for so many rounds.
//
//go:noinline
func work(rounds uint64) {
	x := sink
	for i := uint64(0); i < rounds; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	sink = x
}

// walked is memory that a writer of pace free goes through before each write: more than the caches
// hold, so that whatever a probe needs has left them.
var walked []byte

//go:noinline
func walk() {
	for i := 0; i < len(walked); i += 64 {
		walked[i]++
	}
}

type table map[uint64]uint64

// fresh is after how many writes a writer takes a new map; 0: never. A map of 20 keys has grown twice.
var fresh uint64

// put is the one call site of a writer's map.
//
//go:noinline
func (t *table) put(i uint64) {
	if fresh > 0 && i%fresh == 0 {
		*t = make(table)
	}
	if fresh > 0 {
		(*t)[i%fresh] = i
	} else {
		(*t)[i&63] = i
	}
}

// burst is how long writers of pace free and sleep write before they pause; 0: they never pause.
var burst time.Duration

// pause waits when a burst is over, and returns for how long.
func pause(start time.Time) time.Duration {
	if burst == 0 {
		return 0
	}
	now := time.Now()
	if at := now.Sub(start) % (4 * burst); at > burst {
		time.Sleep(4*burst - at)
	}
	return time.Since(now)
}

// batch is how many writes are made between two looks at the clock or the counter.
const batch = 16

// free writes with a computation before each write, as long as it takes to reach the rate.
func free(t *table, c *counter, perSecond float64, stop *uint32) {
	rounds, start := calibrate(t, perSecond), time.Now()
	for i := uint64(0); atomic.LoadUint32(stop) == 0; i += batch {
		for k := uint64(0); k < batch; k++ {
			if rounds > 0 {
				work(rounds)
			}
			walk()
			t.put(i + k)
		}
		atomic.AddUint64(&c.n, batch)
		if i%4096 == 0 {
			pause(start)
		}
	}
}

// calibrate finds the rounds of work that make a write take 1/perSecond; 0: no limit.
func calibrate(t *table, perSecond float64) uint64 {
	if perSecond == 0 {
		return 0
	}
	rounds := uint64(100)
	writes := uint64(perSecond / 50) // 20 ms a try, once the rate is met
	if writes < batch {
		writes = batch
	}
	for try := 0; try < 8; try++ {
		best := time.Duration(1 << 62)
		for k := 0; k < 3; k++ {
			start := time.Now()
			for i := uint64(0); i < writes; i++ {
				work(rounds)
				t.put(i)
			}
			if d := time.Since(start); d < best {
				best = d
			}
		}
		wanted := float64(writes) / perSecond
		rounds = uint64(float64(rounds)*wanted/best.Seconds()) + 1
	}
	return rounds
}

// tick is how often writers of pace sleep wake.
var tick time.Duration

// sleep writes at each full tick what has become due.
func sleep(t *table, c *counter, perSecond float64, stop *uint32) {
	start, rest, done := time.Now(), time.Duration(0), uint64(0)
	for atomic.LoadUint32(stop) == 0 {
		due := uint64((time.Since(start) - rest).Seconds() * perSecond)
		for ; done < due; done++ {
			t.put(done)
			if done%batch == 0 {
				atomic.StoreUint64(&c.n, done)
			}
		}
		atomic.StoreUint64(&c.n, done)
		time.Sleep(tick - time.Since(start)%tick)
		rest += pause(start)
	}
}

// spin writes as soon as a write is due.
func spin(t *table, c *counter, perSecond float64, stop *uint32) {
	start, done := time.Now(), uint64(0)
	for atomic.LoadUint32(stop) == 0 {
		for due := uint64(time.Since(start).Seconds() * perSecond); done < due; done++ {
			t.put(done)
		}
		atomic.StoreUint64(&c.n, done)
	}
}

func total(counters []counter) uint64 {
	sum := uint64(0)
	for i := range counters {
		sum += atomic.LoadUint64(&counters[i].n)
	}
	return sum
}

func main() {
	rate := flag.Float64("rate", 0, "writes per second and writer; 0: as fast as it can (with -pace free)")
	pace := flag.String("pace", "free", "free, sleep or spin")
	writers := flag.Int("writers", 1, "goroutines that write, each a map of its own")
	burners := flag.Int("burners", 0, "goroutines beside them that compute and never write")
	bursts := flag.Duration("bursts", 0, "with -pace free or sleep: write for so long, then do nothing three times as long, again and again")
	flag.Uint64Var(&fresh, "fresh", 0, "take a new map after so many writes")
	flag.DurationVar(&tick, "tick", time.Millisecond, "with -pace sleep: how long from one burst of writes to the next")
	walkKB := flag.Int("walk", 0, "with -pace free: go through so many KB of memory before each write")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()
	run := map[string]func(*table, *counter, float64, *uint32){"free": free, "sleep": sleep, "spin": spin}[*pace]
	if run == nil {
		fmt.Fprintf(os.Stderr, "writer: -pace is free, sleep or spin, not %q\n", *pace)
		os.Exit(2)
	}

	l := life.Begin(*limit)
	var stop uint32
	burst, walked = *bursts, make([]byte, *walkKB<<10)
	counters := make([]counter, *writers)
	for i := range counters {
		t := make(table)
		go run(&t, &counters[i], *rate, &stop)
	}
	for i := 0; i < *burners; i++ {
		go func() {
			for {
				work(1000)
			}
		}()
	}
	for *rate > 0 && total(counters) == 0 {
		time.Sleep(time.Millisecond)
	}
	l.Ready()
	for !l.Stopped() {
		time.Sleep(100 * time.Millisecond)
		fmt.Printf("%d %d\n", time.Now().UnixNano(), total(counters))
	}
	atomic.StoreUint32(&stop, 1)
}
