/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF headers and Go build information: the input is the whole file; and names of releases: a text.
 */
#include "fuzz.h"
#include "gobin/buildinfo.h"

static void walk_image(const struct elf_image *elf)
{
	struct buildinfo info;
	struct err err = { "" };
	u64 words[2], addr, size;

	for (size_t i = 0; i < elf->section_count; i++) {
		const struct elf_section *section = &elf->sections[i];

		fuzz_read_text(section->name);
		fuzz_read_bytes(elf_image_bytes(elf, section->addr, section->size));
	}
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		FUZZ_CHECK(!segment->mem_size || elf_image_segment(elf, segment->addr) == segment);
		fuzz_read_bytes(elf_image_tail(elf, segment->addr + segment->file_size / 2));
		(void)elf_image_words(elf, segment->addr, words, ARRAY_SIZE(words));
		(void)elf_image_words(elf, segment->addr + segment->file_size - 8, words, 2);
	}
	(void)elf_image_symbol(elf, "runtime.work", &addr, &size);
	if (buildinfo_read(elf, &info, &err)) {
		FUZZ_CHECK(err.text[0]);
		return;
	}
	fuzz_read_bytes(info.version);
	fuzz_read_bytes(info.module);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = { data, size };
	struct goversion version = { .minor = 99 };
	struct elf_image elf = { 0 };
	struct err err = { "" };

	if (goversion_parse(file, &version))
		FUZZ_CHECK(version.minor == 99);
	(void)goversion_has_experiment(file, "noswissmap");
	if (elf_image_init(&elf, file, NULL, &err)) {
		FUZZ_CHECK(err.text[0]);
		return 0;
	}
	walk_image(&elf);
	elf_image_done(&elf);
	return 0;
}
