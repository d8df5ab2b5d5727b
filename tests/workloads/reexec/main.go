// SPDX-License-Identifier: BSD-2-Clause

// Reexec executes itself anew on SIGUSR1, as a server does that replaces itself in place.
package main

import (
	"os"
	"syscall"
	"time"

	"gosonde.test/workloads/internal/life"
)

func main() {
	l := life.Begin(time.Minute)
	l.Ready()
	l.AwaitStart()
	panic(syscall.Exec("/proc/self/exe", os.Args, os.Environ()))
}
