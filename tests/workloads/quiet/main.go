// SPDX-License-Identifier: BSD-2-Clause

// Quiet is a healthy HTTP server under steady load of its own making: sessions come and go in maps
// of steady size, requests start goroutines that end, garbage is collected. It raises no alert.
package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"gosonde.test/workloads/internal/life"
)

type server struct {
	mu       sync.Mutex
	sessions map[string]int64
	served   int64
}

// keep is how many sessions there are at a time.
const keep = 500

// ServeHTTP keeps the newest sessions and asks two backends, each in a goroutine of its own.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := atomic.AddInt64(&s.served, 1)
	s.mu.Lock()
	s.sessions[strconv.FormatInt(n, 10)] = n
	delete(s.sessions, strconv.FormatInt(n-keep, 10))
	size := len(s.sessions)
	s.mu.Unlock()

	answers := make(chan map[string]int, 2)
	for backend := 0; backend < 2; backend++ {
		go func(id int) { answers <- map[string]int{"backend": id, "sessions": size} }(backend)
	}
	for i := 0; i < 2; i++ {
		fmt.Fprintln(w, (<-answers)["backend"])
	}
}

// drive sends requests one after the other, with a pause between, and counts failures.
func drive(url string, pause time.Duration, failed *int64) {
	for {
		answer, err := http.Get(url)
		if err == nil {
			_, err = io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
		}
		if err != nil {
			atomic.AddInt64(failed, 1)
		}
		time.Sleep(pause)
	}
}

func main() {
	clients := flag.Int("clients", 8, "that send requests beside each other")
	pause := flag.Duration("pause", 10*time.Millisecond, "of a client between two requests")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	l := life.Begin(*limit)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, "quiet:", err)
		os.Exit(1)
	}
	s := &server{sessions: make(map[string]int64)}
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = *clients
	go func() {
		fmt.Fprintln(os.Stderr, "quiet:", http.Serve(listener, s))
		os.Exit(1)
	}()
	var failed int64
	for i := 0; i < *clients; i++ {
		go drive("http://"+listener.Addr().String()+"/", *pause, &failed)
	}
	l.Ready()
	l.AwaitEnd()
	fmt.Printf("served %d failed %d\n", atomic.LoadInt64(&s.served), atomic.LoadInt64(&failed))
}
