// SPDX-License-Identifier: BSD-2-Clause

//go:build go1.16
// +build go1.16

// Package gcstops tells how often the collector stopped the world by the runtime's own count. Twice a
// cycle is only nearly so: one whose mark termination finds a write barrier's buffer that isn't empty
// starts the world again and stops it once more (gcMarkDone, runtime/mgc.go).
package gcstops

import "runtime/metrics"

var sample = []metrics.Sample{{Name: "/gc/pauses:seconds"}}

// Count is of the whole life of the process. The first call fills maps of the runtime: it belongs before
// anything that is counted.
func Count() uint64 {
	var n uint64
	metrics.Read(sample)
	for _, c := range sample[0].Value.Float64Histogram().Counts {
		n += c
	}
	return n
}
