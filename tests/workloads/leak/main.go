// SPDX-License-Identifier: BSD-2-Clause

// Leak is a server that starts a goroutine for each request and never answers it, so they wait for
// ever. SIGUSR1 begins, SIGUSR2 ends it and lets them go.
package main

import (
	"flag"
	"time"

	"gosonde.test/workloads/internal/life"
)

// Server is closed by closing quit.
type Server struct {
	answers chan int
	quit    chan bool
}

//go:noinline
func (s *Server) handle(request int) {
	go s.wait(request)
}

func (s *Server) wait(request int) {
	select {
	case <-s.answers: // nobody sends: the leak
	case <-s.quit:
	}
}

func main() {
	rate := flag.Int("rate", 400, "requests per second")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	s := &Server{answers: make(chan int), quit: make(chan bool)}
	l.Ready()
	l.AwaitStart()
	// By the clock, not by counting sleeps: a late wake-up must not lower the rate.
	began, handled := time.Now(), 0
	for !l.Stopped() {
		for due := int(time.Since(began).Seconds() * float64(*rate)); handled < due; handled++ {
			s.handle(handled)
		}
		time.Sleep(5 * time.Millisecond)
	}
	close(s.quit)
	l.AwaitEnd()
}
