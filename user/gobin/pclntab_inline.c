/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/pclntab_inline.h"

#include <errno.h>

#include "gobin/pclntab_priv.h"

enum {
	PCDATA_INLINE_INDEX = 2, /* cmd/internal/objabi/funcdata.go, internal/abi/symtab.go */
	NO_FUNCDATA = 0xffffffff,
	MAX_NAME_BYTES = 1 << 16,
	MAX_NODES = 1 << 20, /* as the runtime sizes the array */
};

/*
 * How releases lay out what follows runtime._func's fixed part, and a node of the tree
 * (runtime.inlinedCall). funcID_wrapper is the last of the ids in runtime/symtab.go (later
 * internal/abi/symtab.go), so it moves when one is added.
 */
struct inline_layout {
	u16 min_minor;
	u8 npcdata, func_id, nfuncdata; /* offsets in _func; the arrays follow nfuncdata */
	u8 tree;			/* FUNCDATA_InlTree */
	bool pointers;			/* funcdata are pointers, not offsets */
	u8 node_bytes, node_name, node_parent_pc;
	u8 node_func_id;
	u8 wrapper; /* funcID_wrapper */
};

static const struct inline_layout layouts[] = {
	{ 15, 32, 36, 39, 4, true, 20, 12, 16, 2, 22 },
	{ 16, 32, 40, 43, 3, true, 20, 12, 16, 2, 22 },
	{ 18, 28, 36, 39, 3, false, 20, 12, 16, 2, 21 },
	{ 20, 28, 40, 43, 3, false, 16, 4, 8, 0, 21 },
	{ 22, 28, 40, 43, 3, false, 16, 4, 8, 0, 22 },
	{ 25, 28, 40, 43, 3, false, 16, 4, 8, 0, 23 },
};

/* A function whose tree is walked. */
struct walk {
	const struct pclntab *tab;
	const struct inline_trees *trees;
	const struct inline_layout *layout;
	size_t index;
	struct gobin_func func;
	u32 values; /* the pc-value table of nodes; 0: nothing is inlined here */
	u64 tree;   /* link-time address */
	u64 steps;  /* that are left */
};

static const struct inline_layout *find_layout(const struct goversion *version)
{
	const struct inline_layout *found = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++)
		if (version->minor >= layouts[i].min_minor)
			found = &layouts[i];
	return found;
}

static u8 func_byte(const struct walk *w, size_t field)
{
	struct cursor c = pclntab_func_at(w->tab, w->index, field);

	return cursor_u8(&c);
}

static u32 func_word(const struct walk *w, size_t field)
{
	struct cursor c = pclntab_func_at(w->tab, w->index, field);

	return cursor_u32(&c);
}

/* Go <= 1.17: pointers, at the next address that a pointer may have. */
static bool read_tree_pointer(const struct walk *w, size_t array, u64 *ret)
{
	struct bytes table = elf_image_tail(w->trees->elf, w->tab->addr);
	struct cursor c = pclntab_func_at(w->tab, w->index, array);
	u64 at = w->tab->addr + (u64)(w->tab->funcs.data - table.data) + c.pos;

	if (cursor_failed(&c))
		return false;
	at = (at + sizeof(u64) - 1) & -sizeof(u64);
	return !elf_image_words(w->trees->elf, at + w->layout->tree * sizeof(u64), ret, 1) && *ret;
}

static bool read_tree_offset(const struct walk *w, size_t array, u64 *ret)
{
	struct cursor c = pclntab_func_at(w->tab, w->index, array + w->layout->tree * sizeof(u32));
	u32 offset = cursor_u32(&c);

	*ret = w->trees->gofunc + offset;
	return w->trees->gofunc && !cursor_failed(&c) && offset != NO_FUNCDATA;
}

/* Finds the function's tree, if it has one. */
static void find_tree(struct walk *w)
{
	const struct inline_layout *layout = w->layout;
	u32 npcdata = func_word(w, layout->npcdata);
	size_t pcdata = layout->nfuncdata + 1, funcdata = pcdata + (size_t)npcdata * sizeof(u32);
	bool found;

	w->values = 0;
	if (npcdata <= PCDATA_INLINE_INDEX || func_byte(w, layout->nfuncdata) <= layout->tree)
		return;
	found = layout->pointers ? read_tree_pointer(w, funcdata, &w->tree)
				 : read_tree_offset(w, funcdata, &w->tree);
	if (found)
		w->values = func_word(w, pcdata + PCDATA_INLINE_INDEX * sizeof(u32));
}

/* Makes frame the call that the tree has for pc and moves pc to where it was made; false: none. */
static bool next_inlined(struct walk *w, u64 *pc, struct gobin_line *frame)
{
	const struct inline_layout *layout = w->layout;
	const char *name;
	struct bytes node;
	struct cursor c;
	s32 i;
	u32 offset, parent_pc;

	if (!layout || !w->values ||
	    !pclntab_value(w->tab, w->values, &w->func, *pc, &w->steps, &i) || i < 0 ||
	    i >= MAX_NODES)
		return false;
	node = elf_image_bytes(w->trees->elf, w->tree + (u64)i * layout->node_bytes,
			       layout->node_bytes);
	c = cursor_at(node, layout->node_name);
	offset = cursor_u32(&c);
	c = cursor_at(node, layout->node_parent_pc);
	parent_pc = cursor_u32(&c);
	if (cursor_failed(&c) || parent_pc >= w->func.size)
		return false;
	c = cursor_at(w->tab->names, offset);
	name = cursor_cstr(&c, MAX_NAME_BYTES);
	if (!name)
		return false;
	frame->func = name;
	frame->wrapper = node.data[layout->node_func_id] == layout->wrapper;
	*pc = w->func.addr + parent_pc;
	return true;
}

int pclntab_frames(const struct pclntab *tab, const struct inline_trees *trees, u64 pc,
		   struct gobin_line *ret, size_t max)
{
	struct walk w = { .tab = tab,
			  .trees = trees,
			  .layout = find_layout(trees->version),
			  .steps = PCLNTAB_STEPS_MAX };
	size_t n = 0;
	bool inlined;
	int rc = pclntab_find(tab, pc, &w.index);

	if (!rc)
		rc = pclntab_func(tab, w.index, &w.func);
	if (rc)
		return rc;
	if (w.layout)
		find_tree(&w);
	do {
		struct gobin_line *frame = &ret[n++];

		rc = pclntab_line(tab, w.index, pc, &w.steps, frame);
		if (rc)
			return rc;
		inlined = next_inlined(&w, &pc, frame);
		if (!inlined)
			frame->wrapper =
				w.layout && func_byte(&w, w.layout->func_id) == w.layout->wrapper;
	} while (inlined && n < max);
	return (int)n;
}
