/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/types.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gobin/readable.h"

/* abi.Type on a 64-bit machine (go/src/internal/abi/type.go; before Go 1.21 runtime._type). */
enum {
	TYPE_BYTES = 48,
	TYPE_TFLAG = 20,
	TYPE_KIND = 23,
	TYPE_STR = 40,
	TYPE_ELEM = 48, /* pointer, slice, chan and array types */
	ARRAY_LEN = 64,
	MAP_KEY = 48,
	MAP_ELEM = 56,
	KIND_MASK = 31,	      /* up to Go 1.25 the bits above were flags */
	TFLAG_EXTRA_STAR = 2, /* the text has a `*` before that is not the type's */
};

enum {
	KIND_ARRAY = 17,
	KIND_CHAN = 18,
	KIND_FUNC = 19,
	KIND_MAP = 21,
	KIND_POINTER = 22,
	KIND_SLICE = 23,
	KIND_STRUCT = 25,
};

/* A type made by reflection is named by its parts; a cycle of hostile ones ends here. */
enum { MAX_DEPTH = 4 };

struct namer {
	const struct gotype_modules *modules;
	const struct memory_reader *mem;
	char *text; /* of GOTYPE_NAME_MAX bytes */
	size_t len;
	struct err *err;
	bool numbered_shapes; /* a name comes from Go 1.18 or 1.19 */
};

/* Where a module keeps its types. */
struct types {
	u64 start, end; /* run-time [types, etypes) */
	bool varint_length, numbered_shapes;
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
static int read_length(const struct namer *namer, const struct types *types, u64 *addr, size_t *ret)
{
	u8 head[1 + 10] = { 0 }; /* flags and the longest varint */
	size_t n = MIN(sizeof(head), types->end - *addr);
	struct cursor c = cursor_at((struct bytes) { .data = head, .size = n }, 1);
	u64 len;
	int rc = read_memory(namer->mem, *addr, head, n, namer->err);

	if (rc)
		return rc;
	if (types->varint_length) {
		len = cursor_uvarint(&c);
	} else { /* Go <= 1.16: two bytes, big-endian */
		len = (u64)cursor_u8(&c) << 8;
		len |= cursor_u8(&c);
	}
	if (cursor_failed(&c) || len > types->end - *addr - c.pos)
		return err_set(namer->err, -EBADMSG, "type name at %#llx: %llu bytes", *addr, len);
	*addr += c.pos;
	*ret = len;
	return 0;
}

/* Appends the name that the linker gave the type, which stands in the binary. */
static int append_linked(struct namer *namer, const struct types *types, const u8 *type)
{
	char text[GOTYPE_NAME_MAX] = "";
	u64 addr;
	s32 offset;
	size_t len = 0;
	int rc;

	memcpy(&offset, type + TYPE_STR, sizeof(offset));
	if (offset < 0 || (u64)offset >= types->end - types->start)
		return err_set(namer->err, -EBADMSG, "type name at offset %d", offset);
	addr = types->start + (u64)offset;
	rc = read_length(namer, types, &addr, &len);
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

static int append_array(struct namer *namer, u64 addr, int depth)
{
	char text[32];
	u64 len;
	int rc = read_memory(namer->mem, addr + ARRAY_LEN, &len, sizeof(len), namer->err);

	if (rc)
		return rc;
	snprintf(text, sizeof(text), "[%llu]", len);
	append(namer, text);
	return append_part(namer, addr + TYPE_ELEM, depth);
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
	case KIND_CHAN:
		append(namer, "chan ");
		return append_part(namer, addr + TYPE_ELEM, depth);
	case KIND_ARRAY:
		return append_array(namer, addr, depth);
	case KIND_STRUCT:
		append(namer, "struct {...}");
		return 0;
	case KIND_FUNC:
		append(namer, "func(...)");
		return 0;
	default:
		return err_set(namer->err, -ENOENT, "type at %#llx is not of this binary", addr);
	}
}

/* The module's types; -ENOENT: addr is in none, or where the module keeps them is not known. */
static int find_types(const struct namer *namer, u64 addr, struct types *ret)
{
	struct gotype_module module;
	int rc = namer->modules->find(namer->modules->arg, addr, &module);

	if (rc)
		return rc;
	if (gobin_types_range(module.bin, &ret->start, &ret->end))
		return -ENOENT;
	ret->start += module.bias;
	ret->end += module.bias;
	ret->varint_length = gobin_info(module.bin)->version.minor >= 17;
	ret->numbered_shapes = gobin_info(module.bin)->version.minor <= 19;
	return 0;
}

static int append_type(struct namer *namer, u64 addr, int depth)
{
	u8 type[TYPE_BYTES];
	struct types types;
	int rc;

	if (!depth)
		return err_set(namer->err, -ENOENT, "type at %#llx is nested too deep", addr);
	rc = read_memory(namer->mem, addr, type, sizeof(type), namer->err);
	if (rc)
		return rc;
	if (!find_types(namer, addr, &types)) {
		namer->numbered_shapes = types.numbered_shapes;
		return append_linked(namer, &types, type);
	}
	return append_reflected(namer, addr, type[TYPE_KIND], depth);
}

int gotype_name_in(const struct gotype_modules *modules, const struct memory_reader *mem, u64 type,
		   char ret[static GOTYPE_NAME_MAX], struct err *err)
{
	char text[GOTYPE_NAME_MAX] = "";
	struct namer namer = { .modules = modules, .mem = mem, .text = text, .err = err };
	int rc = append_type(&namer, type, MAX_DEPTH);

	if (rc)
		return rc;
	go_readable_type(ret, GOTYPE_NAME_MAX, text, namer.numbered_shapes);
	return 0;
}

bool gotype_module_holds(const struct gotype_module *module, u64 addr)
{
	u64 start, end;

	return !gobin_types_range(module->bin, &start, &end) && addr - module->bias >= start &&
	       addr - module->bias < end;
}

static int find_single(void *arg, u64 addr, struct gotype_module *ret)
{
	const struct gotype_module *module = arg;

	if (!gotype_module_holds(module, addr))
		return -ENOENT;
	*ret = *module;
	return 0;
}

int gotype_name(const struct gobin *bin, u64 bias, const struct memory_reader *mem, u64 type,
		char ret[static GOTYPE_NAME_MAX], struct err *err)
{
	struct gotype_module module = { bin, bias };
	const struct gotype_modules modules = { .find = find_single, .arg = &module };
	u64 start, end;

	if (gobin_types_range(bin, &start, &end))
		return err_set(err, -ENOENT, "where %s keeps its types is not known",
			       gobin_info(bin)->version_text);
	return gotype_name_in(&modules, mem, type, ret, err);
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
