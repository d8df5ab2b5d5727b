/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/build_id.h"

#include <elf.h>
#include <string.h>

#include "base/macros.h"

enum {
	MAX_PHDRS = 64,
	MAX_NOTES = 64, /* of one segment; there are two or three */
	MAX_ID_BYTES = 512,
	NOTE_GO_BUILD_ID = 4, /* cmd/link/internal/ld/elf.go: ELF_NOTE_GOBUILDID_TAG */
};

static bool is_note(const u8 *owner, u32 owner_size, u32 type, const char *want, u32 want_type)
{
	return type == want_type && owner_size == 4 && memcmp(owner, want, 4) == 0;
}

static size_t aligned(u32 size)
{
	return ((size_t)size + 3) & ~(size_t)3;
}

static void read_notes(struct bytes notes, struct bytes *gnu, struct bytes *go)
{
	struct cursor c = cursor_at(notes, 0);

	for (int n = 0; n < MAX_NOTES; n++) {
		u32 owner_size = cursor_u32(&c), id_size = cursor_u32(&c), type = cursor_u32(&c);
		const u8 *owner = cursor_take(&c, aligned(owner_size));
		const u8 *id = cursor_take(&c, id_size);

		if (cursor_failed(&c))
			return;
		if (id_size && id_size <= MAX_ID_BYTES) {
			if (is_note(owner, owner_size, type, "GNU", NT_GNU_BUILD_ID))
				*gnu = (struct bytes) { id, id_size };
			if (is_note(owner, owner_size, type, "Go\0", NOTE_GO_BUILD_ID))
				*go = (struct bytes) { id, id_size };
		}
		cursor_skip(&c, aligned(id_size) - id_size);
	}
}

struct bytes build_id_find(struct bytes file)
{
	struct bytes gnu = { 0 }, go = { 0 }, headers;
	Elf64_Ehdr ehdr;
	Elf64_Phdr phdr;

	if (file.size < sizeof(ehdr))
		return gnu;
	memcpy(&ehdr, file.data, sizeof(ehdr));
	if (memcmp(ehdr.e_ident, ELFMAG, SELFMAG) != 0 || ehdr.e_ident[EI_CLASS] != ELFCLASS64)
		return gnu;
	headers = bytes_slice(file, ehdr.e_phoff, (u64)ehdr.e_phnum * sizeof(phdr));
	for (size_t i = 0; i < MIN(headers.size / sizeof(phdr), (size_t)MAX_PHDRS); i++) {
		memcpy(&phdr, headers.data + i * sizeof(phdr), sizeof(phdr));
		if (phdr.p_type == PT_NOTE)
			read_notes(bytes_slice(file, phdr.p_offset, phdr.p_filesz), &gnu, &go);
	}
	return gnu.size ? gnu : go;
}
