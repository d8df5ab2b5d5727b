// SPDX-License-Identifier: BSD-2-Clause

package life

// #include <unistd.h>
import "C"

// A build with cgo is one that calls C; without cgo the file is left out.
func init() { C.getpid() }
