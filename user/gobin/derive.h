/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the runtime's fields and words are, told by the code that uses them: for
 * versions of Go and experiments that no table was made from. Every fact has one
 * place in one function that must look exactly as expected, else it stays unknown;
 * and none is to be used before it was checked on a live process (layout_check.h).
 */
#ifndef GOBIN_DERIVE_H
#define GOBIN_DERIVE_H

#include "gobin/layout.h"

/*
 * Fields of g, m, p and sched. What is found goes into ret->field, and into
 * ret->global for sched, whose base is then where goidgen is; other entries stay
 * as they were. What is not found has its reason in ret->field_why.
 */
void derive_fields(const struct gobin *bin, struct go_layout *ret);

/*
 * The words of a GC cycle, into ret->gc, or why not into ret->word_why; also
 * the fields of memstats that follow each other, from pause_total_ns on.
 */
void derive_gc_words(const struct gobin *bin, struct go_layout *ret);

#endif
