/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/grow.h"

#include <stdlib.h>

#include "base/macros.h"

enum { ROOM_LEAST = 16 };

void *grow(void *array, size_t *room, size_t count, size_t element_bytes)
{
	size_t larger = MAX(MAX(2 * *room, count), (size_t)ROOM_LEAST);

	if (array && count <= *room)
		return array;
	array = reallocarray(array, larger, element_bytes);
	if (array)
		*room = larger;
	return array;
}
