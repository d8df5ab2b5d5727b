// SPDX-License-Identifier: BSD-2-Clause

// A program with every function that is probed (the linker drops what is not called) and with
// types, closures and inlined calls of its own, for the comparisons with other tools.
package main

import "fmt"

type Order struct{ A, B int }

type wide struct{ a, b, c int }

//go:noinline
func fill(orders map[string]*Order, n int) {
	for i := 0; i < n; i++ {
		orders[fmt.Sprint(i)] = &Order{i, i}
	}
}

//go:noinline
func writes() {
	generic, narrow, word := map[wide]int{}, map[int32]int{}, map[int]int{}
	text, pointer := map[string]int{}, map[*int]int{}
	for i := 0; i < 100; i++ {
		generic[wide{i, i, i}], narrow[int32(i)], word[i] = i, i, i
		text[fmt.Sprint(i)], pointer[new(int)] = i, i
	}
	delete(generic, wide{})
	delete(narrow, 1)
	delete(word, 1)
	delete(text, "1")
	for k := range generic {
		delete(generic, k)
	}
}

func main() {
	orders := map[string]*Order{}
	fill(orders, 100)
	writes()
	done := make(chan bool)
	go func() { fmt.Println(len(orders)); done <- true }()
	<-done
}
