/* SPDX-License-Identifier: BSD-2-Clause */
/* The text of /proc/PID/maps, whose paths a process chooses. */
#include "fuzz.h"
#include "proc/maps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct maps_iter it = { .text = { data, size } };
	static struct maps_entry entry, found;
	size_t before = 0;

	memset(&entry, 'x', sizeof(entry)); /* so that a missing NUL is read past */
	while (maps_next(&it, &entry)) {
		FUZZ_CHECK(it.pos > before && it.pos <= size);
		FUZZ_CHECK(entry.start < entry.end);
		FUZZ_CHECK(strnlen(entry.path, sizeof(entry.path)) < sizeof(entry.path));
		if (before == 0 || it.pos == size) {
			FUZZ_CHECK(!maps_find(it.text, entry.start, &found));
			FUZZ_CHECK(!maps_find(it.text, entry.end - 1, &found));
		}
		before = it.pos;
	}
	FUZZ_CHECK(it.pos == size);
	return 0;
}
