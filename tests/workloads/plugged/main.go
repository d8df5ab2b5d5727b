// SPDX-License-Identifier: BSD-2-Clause

// Plugged loads a Go plugin, at the start or, with -late, at SIGUSR1, and has it work: the plugin's code
// calls its own copies of the runtime's functions. Prints what was done as a line of JSON.
package main

import (
	"flag"
	"fmt"
	"plugin"
	"runtime"
	"time"

	"gosonde.test/workloads/internal/life"
)

func load(path string) func(writes, goroutines int) {
	p, err := plugin.Open(path)
	if err != nil {
		panic(err)
	}
	work, err := p.Lookup("Work")
	if err != nil {
		panic(err)
	}
	return work.(func(int, int))
}

func main() {
	late := flag.Bool("late", false, "load the plugin at SIGUSR1, wait for another, then work")
	writes := flag.Int("writes", 10000, "that the plugin makes")
	limit := flag.Duration("limit", 3*time.Minute, "exit by itself after this")
	flag.Parse()

	const goroutines = 100
	var work func(int, int)
	l := life.Begin(*limit)
	if !*late {
		work = load(flag.Arg(0))
	}
	l.Ready()
	l.AwaitStart()
	if *late {
		work = load(flag.Arg(0))
		fmt.Println("loaded")
		l.AwaitStart()
	}
	before := runtime.NumGoroutine()
	work(*writes, goroutines)
	for runtime.NumGoroutine() > before { // the last one is done before it has ended
		time.Sleep(time.Millisecond)
	}
	fmt.Printf("{\"type\":\"truth\",\"writes\":%d,\"created\":%d,\"goroutines\":%d}\n",
		*writes, goroutines, runtime.NumGoroutine())
	l.AwaitEnd()
}
