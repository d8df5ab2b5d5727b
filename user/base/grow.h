/* SPDX-License-Identifier: BSD-2-Clause */
/* Arrays that grow as they are needed: what most targets never fill takes no memory. */
#ifndef BASE_GROW_H
#define BASE_GROW_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The array, of *room elements of so many bytes, with room for count: at another
 * place perhaps, and *room updated. At least doubles, so that adding one by one is
 * cheap. NULL: out of memory, and the array is as it was.
 */
void *grow(void *array, size_t *room, size_t count, size_t element_bytes);

/* GROW(pointer, &room, count): the same in place. False: out of memory. */
#define GROW(array, room, count)                                                                   \
	({                                                                                         \
		void *grown_ = grow((array), (room), (count), sizeof(*(array)));                   \
		if (grown_)                                                                        \
			(array) = grown_;                                                          \
		grown_ != NULL;                                                                    \
	})

#endif
