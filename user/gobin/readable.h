/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of functions for people, still to be recognised beside a traceback:
 *
 *	main.(*Cache[go.shape.int,go.shape.string]).Put	main.(*Cache[...]).Put
 *	main.Map[go.shape.int_0].func1			main.Map[...].func1
 *	gopkg.in/yaml%2ev3.Unmarshal			gopkg.in/yaml.v3.Unmarshal
 *
 * Type arguments become [...], as the runtime prints them (funcNameForPrint in
 * runtime/traceback.go, from Go 1.21; here for older binaries too): shapes are
 * the compiler's business. In type:.eq.[2]main.T they are no arguments, and
 * stay. The linker's escapes in package paths are undone
 * (cmd/internal/objabi/path.go), because people search for the path that they
 * import. All else stays: run.func1 is a closure, run.func1.1 and
 * run.gowrap1, run.deferwrap1 (run·dwrap·1 before Go 1.21) what the compiler
 * makes of go and defer, run-range1 the body of a range over a function, and
 * Put-fm a method value.
 */
#ifndef GOBIN_READABLE_H
#define GOBIN_READABLE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the readable name of a function of the function table, cut to size - 1
 * bytes (size >= 1). Raw still: escape it on the way out. Returns buf.
 */
char *go_readable_func(char *buf, size_t size, const char *name);

/*
 * The same for a type's name. Generic code that is shared between types knows
 * but their shapes: go.shape.int becomes int, and so does the go.shape.int_0 of
 * Go 1.18 and 1.19 (numbered: cmd/compile/internal/typecheck/subr.go, Shapify).
 */
char *go_readable_type(char *buf, size_t size, const char *name, bool numbered);

/* The last element of a source file's path, as stacks show it; borrowed from path. */
const char *go_readable_file(const char *path);

/*
 * Whether this is one of the functions that end a call by force, so that a
 * wrapper which called it is shown in stacks (elideWrapperCalling() in
 * runtime/traceback.go); any other wrapper is left out of them.
 */
bool go_shows_wrapper(const char *callee);

#endif
