/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/elf_image.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>

#if defined(__x86_64__)
#define HOST_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define HOST_MACHINE EM_AARCH64
#else
#error "gosonde knows no ELF machine of this architecture"
#endif

/* Far above what linkers make; they bound what a hostile file costs. */
enum { MAX_SECTIONS = 4096, MAX_SECTION_NAME = 256 };

static void elf_handle_end(Elf **elf)
{
	elf_end(*elf);
}

static const char *libelf_text(void)
{
	return elf_errmsg(-1);
}

int elf_image_check_counts(const Elf64_Ehdr *header, struct err *err)
{
	/* What is too large for the header stands in the first section: PN_XNUM, and 0 sections. */
	if (header->e_phnum > ELF_MAX_SEGMENTS)
		return err_set(err, -ENOEXEC, "more than %d program headers", ELF_MAX_SEGMENTS);
	if (header->e_shnum > MAX_SECTIONS || (!header->e_shnum && header->e_shoff))
		return err_set(err, -ENOEXEC, "more than %d sections", MAX_SECTIONS);
	return 0;
}

/* Checked here and not by libelf, which would byte-swap a foreign file into copies. */
static int read_header(struct bytes file, Elf64_Ehdr *ret, struct err *err)
{
	static const u8 magic[] = { 0x7f, 'E', 'L', 'F' };

	if (file.size < sizeof(magic) || memcmp(file.data, magic, sizeof(magic)) != 0)
		return err_set(err, -ENOEXEC, "not an ELF file");
	if (file.size < sizeof(*ret))
		return err_set(err, -ENOEXEC, "ELF header cut short: the file has %zu bytes",
			       file.size);
	memcpy(ret, file.data, sizeof(*ret));
	if (ret->e_ident[EI_CLASS] != ELFCLASS64 || ret->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, -EPFNOSUPPORT, "not a 64-bit little-endian program");
	if (ret->e_machine != HOST_MACHINE)
		return err_set(err, -EPFNOSUPPORT, "made for ELF machine %u, not for %u",
			       ret->e_machine, HOST_MACHINE);
	if (ret->e_type != ET_EXEC && ret->e_type != ET_DYN)
		return err_set(err, -ENODATA, "ELF type %u is not a program", ret->e_type);
	return elf_image_check_counts(ret, err);
}

static int add_segment(struct elf_image *elf, const GElf_Phdr *phdr, struct err *err)
{
	struct elf_segment segment = {
		.addr = phdr->p_vaddr,
		.mem_size = phdr->p_memsz,
		.file_size = MIN(phdr->p_filesz, phdr->p_memsz),
		.offset = phdr->p_offset,
		.writable = phdr->p_flags & PF_W,
		.executable = phdr->p_flags & PF_X,
	};
	const struct elf_segment *before =
		elf->segment_count ? &elf->segments[elf->segment_count - 1] : NULL;
	u64 end;

	if (__builtin_add_overflow(segment.addr, segment.mem_size, &end) ||
	    (before && segment.addr < before->addr + before->mem_size))
		return err_set(err, -ENOEXEC, "segment at %#llx wraps around or is out of order",
			       segment.addr);
	if (segment.file_size && !bytes_slice(elf->file, segment.offset, segment.file_size).data)
		return err_set(err, -ENOEXEC,
			       "cut short: segment at %#llx needs bytes %#llx+%#llx, of %#zx",
			       segment.addr, segment.offset, segment.file_size, elf->file.size);
	elf->segments[elf->segment_count++] = segment;
	return 0;
}

/* Parts of the file that many segments have would be searched as many times. */
static int check_segments(const struct elf_image *elf, struct err *err)
{
	u64 bytes = 0;

	if (!elf->segment_count)
		return err_set(err, -ENODATA, "no segment to load");
	for (size_t i = 0; i < elf->segment_count; i++)
		bytes += elf->segments[i].file_size;
	if (bytes > 2 * (u64)elf->file.size)
		return err_set(err, -ENOEXEC, "its segments load %llu bytes of a file of %zu",
			       bytes, elf->file.size);
	return 0;
}

static int read_segments(struct elf_image *elf, Elf *handle, GElf_Phdr *ret_dynamic,
			 struct err *err)
{
	size_t count;
	GElf_Phdr phdr;
	int rc;

	if (elf_getphdrnum(handle, &count))
		return err_set(err, -ENOEXEC, "program headers: %s", libelf_text());
	for (size_t i = 0; i < count; i++) {
		if (!gelf_getphdr(handle, (int)i, &phdr))
			return err_set(err, -ENOEXEC, "program header %zu: %s", i, libelf_text());
		if (phdr.p_type == PT_DYNAMIC)
			*ret_dynamic = phdr;
		if (phdr.p_type != PT_LOAD)
			continue;
		rc = add_segment(elf, &phdr, err);
		if (rc)
			return rc;
	}
	return check_segments(elf, err);
}

static const char *section_name(const struct elf_image *elf, Elf *handle, size_t names, size_t off)
{
	Elf_Scn *scn = elf_getscn(handle, names);
	GElf_Shdr shdr;
	struct cursor c;
	const char *name;

	if (!scn || !gelf_getshdr(scn, &shdr))
		return "";
	c = cursor_at(bytes_slice(elf->file, shdr.sh_offset, shdr.sh_size), off);
	name = cursor_cstr(&c, MAX_SECTION_NAME);
	return name ? name : "";
}

static int read_sections(struct elf_image *elf, Elf *handle, struct err *err)
{
	size_t count, names, i = 0;
	Elf_Scn *scn = NULL;
	GElf_Shdr shdr;

	if (elf_getshdrnum(handle, &count))
		return err_set(err, -ENOEXEC, "section headers: %s", libelf_text());
	if (!count)
		return 0;
	if (elf_getshdrstrndx(handle, &names))
		names = 0; /* sections without names: nothing will be found by name */
	elf->sections = calloc(count, sizeof(*elf->sections));
	if (!elf->sections)
		return err_set(err, -ENOMEM, "%zu sections", count);
	for (; i < count && (scn = elf_getscn(handle, i)); i++) {
		if (!gelf_getshdr(scn, &shdr))
			break;
		elf->sections[i] = (struct elf_section) {
			.name = section_name(elf, handle, names, shdr.sh_name),
			.type = shdr.sh_type,
			.link = shdr.sh_link,
			.addr = shdr.sh_addr,
			.offset = shdr.sh_offset,
			.size = shdr.sh_size,
		};
	}
	elf->section_count = i;
	if (i < count)
		return err_set(err, -ENOEXEC, "section header %zu of %zu: %s", i, count,
			       libelf_text());
	return 0;
}

/* libelf takes a table that lies past the end for none, which would pass for stripped or no
 * program. */
static int check_tables(const Elf64_Ehdr *header, struct bytes file, struct err *err)
{
	u64 segments = (u64)header->e_phnum * sizeof(Elf64_Phdr);
	u64 sections = (u64)header->e_shnum * sizeof(Elf64_Shdr);

	if (!bytes_slice(file, header->e_phoff, segments).data)
		return err_set(err, -ENOEXEC, "cut short: program headers at %#llx, of %#zx",
			       (u64)header->e_phoff, file.size);
	if (header->e_shoff && !bytes_slice(file, header->e_shoff, sections).data)
		return err_set(err, -ENOEXEC, "cut short: section headers at %#llx, of %#zx",
			       (u64)header->e_shoff, file.size);
	return 0;
}

static int read_symbols(struct elf_image *elf, struct err *err)
{
	const struct elf_section *table = NULL, *names;
	struct bytes symbols, texts;

	for (size_t i = 0; i < elf->section_count && !table; i++)
		if (elf->sections[i].type == SHT_SYMTAB)
			table = &elf->sections[i];
	if (!table || table->link >= elf->section_count)
		return 0;
	names = &elf->sections[table->link];
	symbols = bytes_slice(elf->file, table->offset, table->size);
	texts = bytes_slice(elf->file, names->offset, names->size);
	if (!symbols.data || !texts.data)
		return err_set(err, -ENOEXEC, "cut short: .symtab ends past %#zx", elf->file.size);
	elf->symbols = symbols;
	elf->symbol_names = texts;
	return 0;
}

static int read_dynamic(struct elf_image *elf, const GElf_Phdr *dynamic, struct err *err)
{
	struct bytes entries = bytes_slice(elf->file, dynamic->p_offset, dynamic->p_filesz);
	struct cursor c = cursor_at(entries, 0);
	u64 addr = 0, size = 0;

	for (size_t n = entries.size / sizeof(Elf64_Dyn); n; n--) {
		u64 tag = cursor_u64(&c), value = cursor_u64(&c);

		if (tag == DT_NULL)
			break;
		if (tag == DT_RELA)
			addr = value;
		if (tag == DT_RELASZ)
			size = value;
	}
	elf->relocations = elf_image_bytes(elf, addr, size);
	if (elf_image_relocations(elf) > ELF_MAX_RELOCATIONS)
		return err_set(err, -ENOEXEC, "more than %d relocations", ELF_MAX_RELOCATIONS);
	elf_image_sort_check(elf);
	return 0;
}

static int read_tables(struct elf_image *elf, const Elf64_Ehdr *header, struct err *err)
{
	/* libelf only reads the bytes, its interface just lacks the const. */
	CLEANUP(elf_handle_end)
	Elf *handle = elf_memory((char *)elf->file.data, elf->file.size);
	GElf_Phdr dynamic = { 0 };
	int rc;

	if (!handle)
		return err_set(err, -ENOEXEC, "not an ELF file: %s", libelf_text());
	rc = check_tables(header, elf->file, err);
	if (!rc)
		rc = read_segments(elf, handle, &dynamic, err);
	if (!rc)
		rc = read_sections(elf, handle, err);
	if (!rc)
		rc = read_symbols(elf, err);
	if (!rc && dynamic.p_type == PT_DYNAMIC)
		rc = read_dynamic(elf, &dynamic, err);
	return rc;
}

int elf_image_init(struct elf_image *ret, struct bytes file, bytes_release *release,
		   struct err *err)
{
	CLEANUP(elf_image_done) struct elf_image elf = { .file = file, .release = release };
	Elf64_Ehdr header;
	int rc = read_header(file, &header, err);

	if (rc)
		return rc;
	if (elf_version(EV_CURRENT) == EV_NONE)
		return err_set(err, -ENOTSUP, "libelf: %s", libelf_text());
	elf.pie = header.e_type == ET_DYN;
	rc = read_tables(&elf, &header, err);
	if (rc)
		return rc;
	*ret = elf;
	elf.sections = NULL;
	return 0;
}

void elf_image_done(struct elf_image *elf)
{
	free(elf->sections);
	elf->sections = NULL;
	elf->section_count = 0;
}

const struct elf_section *elf_image_section(const struct elf_image *elf, const char *name)
{
	for (size_t i = 0; i < elf->section_count; i++)
		if (strcmp(elf->sections[i].name, name) == 0)
			return &elf->sections[i];
	return NULL;
}

const struct elf_segment *elf_image_segment(const struct elf_image *elf, u64 addr)
{
	for (size_t i = 0; i < elf->segment_count; i++) {
		const struct elf_segment *segment = &elf->segments[i];

		if (addr >= segment->addr && addr - segment->addr < segment->mem_size)
			return segment;
	}
	return NULL;
}

struct bytes elf_image_tail(const struct elf_image *elf, u64 addr)
{
	const struct elf_segment *segment = elf_image_segment(elf, addr);
	u64 skip;

	if (!segment || addr - segment->addr >= segment->file_size)
		return (struct bytes) { 0 };
	skip = addr - segment->addr;
	return bytes_slice(elf->file, segment->offset + skip, segment->file_size - skip);
}

struct bytes elf_image_bytes(const struct elf_image *elf, u64 addr, u64 size)
{
	return bytes_slice(elf_image_tail(elf, addr), 0, size);
}

int elf_image_symbol(const struct elf_image *elf, const char *name, u64 *ret_addr, u64 *ret_size)
{
	size_t count = elf->symbols.size / sizeof(Elf64_Sym), name_size = strlen(name) + 1;
	int rc = -ENOENT;
	struct bytes text;
	Elf64_Sym symbol;

	for (size_t i = 0; i < count && rc; i++) {
		memcpy(&symbol, elf->symbols.data + i * sizeof(symbol), sizeof(symbol));
		/* Most symbols are functions, whose names would be read from the file for nothing.
		 */
		if (symbol.st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol.st_info) != STT_OBJECT)
			continue;
		text = bytes_slice(elf->symbol_names, symbol.st_name, name_size);
		if (!text.data || memcmp(text.data, name, name_size) != 0)
			continue;
		*ret_addr = symbol.st_value;
		*ret_size = symbol.st_size;
		rc = 0;
	}
	elf_image_release(elf, elf->symbols);
	elf_image_release(elf, elf->symbol_names);
	return rc;
}
