// SPDX-License-Identifier: BSD-2-Clause

// Faults commits, on SIGUSR1, one of the mistakes that the runtime answers with a panic or the
// end of the process. What can be recovered is, and the program lives on.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"

	"gosonde.test/workloads/internal/life"
)

type registry struct{ names map[string]int }

//go:noinline
func (r *registry) register(name string) {
	r.names[name] = 1 // names was never made
}

//go:noinline
func asCount(v interface{}) int {
	return v.(int)
}

func recovered(mistake func()) {
	defer func() { fmt.Println("recovered:", recover()) }()
	mistake()
}

// concurrent writes to one map from two goroutines until the runtime sees it: it ends the process.
func concurrent() {
	runtime.GOMAXPROCS(4)
	m := map[int]int{}
	for worker := 0; worker < 4; worker++ {
		go func() {
			for i := 0; ; i++ {
				scribble(m, i)
			}
		}()
	}
}

//go:noinline
func scribble(m map[int]int, i int) {
	m[i%keys] = i
}

// The map of readers: it never grows, and so a reader never meets a table that is being moved.
const keys = 1000

// Overheard reads a map while one other goroutine writes it: only the reader can see that, and so one
// goroutine alone meets the mistake.
func overheard() {
	runtime.GOMAXPROCS(4)
	m := map[int]int{}
	for i := 0; i < keys; i++ {
		scribble(m, i)
	}
	go func() {
		for i := 0; ; i++ {
			scribble(m, i)
		}
	}()
	go func() {
		for i, sum := 0, 0; ; i++ {
			sum += peek(m, i)
		}
	}()
}

//go:noinline
func peek(m map[int]int, i int) int {
	return m[i%keys]
}

func main() {
	mode := flag.String("mode", "nilmap", "nilmap, assertion, concurrent or overheard")
	limit := flag.Duration("limit", 180e9, "exit by itself after this")
	flag.Parse()

	mistakes := map[string]func(){
		"nilmap":     func() { recovered(func() { new(registry).register("x") }) },
		"assertion":  func() { recovered(func() { asCount("not a number") }) },
		"concurrent": concurrent,
		"overheard":  overheard,
	}
	mistake := mistakes[*mode]
	if mistake == nil {
		fmt.Fprintf(os.Stderr, "faults: no such mode: %q\n", *mode)
		os.Exit(2)
	}
	l := life.Begin(*limit)
	l.Ready()
	l.AwaitStart()
	mistake()
	l.AwaitEnd()
}
