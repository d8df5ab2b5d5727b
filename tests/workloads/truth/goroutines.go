// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"runtime"
	"sync"
	"time"
)

func goroutineRound() {
	plain(200)
	nested(5)
	deepStacks()
}

func worker(n int, wg *sync.WaitGroup) { wg.Done() }

// plain: a function with arguments, a closure, a method value.
func plain(n int) {
	var wg sync.WaitGroup
	wg.Add(3 * n)
	done := wg.Done
	for i := 0; i < n; i++ {
		go worker(i, &wg)
		go func() { wg.Done() }()
		go done()
	}
	startedGo(3 * n)
	wg.Wait()
}

// nested starts a binary tree of goroutines, each from within another.
func nested(depth int) {
	var wg sync.WaitGroup
	var grow func(depth int)
	grow = func(depth int) {
		if depth > 0 {
			wg.Add(2)
			startedGo(2)
			go grow(depth - 1)
			go grow(depth - 1)
		}
		wg.Done()
	}
	wg.Add(1)
	startedGo(1)
	go grow(depth)
	wg.Wait()
}

// deepStacks runs fresh goroutines, which begin with a small stack, down a recursion that does
// everything probed at each level: the stack runs out in the prologue of a probed function
// sooner or later, and that call must count once although its entry runs twice. The depth at
// which recursions of different frame sizes begin shifts the point where it runs out.
func deepStacks() {
	var wg sync.WaitGroup
	for start := 0; start < 48; start++ {
		wg.Add(3)
		startedGo(3)
		go func(start int) { pad(start, writeDown); wg.Done() }(start)
		go func(start int) { pad(start, deleteDown); wg.Done() }(start)
		go func(start int) { pad(start, spawnDown); wg.Done() }(start)
	}
	wg.Wait()
}

// pad takes n frames of the stack before it calls f.
//
//go:noinline
func pad(n int, f func()) {
	if n > 0 {
		pad(n-1, f)
		return
	}
	f()
}

const downTo = 150

func writeDown() {
	writeAt(map[int64]int{}, map[string]int{}, map[pair]int{}, downTo)
	wrote(3 * downTo)
}

//go:noinline
func writeAt(m map[int64]int, s map[string]int, p map[pair]int, depth int) {
	if depth == 0 {
		return
	}
	m[int64(depth)] = depth
	s[key(depth)] = depth
	p[pair{a: int32(depth)}] = depth
	writeAt(m, s, p, depth-1)
}

func deleteDown() {
	m := map[int64]int{}
	s := map[string]int{}
	for i := 0; i < downTo; i++ {
		m[int64(i)] = i
		s[key(i)] = i
	}
	deleteAt(m, s, downTo)
	wrote(2 * downTo)
	deleted(2 * downTo)
}

//go:noinline
func deleteAt(m map[int64]int, s map[string]int, depth int) {
	if depth == 0 {
		return
	}
	delete(m, int64(depth))
	delete(s, key(depth))
	deleteAt(m, s, depth-1)
}

func spawnDown() {
	var wg sync.WaitGroup
	wg.Add(downTo)
	spawnAt(&wg, downTo)
	startedGo(downTo)
	spawnedAt(downTo)
	wg.Wait()
}

//go:noinline
func spawnAt(wg *sync.WaitGroup, depth int) {
	if depth == 0 {
		return
	}
	go worker(depth, wg)
	spawnAt(wg, depth-1)
}

// park starts n goroutines that stay.
func park(n int) {
	var wg sync.WaitGroup
	wg.Add(n)
	forever := make(chan bool)
	for i := 0; i < n; i++ {
		go func() {
			wg.Done()
			<-forever
		}()
	}
	startedGo(n)
	wg.Wait()
}

// settle waits until the goroutines that said they are done have really exited: the number of
// goroutines has not changed for a while.
func settle() {
	last := runtime.NumGoroutine()
	for same := 0; same < 20; same++ {
		time.Sleep(5 * time.Millisecond)
		if now := runtime.NumGoroutine(); now != last {
			last, same = now, 0
		}
	}
}
