package main

/*
static __thread long mine[4];
static long touch(void) { return mine[1]++; }
*/
import "C"

func init() { C.touch() }
