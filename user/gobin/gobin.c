/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/gobin.h"

#include <errno.h>
#include <string.h>

#include "gobin/buildinfo.h"
#include "gobin/buildversion.h"
#include "gobin/elf_image.h"
#include "gobin/moduledata.h"
#include "gobin/pclntab.h"
#include "gobin/pclntab_inline.h"
#include "gobin/pclntab_names.h"

/* A program may embed the tables of another; more decoys than this are made to waste our time. */
enum {
	MAX_CANDIDATES = 16,
	MAX_RELOCATIONS_READ = 64 << 20, /* a quarter of a second */
};

struct gobin {
	struct elf_image elf;
	struct pclntab tab;
	struct pclntab_names names;
	struct moduledata module;
	struct moduledata_rodata rodata;
	struct gobin_info info;
	char *version_text, *module_path; /* owned */
};

static char *copy_text(struct bytes text)
{
	return text.size ? strndup((const char *)text.data, text.size) : strdup("");
}

static int unknown_version(const struct goversion *version, struct err *err)
{
	return err_set(
		err, -ENOTSUP,
		"Go %u.%u is not known to this gosonde: no function table of a layout that it "
		"has for that version",
		version->major, version->minor);
}

static int take_version(struct gobin *bin, const struct buildinfo *build, struct err *err)
{
	struct gobin_info *info = &bin->info;

	bin->version_text = copy_text(build->version);
	bin->module_path = copy_text(build->module);
	if (!bin->version_text || !bin->module_path)
		return err_set(err, -ENOMEM, "build information");
	if (goversion_parse(build->version, &info->version))
		return err_set(err, -ENOTSUP, "not a release of Go: %.*s", (int)build->version.size,
			       bin->version_text);
	if (!pclntab_layout(&info->version))
		return unknown_version(&info->version, err);
	info->version_text = bin->version_text;
	info->module = bin->module_path;
	/* internal/buildcfg/exp.go: register arguments on amd64 since 1.17; Swiss maps since 1.24.
	 */
	info->register_abi = info->version.minor >= 17;
	info->swiss_maps = info->version.minor >= 24 &&
			   !goversion_has_experiment(build->version, "noswissmap");
	return 0;
}

/* The search for the program's own function table. */
struct table_search {
	struct gobin *bin;
	const struct pclntab_layout *layout; /* of the program's version; NULL: not known yet */
	int tries;			     /* that are left */
	u64 budget;			     /* of relocations, over all tries */
	int rc;				     /* of the last try; -ENOENT: there was none */
	struct err *err;
};

/* Takes the table at addr for the program's own if module data describes it. */
static int try_table(struct table_search *search, u64 addr)
{
	struct gobin *bin = search->bin;
	CLEANUP(pclntab_done) struct pclntab tab = { 0 };
	struct moduledata module = { 0 };
	const struct pclntab_layout *layout = pclntab_layout_at(elf_image_tail(&bin->elf, addr));
	int rc;

	if (!layout || (search->layout && layout != search->layout))
		return -ENOENT;
	search->tries--;
	rc = pclntab_init(&tab, &bin->elf, layout, addr, search->err);
	if (!rc)
		rc = moduledata_find(&bin->elf, &tab, &search->budget, &module, search->err);
	if (!rc)
		rc = pclntab_bind(&tab, &bin->elf, module.text, module.etext, search->err);
	if (rc)
		return rc;
	bin->tab = tab;
	bin->module = module;
	tab.relocated = NULL;
	return 0;
}

/* Returns non-zero where the search ends. */
static int try_place(void *arg, u64 addr)
{
	struct table_search *search = arg;
	int rc = try_table(search, addr);

	if (rc != -ENOENT)
		search->rc = rc;
	return rc == 0 || rc == -ENOMEM || !search->tries;
}

/*
 * The section that has the table alone, if there is one: .data.rel.ro.gopclntab is an internally
 * linked PIE's up to 1.25. An externally linked PIE's table was amid .data.rel.ro until then.
 */
static bool try_sections(struct table_search *search)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	const struct elf_section *section;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		section = elf_image_section(&search->bin->elf, names[i]);
		if (section && try_place(search, section->addr))
			return true;
	}
	return false;
}

/* Code is the largest part, and the last where linkers put a table. */
static void try_segments(struct table_search *search)
{
	const struct elf_image *elf = &search->bin->elf;
	int rc = 0;

	for (int executable = 0; executable <= 1; executable++)
		for (size_t i = 0; i < elf->segment_count && !rc; i++)
			if (elf->segments[i].executable == executable)
				rc = elf_image_find_in(elf, &elf->segments[i], PCLNTAB_PATTERN,
						       try_place, search);
}

static int find_table(struct gobin *bin, struct err *err)
{
	const struct goversion *version = &bin->info.version;
	struct table_search search = {
		.bin = bin,
		.layout = pclntab_layout(version), /* of none, without a version */
		.tries = MAX_CANDIDATES,
		.budget = MAX_RELOCATIONS_READ,
		.rc = -ENOENT,
		.err = err,
	};

	if (!try_sections(&search))
		try_segments(&search);
	if (search.rc == -ENOENT && search.layout)
		return unknown_version(version, err);
	/* Tables that nothing describes may be anybody's data; with build information they are
	 * not. */
	if (search.rc && search.rc != -ENOMEM && !search.layout)
		return err_set(err, -ENODATA,
			       "not a Go program: it has neither Go build information nor a "
			       "function table of its own");
	return search.rc;
}

/* For a program without build information. */
static int find_version(struct gobin *bin, struct buildinfo *build, struct err *err)
{
	const struct pclntab_layout *layout = bin->tab.layout;
	const struct goversion *version = &bin->info.version;
	struct gobin_func schedinit;
	int rc = gobin_func_by_name(bin, "runtime.schedinit", &schedinit);

	rc = buildversion_find(&bin->elf, &bin->module, rc ? NULL : &schedinit, &build->version,
			       err);
	if (!rc)
		rc = take_version(bin, build, err);
	if (!rc && pclntab_layout(version) != layout)
		return err_set(err, -ENOTSUP,
			       "a Go program without build information: %s is not of its function "
			       "table's layout",
			       bin->version_text);
	return rc;
}

static int find_rodata(struct gobin *bin, struct err *err)
{
	const struct goversion *version = &bin->info.version;
	int rc = moduledata_tabled(&bin->elf, &bin->module, version, &bin->rodata);

	if (rc == -EBADMSG)
		return err_set(err, rc, "module data has no types");
	if (rc) /* not found either: types have no names then, the rest works */
		(void)moduledata_derived(&bin->elf, &bin->module, version, &bin->rodata);
	return 0;
}

/* program: whose plugin it is; NULL: of none. */
static int read_program(struct gobin *bin, const struct gobin *program, struct err *err)
{
	struct gobin_info *info = &bin->info;
	struct buildinfo build = { 0 };
	bool has_build = !buildinfo_read(&bin->elf, &build, NULL);
	int rc = 0;

	if (!has_build && program) {
		build.version.data = (const u8 *)program->version_text;
		build.version.size = strlen(program->version_text);
		has_build = true;
	}
	if (has_build)
		rc = take_version(bin, &build, err);
	if (!rc)
		rc = find_table(bin, err);
	if (!rc)
		rc = pclntab_names_init(&bin->names, &bin->elf, &bin->tab, err);
	if (!rc && !has_build)
		rc = find_version(bin, &build, err);
	if (rc)
		return rc;
	info->pie = bin->elf.pie;
	info->stripped = !bin->elf.symbols.size;
	info->text_start = bin->module.text;
	info->text_end = bin->module.etext;
	return find_rodata(bin, err);
}

static int open_file(struct gobin **ret, struct bytes file, bytes_release *release,
		     const struct gobin *program, struct err *err)
{
	CLEANUP(gobin_freep) struct gobin *bin = calloc(1, sizeof(*bin));
	int rc;

	if (!bin)
		return err_set(err, -ENOMEM, "binary");
	rc = elf_image_init(&bin->elf, file, release, err);
	if (!rc)
		rc = read_program(bin, program, err);
	if (rc)
		return rc;
	*ret = TAKE_PTR(bin);
	return 0;
}

int gobin_open_mapped(struct gobin **ret, struct bytes file, bytes_release *release,
		      struct err *err)
{
	return open_file(ret, file, release, NULL, err);
}

int gobin_open(struct gobin **ret, struct bytes file, struct err *err)
{
	return open_file(ret, file, NULL, NULL, err);
}

int gobin_open_plugin(struct gobin **ret, struct bytes file, const struct gobin *program,
		      struct err *err)
{
	return open_file(ret, file, NULL, program, err);
}

void gobin_free(struct gobin *bin)
{
	if (!bin)
		return;
	pclntab_names_done(&bin->names);
	pclntab_done(&bin->tab);
	elf_image_done(&bin->elf);
	free(bin->version_text);
	free(bin->module_path);
	free(bin);
}

const struct gobin_info *gobin_info(const struct gobin *bin)
{
	return &bin->info;
}

int gobin_func_by_name(const struct gobin *bin, const char *name, struct gobin_func *ret)
{
	return pclntab_names_find(&bin->names, &bin->elf, &bin->tab, name, ret);
}

int gobin_func_by_pc(const struct gobin *bin, u64 pc, struct gobin_func *ret)
{
	size_t i;
	int rc = pclntab_find(&bin->tab, pc, &i);

	return rc ? rc : pclntab_func(&bin->tab, i, ret);
}

int gobin_line(const struct gobin *bin, u64 pc, struct gobin_line *ret)
{
	u64 steps = PCLNTAB_STEPS_MAX;
	size_t i;
	int rc = pclntab_find(&bin->tab, pc, &i);

	return rc ? rc : pclntab_line(&bin->tab, i, pc, &steps, ret);
}

int gobin_frames(const struct gobin *bin, u64 pc, struct gobin_line *ret, size_t max)
{
	const struct inline_trees trees = {
		.elf = &bin->elf,
		.version = &bin->info.version,
		.gofunc = bin->rodata.gofunc,
	};

	return pclntab_frames(&bin->tab, &trees, pc, ret, max);
}

struct bytes gobin_bytes(const struct gobin *bin, u64 addr, u64 size)
{
	return elf_image_bytes(&bin->elf, addr, size);
}

int gobin_file_offset(const struct gobin *bin, u64 addr, u64 *ret)
{
	struct bytes tail = elf_image_tail(&bin->elf, addr);

	if (!tail.data)
		return -ENOENT;
	*ret = (u64)(tail.data - bin->elf.file.data);
	return 0;
}

size_t gobin_func_count(const struct gobin *bin)
{
	return bin->tab.count;
}

int gobin_func_at(const struct gobin *bin, size_t i, struct gobin_func *ret)
{
	return pclntab_func(&bin->tab, i, ret);
}

int gobin_symbol(const struct gobin *bin, const char *name, u64 *ret_addr, u64 *ret_size)
{
	return elf_image_symbol(&bin->elf, name, ret_addr, ret_size);
}

int gobin_data_range(const struct gobin *bin, u64 *ret_start, u64 *ret_end)
{
	if (bin->module.data_start == bin->module.data_end)
		return -ENOENT;
	*ret_start = bin->module.data_start;
	*ret_end = bin->module.data_end;
	return 0;
}

u64 gobin_moduledata(const struct gobin *bin)
{
	return bin->module.addr;
}

int gobin_types_range(const struct gobin *bin, u64 *ret_start, u64 *ret_end)
{
	if (!bin->rodata.etypes)
		return -ENOENT;
	*ret_start = bin->rodata.types;
	*ret_end = bin->rodata.etypes;
	return 0;
}

int gobin_code_addr(const struct gobin *bin, u64 *ret)
{
	for (size_t i = 0; i < bin->elf.segment_count; i++) {
		if (!bin->elf.segments[i].executable)
			continue;
		*ret = bin->elf.segments[i].addr; /* in address order: the lowest comes first */
		return 0;
	}
	return -ENOENT;
}
