/* SPDX-License-Identifier: BSD-2-Clause */
/* Site choice and the decoder. Input: argument registers (1 byte; 255: stack ABI), then code. */
#include "fuzz.h"
#include "insn/insn.h"
#include "insn/operand.h"
#include "insn/site.h"

enum { MAX_CODE_BYTES = 4096, ADDR = 0x401000 };

/* Walks the code; returns whether an instruction of that size starts at offset. */
static bool is_boundary(struct bytes code, u32 offset, u8 size)
{
	struct insn_walk walk = insn_walk_at(code, ADDR);
	bool found = false;
	struct insn insn;
	u32 next = 0;
	int rc;

	while ((rc = insn_next(&walk, &insn)) == 1) {
		FUZZ_CHECK(insn.offset == next && insn.size && insn.size <= SITE_INSN_MAX);
		FUZZ_CHECK(insn.bytes == code.data + insn.offset);
		next += insn.size;
		FUZZ_CHECK(next <= code.size);
		found |= insn.offset == offset && insn.size == size;
	}
	FUZZ_CHECK(rc || next == code.size);
	return found;
}

static void walk_operands(struct bytes code)
{
	struct insn_walk walk = insn_walk_at(code, ADDR);
	struct insn_operands ops;
	struct insn insn;

	while (insn_next(&walk, &insn) == 1) {
		if (insn_operands(&insn, ADDR + insn.offset, &ops))
			continue;
		FUZZ_CHECK(ops.dst.reg <= REG_NONE && ops.src.reg <= REG_NONE);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct site site = { .offset = 12345 };
	struct err err = { "" };
	unsigned int int_args;
	struct bytes code;

	if (!size || size > MAX_CODE_BYTES)
		return 0;
	int_args = data[0] == 255 ? SITE_STACK_ABI : data[0] % 10u;
	code = (struct bytes) { data + 1, size - 1 };
	walk_operands(code);
	if (site_choose(code, int_args, &site, &err)) {
		FUZZ_CHECK(err.text[0] && site.offset == 12345);
		(void)is_boundary(code, 0, 0);
		return 0;
	}
	FUZZ_CHECK(site.insn_size && site.insn_size <= SITE_INSN_MAX);
	FUZZ_CHECK(site.offset < code.size && site.insn_size <= code.size - site.offset);
	FUZZ_CHECK(!memcmp(site.insn, code.data + site.offset, site.insn_size));
	FUZZ_CHECK(is_boundary(code, site.offset, site.insn_size));
	/* A dear site is never one within the function: every call passes its entry once. */
	FUZZ_CHECK(site.class != SITE_SINGLE_STEP || !site.offset);
	FUZZ_CHECK(site.reason && site_class_name(site.class));
	return 0;
}
