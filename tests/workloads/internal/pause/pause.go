// SPDX-License-Identifier: BSD-2-Clause

// Package pause makes stops of the world last as long as one asks for.
package pause

import (
	"os"
	"strings"
	"syscall"
	"time"
)

const setting = "asyncpreemptoff=1"

// Cooperative re-executes the program, under the same PID, with asynchronous preemption off:
// since Go 1.14 a signal interrupts a loop without calls, and a stop of the world waits for none.
func Cooperative() {
	godebug := os.Getenv("GODEBUG")
	if strings.Contains(godebug, setting) {
		return
	}
	if godebug != "" {
		godebug += ","
	}
	os.Setenv("GODEBUG", godebug+setting)
	exe, err := os.Executable()
	if err == nil {
		err = syscall.Exec(exe, os.Args, os.Environ())
	}
	panic(err)
}

// Spin computes for n rounds and calls nothing, so that nothing can preempt it.
//
//go:noinline
func Spin(n uint64) uint64 {
	x := n
	for i := uint64(0); i < n; i++ {
		x = x*6364136223846793005 + 1442695040888963407
	}
	return x
}

// RoundsFor measures how many rounds of Spin last d on this machine. The fastest of some
// tries, since others' load only ever makes it look slower and Spin too short.
func RoundsFor(d time.Duration) uint64 {
	const probe = 2000000
	best := time.Duration(1 << 62)
	for i := 0; i < 5; i++ {
		began := time.Now()
		Spin(probe)
		if took := time.Since(began); took < best {
			best = took
		}
	}
	return uint64(float64(probe) * float64(d) / float64(best))
}
