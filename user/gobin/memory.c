/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/memory.h"

#include "base/macros.h"

size_t memory_read_pieces(const struct memory_reader *mem, const struct memory_piece *pieces,
			  size_t n)
{
	size_t i = 0;

	if (mem->read_pieces)
		return MIN(n, mem->read_pieces(mem->arg, pieces, n));
	while (i < n && !mem->read(mem->arg, pieces[i].addr, pieces[i].buf, pieces[i].len))
		i++;
	return i;
}
