/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every fuzz target has: libFuzzer's entry point, and a check that holds
 * with any compiler flags. A target parses, and if that worked walks everything
 * that can be asked for; it fails by crashing.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cursor.h"
#include "base/macros.h"

/* libFuzzer's, or fuzz_main.c's. data ends where the input does: ASan sees a read behind it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_CHECK(condition)                                                                      \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Reads a text to its end, so that ASan sees all of it. */
static inline void fuzz_read_text(const char *text)
{
	volatile size_t len = strlen(text);

	(void)len;
}

static inline void fuzz_read_bytes(struct bytes bytes)
{
	volatile u8 sum = 0;

	for (size_t i = 0; i < bytes.size; i++)
		sum = (u8)(sum + bytes.data[i]);
}

#endif
