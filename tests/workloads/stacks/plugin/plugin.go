// SPDX-License-Identifier: BSD-2-Clause

// A plugin that has a map of a type of its own grow.
package main

import "fmt"

type plugged struct{ n int }

type inserter func(m interface{}, key string, value interface{})

func put(m map[string]*plugged, i int, insert inserter, note func(int) int) {
	insert(m, fmt.Sprint(i), &plugged{note(i)})
}

// Grow announces the map, then makes it grow at its ninth entry.
func Grow(announce func(m interface{}), insert func(m interface{}, key string, value interface{}), note func(int) int) {
	m := make(map[string]*plugged)
	announce(m)
	for i := 0; i < 9; i++ {
		put(m, i, insert, note)
	}
}

func main() {}
