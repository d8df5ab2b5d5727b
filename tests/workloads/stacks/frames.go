// SPDX-License-Identifier: BSD-2-Clause

package main

import (
	"bufio"
	"fmt"
	"os"
	"path"
	"runtime"
	"strconv"
)

// frames says what the runtime calls each address on stdin: ADDRESS FUNCTION FILE:LINE, innermost frame.
func frames() error {
	in, out := bufio.NewScanner(os.Stdin), bufio.NewWriter(os.Stdout)
	for in.Scan() {
		pc, err := strconv.ParseUint(in.Text(), 16, 64)
		if err != nil {
			return err
		}
		// CallersFrames takes return addresses and looks one byte before them.
		f, _ := runtime.CallersFrames([]uintptr{uintptr(pc) + 1}).Next()
		if f.Function == "" {
			f.Function = "?" // the runtime takes the name at offset 0 of its table for none
		}
		fmt.Fprintf(out, "%x %s %s:%d\n", pc, shape(f.Function), path.Base(f.File), f.Line)
	}
	if err := in.Err(); err != nil {
		return err
	}
	return out.Flush()
}
