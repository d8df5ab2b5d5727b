/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole program, from the search for moduledata to every question that it
 * answers. Input: release (1 byte), then patches over a sound program.
 */
#include "fuzz_image.h"

enum { MAX_FRAMES = 4 };

static void walk_func(const struct gobin *bin, const struct gobin_func *func)
{
	struct gobin_line frames[MAX_FRAMES], line;
	struct gobin_func found;
	u64 offset;
	int n;

	fuzz_read_text(func->name);
	(void)gobin_func_by_name(bin, func->name, &found);
	fuzz_read_bytes(gobin_bytes(bin, func->addr, func->size));
	(void)gobin_file_offset(bin, func->addr, &offset);
	(void)gobin_line(bin, func->addr + func->size / 2, &line);
	n = gobin_frames(bin, func->addr + func->size / 2, frames, MAX_FRAMES);
	FUZZ_CHECK(n && n <= MAX_FRAMES);
	for (int i = 0; i < n; i++) {
		fuzz_read_text(frames[i].func);
		fuzz_read_text(frames[i].file);
	}
}

static void walk(const struct gobin *bin)
{
	const struct gobin_info *info = gobin_info(bin);
	struct gobin_func func;
	u64 start, end, size;

	fuzz_read_text(info->version_text);
	fuzz_read_text(info->module);
	FUZZ_CHECK(info->text_start <= info->text_end);
	for (size_t i = 0; i < gobin_func_count(bin); i++)
		if (!gobin_func_at(bin, i, &func))
			walk_func(bin, &func);
	FUZZ_CHECK(gobin_func_at(bin, gobin_func_count(bin), &func));
	(void)gobin_func_by_pc(bin, info->text_end, &func);
	(void)gobin_code_addr(bin, &start);
	(void)gobin_symbol(bin, "runtime.work", &start, &size);
	if (!gobin_data_range(bin, &start, &end))
		FUZZ_CHECK(start <= end);
	if (!gobin_types_range(bin, &start, &end))
		FUZZ_CHECK(start <= end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct cursor c = cursor_at((struct bytes) { data, size }, 0);
	struct go_image image;

	(void)fuzz_image_make(&image, cursor_u8(&c));
	fuzz_image_patch(&image, &c);
	bin = fuzz_image_open(&image);
	if (bin)
		walk(bin);
	return 0;
}
