// SPDX-License-Identifier: BSD-2-Clause

// Command stacks grows maps at the end of calls of every kind and prints, from the very same line, the
// stack and the map's type as the runtime tells them. Each map's type is of one scenario only.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"path"
	"reflect"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A fresh map has room for eight entries, in both generations of maps: the ninth makes it grow.
const entries = 9

type report struct {
	Type    string   `json:"type"`
	MapType string   `json:"map_type"`
	Below   bool     `json:"below"`    // the agent sees frames below ours: reflection's
	CFrames bool     `json:"c_frames"` // C code is among the callers, which the runtime can't walk
	Stack   []string `json:"stack"`
}

var (
	reports []report
	current report
)

// note stands on the right of `m[i] = note(i)`: it is called from the line that makes the map grow.
//
//go:noinline
func note(i int) int {
	if i != entries-1 {
		return i
	}
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		f, more := frames.Next()
		current.Stack = append(current.Stack, fmt.Sprintf("%s %s:%d", shape(f.Function), path.Base(f.File), f.Line))
		if !more {
			break
		}
	}
	reports = append(reports, current)
	return i
}

// Go 1.18 to 1.20 print type arguments in full; later ones, and the agent, as [...].
func shape(function string) string {
	open, end := strings.IndexByte(function, '['), strings.LastIndexByte(function, ']')
	if open < 0 || end < open || strings.Contains(function[open:end], "...") {
		return function
	}
	return function[:open] + "[...]" + function[end+1:]
}

func scenario(m interface{}) {
	current = report{Type: "stack", MapType: fmt.Sprintf("%T", m)}
}

type inlined int

func inner(m map[int]inlined, i int)  { m[i] = inlined(note(i)) }
func middle(m map[int]inlined, i int) { inner(m, i) }
func outer(m map[int]inlined, i int)  { middle(m, i) }

//go:noinline
func runInlined() {
	m := make(map[int]inlined)
	scenario(m)
	for i := 0; i < entries; i++ {
		outer(m, i)
	}
}

type closure int

//go:noinline
func runClosure() {
	m := make(map[int]closure)
	scenario(m)
	each(func(i int) {
		func() {
			m[i] = closure(note(i))
		}()
	})
}

//go:noinline
func each(f func(int)) {
	for i := 0; i < entries; i++ {
		f(i)
	}
}

type cache struct{ m map[int]method }
type method int

func (c *cache) put(i int) { c.m[i] = method(note(i)) }

//go:noinline
func runMethodValue() {
	c := &cache{make(map[int]method)}
	scenario(c.m)
	each(c.put)
}

type putter interface{ Put(i int) }
type value struct{ m map[string]promoted }
type promoted struct{ n int }
type wrapping struct{ value }

// Put has a value receiver and is called by interface on a type that embeds it: two wrappers' worth.
func (v value) Put(i int) { v.m[fmt.Sprint(i)] = promoted{note(i)} }

//go:noinline
func runWrapper(p putter) {
	for i := 0; i < entries; i++ {
		p.Put(i)
	}
}

type deferred int

//go:noinline
func putDeferred(m map[int]deferred, i int) { m[i] = deferred(note(i)) }

//go:noinline
func deferOne(m map[int]deferred, i int) {
	defer putDeferred(m, i)
	runtime.KeepAlive(m)
}

//go:noinline
func runDeferred() {
	m := make(map[int]deferred)
	scenario(m)
	for i := 0; i < entries; i++ {
		deferOne(m, i)
	}
}

type panicking int

//go:noinline
func panicOne(m map[int]panicking, i int) {
	defer func() {
		m[i] = panicking(note(i))
		_ = recover()
	}()
	panic("on purpose")
}

//go:noinline
func runPanicking() {
	m := make(map[int]panicking)
	scenario(m)
	for i := 0; i < entries; i++ {
		panicOne(m, i)
	}
}

type started int

func putStarted(m map[int]started, from int, done chan bool) {
	for i := from; i < entries; i++ {
		m[i] = started(note(i))
	}
	close(done)
}

//go:noinline
func runStarted() {
	m, done := make(map[int]started), make(chan bool)
	scenario(m)
	go putStarted(m, 0, done)
	<-done
}

//go:noinline
func runUnnamed() {
	m := make(map[string]struct{ Unnamed int })
	scenario(m)
	for i := 0; i < entries; i++ {
		m[fmt.Sprint(i)] = struct{ Unnamed int }{note(i)}
	}
}

type reflected int

// The map's type exists nowhere but in the memory of the process.
//
//go:noinline
func runReflected() {
	m := reflect.MakeMap(reflect.MapOf(reflect.TypeOf(reflected(0)), reflect.TypeOf([]*reflected(nil))))
	scenario(m.Interface())
	current.Below = true
	v := reflect.ValueOf([]*reflected(nil))
	for i := 0; i < entries; i++ {
		m.SetMapIndex(reflect.ValueOf(reflected(note(i))), v)
	}
}

// What a toolchain may lack: generics, range over functions, cgo, plugins.
var more []func()

func run() {
	runInlined()
	runClosure()
	runMethodValue()
	w := wrapping{value{make(map[string]promoted)}}
	scenario(w.m)
	runWrapper(&w)
	runDeferred()
	runPanicking()
	runStarted()
	runUnnamed()
	runReflected()
	for _, f := range more {
		f()
	}
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "-frames" {
		if err := frames(); err != nil {
			panic(err)
		}
		return
	}
	start, end := make(chan os.Signal, 1), make(chan os.Signal, 1)
	limit := time.After(2 * time.Minute)
	signal.Notify(start, syscall.SIGUSR1)
	signal.Notify(end, syscall.SIGTERM, os.Interrupt)
	fmt.Printf("ready %d\n", os.Getpid())
	select {
	case <-start:
		run()
	case <-end:
		return
	case <-limit:
		return
	}
	for _, r := range reports {
		line, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%s\n", line)
	}
	fmt.Println("done")
	select {
	case <-end:
	case <-limit:
	}
}
