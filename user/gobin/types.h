/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of Go types, from the type descriptor that a probe saw. The descriptor
 * is read from the process, since a type made by reflection is in no file.
 */
#ifndef GOBIN_TYPES_H
#define GOBIN_TYPES_H

#include "gobin/gobin.h"
#include "gobin/memory.h"

enum { GOTYPE_NAME_MAX = 256 };

/*
 * The type's name as Go prints it: "map[string]*main.Order". Unescaped; cut to
 * GOTYPE_NAME_MAX - 1 bytes.
 *
 * bias: load bias of the process; type: run-time address of its abi.Type.
 * Returns 0, -ENOENT (no type of this binary), or what the reader returned.
 */
int gotype_name(const struct gobin *bin, u64 bias, const struct memory_reader *mem, u64 type,
		char ret[static GOTYPE_NAME_MAX], struct err *err);

/* A loaded Go module: the program or a plugin. */
struct gotype_module {
	const struct gobin *bin;
	u64 bias;
};

/*
 * The same for a process of several modules. find(arg, addr) gives the module
 * whose types hold the run-time address; -ENOENT: none does, the type was made
 * by reflection and is named by its parts.
 */
struct gotype_modules {
	int (*find)(void *arg, u64 addr, struct gotype_module *ret);
	void *arg;
};

int gotype_name_in(const struct gotype_modules *modules, const struct memory_reader *mem, u64 type,
		   char ret[static GOTYPE_NAME_MAX], struct err *err);

/* Whether the run-time address lies in the types of the module. */
bool gotype_module_holds(const struct gotype_module *module, u64 addr);

/* abi.Kind of the type (go/src/internal/abi/type.go): 24 string, 22 pointer, 25 struct, 21 map… */
int gotype_kind(const struct memory_reader *mem, u64 type, u8 *ret, struct err *err);

#endif
