/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/gobin.h"

#include <errno.h>
#include <string.h>

#include "gobin/buildinfo.h"
#include "gobin/elf_image.h"
#include "gobin/moduledata.h"
#include "gobin/pclntab.h"
#include "gobin/pclntab_names.h"

/* A program may embed the tables of another; more decoys than this are made to waste our time. */
enum { MAX_CANDIDATES = 16, TABLE_ALIGN_BYTES = 8 };

struct gobin {
	struct elf_image elf;
	struct pclntab tab;
	struct pclntab_names names;
	struct moduledata module;
	u64 types, etypes; /* 0: not known for this version */
	struct gobin_info info;
	char *version_text, *module_path; /* owned */
};

static int read_build(struct gobin *bin, struct err *err)
{
	struct gobin_info *info = &bin->info;
	struct buildinfo build;
	int rc = buildinfo_read(&bin->elf, &build, err);

	if (rc)
		return rc;
	bin->version_text = strndup((const char *)build.version.data, build.version.size);
	bin->module_path = build.module.size
				   ? strndup((const char *)build.module.data, build.module.size)
				   : strdup("");
	if (!bin->version_text || !bin->module_path)
		return err_set(err, -ENOMEM, "build information");
	if (goversion_parse(build.version, &info->version))
		return err_set(err, -ENOTSUP, "not a release of Go: %.*s", (int)build.version.size,
			       bin->version_text);
	info->version_text = bin->version_text;
	info->module = bin->module_path;
	/* internal/buildcfg/exp.go: register arguments on amd64 since 1.17; Swiss maps since 1.24.
	 */
	info->register_abi = info->version.minor >= 17;
	info->swiss_maps =
		info->version.minor >= 24 && !goversion_has_experiment(build.version, "noswissmap");
	return 0;
}

/* Takes the table at addr for the program's own if module data describes it. */
static int try_table(struct gobin *bin, const struct pclntab_layout *layout, u64 addr,
		     struct err *err)
{
	CLEANUP(pclntab_done) struct pclntab tab = { 0 };
	struct moduledata module = { 0 };
	int rc;

	rc = pclntab_init(&tab, &bin->elf, layout, addr, err);
	if (!rc)
		rc = moduledata_find(&bin->elf, &tab, &module, err);
	if (!rc)
		rc = pclntab_bind(&tab, &bin->elf, module.text, module.etext, err);
	if (rc)
		return rc;
	bin->tab = tab;
	bin->module = module;
	tab.relocated = NULL;
	return 0;
}

/*
 * The section that has the table alone, if there is one: .data.rel.ro.gopclntab is an internally
 * linked PIE's up to 1.25. An externally linked PIE's table was amid .data.rel.ro until then.
 */
static int try_sections(struct gobin *bin, const struct pclntab_layout *layout, struct err *err)
{
	static const char *const names[] = { ".gopclntab", ".data.rel.ro.gopclntab" };
	const struct elf_section *section;
	int rc = -ENOENT;

	for (size_t i = 0; i < ARRAY_SIZE(names) && rc; i++) {
		section = elf_image_section(&bin->elf, names[i]);
		if (section)
			rc = try_table(bin, layout, section->addr, err);
	}
	return rc;
}

static int scan_segment(struct gobin *bin, const struct pclntab_layout *layout,
			const struct elf_segment *segment, int *tries, struct err *err)
{
	struct bytes bytes = bytes_slice(bin->elf.file, segment->offset, segment->file_size);
	int rc = -ENOENT;

	for (size_t at = -segment->addr % TABLE_ALIGN_BYTES; at < bytes.size && rc && *tries;
	     at += TABLE_ALIGN_BYTES) {
		if (!pclntab_is_at(layout, bytes_slice(bytes, at, bytes.size - at)))
			continue;
		rc = try_table(bin, layout, segment->addr + at, err);
		(*tries)--;
	}
	return rc;
}

static int unknown_version(const struct goversion *version, struct err *err)
{
	return err_set(
		err, -ENOTSUP,
		"Go %u.%u is not known to this gosonde: no function table of a layout that it "
		"has for that version",
		version->major, version->minor);
}

static int find_table(struct gobin *bin, struct err *err)
{
	const struct goversion *version = &bin->info.version;
	const struct pclntab_layout *layout = pclntab_layout(version);
	int rc, tries = MAX_CANDIDATES;

	if (!layout)
		return unknown_version(version, err);
	rc = try_sections(bin, layout, err);
	for (size_t i = 0; i < bin->elf.segment_count && rc && rc != -ENOMEM; i++)
		rc = scan_segment(bin, layout, &bin->elf.segments[i], &tries, err);
	if (rc == -ENOENT && tries == MAX_CANDIDATES)
		return unknown_version(version, err);
	return rc == -ENOENT ? -EBADMSG : rc;
}

static int read_program(struct gobin *bin, struct bytes file, struct err *err)
{
	struct gobin_info *info = &bin->info;
	int rc = elf_image_init(&bin->elf, file, err);

	if (!rc)
		rc = read_build(bin, err);
	if (!rc)
		rc = find_table(bin, err);
	if (!rc)
		rc = pclntab_names_init(&bin->names, &bin->tab, err);
	if (rc)
		return rc;
	info->pie = bin->elf.pie;
	info->stripped = !bin->elf.symbols.size;
	info->text_start = bin->module.text;
	info->text_end = bin->module.etext;
	rc = moduledata_types(&bin->elf, &bin->module, &info->version, &bin->types, &bin->etypes);
	return rc == -EBADMSG ? err_set(err, rc, "module data has no types") : 0;
}

int gobin_open(struct gobin **ret, struct bytes file, struct err *err)
{
	CLEANUP(gobin_freep) struct gobin *bin = calloc(1, sizeof(*bin));
	int rc;

	if (!bin)
		return err_set(err, -ENOMEM, "binary");
	rc = read_program(bin, file, err);
	if (rc)
		return rc;
	*ret = TAKE_PTR(bin);
	return 0;
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
	return pclntab_names_find(&bin->names, &bin->tab, name, ret);
}

int gobin_func_by_pc(const struct gobin *bin, u64 pc, struct gobin_func *ret)
{
	size_t i;
	int rc = pclntab_find(&bin->tab, pc, &i);

	return rc ? rc : pclntab_func(&bin->tab, i, ret);
}

int gobin_line(const struct gobin *bin, u64 pc, struct gobin_line *ret)
{
	size_t i;
	int rc = pclntab_find(&bin->tab, pc, &i);

	return rc ? rc : pclntab_line(&bin->tab, i, pc, ret);
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

int gobin_types_range(const struct gobin *bin, u64 *ret_start, u64 *ret_end)
{
	if (!bin->etypes)
		return -ENOENT;
	*ret_start = bin->types;
	*ret_end = bin->etypes;
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
