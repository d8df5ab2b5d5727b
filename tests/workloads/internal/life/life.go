// SPDX-License-Identifier: BSD-2-Clause

// Package life starts and ends a workload: the ready line, its signals and its maximal time.
package life

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// Life is what a workload waits on. No workload outlives its Limit, whoever forgot it.
type Life struct {
	Start chan os.Signal // SIGUSR1: begin
	Stop  chan os.Signal // SIGUSR2: end the misbehaviour, live on
	End   chan os.Signal // SIGTERM, SIGINT: exit
	Limit <-chan time.Time
}

// Begin installs the signals. signal.Notify writes to a map and starts a goroutine, so all of
// that is done before Ready tells the world that one may attach.
func Begin(limit time.Duration) *Life {
	l := &Life{
		Start: make(chan os.Signal, 1),
		Stop:  make(chan os.Signal, 1),
		End:   make(chan os.Signal, 1),
		Limit: time.After(limit),
	}
	signal.Notify(l.Start, syscall.SIGUSR1)
	signal.Notify(l.Stop, syscall.SIGUSR2)
	signal.Notify(l.End, syscall.SIGTERM, os.Interrupt)
	return l
}

// Ready prints the line that the tests wait for.
func (l *Life) Ready() {
	fmt.Printf("ready %d\n", os.Getpid())
}

// AwaitStart returns at SIGUSR1; at the end of life it exits.
func (l *Life) AwaitStart() {
	select {
	case <-l.Start:
	case <-l.End:
		os.Exit(0)
	case <-l.Limit:
		os.Exit(0)
	}
}

// Stopped tells, without waiting, whether SIGUSR2 came; at the end of life it exits.
func (l *Life) Stopped() bool {
	select {
	case <-l.Stop:
		return true
	case <-l.End:
		os.Exit(0)
	case <-l.Limit:
		os.Exit(0)
	default:
	}
	return false
}

// AwaitEnd returns at the end of life.
func (l *Life) AwaitEnd() {
	select {
	case <-l.End:
	case <-l.Limit:
	}
}
