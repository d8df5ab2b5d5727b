/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a module's types are, for versions that no toolchain at hand has. */
#include "gobin/moduledata.h"

#include <errno.h>

enum {
	TYPE_BYTES = 48, /* abi.Type, internal/abi/type.go */
	MAX_NAME = 4096, /* of a type that has a link; longest seen: some hundred */
	MAX_LINKS = 1 << 22,
	LINKS_READ = 16, /* types that must be such before a layout is believed */
	KIND_MASK = 31,	 /* up to Go 1.25 the bits above are flags */
	LAST_KIND = 26,	 /* UnsafePointer */
};

#define NONE 0xffff

/* Bytes from the module's start, from Go's source: runtime/symtab.go, type moduledata. */
static const struct rodata_layout {
	u16 min_minor, max_minor;
	u16 types, etypes;
	u16 gofunc;    /* the word before is rodata, where that begins */
	u16 typelinks; /* []int32, offsets of types from the first */
} layouts[] = {
	{ 16, 17, 280, 288, NONE, 320 },
	{ 18, 19, 280, 288, 304, 336 },	     /* rodata and gofunc are new */
	{ 20, 25, 296, 304, 320, 352 },	     /* covctrs and ecovctrs, before */
	{ 26, 26, 296, 304, 320, 360 },	     /* epclntab, behind gofunc */
	{ 27, 0xffff, 296, 312, 344, NONE }, /* typedesclen in between; links are no more */
};

struct types {
	const struct elf_image *elf;
	u64 start, size; /* bytes */
	bool varint_length;
};

static bool is_text(const u8 *text, u64 size)
{
	for (u64 i = 0; i < size; i++)
		if (text[i] < ' ' || text[i] == 0x7f)
			return false;
	return true;
}

/* Flags, length, text: reflect/type.go (later internal/abi), `type name`. */
static bool is_name(const struct types *types, u64 offset)
{
	struct bytes bytes = elf_image_bytes(types->elf, types->start, types->size);
	struct cursor c = cursor_at(bytes, offset);
	const u8 *text;
	u64 len;

	cursor_skip(&c, 1);
	if (types->varint_length) {
		len = cursor_uvarint(&c);
	} else { /* Go <= 1.16: big-endian */
		len = (u64)cursor_u8(&c) << 8;
		len |= cursor_u8(&c);
	}
	text = cursor_take(&c, len);
	return text && len && len <= MAX_NAME && is_text(text, len);
}

static bool is_type(const struct types *types, u64 offset)
{
	struct bytes bytes = elf_image_bytes(types->elf, types->start, types->size);
	struct cursor c = cursor_at(bytes, offset + 20); /* behind size, ptrdata, hash */
	u8 align, kind;
	u32 name;

	cursor_skip(&c, 1); /* tflag */
	align = cursor_u8(&c);
	cursor_skip(&c, 1); /* fieldAlign */
	kind = cursor_u8(&c) & KIND_MASK;
	cursor_skip(&c, 16); /* equal, gcdata */
	name = cursor_u32(&c);
	return !cursor_failed(&c) && offset + TYPE_BYTES <= types->size && kind &&
	       kind <= LAST_KIND && align && align <= 8 && !(align & (align - 1)) &&
	       is_name(types, name);
}

/* Types that the links lead to. A program has hundreds: the runtime itself uses reflection's. */
static bool check_links(const struct types *types, u64 field)
{
	u64 slice[2];
	struct bytes links;
	struct cursor c;
	size_t n;

	if (elf_image_words(types->elf, field, slice, ARRAY_SIZE(slice)) || !slice[1] ||
	    slice[1] > MAX_LINKS)
		return false;
	links = elf_image_bytes(types->elf, slice[0], slice[1] * sizeof(u32));
	c = cursor_at(links, 0);
	for (n = 0; n < MIN(slice[1], (u64)LINKS_READ); n++)
		if (!is_type(types, cursor_u32(&c)))
			return false;
	return !cursor_failed(&c);
}

/* From 1.27 the types themselves are in a row; the first word is a dummy (runtime/type.go:
 * moduleTypelinks). */
static bool check_first(const struct types *types)
{
	return is_type(types, sizeof(u64));
}

/* Behind rodata's start, in a segment that has bytes in the file and none of the Go variables. */
static bool check_gofunc(const struct elf_image *elf, const struct moduledata *module, u64 rodata,
			 u64 gofunc)
{
	return rodata && rodata <= gofunc && elf_image_segment(elf, rodata) &&
	       elf_image_segment(elf, rodata) == elf_image_segment(elf, gofunc) &&
	       elf_image_tail(elf, gofunc).data &&
	       (gofunc < module->data_start || gofunc >= module->data_end);
}

static int read_rodata(const struct elf_image *elf, const struct moduledata *module,
		       const struct rodata_layout *layout, struct moduledata_rodata *ret)
{
	u64 words[2];

	if (elf_image_words(elf, module->addr + layout->types, &ret->types, 1) ||
	    elf_image_words(elf, module->addr + layout->etypes, &ret->etypes, 1) ||
	    ret->types >= ret->etypes ||
	    (ret->types < module->data_end && ret->etypes > module->data_start))
		return -ENOENT; /* types are never among the variables */
	ret->gofunc = 0;
	if (layout->gofunc != NONE &&
	    !elf_image_words(elf, module->addr + layout->gofunc - sizeof(u64), words, 2) &&
	    check_gofunc(elf, module, words[0], words[1]))
		ret->gofunc = words[1];
	return 0;
}

int moduledata_derived(const struct elf_image *elf, const struct moduledata *module,
		       const struct goversion *version, struct moduledata_rodata *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		const struct rodata_layout *layout = &layouts[i];
		struct moduledata_rodata found;
		struct types types;

		if (version->minor < layout->min_minor || version->minor > layout->max_minor ||
		    read_rodata(elf, module, layout, &found))
			continue;
		types = (struct types) { elf, found.types, found.etypes - found.types,
					 version->minor >= 17 };
		if (layout->typelinks == NONE
			    ? !check_first(&types)
			    : !check_links(&types, module->addr + layout->typelinks))
			continue;
		*ret = found;
		return 0;
	}
	return -ENOENT;
}
