// SPDX-License-Identifier: BSD-2-Clause

//go:build !go1.16
// +build !go1.16

// Package gcstops: before Go 1.16 the runtime kept no such count.
package gcstops

// Count is always 0.
func Count() uint64 { return 0 }
