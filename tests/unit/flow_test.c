/* SPDX-License-Identifier: BSD-2-Clause */
/* How much code values are followed through. What they are, derive_test tells. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "go_image.h"
#include "gobin/derive_flow.h"

enum {
	LONG_TEXT_BYTES = 16384,
	LONG_FUNC_BYTES = 16000, /* main.main's, the first */
	JUMPS_MAX = 4096,
};

#define LONG_TEXT_ADDR 0x800000ull

static struct {
	struct go_image image;
	u8 text[LONG_TEXT_BYTES]; /* behind the image's bytes */
} program;

_Static_assert(sizeof(struct go_image) == offsetof(struct go_image, bytes) + IMAGE_BYTES,
	       "a gap before the text");

/* An image whose text is in a segment of its own. */
static struct bytes make_program(void)
{
	struct go_image *image = &program.image;
	Elf64_Phdr text = { .p_type = PT_LOAD,
			    .p_flags = PF_R | PF_X,
			    .p_offset = IMAGE_BYTES,
			    .p_vaddr = LONG_TEXT_ADDR,
			    .p_filesz = LONG_TEXT_BYTES,
			    .p_memsz = LONG_TEXT_BYTES };

	image_make(image, 22, false, "go1.22.12", "");
	memcpy(image->bytes + sizeof(Elf64_Ehdr) + 2 * sizeof(text), &text, sizeof(text));
	image_put(image, MODULE_OFFSET + 176, LONG_TEXT_ADDR, 8);
	image_put(image, MODULE_OFFSET + 184, LONG_TEXT_ADDR + LONG_TEXT_BYTES, 8);
	for (size_t i = 1; i <= FUNC_COUNT; i++)
		image_put(image, TABLE_OFFSET + FUNCTAB_AT + i * 8, LONG_FUNC_BYTES + i, 4);
	return (struct bytes) { image->bytes, IMAGE_BYTES + LONG_TEXT_BYTES };
}

static void count_step(void *arg, const struct flow_step *step)
{
	(void)step;
	++*(size_t *)arg;
}

/* At each the states of both ways are compared, slot by slot. */
static void so_many_jumps_are_followed(void **state)
{
	(void)state;
	for (size_t jumps = JUMPS_MAX; jumps <= JUMPS_MAX + 1; jumps++) {
		CLEANUP(gobin_freep) struct gobin *bin = NULL;
		struct bytes file = make_program();
		struct err err = { "" };
		size_t steps = 0;

		memset(program.text, 0xc3, sizeof(program.text)); /* ret */
		for (size_t i = 0; i < jumps; i++)
			memcpy(program.text + 2 * i, "\x74", 2); /* je to the next one */
		if (gobin_open(&bin, file, &err))
			fail_msg("%s", err.text);
		assert_int_equal(flow_walk(bin, "main.main", count_step, &steps, &err),
				 jumps > JUMPS_MAX ? -EBADMSG : 0);
		assert_int_equal(steps, JUMPS_MAX + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_jumps_are_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
