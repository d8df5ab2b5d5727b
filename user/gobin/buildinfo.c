/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/buildinfo.h"

#include <errno.h>
#include <string.h>

enum {
	HEADER_BYTES = 32,
	ALIGN_BYTES = 16,
	INLINE_STRINGS = 2, /* flag, Go >= 1.18: the texts follow the header */
	FRAME_BYTES =
		16, /* random marks before and after the module info, cmd/go modload/build.go */
	MAX_VERSION_BYTES = 256,
	MAX_MODULE_BYTES = 4096,
	MAX_PLACES = 64, /* with the magic that are looked at */
};

static const u8 magic[14] = {
	0xff, ' ', 'G', 'o', ' ', 'b', 'u', 'i', 'l', 'd', 'i', 'n', 'f', ':'
};

static bool starts_with(struct bytes text, const char *prefix)
{
	size_t len = strlen(prefix);

	return text.size >= len && memcmp(text.data, prefix, len) == 0;
}

/* Go >= 1.18: two texts after the header, each behind its length. */
static bool read_inline(const struct elf_image *elf, u64 header, struct bytes *ret_version,
			struct bytes *ret_modinfo)
{
	struct cursor c = cursor_at(elf_image_tail(elf, header), HEADER_BYTES);

	ret_version->size = cursor_uvarint(&c);
	ret_version->data = cursor_take(&c, ret_version->size);
	ret_modinfo->size = cursor_uvarint(&c);
	ret_modinfo->data = cursor_take(&c, ret_modinfo->size);
	return !cursor_failed(&c);
}

/* A Go string header, by the address of the word that points to it. */
static bool read_string(const struct elf_image *elf, u64 pointer, struct bytes *ret)
{
	u64 header, string[2];

	if (elf_image_words(elf, pointer, &header, 1) ||
	    elf_image_words(elf, header, string, ARRAY_SIZE(string)))
		return false;
	*ret = (struct bytes) { .data = (const u8 *)"" };
	if (!string[1])
		return true; /* no module: an empty string, whose pointer is nil */
	*ret = elf_image_bytes(elf, string[0], string[1]);
	return ret->data;
}

/* Go <= 1.17: pointers to two string headers. */
static bool read_pointers(const struct elf_image *elf, u64 header, struct bytes *ret_version,
			  struct bytes *ret_modinfo)
{
	return read_string(elf, header + 16, ret_version) &&
	       read_string(elf, header + 24, ret_modinfo);
}

/* The second field of the first line that starts with key and a tab; empty if there is none. */
static struct bytes modinfo_field(struct bytes modinfo, const char *key)
{
	const u8 *end;

	while (modinfo.size) {
		const u8 *newline = memchr(modinfo.data, '\n', modinfo.size);
		size_t len = newline ? (size_t)(newline - modinfo.data) : modinfo.size;
		struct bytes line = { modinfo.data, len };

		if (starts_with(line, key)) {
			line = bytes_slice(line, strlen(key), len - strlen(key));
			end = memchr(line.data, '\t', line.size);
			return end ? bytes_slice(line, 0, (u64)(end - line.data)) : line;
		}
		modinfo = bytes_slice(modinfo, len + 1, modinfo.size - MIN(modinfo.size, len + 1));
	}
	return (struct bytes) { 0 };
}

static struct bytes find_module(struct bytes modinfo)
{
	struct bytes module;

	if (modinfo.size < 2 * FRAME_BYTES)
		return (struct bytes) { 0 };
	modinfo = bytes_slice(modinfo, FRAME_BYTES, modinfo.size - 2 * FRAME_BYTES);
	module = modinfo_field(modinfo, "mod\t");
	return module.size ? module : modinfo_field(modinfo, "path\t");
}

/* What the header at addr tells. Returns 0 or -EBADMSG. */
static int read_at(const struct elf_image *elf, u64 addr, struct buildinfo *ret)
{
	struct bytes header = elf_image_bytes(elf, addr, HEADER_BYTES), version, modinfo, module;
	bool ok;

	if (!header.data || memcmp(header.data, magic, sizeof(magic)) != 0)
		return -EBADMSG;
	if (header.data[sizeof(magic) + 1] & INLINE_STRINGS)
		ok = read_inline(elf, addr, &version, &modinfo);
	else
		ok = header.data[sizeof(magic)] == sizeof(u64) &&
		     read_pointers(elf, addr, &version, &modinfo);
	if (!ok)
		return -EBADMSG;
	module = find_module(modinfo);
	if (version.size > MAX_VERSION_BYTES || module.size > MAX_MODULE_BYTES)
		return -EBADMSG;
	*ret = (struct buildinfo) { .version = version, .module = module };
	return 0;
}

struct scan {
	const struct elf_image *elf;
	int tries; /* that are left */
	struct buildinfo found;
};

/* A program that reads build information has the magic among its data too. */
static int check_place(void *arg, u64 addr)
{
	struct scan *scan = arg;
	struct buildinfo build;

	if (addr % ALIGN_BYTES != 0)
		return 0;
	if (!scan->tries--)
		return -ENODATA;
	if (read_at(scan->elf, addr, &build) ||
	    (!starts_with(build.version, "go") && !starts_with(build.version, "devel")))
		return 0;
	scan->found = build;
	return 1;
}

/* The linker puts it where the runtime could relocate it. */
static int find_in_data(const struct elf_image *elf, struct buildinfo *ret, struct err *err)
{
	struct scan scan = { .elf = elf, .tries = MAX_PLACES };
	struct elf_pattern pattern = { .mask = ~0ull };
	int rc = 0;

	memcpy(&pattern.value, magic, sizeof(pattern.value));
	for (size_t i = 0; i < elf->segment_count && !rc; i++)
		if (elf->segments[i].writable)
			rc = elf_image_find_in(elf, &elf->segments[i], pattern, check_place, &scan);
	if (rc != 1)
		return err_set(err, -ENODATA, "it has no Go build information");
	*ret = scan.found;
	return 0;
}

int buildinfo_read(const struct elf_image *elf, struct buildinfo *ret, struct err *err)
{
	const struct elf_section *section = elf_image_section(elf, ".go.buildinfo");

	if (section && !read_at(elf, section->addr, ret))
		return 0;
	return find_in_data(elf, ret, err);
}

/* Decimal, at most 5 digits; false if there is none or it does not fit. */
static bool take_number(struct bytes *text, u16 *ret)
{
	u32 value = 0;
	size_t n = 0;

	while (n < text->size && n < 5 && text->data[n] >= '0' && text->data[n] <= '9')
		value = value * 10 + (text->data[n++] - '0');
	if (!n || value > 0xffff)
		return false;
	*text = bytes_slice(*text, n, text->size - n);
	*ret = (u16)value;
	return true;
}

static bool take_prefix(struct bytes *text, const char *prefix)
{
	if (!starts_with(*text, prefix))
		return false;
	*text = bytes_slice(*text, strlen(prefix), text->size - strlen(prefix));
	return true;
}

struct bytes goversion_experiments(struct bytes text)
{
	const u8 *list = NULL, *end;

	if (text.size)
		list = memmem(text.data, text.size, " X:", 3);
	if (!list && text.size) /* from 1.26 on */
		list = memmem(text.data, text.size, "-X:", 3);
	if (!list)
		return (struct bytes) { 0 };
	list += 3;
	text = bytes_slice(text, (u64)(list - text.data), text.size - (size_t)(list - text.data));
	end = memchr(text.data, ' ', text.size);
	return end ? bytes_slice(text, 0, (u64)(end - text.data)) : text;
}

int goversion_parse(struct bytes text, struct goversion *ret)
{
	struct goversion version = { .experiment = goversion_experiments(text).size > 0 };

	if (take_prefix(&text, "devel "))
		version.experiment = true;
	if (!take_prefix(&text, "go") || !take_number(&text, &version.major) ||
	    !take_prefix(&text, ".") || !take_number(&text, &version.minor))
		return -EBADMSG;
	if (take_prefix(&text, ".") && !take_number(&text, &version.patch))
		return -EBADMSG;
	*ret = version;
	return 0;
}

bool goversion_next_experiment(struct bytes *list, struct bytes *ret)
{
	const u8 *comma = list->size ? memchr(list->data, ',', list->size) : NULL;
	size_t n = comma ? (size_t)(comma - list->data) : list->size;

	if (!list->data)
		return false;
	*ret = bytes_slice(*list, 0, n);
	*list = comma ? bytes_slice(*list, n + 1, list->size - n - 1) : (struct bytes) { 0 };
	return true;
}

bool goversion_has_experiment(struct bytes text, const char *experiment)
{
	struct bytes list = goversion_experiments(text), name;

	while (goversion_next_experiment(&list, &name))
		if (name.size == strlen(experiment) && starts_with(name, experiment))
			return true;
	return false;
}
