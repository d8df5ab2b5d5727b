/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "go_image.h"
#include "gobin/types.h"

/* A process: the image at a bias, and a heap page where reflection made types. */
#define BIAS	  0x7f0000000000ull
#define HEAP_ADDR 0xc000000000ull

enum { HEAP_BYTES = 0x400, STR = 0x200, NO_NAME = -1 };
enum {
	KIND_INT = 2,
	KIND_ARRAY = 17,
	KIND_CHAN = 18,
	KIND_FUNC = 19,
	KIND_INTERFACE = 20,
	KIND_MAP = 21,
	KIND_POINTER = 22,
	KIND_SLICE = 23,
	KIND_STRUCT = 25,
};

static struct go_image image;
static u8 heap[HEAP_BYTES];
static int fault; /* what the reader returns for every address, if not 0 */

static int read_process(void *arg, u64 addr, void *buf, size_t len)
{
	(void)arg;
	if (fault)
		return fault;
	if (addr >= HEAP_ADDR && addr - HEAP_ADDR < HEAP_BYTES &&
	    len <= HEAP_BYTES - (addr - HEAP_ADDR)) {
		memcpy(buf, heap + (addr - HEAP_ADDR), len);
		return 0;
	}
	addr -= BIAS + CODE_ADDR;
	if (addr >= CODE_BYTES || len > CODE_BYTES - addr)
		return -EFAULT;
	memcpy(buf, image.bytes + addr, len);
	return 0;
}

static const struct memory_reader mem = { .read = read_process };

static void put_type(u8 *at, u8 kind, u8 tflag, s32 str, u64 word48, u64 word56)
{
	at[20] = tflag;
	at[23] = kind;
	memcpy(at + 40, &str, sizeof(str));
	memcpy(at + 48, &word48, sizeof(word48));
	memcpy(at + 56, &word56, sizeof(word56));
}

/* Type number n of the binary: descriptors of 64 bytes, their names from STR on. */
static u64 linked(size_t n)
{
	return BIAS + TYPES_ADDR + n * 64;
}

static u64 made(size_t n)
{
	return HEAP_ADDR + n * 64;
}

static s32 put_name(s32 str, const char *name)
{
	u8 *at = image.bytes + TYPES_OFFSET + str;
	size_t len = strlen(name);

	*at++ = 1;
	if (image.minor < 17) {
		*at++ = (u8)(len >> 8);
		*at++ = (u8)len;
	} else if (len < 128) {
		*at++ = (u8)len;
	} else {
		*at++ = (u8)(len | 0x80);
		*at++ = (u8)(len >> 7);
	}
	memcpy(at, name, len);
	return (s32)(at + len - image.bytes) - TYPES_OFFSET;
}

static void put_linked(size_t n, u8 kind, u8 tflag, s32 *str, const char *name)
{
	put_type(image.bytes + TYPES_OFFSET + n * 64, kind, tflag, *str, 0, 0);
	*str = put_name(*str, name);
}

static struct gobin *make_process(unsigned int minor, const char *version)
{
	struct gobin *bin = NULL;
	struct err err = { 0 };
	s32 str = STR;

	fault = 0;
	memset(heap, 0, sizeof(heap));
	image_make(&image, minor, true, version, "");
	put_linked(0, KIND_STRUCT, 2, &str, "*main.Order"); /* ExtraStar */
	put_linked(1, KIND_INT | 32, 0, &str, "int");	    /* a flag above the kind */
	put_linked(2, KIND_MAP, 2, &str, "*map[string]*main.Order");
	put_linked(3, KIND_POINTER, 0, &str, "*main.Order"); /* its own star */
	put_linked(4, KIND_STRUCT, 2, &str, "");	     /* a star that is not there */
	if (gobin_open(&bin, image_file(&image), &err))
		fail_msg("%s", err.text);
	return bin;
}

static void expect(const struct gobin *bin, u64 type, const char *want)
{
	char name[GOTYPE_NAME_MAX] = "untouched";
	struct err err = { 0 };
	int rc = gotype_name(bin, BIAS, &mem, type, name, &err);

	if (rc)
		fail_msg("%s: %d %s", want, rc, err.text);
	assert_string_equal(name, want);
}

static void expect_error(const struct gobin *bin, u64 type, int want)
{
	char name[GOTYPE_NAME_MAX] = "untouched";
	struct err err = { 0 };

	assert_int_equal(gotype_name(bin, BIAS, &mem, type, name, &err), want);
	assert_string_equal(name, "untouched");
	assert_string_not_equal(err.text, "");
}

static const struct {
	unsigned int minor;
	const char *version;
} releases[] = {
	{ 15, "go1.15.15" }, /* lengths of two bytes */
	{ 19, "go1.19.8" },
	{ 22, "go1.22.12" },
	{ 27, "go1.27.3" }, /* etypes has moved */
};

static void test_linked_types(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(releases); i++) {
		CLEANUP(gobin_freep)
		struct gobin *bin = make_process(releases[i].minor, releases[i].version);

		expect(bin, linked(0), "main.Order");
		expect(bin, linked(1), "int");
		expect(bin, linked(2), "map[string]*main.Order");
		expect(bin, linked(3), "*main.Order");
		expect(bin, linked(4), "");
	}
}

static void test_kinds(void **state)
{
	CLEANUP(gobin_freep) struct gobin *bin = make_process(22, "go1.22.12");
	struct err err = { 0 };
	u8 kind;

	(void)state;
	assert_int_equal(gotype_kind(&mem, linked(0), &kind, &err), 0);
	assert_int_equal(kind, KIND_STRUCT);
	assert_int_equal(gotype_kind(&mem, linked(1), &kind, &err), 0);
	assert_int_equal(kind, KIND_INT);
	assert_int_equal(gotype_kind(&mem, 8, &kind, &err), -EFAULT);
	assert_int_equal(kind, KIND_INT);
}

static void test_reflected_types(void **state)
{
	CLEANUP(gobin_freep) struct gobin *bin = make_process(22, "go1.22.12");

	(void)state;
	put_type(heap, KIND_MAP, 0, NO_NAME, linked(1), linked(3));
	put_type(heap + 64, KIND_SLICE, 0, NO_NAME, made(0), 0);
	put_type(heap + 128, KIND_MAP, 0, NO_NAME, linked(1), made(3)); /* elem: a struct */
	put_type(heap + 192, KIND_STRUCT, 0, NO_NAME, 0, 0);
	put_type(heap + 256, KIND_POINTER, 0, NO_NAME, made(4), 0); /* points to itself */
	put_type(heap + 320, KIND_MAP, 0, NO_NAME, 8, linked(1));   /* key: no address */
	expect(bin, made(0), "map[int]*main.Order");
	expect(bin, made(1), "[]map[int]*main.Order");
	put_type(heap + 384, KIND_CHAN, 0, NO_NAME, linked(0), 2);
	put_type(heap + 448, KIND_FUNC, 0, NO_NAME, 0, 0);
	put_type(heap + 512, KIND_INTERFACE, 0, NO_NAME, 0, 0); /* reflection makes none */
	put_type(heap + 576, KIND_MAP, 0, NO_NAME, linked(1), made(8));
	put_type(heap + 640, KIND_ARRAY, 0, NO_NAME, made(6), 0);
	heap[640 + 64] = 3;
	expect(bin, made(2), "map[int]struct {...}");
	expect(bin, made(3), "struct {...}");
	expect(bin, made(4), "****?");
	expect(bin, made(6), "chan main.Order");
	expect(bin, made(7), "func(...)");
	expect(bin, made(9), "map[int]?");
	expect(bin, made(10), "[3]chan main.Order");
	expect_error(bin, made(8), -ENOENT);
	expect_error(bin, made(5), -EFAULT);
}

/* Go 1.18 and 1.19 pass shared generic code the type of the shape. */
static void test_shapes(void **state)
{
	CLEANUP(gobin_freep) struct gobin *old = make_process(19, "go1.19.8");
	s32 str = STR;

	(void)state;
	put_linked(0, KIND_MAP, 0, &str, "map[go.shape.string_0]go.shape.[]main.t_1_1");
	expect(old, linked(0), "map[string][]main.t_1");
}

/* The other module of a process: its types are named by its own tables. */
struct two_modules {
	struct gotype_module program, plugin;
};

static int find_of_two(void *arg, u64 addr, struct gotype_module *ret)
{
	const struct two_modules *two = arg;

	if (!gotype_module_holds(&two->program, addr) && !gotype_module_holds(&two->plugin, addr))
		return -ENOENT;
	*ret = gotype_module_holds(&two->plugin, addr) ? two->plugin : two->program;
	return 0;
}

static void test_two_modules(void **state)
{
	static struct go_image other;
	CLEANUP(gobin_freep) struct gobin *plugin = NULL, *program = NULL;
	struct two_modules two;
	const struct gotype_modules modules = { .find = find_of_two, .arg = &two };
	char name[GOTYPE_NAME_MAX];

	(void)state;
	image_make(&other, 22, true, "go1.22.12", "");
	assert_int_equal(gobin_open(&program, image_file(&other), NULL), 0);
	plugin = make_process(22, "go1.22.12");
	/* The program lies elsewhere; what the reader has at BIAS is the plugin's. */
	two = (struct two_modules) { { program, 2 * BIAS }, { plugin, BIAS } };
	put_type(heap, KIND_MAP, 0, NO_NAME, linked(1), linked(0));
	assert_int_equal(gotype_name_in(&modules, &mem, linked(2), name, NULL), 0);
	assert_string_equal(name, "map[string]*main.Order");
	assert_int_equal(gotype_name_in(&modules, &mem, made(0), name, NULL), 0);
	assert_string_equal(name, "map[int]main.Order");
}

static void test_long_name(void **state)
{
	char longest[300];
	CLEANUP(gobin_freep) struct gobin *bin = make_process(22, "go1.22.12");
	s32 str = STR;

	(void)state;
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	put_linked(0, KIND_STRUCT, 0, &str, longest);
	longest[GOTYPE_NAME_MAX - 1] = '\0';
	expect(bin, linked(0), longest);
	put_type(heap, KIND_SLICE, 0, NO_NAME, linked(0), 0);
	memmove(longest + 2, longest, GOTYPE_NAME_MAX - 3);
	memcpy(longest, "[]", 2);
	expect(bin, made(0), longest); /* cut again, where the prefix has taken its place */
}

static void test_lies(void **state)
{
	CLEANUP(gobin_freep) struct gobin *bin = make_process(22, "go1.22.12");
	u8 *types = image.bytes + TYPES_OFFSET;

	(void)state;
	put_type(types, KIND_STRUCT, 0, TYPES_BYTES, 0, 0); /* a name behind the types */
	expect_error(bin, linked(0), -EBADMSG);
	put_type(types, KIND_STRUCT, 0, -8, 0, 0);
	expect_error(bin, linked(0), -EBADMSG);
	put_type(types, KIND_STRUCT, 0, TYPES_BYTES - 1, 0, 0); /* cut before its length */
	expect_error(bin, linked(0), -EBADMSG);
	put_type(types, KIND_STRUCT, 0, TYPES_BYTES - 4, 0, 0);
	types[TYPES_BYTES - 3] = 3; /* one byte more than is left */
	expect_error(bin, linked(0), -EBADMSG);
	types[TYPES_BYTES - 3] = 2;
	expect(bin, linked(0), "");
	put_type(types, KIND_STRUCT, 0, 0x300, 0, 0);
	memset(types + 0x300, 0xff, 12); /* a length of more than 64 bits */
	expect_error(bin, linked(0), -EBADMSG);
	expect_error(bin, 0, -EFAULT);
	fault = -ESRCH;
	expect_error(bin, linked(1), -ESRCH);
}

/* 1.20 has no row in the table of offsets, and an experiment none that can be trusted. */
static void test_unknown_versions(void **state)
{
	static const char *const versions[] = { "go1.20.14", "go1.22.12 X:rangefunc" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		CLEANUP(gobin_freep) struct gobin *bin = make_process(i ? 22 : 20, versions[i]);

		expect_error(bin, linked(0), -ENOENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_linked_types),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_reflected_types),
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_two_modules),
		cmocka_unit_test(test_long_name),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_unknown_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
