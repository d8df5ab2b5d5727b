/* SPDX-License-Identifier: BSD-2-Clause */
/* The function table: names, lines, inlined calls. Input: release (1 byte), then the table. */
#include "fuzz_image.h"
#include "gobin/pclntab_inline.h"
#include "gobin/pclntab_names.h"

/* Room for the code of real functions, whose tables are in the corpus. */
#define TABLE_TEXT_END (TEXT_ADDR + (1 << 20))

enum { MAX_TABLE_BYTES = 1 << 16, MAX_FRAMES = 8 };

/* The table is the end of its segment, so that a read past it is one past the input. */
struct parsed {
	struct elf_image elf;
	struct goversion version;
	struct pclntab tab;
};

static void walk_pc(const struct parsed *p, size_t i, u64 pc)
{
	const struct inline_trees trees = {
		.elf = &p->elf,
		.version = &p->version,
		.gofunc = p->version.minor >= 18 ? TABLE_ADDR : 0,
	};
	struct gobin_line line, frames[MAX_FRAMES];
	u64 steps = PCLNTAB_STEPS_MAX;
	size_t found;
	int n;

	if (!pclntab_find(&p->tab, pc, &found))
		FUZZ_CHECK(found < p->tab.count);
	if (!pclntab_line(&p->tab, i, pc, &steps, &line)) {
		fuzz_read_text(line.func);
		fuzz_read_text(line.file);
	}
	n = pclntab_frames(&p->tab, &trees, pc, frames, MAX_FRAMES);
	FUZZ_CHECK(n && n <= MAX_FRAMES);
	for (int k = 0; k < n; k++) {
		fuzz_read_text(frames[k].func);
		fuzz_read_text(frames[k].file);
	}
}

static void walk_names(const struct parsed *p)
{
	struct pclntab_names names = { 0 };
	struct gobin_func func, found;
	struct err err = { "" };

	if (pclntab_names_init(&names, &p->elf, &p->tab, &err)) {
		FUZZ_CHECK(err.text[0]);
		return;
	}
	for (size_t i = 0; i < MIN(p->tab.count, 256u); i++) {
		FUZZ_CHECK(!pclntab_func(&p->tab, i, &func));
		FUZZ_CHECK(!pclntab_names_find(&names, &p->elf, &p->tab, func.name, &found));
		FUZZ_CHECK(!strcmp(found.name, func.name) && found.addr <= func.addr);
	}
	pclntab_names_done(&names);
}

static void walk_table(const struct parsed *p)
{
	struct gobin_func func;

	for (size_t i = 0; i < MIN(p->tab.count, 256u); i++) {
		if (pclntab_func(&p->tab, i, &func))
			continue;
		fuzz_read_text(func.name);
		FUZZ_CHECK(func.addr >= TEXT_ADDR && func.size <= TABLE_TEXT_END - TEXT_ADDR);
		walk_pc(p, i, func.addr);
		walk_pc(p, i, func.addr + func.size / 2);
		walk_pc(p, i, func.addr + func.size - 1);
	}
	FUZZ_CHECK(pclntab_func(&p->tab, p->tab.count, &func));
	walk_names(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fuzz_release *release;
	struct parsed p = { 0 };
	struct err err = { "" };

	if (size < 2 || size > MAX_TABLE_BYTES)
		return 0;
	release = &fuzz_releases[data[0] % ARRAY_SIZE(fuzz_releases)];
	p.version = (struct goversion) { .major = 1, .minor = (u16)release->minor };
	p.elf = (struct elf_image) {
		.file = { data + 1, size - 1 },
		.pie = release->pie,
		.segment_count = 1,
		.segments = { { .addr = TABLE_ADDR, .mem_size = size - 1, .file_size = size - 1 } },
	};
	if (!pclntab_init(&p.tab, &p.elf, pclntab_layout(&p.version), TABLE_ADDR, &err)) {
		if (!pclntab_bind(&p.tab, &p.elf, TEXT_ADDR, TABLE_TEXT_END, &err))
			walk_table(&p);
		pclntab_done(&p.tab);
	}
	return 0;
}
