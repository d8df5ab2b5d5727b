// SPDX-License-Identifier: BSD-2-Clause

//go:build cgo
// +build cgo

package main

/*
#cgo CFLAGS: -O1 -fno-omit-frame-pointer
extern void goCallback(int);
static __attribute__((noinline)) void stacks_call_back(int i)
{
	goCallback(i);
	__asm__ volatile("");
}
*/
import "C"

type called int

var calledMap = make(map[int]called)

//export goCallback
func goCallback(i C.int) {
	calledMap[int(i)] = called(note(int(i)))
}

//go:noinline
func runCallback() {
	scenario(calledMap)
	current.CFrames = true
	for i := 0; i < entries; i++ {
		C.stacks_call_back(C.int(i))
	}
}

func init() {
	more = append(more, runCallback)
}
