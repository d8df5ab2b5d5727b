// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.18
// +build go1.18

package main

import (
	"fmt"
	"runtime"
	"strings"
)

type pair[A, B any] struct {
	a A
	b B
}

type store[K comparable, V any] struct{ m map[K]V }

func (s *store[K, V]) Put(k K, v V, i int) V {
	s.m[k] = same(v, note(i))
	return v
}

func same[V any](v V, _ int) V { return v }

//go:noinline
func forEach[T any](list []T, f func(int, T)) {
	for i, v := range list {
		f(i, v)
	}
}

//go:noinline
func runGeneric[T any](list []T) {
	s := &store[string, pair[int, T]]{make(map[string]pair[int, T])}
	scenario(s.m)
	if strings.HasPrefix(runtime.Version(), "go1.18") || strings.HasPrefix(runtime.Version(), "go1.19") {
		// Shared code passes mapassign the shape's type there, so more can't be known.
		current.MapType = "map[string]struct { main.a int; main.b string }"
	}
	forEach(list, func(i int, v T) {
		s.Put(fmt.Sprint(i), pair[int, T]{i, v}, i)
	})
}

func init() {
	more = append(more, func() { runGeneric(make([]string, entries)) })
}
