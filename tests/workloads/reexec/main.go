// SPDX-License-Identifier: BSD-2-Clause

// Reexec executes itself anew on SIGUSR1, as a server does that replaces itself in place; with -into
// another program. It grows maps right before, so that there is something to tell of it at its end.
package main

import (
	"flag"
	"os"
	"syscall"
	"time"

	"gosonde.test/workloads/internal/life"
)

//go:noinline
func grow(k int) {
	m := map[int]int{}
	for i := 0; i < 20000; i++ {
		m[i*k] = i
	}
}

func main() {
	into := flag.String("into", "/proc/self/exe", "what it executes")
	flag.Parse()
	l := life.Begin(time.Minute)
	l.Ready()
	l.AwaitStart()
	for k := 1; k <= 20; k++ {
		grow(k)
	}
	panic(syscall.Exec(*into, os.Args, os.Environ()))
}
