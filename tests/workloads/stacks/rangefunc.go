// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.23
// +build go1.23

package main

type ranged int

//go:noinline
func upTo(yield func(int) bool) {
	for i := 0; i < entries && yield(i); i++ {
	}
}

//go:noinline
func runRanged() {
	m := make(map[int]ranged)
	scenario(m)
	for i := range upTo {
		m[i] = ranged(note(i))
	}
}

func init() {
	more = append(more, runRanged)
}
