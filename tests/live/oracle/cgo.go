// SPDX-License-Identifier: BSD-2-Clause

package main

// static int one(void) { return 1; }
import "C"

var one = C.one()
