/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is derived from code: variables, fields and words, where every function
 * that they are looked for in is the input. Input: which function (1 byte),
 * release (1 byte), then its code.
 */
#include "fuzz_image.h"
#include "gobin/layout.h"

enum { BODY_BYTES = TYPES_OFFSET - TEXT_OFFSET - 2 * FUNC_BYTES };

/* Those of derive_*.c and globals.c: a name too many does no harm, one too few is not fuzzed. */
static const char *const functions[] = {
	"runtime.allgadd",
	"runtime.casgstatus",
	"runtime.gcMarkTermination",
	"runtime.gcStart",
	"runtime.gopark",
	"runtime.newproc1",
	"runtime.preemptall",
	"runtime.printint",
	"runtime.(*gcControllerState).startCycle",
	"runtime.schedinit",
	"runtime.stopTheWorldWithSema",
	"runtime.goexit0",
	"runtime.gdestroy",
	"runtime.(*gcControllerState).heapGoalInternal",
};

/* Makes the first function long, and the input its name and code; types and etext follow it. */
static void put_function(struct go_image *image, const char *name, struct bytes code)
{
	size_t table = TABLE_OFFSET + FUNCTAB_AT, names = TABLE_OFFSET + NAMES_AT;
	size_t text = image->minor < 18 ? 0 : 176;

	for (size_t i = 1; i <= FUNC_COUNT; i++) {
		u64 entry = BODY_BYTES + (i - 1) * FUNC_BYTES;

		image_put(image, table + i * 8, entry, 4);
		if (i < FUNC_COUNT)
			image_put(image, TABLE_OFFSET + FUNCS_AT + i * FUNC_BYTES, entry, 4);
	}
	(void)image_text(image, names + 0x10, name);
	image_put(image, TABLE_OFFSET + FUNCS_AT + 4, 0x10, 4); /* its name */
	for (size_t i = 1; i < FUNC_COUNT; i++)
		image_put(image, TABLE_OFFSET + FUNCS_AT + i * FUNC_BYTES + 4, 0, 4);
	image_put(image, MODULE_OFFSET + text + 8, TYPES_ADDR, 8); /* etext */
	fuzz_image_lay(image, TEXT_OFFSET, BODY_BYTES, code);
}

static void check_layout(const struct go_layout *layout)
{
	struct go_global_place place;
	struct go_offset offset;
	struct go_word word;
	struct err err;

	for (int i = 0; i < GO_FIELD_COUNT; i++)
		if (!go_layout_offset(layout, (enum go_field)i, &offset))
			FUZZ_CHECK(offset.how);
	for (int i = 0; i < GO_GLOBAL_COUNT; i++) {
		err.text[0] = '\0';
		if (go_layout_global(layout, (enum go_global)i, &place, &err))
			FUZZ_CHECK(err.text[0]);
		else
			FUZZ_CHECK(place.addr >= DATA_ADDR &&
				   place.addr < DATA_ADDR + 2 * DATA_BYTES);
	}
	for (int i = 0; i < WIRE_GC_WORDS; i++) {
		err.text[0] = '\0';
		if (!go_layout_gc_word(layout, (enum wire_gc_word)i, &word, &err))
			FUZZ_CHECK(word.how &&
				   (word.size == 1 || word.size == 4 || word.size == 8));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Relative functab entries only: a long function is then four words. 20 and 28 are in no
	 * table, so all of it is derived. */
	static const u8 releases[] = { 4, 6, 8, 10, 11, 12 };
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	static struct go_layout layout;
	static struct go_image image;

	if (size < 2)
		return 0;
	(void)fuzz_image_make(&image, releases[data[1] % ARRAY_SIZE(releases)]);
	put_function(&image, functions[data[0] % ARRAY_SIZE(functions)],
		     (struct bytes) { data + 2, size - 2 });
	bin = fuzz_image_open(&image);
	FUZZ_CHECK(bin);
	go_layout_find(bin, &layout);
	check_layout(&layout);
	return 0;
}
