/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of a loaded program: the file's, and what the loader's relocations make of them. */
#include "gobin/elf_image.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#if defined(__x86_64__)
#define HOST_RELATIVE R_X86_64_RELATIVE
#elif defined(__aarch64__)
#define HOST_RELATIVE R_AARCH64_RELATIVE
#else
#error "gosonde knows no relative relocation of this architecture"
#endif

enum {
	WORD = sizeof(u64),
	RELA = sizeof(Elf64_Rela),
	WINDOW_BYTES = 4 << 20, /* what a scan keeps in memory; a multiple of the page size */
	WINDOW_RELAS = 1 << 17, /* the same for relocations */
};

void elf_image_release(const struct elf_image *elf, struct bytes range)
{
	if (elf->release && range.size)
		elf->release(range);
}

/* The i-th relocation that adds the load bias to a word; false if that one is of another kind. */
static bool relative_at(const struct elf_image *elf, size_t i, u64 *ret_addr, u64 *ret_value)
{
	Elf64_Rela rela;

	memcpy(&rela, elf->relocations.data + i * RELA, RELA);
	if (ELF64_R_TYPE(rela.r_info) != HOST_RELATIVE)
		return false;
	*ret_addr = rela.r_offset;
	*ret_value = (u64)rela.r_addend;
	return true;
}

size_t elf_image_relocations(const struct elf_image *elf)
{
	return elf->relocations.size / RELA;
}

size_t elf_image_unsorted(const struct elf_image *elf)
{
	return elf_image_relocations(elf) - elf->sorted;
}

/* Behind the i-th relocation of a walk through all. */
static void relocation_seen(const struct elf_image *elf, size_t i)
{
	if ((i + 1) % WINDOW_RELAS == 0 || i + 1 == elf_image_relocations(elf))
		elf_image_release(elf, elf->relocations);
}

/* Linkers sort (ld: -z combreloc); then a word is looked up without reading them all. */
void elf_image_sort_check(struct elf_image *elf)
{
	u64 before = 0, addr, value;
	size_t i;

	for (i = 0; i < elf_image_relocations(elf); i++) {
		if (!relative_at(elf, i, &addr, &value) || addr < before)
			break;
		before = addr;
		relocation_seen(elf, i);
	}
	elf_image_release(elf, elf->relocations);
	elf->sorted = i;
}

/* The first of the sorted relocations that is not below addr. */
static size_t lower_bound(const struct elf_image *elf, u64 addr)
{
	size_t low = 0, high = elf->sorted;
	u64 at = 0, value;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (relative_at(elf, middle, &at, &value) && at < addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int elf_image_relocated(const struct elf_image *elf, u64 start, u64 end,
			int (*found)(void *arg, u64 addr, u64 value), void *arg)
{
	u64 addr, value;
	int rc = 0;

	for (size_t i = lower_bound(elf, start); !rc && i < elf->sorted; i++) {
		if (!relative_at(elf, i, &addr, &value) || addr >= end)
			break;
		rc = found(arg, addr, value);
		relocation_seen(elf, i);
	}
	for (size_t i = elf->sorted; !rc && i < elf_image_relocations(elf); i++) {
		if (relative_at(elf, i, &addr, &value) && addr >= start && addr < end)
			rc = found(arg, addr, value);
		relocation_seen(elf, i);
	}
	return rc;
}

struct words {
	u64 addr;
	u64 *ret;
};

static int set_word(void *arg, u64 addr, u64 value)
{
	const struct words *words = arg;

	if ((addr - words->addr) % WORD == 0)
		words->ret[(addr - words->addr) / WORD] = value;
	return 0;
}

int elf_image_words(const struct elf_image *elf, u64 addr, u64 *ret, size_t n)
{
	struct bytes bytes = elf_image_tail(elf, addr);

	if (!bytes.data || n > bytes.size / WORD)
		return -ENOENT;
	memcpy(ret, bytes.data, n * WORD);
	return elf_image_relocated(elf, addr, addr + n * WORD, set_word,
				   &(struct words) { addr, ret });
}

static int find_in_window(struct bytes window, u64 base, struct elf_pattern pattern,
			  int (*found)(void *arg, u64 addr), void *arg)
{
	int rc = 0;
	u64 word;

	for (size_t at = 0; !rc && at + WORD <= window.size; at += WORD) {
		memcpy(&word, window.data + at, WORD);
		if ((word & pattern.mask) == pattern.value)
			rc = found(arg, base + at);
	}
	return rc;
}

int elf_image_find_in(const struct elf_image *elf, const struct elf_segment *segment,
		      struct elf_pattern pattern, int (*found)(void *arg, u64 addr), void *arg)
{
	struct bytes bytes = bytes_slice(elf->file, segment->offset, segment->file_size);
	int rc = 0;

	for (size_t at = -segment->addr % WORD; !rc && at < bytes.size; at += WINDOW_BYTES) {
		struct bytes window =
			bytes_slice(bytes, at, MIN((size_t)WINDOW_BYTES, bytes.size - at));

		rc = find_in_window(window, segment->addr + at, pattern, found, arg);
		elf_image_release(elf, window);
	}
	return rc;
}

struct word_search {
	const struct elf_image *elf;
	u64 wanted;
	int (*found)(void *arg, u64 addr);
	void *arg;
};

static int check_relocated(void *arg, u64 addr, u64 value)
{
	const struct word_search *search = arg;
	const struct elf_segment *segment;

	if (value != search->wanted || addr % WORD != 0)
		return 0;
	segment = elf_image_segment(search->elf, addr);
	return segment && segment->writable ? search->found(search->arg, addr) : 0;
}

int elf_image_find_word(const struct elf_image *elf, u64 value, int (*found)(void *arg, u64 addr),
			void *arg)
{
	struct word_search search = { elf, value, found, arg };
	int rc = elf_image_relocated(elf, 0, ~0ull, check_relocated, &search);

	for (size_t i = 0; !rc && i < elf->segment_count; i++)
		if (elf->segments[i].writable)
			rc = elf_image_find_in(elf, &elf->segments[i],
					       (struct elf_pattern) { value, ~0ull }, found, arg);
	return rc;
}
