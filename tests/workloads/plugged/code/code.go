// SPDX-License-Identifier: BSD-2-Clause

// The plugin of plugged.
package main

import "sync"

var kept = map[int]int{}

// Work writes to a map and has goroutines come and go.
func Work(writes, goroutines int) {
	for i := 0; i < writes; i++ {
		kept[i] = i
	}
	var done sync.WaitGroup
	done.Add(goroutines)
	for i := 0; i < goroutines; i++ {
		go done.Done()
	}
	done.Wait()
}

func main() {}
