/* SPDX-License-Identifier: BSD-2-Clause */
/* Inlined calls of every layout, and trees that lie. The live tests compare with the runtime
 * itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "gobin/gobin.h"
#include "go_image.h"

enum {
	FUNC = 2, /* the last one: what follows its _func is free for the arrays */
	FUNC_AT = TABLE_OFFSET + FUNCS_AT + FUNC * FUNC_BYTES,
	TREE_OFFSET = 0xc00,
	INDEX_AT = 16,	    /* of the table of tree indexes, in pcvalues */
	GOFUNC_BACK = 0x40, /* so far before the tree gofunc points */
	FRAMES_MAX = 8,
	NONE = 0xffffffff,
};

#define FUNC_ADDR (TEXT_ADDR + FUNC * FUNC_BYTES)

/* What the layout of a release is, from its sources and not from the reader. */
static const struct release {
	unsigned int minor;
	const char *version;
	size_t npcdata, func_id, nfuncdata, tree; /* offsets in _func; FUNCDATA_InlTree */
	size_t node, name, parent_pc, node_id;	  /* runtime.inlinedCall */
	u8 wrapper;
	size_t gofunc; /* in moduledata; 0: funcdata are pointers */
} releases[] = {
	{ 15, "go1.15.15", 32, 36, 39, 4, 20, 12, 16, 2, 22, 0 },
	{ 16, "go1.16.15", 32, 40, 43, 3, 20, 12, 16, 2, 22, 0 },
	{ 17, "go1.17.13", 32, 40, 43, 3, 20, 12, 16, 2, 22, 0 },
	{ 19, "go1.19.8", 28, 36, 39, 3, 20, 12, 16, 2, 21, 304 },
	{ 21, "go1.21.13", 28, 40, 43, 3, 16, 4, 8, 0, 21, 320 },
	{ 22, "go1.22.12", 28, 40, 43, 3, 16, 4, 8, 0, 22, 320 },
	{ 24, "go1.24.4", 28, 40, 43, 3, 16, 4, 8, 0, 22, 320 },
	{ 25, "go1.25.1", 28, 40, 43, 3, 16, 4, 8, 0, 23, 320 },
	{ 27, "go1.27.3", 28, 40, 43, 3, 16, 4, 8, 0, 23, 344 },
};

static size_t inner_name(const struct release *r)
{
	return r->minor < 16 ? NAMES_AT : 0x20;
}

static void put_node(struct go_image *image, const struct release *r, size_t i, size_t name,
		     u64 parent_pc, u8 id)
{
	size_t at = TREE_OFFSET + i * r->node;

	image_put(image, at + r->name, name, 4);
	image_put(image, at + r->parent_pc, parent_pc, 4);
	image_put(image, at + r->node_id, id, 1);
}

static size_t tree_slot(const struct release *r)
{
	size_t funcdata = FUNC_AT + r->nfuncdata + 1 + 3 * 4;

	if (r->gofunc)
		return funcdata + r->tree * 4;
	return ((funcdata + 7) & ~7ul) + r->tree * 8;
}

/*
 * Function 2 of 64 bytes: 8 bytes of main.a, which main.b called at 9; 8 bytes of main.b, which the
 * function called at 40; the rest is its own. Lines: 10 up to 16, then 12.
 */
static void make(struct go_image *image, const struct release *r, bool pie)
{
	static const u8 indexes[] = { 2, 8, 2, 8, 3, 48, 0 };
	size_t name = inner_name(r), names = TABLE_OFFSET + (r->minor < 16 ? 0 : NAMES_AT);
	size_t values = r->minor < 16 ? PCVALUES_AT : 0;

	image_make(image, r->minor, pie, r->version, "");
	image_text(image, names + name, "main.a");
	image_text(image, names + name + 8, "main.b");
	memcpy(image->bytes + TABLE_OFFSET + PCVALUES_AT + INDEX_AT, indexes, sizeof(indexes));
	image_put(image, FUNC_AT + r->npcdata, 3, 4);
	image_put(image, FUNC_AT + r->nfuncdata, r->tree + 1, 1);
	image_put(image, FUNC_AT + r->nfuncdata + 1, 0, 8); /* the other two tables */
	image_put(image, FUNC_AT + r->nfuncdata + 1 + 8, values + INDEX_AT, 4);
	if (r->gofunc) {
		image_put(image, tree_slot(r), GOFUNC_BACK, 4);
		image_address(image, MODULE_OFFSET + r->gofunc,
			      CODE_ADDR + TREE_OFFSET - GOFUNC_BACK);
	} else {
		image_address(image, tree_slot(r), CODE_ADDR + TREE_OFFSET);
	}
	put_node(image, r, 0, name, 9, 0);
	put_node(image, r, 1, name + 8, 40, r->wrapper);
	image_headers(image);
}

/* "func:line" of each frame, innermost first; a wrapper has a star. */
static void expect(const struct go_image *image, const char *version, u64 offset, const char *want)
{
	struct gobin_line lines[FRAMES_MAX];
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	char text[512] = "";
	struct err err = { "" };
	int n;

	if (gobin_open(&bin, image_file(image), &err))
		fail_msg("%s: %s", version, err.text);
	n = gobin_frames(bin, FUNC_ADDR + offset, lines, FRAMES_MAX);
	assert_in_range(n, 1, FRAMES_MAX);
	for (int i = 0; i < n; i++) {
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s:%u",
			 i ? " " : "", lines[i].wrapper ? "*" : "", lines[i].func, lines[i].line);
		assert_string_equal(lines[i].file, "/src/main.go");
	}
	if (strcmp(text, want) != 0)
		fail_msg("%s%s at +%llu: got \"%s\", wanted \"%s\"", version,
			 image->pie ? " PIE" : "", offset, text, want);
}

static void every_layout_has_its_frames(void **state)
{
	static struct go_image image;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(releases); i++) {
		const struct release *r = &releases[i / 2];

		make(&image, r, i % 2);
		expect(&image, r->version, 0, "main.a:10 *main.b:10 runtime.newproc:12");
		expect(&image, r->version, 7, "main.a:10 *main.b:10 runtime.newproc:12");
		expect(&image, r->version, 8, "*main.b:10 runtime.newproc:12");
		expect(&image, r->version, 16, "runtime.newproc:12");
		expect(&image, r->version, 63, "runtime.newproc:12");
		image_put(&image, FUNC_AT + r->func_id, r->wrapper, 1);
		expect(&image, r->version, 16, "*runtime.newproc:12");
	}
}

static void frames_beyond_the_buffer_are_left_out(void **state)
{
	static struct go_image image;
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct gobin_line *lines = malloc(2 * sizeof(*lines));

	(void)state;
	assert_non_null(lines);
	make(&image, &releases[5], false);
	assert_int_equal(gobin_open(&bin, image_file(&image), NULL), 0);
	assert_int_equal(gobin_frames(bin, FUNC_ADDR, lines, 2), 2);
	assert_string_equal(lines[1].func, "main.b");
	assert_int_equal(gobin_frames(bin, TEXT_END, lines, 2), -ENOENT);
	assert_int_equal(gobin_frames(bin, TEXT_ADDR - 1, lines, 2), -ENOENT);
	free(lines);
}

static void trees_that_lie_end_early(void **state)
{
	static struct go_image image;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(releases); i++) {
		const struct release *r = &releases[i];
		size_t name = inner_name(r);
		const char *own = "runtime.newproc:10";

		make(&image, r, false); /* calls itself for ever: as many as there is room for */
		put_node(&image, r, 0, name, 0, 0);
		expect(&image, r->version, 0,
		       "main.a:10 main.a:10 main.a:10 main.a:10 main.a:10 main.a:10 main.a:10 "
		       "main.a:10");
		make(&image, r, false);
		put_node(&image, r, 0, name, FUNC_BYTES, 0); /* called from outside the function */
		expect(&image, r->version, 0, own);
		put_node(&image, r, 0, name, 0xffffffff, 0);
		expect(&image, r->version, 0, own);
		put_node(&image, r, 0, 0x7fffffff, 9, 0); /* a name behind the names */
		expect(&image, r->version, 0, own);
		make(&image, r, false);
		image_put(&image, FUNC_AT + r->npcdata, 2, 4); /* no table of indexes */
		expect(&image, r->version, 0, own);
		make(&image, r, false);
		image_put(&image, FUNC_AT + r->npcdata, 0xffffffff, 4);
		expect(&image, r->version, 0, own);
		make(&image, r, false);
		image_put(&image, FUNC_AT + r->nfuncdata, r->tree, 1); /* no tree */
		expect(&image, r->version, 0, own);
		make(&image, r, false);
		image_put(&image, tree_slot(r), r->gofunc ? NONE : 0, r->gofunc ? 4 : 8);
		expect(&image, r->version, 0, own);
		image_put(&image, tree_slot(r), 0x7fffffff, r->gofunc ? 4 : 8); /* in no segment */
		expect(&image, r->version, 0, own);
	}
}

/* Whatever bytes the table has, it is read within its bounds: the sanitizers watch. */
static void random_tables_are_read_within_bounds(void **state)
{
	static struct go_image image;
	struct gobin_line lines[FRAMES_MAX];
	unsigned int seed = 20, opened = 0;

	(void)state;
	for (size_t round = 0; round < 3000; round++) {
		const struct release *r = &releases[round % ARRAY_SIZE(releases)];
		CLEANUP(gobin_freep) struct gobin *bin = NULL;

		make(&image, r, round & 1);
		for (int i = 0; i < 6; i++) {
			size_t at = i & 1 ? FUNC_AT + (size_t)rand_r(&seed) % 0x60
					  : TREE_OFFSET + (size_t)rand_r(&seed) % 0x40;

			image.bytes[at] = (u8)rand_r(&seed);
		}
		if (gobin_open(&bin, image_file(&image), NULL))
			continue;
		opened++;
		for (u64 pc = TEXT_ADDR; pc < TEXT_END; pc++)
			assert_in_range(gobin_frames(bin, pc, lines, FRAMES_MAX) + 100, 1,
					100 + FRAMES_MAX);
	}
	assert_true(opened > 1000); /* or this test tests nothing */
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layout_has_its_frames),
		cmocka_unit_test(frames_beyond_the_buffer_are_left_out),
		cmocka_unit_test(trees_that_lie_end_early),
		cmocka_unit_test(random_tables_are_read_within_bounds),
	};

	return cmocka_run_group_tests_name("inline", tests, NULL, NULL);
}
