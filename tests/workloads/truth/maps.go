// SPDX-License-Identifier: BSD-2-Clause

package main

// Every kind of key has map functions of its own in the runtime: 4 and 8 bytes, pointers,
// strings, and the generic ones for all else.

type pair struct {
	a, b int32
	c    int16
}
type wide struct{ a, b, c uint64 }
type big struct{ words [24]uint64 } // above 128 bytes: values are held by pointer
type boxed struct{ p *wide }        // a pointer in disguise: fast64ptr too

func mapRound(ops int) {
	const workers = 11
	done := make(chan bool, workers)
	startedGo(workers)
	go func() { int32Map(ops); done <- true }()
	go func() { uint32Map(ops); done <- true }()
	go func() { int64Map(ops); done <- true }()
	go func() { stringMap(ops); done <- true }()
	go func() { pointerMap(ops); done <- true }()
	go func() { structMap(ops); done <- true }()
	go func() { interfaceMap(ops); done <- true }()
	go func() { floatMap(ops); done <- true }()
	go func() { bigMap(ops / 4); done <- true }()
	go func() { assignments(ops); done <- true }()
	go func() { literals(ops / 16); done <- true }()
	for i := 0; i < workers; i++ {
		<-done
	}
}

func int32Map(n int) {
	m := map[int32]int{}
	for i := 0; i < n; i++ {
		m[int32(i)] = i
	}
	for i := 0; i < n; i += 2 {
		delete(m, int32(i))
	}
	wrote(n)
	deleted((n + 1) / 2)
}

func uint32Map(n int) {
	m := make(map[uint32]bool, n)
	for i := 0; i < n; i++ {
		m[uint32(i%97)] = true
	}
	for i := 0; i < n; i++ { // most keys are absent: a call is a call
		delete(m, uint32(i))
	}
	wrote(n)
	deleted(n)
}

func int64Map(n int) {
	m := map[int64]string{}
	for i := 0; i < n; i++ {
		m[int64(i)*1000003] = "x"
	}
	for i := 0; i < n; i += 3 {
		delete(m, int64(i)*1000003)
	}
	wrote(n)
	deleted((n + 2) / 3)
}

// key makes a string without fmt.
func key(i int) string {
	b := [8]byte{'k'}
	for at := 1; at < len(b); at++ {
		b[at] = 'a' + byte(i%26)
		i /= 26
	}
	return string(b[:])
}

func stringMap(n int) {
	m := map[string]*wide{}
	for i := 0; i < n; i++ {
		m[key(i)] = &wide{a: uint64(i)}
	}
	for i := 0; i < n; i += 2 {
		delete(m, key(i))
	}
	wrote(n)
	deleted((n + 1) / 2)
	// One mapclear and no delete. With keys of 4 and 8 bytes Go 1.19's compiler misses that, so
	// they are not cleared here: order.go wraps such keys before range.go compares them.
	for k := range m {
		delete(m, k)
	}
	cleared(1)
}

func pointerMap(n int) {
	keys := make([]*wide, n)
	m := map[*wide]int{}
	wrapped := map[boxed]int{}
	for i := range keys {
		keys[i] = &wide{a: uint64(i)}
		m[keys[i]] = i
		wrapped[boxed{keys[i]}] = i
	}
	for _, k := range keys {
		delete(m, k)
		delete(wrapped, boxed{k})
	}
	wrote(2 * n)
	deleted(2 * n)
}

func structMap(n int) {
	m := map[pair]wide{}
	for i := 0; i < n; i++ {
		m[pair{int32(i), int32(-i), 3}] = wide{}
	}
	for i := 0; i < n; i += 2 {
		delete(m, pair{int32(i), int32(-i), 3})
	}
	wrote(n)
	deleted((n + 1) / 2)
	for k := range m {
		delete(m, k)
	}
	cleared(1)
}

func interfaceMap(n int) {
	m := map[interface{}]int{}
	for i := 0; i < n; i++ {
		if i%2 == 0 {
			m[i] = i
		} else {
			m[key(i)] = i
		}
	}
	for i := 0; i < n; i++ {
		delete(m, interface{}(i))
	}
	wrote(n)
	deleted(n)
}

func floatMap(n int) {
	m := map[float64]int{}
	for i := 0; i < n; i++ {
		m[float64(i)/3] = i
	}
	for i := 0; i < n; i += 5 {
		delete(m, float64(i)/3)
	}
	wrote(n)
	deleted((n + 4) / 5)
}

func bigMap(n int) {
	m := map[int32]big{}
	g := map[big]big{}
	for i := 0; i < n; i++ {
		v := big{}
		v.words[3] = uint64(i)
		m[int32(i)] = v
		g[v] = v
	}
	for i := 0; i < n; i++ {
		delete(m, int32(i))
	}
	wrote(2 * n)
	deleted(n)
}

// assignments: forms of assignment that are one call each.
func assignments(n int) {
	sums := map[string]int{}
	lists := map[int64][]int{}
	var x int
	for i := 0; i < n; i++ {
		sums[key(i%50)] += i
		sums[key(i%60)]++
		lists[int64(i%100)] = append(lists[int64(i%100)], i)
		sums["first"], lists[1000] = i, nil
		x, sums["last"] = i, x
	}
	wrote(6 * n)
}

// literals: small ones are written key by key, from 26 entries on in a loop over an array; each
// entry is a call either way.
func literals(n int) {
	for i := 0; i < n; i++ {
		small := map[string]int{"one": 1, "two": 2, "three": 3, "i": i}
		large := map[int32]int{
			0: 0, 1: i, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9, 10: 10, 11: 11, 12: 12,
			13: 13, 14: 14, 15: 15, 16: 16, 17: 17, 18: 18, 19: 19, 20: 20, 21: 21, 22: 22, 23: 23,
			24: 24, 25: 25, 26: 26, 27: 27, 28: 28, 29: 29,
		}
		delete(small, "one")
		delete(large, 7)
	}
	wrote(34 * n)
	deleted(2 * n)
}
