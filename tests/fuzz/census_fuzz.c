/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of goroutines, in a target's memory that is the input. Input:
 * release, and whether a batch of pieces can be read at once (1 byte); offsets
 * of g's fields, as hostile code would have them derived (6 bytes; zeros: the
 * table's); then memory, from MEMORY_ADDR on: allglen, allgs, and what they
 * lead to.
 */
#include <errno.h>

#include "fuzz_image.h"
#include "gobin/census.h"

#define MEMORY_ADDR 0xc000000000ull

static const enum go_field fields[] = { GO_G_STATUS, GO_G_GOID, GO_G_GOPC };

static int read_memory(void *arg, u64 addr, void *buf, size_t len)
{
	const struct bytes *memory = arg;
	struct bytes part = bytes_slice(*memory, addr - MEMORY_ADDR, len);

	if (!part.data)
		return -EFAULT;
	memcpy(buf, part.data, len);
	return 0;
}

static size_t read_pieces(void *arg, const struct memory_piece *pieces, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (read_memory(arg, pieces[i].addr, pieces[i].buf, pieces[i].len))
			return i;
	return n;
}

static void make_layout(struct go_layout *layout, u8 selector, struct cursor *c)
{
	const struct fuzz_release *release = &fuzz_releases[selector % ARRAY_SIZE(fuzz_releases)];
	struct goversion version = { .major = 1, .minor = (u16)release->minor };

	memset(layout, 0, sizeof(*layout));
	for (int i = 0; i < GO_FIELD_COUNT; i++)
		(void)go_field_offset(&version, (enum go_field)i, &layout->field[i]);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		u16 offset = cursor_u16(c);

		if (offset)
			layout->field[fields[i]].offset = offset;
	}
	layout->global[GO_ALLGLEN] = (struct go_global_place) { MEMORY_ADDR, "fuzz" };
	layout->global[GO_ALLGS] = (struct go_global_place) { MEMORY_ADDR + 8, "fuzz" };
}

static void check(const struct go_census *census)
{
	FUZZ_CHECK(census->count <= CENSUS_MAX);
	for (size_t i = 0; i < census->count; i++) {
		const struct go_goroutine *g = &census->goroutines[i];

		FUZZ_CHECK(g->id && (!i || g[-1].id < g->id));
		FUZZ_CHECK(strcmp(go_state_name(g->state), "?") != 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor c = cursor_at((struct bytes) { data, size }, 0);
	static struct go_layout layout;
	u8 selector = cursor_u8(&c);
	struct go_census census = { 0 };
	struct err err = { "" };
	struct bytes memory;

	make_layout(&layout, selector, &c);
	if (cursor_failed(&c))
		return 0;
	memory = bytes_slice(c.bytes, c.pos, size - c.pos);
	if (go_census_read(
		    &(struct go_process) {
			    .layout = &layout,
			    .mem = { .read = read_memory,
				     .read_pieces = selector & 0x80 ? read_pieces : NULL,
				     .arg = &memory } },
		    CENSUS_MAX, &census, &err)) {
		FUZZ_CHECK(err.text[0] && !census.goroutines);
		return 0;
	}
	check(&census);
	go_census_done(&census);
	return 0;
}
