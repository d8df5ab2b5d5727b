/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/buildversion.h"

#include <errno.h>
#include <string.h>

#include "gobin/buildinfo.h"
#include "insn/insn.h"

enum {
	MIN_TEXT_BYTES = 5, /* "go1.9" */
	MAX_TEXT_BYTES = 256,
	MAX_FUNC_BYTES = 1 << 16, /* schedinit has some 3 KiB */
	MAX_OPERANDS = 512,	  /* of them, variables that schedinit has */
};

struct texts {
	struct bytes first;
	bool several; /* that differ */
};

struct search {
	const struct elf_image *elf;
	u64 end; /* of the data */
	size_t operand_count;
	u64 operands[MAX_OPERANDS];    /* variables of schedinit */
	struct texts all, referred_to; /* the latter: by schedinit */
};

static void read_operands(struct search *search, const struct gobin_func *func)
{
	struct bytes code =
		elf_image_bytes(search->elf, func->addr, MIN(func->size, (u64)MAX_FUNC_BYTES));
	struct insn_walk walk = insn_walk_at(code, func->addr);
	struct insn insn;

	while (search->operand_count < MAX_OPERANDS && insn_next(&walk, &insn) == 1)
		if (insn.rip_operand)
			search->operands[search->operand_count++] = insn.rip_operand;
}

/* It compares the string's length with 0: its second word. */
static bool is_referred_to(const struct search *search, u64 string)
{
	for (size_t i = 0; i < search->operand_count; i++)
		if (search->operands[i] == string + sizeof(u64))
			return true;
	return false;
}

static void note(struct texts *texts, struct bytes text)
{
	if (!texts->first.size)
		texts->first = text;
	else if (texts->first.size != text.size ||
		 memcmp(texts->first.data, text.data, text.size) != 0)
		texts->several = true;
}

/* A word of the data that may be the first of a string: pointer, length. */
static int check_string(void *arg, u64 addr, u64 pointer)
{
	struct search *search = arg;
	struct bytes length = { 0 }, text = { 0 };
	struct goversion version;
	u64 size = 0;

	if (search->end - addr >= 2 * sizeof(u64))
		length = elf_image_bytes(search->elf, addr + sizeof(u64), sizeof(size));
	if (length.data)
		memcpy(&size, length.data, sizeof(size));
	if (size >= MIN_TEXT_BYTES && size <= MAX_TEXT_BYTES)
		text = elf_image_bytes(search->elf, pointer, size);
	if (!text.data || goversion_parse(text, &version))
		return 0;
	note(&search->all, text);
	if (is_referred_to(search, addr))
		note(&search->referred_to, text);
	return 0;
}

/* The words that no loader changes, at least not where it is not a PIE. */
static void read_words(struct search *search, u64 start)
{
	u64 at = (start + sizeof(u64) - 1) & -sizeof(u64);
	struct bytes bytes = elf_image_tail(search->elf, at);
	struct cursor c = cursor_at(bytes, 0);

	bytes.size = MIN(bytes.size, search->end - MIN(at, search->end));
	for (; bytes.size - c.pos >= sizeof(u64); at += sizeof(u64))
		check_string(search, at, cursor_u64(&c));
	elf_image_release(search->elf, bytes);
}

int buildversion_find(const struct elf_image *elf, const struct moduledata *module,
		      const struct gobin_func *schedinit, struct bytes *ret, struct err *err)
{
	struct search search = { .elf = elf, .end = module->data_end };
	const struct texts *texts;

	if (schedinit)
		read_operands(&search, schedinit);
	(void)elf_image_relocated(elf, module->data_start, module->data_end, check_string, &search);
	read_words(&search, module->data_start);
	texts = search.referred_to.first.size ? &search.referred_to : &search.all;
	if (!texts->first.size)
		return err_set(err, -ENOTSUP,
			       "a Go program without build information, and its "
			       "runtime.buildVersion names no release");
	if (texts->several)
		return err_set(err, -ENOTSUP,
			       "a Go program without build information: several of its strings may "
			       "be runtime.buildVersion");
	*ret = texts->first;
	return 0;
}
