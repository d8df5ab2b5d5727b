/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/elf_symbols.h"

#include <errno.h>
#include <gelf.h>
#include <string.h>

#include "gobin/elf_image.h"

/* Ten times a browser's; more are made to waste memory. */
enum {
	MAX_SYMBOLS = 1 << 21,
	MAX_TABLE_BYTES = MAX_SYMBOLS * sizeof(Elf64_Sym),
	MAX_NAMES_BYTES = 128 << 20,
	MAX_SECTION_NAMES_BYTES = 1 << 20,
};

struct symbol {
	u64 addr, size;
	size_t name; /* in the string table */
};

struct elf_symbols {
	Elf *elf;
	int fd;
	size_t strings;		/* section of the names */
	struct symbol *symbols; /* owned, by address */
	size_t count;
	u64 bytes; /* of memory that all this may take */
};

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	if (x->addr != y->addr)
		return x->addr < y->addr ? -1 : 1;
	return x->size < y->size ? -1 : x->size > y->size;
}

/* The first section of that type. */
static Elf_Scn *find_table(Elf *elf, u32 type, GElf_Shdr *ret)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, ret) && ret->sh_type == type)
			return section;
	return NULL;
}

/*
 * libelf reads a section whole, as large as it says it is, and a sparse file
 * costs its maker nothing; compressed names it would unpack. 0: not to be read.
 */
static u64 readable_size(Elf_Scn *section, u64 most)
{
	GElf_Shdr header;

	if (!section || !gelf_getshdr(section, &header) || header.sh_size > most ||
	    (header.sh_flags & SHF_COMPRESSED))
		return 0;
	return header.sh_size;
}

static bool is_function(const GElf_Sym *symbol)
{
	u8 type = GELF_ST_TYPE(symbol->st_info);

	return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
	       symbol->st_value;
}

static int read_table(struct elf_symbols *s, Elf_Scn *section, const GElf_Shdr *header,
		      u64 most_bytes)
{
	size_t n = header->sh_entsize ? header->sh_size / header->sh_entsize : 0;
	u64 names = readable_size(elf_getscn(s->elf, header->sh_link), MAX_NAMES_BYTES);
	Elf_Data *data;
	GElf_Sym symbol;
	u64 bytes;

	if (!names || !readable_size(section, MAX_TABLE_BYTES))
		return 0;
	n = MIN(n, (size_t)MAX_SYMBOLS);
	bytes = header->sh_size + names + n * sizeof(*s->symbols);
	if (bytes > most_bytes)
		return 0;
	data = elf_getdata(section, NULL);
	s->bytes = bytes;
	s->strings = header->sh_link;
	s->symbols = calloc(n + 1, sizeof(*s->symbols));
	if (!s->symbols)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		if (gelf_getsym(data, (int)i, &symbol) && is_function(&symbol))
			s->symbols[s->count++] = (struct symbol) {
				.addr = symbol.st_value,
				.size = symbol.st_size,
				.name = symbol.st_name,
			};
	qsort(s->symbols, s->count, sizeof(*s->symbols), compare);
	return 0;
}

static int read_symbols(struct elf_symbols *s, u64 most_bytes)
{
	GElf_Shdr header;
	Elf_Scn *section = find_table(s->elf, SHT_SYMTAB, &header);

	if (!section)
		section = find_table(s->elf, SHT_DYNSYM, &header);
	return section ? read_table(s, section, &header, most_bytes) : 0;
}

/* What is too short for a header is for libelf to refuse. */
static int check_counts(int fd, struct err *err)
{
	Elf64_Ehdr header;

	if (pread(fd, &header, sizeof(header), 0) != sizeof(header))
		return 0;
	return elf_image_check_counts(&header, err);
}

int elf_symbols_open(struct elf_symbols **ret, int fd, u64 most_bytes, struct err *err)
{
	CLEANUP(elf_symbols_freep) struct elf_symbols *s = calloc(1, sizeof(*s));
	int rc;

	if (!s) {
		close(fd);
		return err_set(err, -ENOMEM, "out of memory");
	}
	s->fd = fd;
	rc = check_counts(fd, err);
	if (rc)
		return rc;
	(void)elf_version(EV_CURRENT);
	s->elf = elf_begin(fd, ELF_C_READ, NULL); /* pread(), where ELF_C_READ_MMAP would map */
	if (!s->elf || elf_kind(s->elf) != ELF_K_ELF || gelf_getclass(s->elf) != ELFCLASS64)
		return err_set(err, -ENOEXEC, "no ELF file of 64 bits: %s", elf_errmsg(-1));
	if (read_symbols(s, most_bytes))
		return err_set(err, -ENOMEM, "out of memory");
	*ret = TAKE_PTR(s);
	return 0;
}

void elf_symbols_free(struct elf_symbols *symbols)
{
	if (!symbols)
		return;
	elf_end(symbols->elf);
	close(symbols->fd);
	free(symbols->symbols);
	free(symbols);
}

u64 elf_symbols_bytes(const struct elf_symbols *symbols)
{
	return symbols->bytes;
}

int elf_symbols_addr(const struct elf_symbols *symbols, u64 offset, u64 *ret)
{
	GElf_Phdr segment;
	size_t n;

	if (elf_getphdrnum(symbols->elf, &n))
		return -ENOENT;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(symbols->elf, (int)i, &segment) || segment.p_type != PT_LOAD ||
		    offset < segment.p_offset || offset - segment.p_offset >= segment.p_filesz)
			continue;
		*ret = segment.p_vaddr + (offset - segment.p_offset);
		return 0;
	}
	return -ENOENT;
}

/* The last symbol that does not start after addr; NULL: none. */
static const struct symbol *last_before(const struct elf_symbols *s, u64 addr)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->symbols[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? &s->symbols[low - 1] : NULL;
}

const char *elf_symbols_find(const struct elf_symbols *symbols, u64 addr)
{
	const struct symbol *symbol = last_before(symbols, addr);

	if (!symbol || (symbol->size && addr - symbol->addr >= symbol->size))
		return NULL;
	return elf_strptr(symbols->elf, symbols->strings, symbol->name);
}

bool elf_symbols_maybe_go(const struct elf_symbols *symbols)
{
	static const char *const sections[] = { ".go.buildinfo", ".gopclntab", ".note.go.buildid" };
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	size_t names;
	bool any = false;

	if (elf_getshdrstrndx(symbols->elf, &names) ||
	    !readable_size(elf_getscn(symbols->elf, names), MAX_SECTION_NAMES_BYTES))
		return true;
	while ((section = elf_nextscn(symbols->elf, section))) {
		const char *name = gelf_getshdr(section, &header)
					   ? elf_strptr(symbols->elf, names, header.sh_name)
					   : NULL;

		any = true;
		for (size_t i = 0; name && i < ARRAY_SIZE(sections); i++)
			if (strcmp(name, sections[i]) == 0)
				return true;
	}
	return !any;
}
