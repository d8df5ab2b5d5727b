/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/types.h"

#include <errno.h>
#include <string.h>

/* abi.Type on a 64-bit machine (go/src/internal/abi/type.go; before Go 1.21 runtime._type). */
enum {
	TYPE_BYTES = 48,
	TYPE_TFLAG = 20,
	TYPE_KIND = 23,
	TYPE_STR = 40,
	TYPE_ELEM = 48, /* pointer, slice, chan and array types */
	MAP_KEY = 48,
	MAP_ELEM = 56,
	KIND_MASK = 31,	      /* up to Go 1.25 the bits above were flags */
	TFLAG_EXTRA_STAR = 2, /* the text has a `*` before that is not the type's */
};

enum { KIND_MAP = 21, KIND_POINTER = 22, KIND_SLICE = 23 };

/* A type made by reflection is named by its parts; a cycle of hostile ones ends here. */
enum { MAX_DEPTH = 4 };

struct namer {
	const struct memory_reader *mem;
	u64 start, end; /* run-time [types, etypes) */
	bool varint_length;
	char *text; /* of GOTYPE_NAME_MAX bytes */
	size_t len;
	struct err *err;
};

static int read_memory(const struct memory_reader *mem, u64 addr, void *buf, size_t len,
		       struct err *err)
{
	int rc = mem->read(mem->arg, addr, buf, len);

	if (rc)
		return err_set(err, rc, "type at %#llx: %s", addr, strerror(-rc));
	return 0;
}

static void append(struct namer *namer, const char *text)
{
	size_t n = MIN(strlen(text), GOTYPE_NAME_MAX - 1 - namer->len);

	memcpy(namer->text + namer->len, text, n);
	namer->len += n;
	namer->text[namer->len] = '\0';
}

/* The length of a name and, moved past it, where its text starts. */
static int read_length(const struct namer *namer, u64 *addr, size_t *ret)
{
	u8 head[1 + 10] = { 0 }; /* flags and the longest varint */
	size_t n = MIN(sizeof(head), namer->end - *addr);
	struct cursor c = cursor_at((struct bytes) { .data = head, .size = n }, 1);
	u64 len;
	int rc = read_memory(namer->mem, *addr, head, n, namer->err);

	if (rc)
		return rc;
	if (namer->varint_length) {
		len = cursor_uvarint(&c);
	} else { /* Go <= 1.16: two bytes, big-endian */
		len = (u64)cursor_u8(&c) << 8;
		len |= cursor_u8(&c);
	}
	if (cursor_failed(&c) || len > namer->end - *addr - c.pos)
		return err_set(namer->err, -EBADMSG, "type name at %#llx: %llu bytes", *addr, len);
	*addr += c.pos;
	*ret = len;
	return 0;
}

/* Appends the name that the linker gave the type, which stands in the binary. */
static int append_linked(struct namer *namer, const u8 *type)
{
	char text[GOTYPE_NAME_MAX] = "";
	u64 addr;
	s32 offset;
	size_t len = 0;
	int rc;

	memcpy(&offset, type + TYPE_STR, sizeof(offset));
	if (offset < 0 || (u64)offset >= namer->end - namer->start)
		return err_set(namer->err, -EBADMSG, "type name at offset %d", offset);
	addr = namer->start + (u64)offset;
	rc = read_length(namer, &addr, &len);
	if (rc)
		return rc;
	if (type[TYPE_TFLAG] & TFLAG_EXTRA_STAR && len) {
		addr++;
		len--;
	}
	rc = read_memory(namer->mem, addr, text, MIN(len, sizeof(text) - 1), namer->err);
	if (!rc)
		append(namer, text);
	return rc;
}

static int append_type(struct namer *namer, u64 addr, int depth);

/* Appends the name of the type that a descriptor's word points to; "?" if it has none. */
static int append_part(struct namer *namer, u64 word_addr, int depth)
{
	u64 part;
	int rc = read_memory(namer->mem, word_addr, &part, sizeof(part), namer->err);

	if (rc)
		return rc;
	rc = append_type(namer, part, depth - 1);
	if (rc == -ENOENT) {
		append(namer, "?");
		rc = 0;
	}
	return rc;
}

/*
 * A type that reflection made (reflect.MapOf and the like) has its name in a table of the runtime
 * (runtime.reflectOffs), not at an offset; what it consists of is in the binary again.
 */
static int append_reflected(struct namer *namer, u64 addr, u8 kind, int depth)
{
	int rc;

	switch (kind & KIND_MASK) {
	case KIND_POINTER:
		append(namer, "*");
		return append_part(namer, addr + TYPE_ELEM, depth);
	case KIND_SLICE:
		append(namer, "[]");
		return append_part(namer, addr + TYPE_ELEM, depth);
	case KIND_MAP:
		append(namer, "map[");
		rc = append_part(namer, addr + MAP_KEY, depth);
		append(namer, "]");
		return rc ? rc : append_part(namer, addr + MAP_ELEM, depth);
	default:
		return err_set(namer->err, -ENOENT, "type at %#llx is not of this binary", addr);
	}
}

static int append_type(struct namer *namer, u64 addr, int depth)
{
	u8 type[TYPE_BYTES];
	int rc;

	if (!depth)
		return err_set(namer->err, -ENOENT, "type at %#llx is nested too deep", addr);
	rc = read_memory(namer->mem, addr, type, sizeof(type), namer->err);
	if (rc)
		return rc;
	if (addr >= namer->start && addr < namer->end)
		return append_linked(namer, type);
	return append_reflected(namer, addr, type[TYPE_KIND], depth);
}

int gotype_name(const struct gobin *bin, u64 bias, const struct memory_reader *mem, u64 type,
		char ret[static GOTYPE_NAME_MAX], struct err *err)
{
	char text[GOTYPE_NAME_MAX] = "";
	struct namer namer = {
		.mem = mem,
		.varint_length = gobin_info(bin)->version.minor >= 17,
		.text = text,
		.err = err,
	};
	int rc;

	if (gobin_types_range(bin, &namer.start, &namer.end))
		return err_set(err, -ENOENT, "where %s keeps its types is not known",
			       gobin_info(bin)->version_text);
	namer.start += bias;
	namer.end += bias;
	rc = append_type(&namer, type, MAX_DEPTH);
	if (rc)
		return rc;
	memcpy(ret, text, sizeof(text));
	return 0;
}

int gotype_kind(const struct memory_reader *mem, u64 type, u8 *ret, struct err *err)
{
	u8 kind;
	int rc = read_memory(mem, type + TYPE_KIND, &kind, sizeof(kind), err);

	if (rc)
		return rc;
	*ret = kind & KIND_MASK;
	return 0;
}
