// SPDX-License-Identifier: BSD-2-Clause

// A plugin that has a map of a type of its own grow.
package main

type plugged struct{ n int }

func put(m map[int]*plugged, i int, note func(int) int) { m[i] = &plugged{note(i)} }

// Grow announces the map, then makes it grow at its ninth entry.
func Grow(announce func(m interface{}), note func(int) int) {
	m := make(map[int]*plugged)
	announce(m)
	for i := 0; i < 9; i++ {
		put(m, i, note)
	}
}

func main() {}
