/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/moduledata.h"

#include <errno.h>

#include "base/macros.h"
#include "gobin/offsets.h"

/*
 * The front of runtime.moduledata (runtime/symtab.go), in words. It has been the same from the
 * first release with a pcHeader on, so that it holds for releases that the table of offsets lacks;
 * whatever stands there is believed only if it describes the function table.
 */
enum { FTAB_WORD_1_15 = 3, TEXT_WORD_1_15 = 12, FTAB_WORD = 16, TEXT_WORD = 22 };

/* From text on: text, etext, noptrdata, enoptrdata, data, edata, bss, ebss, noptrbss, enoptrbss. */
enum {
	ETEXT = 1,
	NOPTRDATA = 2,
	DATA = 4,
	EBSS = 7,
	ENOPTRBSS = 9,
	WORDS = TEXT_WORD + ENOPTRBSS + 1,
};

/* A program has one or two words that hold the table's address; more are made to waste our time. */
enum { MAX_PLACES = 64 };

struct search {
	const struct elf_image *elf;
	const struct pclntab *tab;
	u64 *budget;
	int places;
	struct moduledata found;
};

static bool spend(u64 *budget, size_t relocations)
{
	if (*budget < relocations)
		return false;
	*budget -= relocations;
	return true;
}

/* Go's linker puts noptrdata first; ld, which does not know that name, puts data first. */
static u64 data_start(const u64 *text)
{
	return text[DATA] ? MIN(text[DATA], text[NOPTRDATA]) : text[NOPTRDATA];
}

static bool plausible(const struct search *search, const u64 *ftab, const u64 *text)
{
	const struct elf_segment *code = elf_image_segment(search->elf, text[0]);

	return ftab[0] == search->tab->functab_addr &&
	       ftab[1] == (u64)search->tab->count + 1 && /* and the end of the last function */
	       code && code->executable && text[0] < text[ETEXT] &&
	       text[ETEXT] - code->addr <= code->mem_size && text[NOPTRDATA] <= text[ENOPTRBSS];
}

static int check_place(void *arg, u64 addr)
{
	struct search *search = arg;
	bool has_header = search->tab->layout->has_header;
	u64 words[WORDS];
	const u64 *ftab = words + (has_header ? FTAB_WORD : FTAB_WORD_1_15);
	const u64 *text = words + (has_header ? TEXT_WORD : TEXT_WORD_1_15);

	if (++search->places > MAX_PLACES ||
	    !spend(search->budget, elf_image_unsorted(search->elf)))
		return -E2BIG;
	if (elf_image_words(search->elf, addr, words, WORDS) || !plausible(search, ftab, text))
		return 0;
	search->found = (struct moduledata) {
		.addr = addr,
		.text = text[0],
		.etext = text[ETEXT],
		.data_start = data_start(text),
		.data_end = MAX(text[EBSS], text[ENOPTRBSS]),
	};
	return 1;
}

int moduledata_find(const struct elf_image *elf, const struct pclntab *tab, u64 *budget,
		    struct moduledata *ret, struct err *err)
{
	struct search search = { .elf = elf, .tab = tab, .budget = budget };
	int rc = -E2BIG;

	if (spend(budget, elf_image_relocations(elf)))
		rc = elf_image_find_word(elf, tab->addr, check_place, &search);
	if (rc == -E2BIG)
		return err_set(err, -EBADMSG,
			       "too many words to look at that may be module data for the function "
			       "table at %#llx",
			       tab->addr);
	if (rc != 1)
		return err_set(err, -EBADMSG, "no module data for the function table at %#llx",
			       tab->addr);
	*ret = search.found;
	return 0;
}

static int read_field(const struct elf_image *elf, const struct moduledata *module,
		      const struct goversion *version, enum go_field field, u64 *ret)
{
	struct go_offset at;

	if (go_field_offset(version, field, &at))
		return -ENOENT;
	return elf_image_words(elf, module->addr + at.offset, ret, 1) ? -EBADMSG : 0;
}

int moduledata_tabled(const struct elf_image *elf, const struct moduledata *module,
		      const struct goversion *version, struct moduledata_rodata *ret)
{
	struct moduledata_rodata found = { 0 };
	int rc = read_field(elf, module, version, GO_MODULEDATA_TYPES, &found.types);

	if (!rc)
		rc = read_field(elf, module, version, GO_MODULEDATA_ETYPES, &found.etypes);
	if (rc)
		return rc;
	rc = read_field(elf, module, version, GO_MODULEDATA_GOFUNC, &found.gofunc);
	if (rc == -EBADMSG || found.types > found.etypes)
		return -EBADMSG;
	*ret = found;
	return 0;
}
