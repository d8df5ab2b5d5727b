/* SPDX-License-Identifier: BSD-2-Clause */
/* What the runtime's panics and fatal errors mean: their types and messages, Go 1.15 to 1.27. */
#ifndef GOBIN_FAULTS_H
#define GOBIN_FAULTS_H

#include <stdbool.h>

#include <gosonde/wire.h>

enum go_fault {
	GO_FAULT_PANIC, /* any other panic: may well be the program's own way to report an error */
	GO_FAULT_NIL_MAP,	 /* a write to a nil map */
	GO_FAULT_ASSERTION,	 /* a failed type assertion */
	GO_FAULT_CONCURRENT_MAP, /* a map used by two goroutines at once; fatal */
	GO_FAULT_FATAL,		 /* any other error that ends the process: throw, fatal */
};

/* type, text: of a panic's value, as far as known; "" else. */
enum go_fault go_fault_kind(enum wire_fn fn, const char *type, const char *text);

/* How a panic's message is found in its value. */
enum go_panic_value {
	GO_PANIC_OPAQUE,    /* only by calling its methods */
	GO_PANIC_STRING,    /* it begins with a Go string, which is the message */
	GO_PANIC_ASSERTION, /* runtime.TypeAssertionError: interface, concrete, asserted type,
			       method */
};

enum go_panic_value go_panic_value(const char *type);

#endif
