// SPDX-License-Identifier: BSD-2-Clause

package main

import "runtime"

// copier copies a block that memmove needs milliseconds for. It is assembly, and a stop of the
// world has to wait for it: pauses become long enough to compare beside the probes' own cost.
type copier struct{ from, to []byte }

const copyBytes = 32 << 20

func newCopier() *copier {
	c := &copier{make([]byte, copyBytes), make([]byte, copyBytes)}
	for i := range c.from { // resident before the measured section
		c.from[i] = byte(i)
	}
	copy(c.to, c.from)
	return c
}

func (c *copier) run(stop chan bool, stopped chan bool) {
	for {
		select {
		case <-stop:
			stopped <- true
			return
		default:
			copy(c.to, c.from)
		}
	}
}

var sink [][]byte

// collectRound forces some cycles and lets allocation drive others.
func collectRound(c *copier) {
	stop, stopped := make(chan bool), make(chan bool)
	startedGo(1)
	go c.run(stop, stopped)
	for i := 0; i < 3; i++ {
		runtime.GC()
	}
	for i := 0; i < 4096; i++ { // 64 MiB
		sink = append(sink, make([]byte, 16<<10))
	}
	sink = nil
	stop <- true
	<-stopped
}
