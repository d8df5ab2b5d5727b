/* SPDX-License-Identifier: BSD-2-Clause */
/* What is mapped where, and which function of C lies there: against the text by hand and the
 * dynamic loader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "daemon/images.h"
#include "proc/elf_symbols.h"
#include "proc/maps.h"

static const struct {
	const char *line;
	bool valid;
	struct maps_entry want;
} rows[] = {
	{ "00400000-00401000 r-xp 00001000 fe:01 1234                       /usr/bin/app",
	  true,
	  { .start = 0x400000,
	    .end = 0x401000,
	    .offset = 0x1000,
	    .ino = 1234,
	    .major = 0xfe,
	    .minor = 1,
	    .readable = true,
	    .executable = true,
	    .path = "/usr/bin/app" } },
	{ "7f00-7fff rw-s 00000000 00:05 9 /dev/shm/a b (deleted)",
	  true, /* a blank is of the path */
	  { .start = 0x7f00,
	    .end = 0x7fff,
	    .ino = 9,
	    .minor = 5,
	    .readable = true,
	    .writable = true,
	    .path = "/dev/shm/a b (deleted)" } },
	{ "1-2 ---p 00000000 00:00 0 ", true, { .start = 1, .end = 2 } },
	{ "1-2 ---p 00000000 00:00 0", true, { .start = 1, .end = 2 } },
	{ "1-2 r--p 0 00:00 0 [vdso]",
	  true,
	  { .start = 1, .end = 2, .readable = true, .path = "[vdso]" } },
	{ "1-2 r--p 0 00:00 7 /tmp/a\\012b\\x",
	  true, /* the kernel escapes newlines alone */
	  { .start = 1, .end = 2, .ino = 7, .readable = true, .path = "/tmp/a\nb\\x" } },
	{ "fffffffffffff000-ffffffffffffffff --xp 0 00:00 0 [vsyscall]",
	  true,
	  { .start = 0xfffffffffffff000, .end = ~0ull, .executable = true, .path = "[vsyscall]" } },
	{ .line = "" },
	{ .line = "1-2" },
	{ .line = "1-2 r-xp 0 00:00 " },
	{ .line = "1-2 r-xp 0 0000 1 /a" },
	{ .line = "1-2 q-xp 0 00:00 1 /a" },
	{ .line = "2-2 r-xp 0 00:00 1 /a" }, /* nothing lies in it */
	{ .line = "2-1 r-xp 0 00:00 1 /a" },
	{ .line = "1-10000000000000000 r-xp 0 00:00 1 /a" }, /* 65 bits */
	{ .line = "1-2 r-xp 0 00:00 18446744073709551616 /a" },
	{ .line = "x-2 r-xp 0 00:00 1 /a" },
};

static void assert_same_entry(const struct maps_entry *got, const struct maps_entry *want)
{
	assert_int_equal(got->start, want->start);
	assert_int_equal(got->end, want->end);
	assert_int_equal(got->offset, want->offset);
	assert_int_equal(got->ino, want->ino);
	assert_int_equal(got->major, want->major);
	assert_int_equal(got->minor, want->minor);
	assert_int_equal(got->readable, want->readable);
	assert_int_equal(got->writable, want->writable);
	assert_int_equal(got->executable, want->executable);
	assert_string_equal(got->path, want->path);
}

static void lines_are_read_as_written(void **state)
{
	static struct maps_entry entry;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t size = strlen(rows[i].line);
		u8 *exact = malloc(size + 1);
		struct maps_iter it = { .text = { exact, size } };

		assert_non_null(exact);
		memcpy(exact, rows[i].line, size);
		assert_int_equal(maps_next(&it, &entry), rows[i].valid);
		if (rows[i].valid)
			assert_same_entry(&entry, &rows[i].want);
		assert_false(maps_next(&it, &entry));
		free(exact);
	}
}

static void bad_lines_are_skipped(void **state)
{
	static const char text[] = "1-2 r-xp 0 00:00 1 /a\nnonsense\n\n3-4 r-xp 0 00:00 1 /b";
	struct bytes bytes = { (const u8 *)text, strlen(text) };
	static struct maps_entry entry;

	(void)state;
	assert_int_equal(maps_find(bytes, 3, &entry), 0);
	assert_string_equal(entry.path, "/b");
	assert_int_equal(maps_find(bytes, 1, &entry), 0);
	assert_string_equal(entry.path, "/a");
	assert_int_equal(maps_find(bytes, 2, &entry), -ENOENT);
	assert_int_equal(maps_find(bytes, 4, &entry), -ENOENT);
}

static void long_paths_are_cut(void **state)
{
	static char line[2 * MAPS_PATH_BYTES] = "1-2 r-xp 0 00:00 1 ";
	static struct maps_entry entry;
	struct maps_iter it = { .text = { (const u8 *)line, sizeof(line) - 1 } };

	(void)state;
	memset(line + strlen(line), 'x', sizeof(line) - 1 - strlen(line));
	assert_true(maps_next(&it, &entry));
	assert_int_equal(strlen(entry.path), MAPS_PATH_BYTES - 1);
}

/* Opens the file that an address of ours is mapped from. */
static int open_own(const void *addr, struct maps_entry *entry)
{
	struct bytes text;
	int fd;

	assert_int_equal(maps_read(getpid(), &text, NULL), 0);
	assert_int_equal(maps_find(text, (u64)(uintptr_t)addr, entry), 0);
	fd = maps_open(getpid(), entry, NULL);
	free((void *)text.data);
	return fd;
}

static void the_loader_names_the_same_functions(void **state)
{
	static const char *const names[] = { "ftw",   "regcomp", "getopt_long", "hcreate",
					     "lfind", "a64l",	 "bsearch",	"fnmatch" };
	CLEANUP(elf_symbols_freep) struct elf_symbols *symbols = NULL;
	static struct maps_entry entry;
	u64 base = (u64)(uintptr_t)dlsym(RTLD_DEFAULT, names[0]), linked;
	int fd = open_own((void *)(uintptr_t)base, &entry);

	(void)state;
	assert_true(fd >= 0);
	assert_true(entry.executable);
	assert_int_equal(elf_symbols_open(&symbols, fd, ~0ull, NULL), 0);
	assert_false(elf_symbols_maybe_go(symbols));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		u64 addr = (u64)(uintptr_t)dlsym(RTLD_DEFAULT, names[i]);
		const char *name;

		assert_true(addr >= entry.start && addr < entry.end);
		assert_int_equal(
			elf_symbols_addr(symbols, addr - entry.start + entry.offset, &linked), 0);
		for (u64 inside = 0; inside < 8; inside += 7) {
			name = elf_symbols_find(symbols, linked + inside);
			assert_non_null(name);
			/* Aliases have one address: the name must lead back there. */
			assert_ptr_equal(dlsym(RTLD_DEFAULT, name), (void *)(uintptr_t)addr);
		}
	}
	assert_null(elf_symbols_find(symbols, 0));
	assert_int_equal(elf_symbols_addr(symbols, 1ull << 40, &linked), -ENOENT);
}

static void what_is_no_elf_file_is_refused(void **state)
{
	struct elf_symbols *symbols = NULL;
	struct err err = { "" };

	(void)state;
	assert_int_equal(elf_symbols_open(&symbols, open("/dev/null", O_RDONLY), ~0ull, &err),
			 -ENOEXEC);
	assert_int_equal(elf_symbols_open(&symbols, open("/etc/passwd", O_RDONLY), ~0ull, &err),
			 -ENOEXEC);
	assert_string_not_equal(err.text, "");
	assert_null(symbols);
}

/* A file of holes says that it has 512 MiB of symbols, of names, or of section headers. */
static void sparse_files_cost_no_memory(void **state)
{
	enum { HUGE = 512 << 20, AT = 4096 };
	Elf64_Ehdr header = { .e_ident = ELFMAG "\2\1\1",
			      .e_type = ET_DYN,
			      .e_machine = EM_X86_64,
			      .e_version = EV_CURRENT,
			      .e_ehsize = sizeof(header),
			      .e_shentsize = sizeof(Elf64_Shdr),
			      .e_shoff = sizeof(header) };
	Elf64_Shdr sections[3] = { { 0 },
				   { .sh_type = SHT_SYMTAB,
				     .sh_link = 2,
				     .sh_offset = AT,
				     .sh_entsize = sizeof(Elf64_Sym) },
				   { .sh_type = SHT_STRTAB, .sh_offset = AT } };
	struct rusage before, after;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	for (int huge = 0; huge < 3; huge++) {
		CLEANUP(elf_symbols_freep) struct elf_symbols *symbols = NULL;
		int fd = memfd_create("sparse", MFD_CLOEXEC), rc;

		header.e_shnum = huge ? ARRAY_SIZE(sections) : 0;
		header.e_shstrndx = huge ? 2 : 0;
		sections[0].sh_size = huge ? 0 : HUGE / sizeof(Elf64_Shdr);
		sections[1].sh_size = huge == 1 ? HUGE : sizeof(Elf64_Sym);
		sections[2].sh_size = huge == 2 ? HUGE : 64;
		assert_int_equal(ftruncate(fd, (off_t)HUGE + 2 * AT), 0);
		assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
		assert_int_equal(pwrite(fd, sections, sizeof(sections), sizeof(header)),
				 sizeof(sections));
		rc = elf_symbols_open(&symbols, fd, ~0ull, NULL);
		assert_int_equal(rc, huge ? 0 : -ENOEXEC);
		if (rc)
			continue;
		(void)elf_symbols_maybe_go(symbols);
		assert_null(elf_symbols_find(symbols, 1));
		assert_int_equal(elf_symbols_bytes(symbols), 0);
	}
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10); /* KiB */
}

/* All processes' files have one budget; what goes gives back what it took. */
static void files_of_all_processes_share_their_memory(void **state)
{
	u64 addr = (u64)(uintptr_t)dlsym(RTLD_DEFAULT, "dlsym"), total = 0, one;
	struct images *first = images_new(getpid(), 0, NULL, &total);
	struct images *second = images_new(getpid(), 0, NULL, &total);
	struct images *third = images_new(getpid(), 0, NULL, &total);
	struct image_place place;

	(void)state;
	assert_int_equal(images_find(first, addr, &place), 0);
	assert_non_null(elf_symbols_find(place.symbols, place.addr));
	one = total;
	assert_true(one > 0);
	total = IMAGES_MAX_BYTES - one + 1; /* not enough for the symbols */
	assert_int_equal(images_find(second, addr, &place), 0);
	assert_non_null(place.symbols);
	assert_null(elf_symbols_find(place.symbols, place.addr));
	assert_int_equal(total, IMAGES_MAX_BYTES - one + 1);
	total = IMAGES_MAX_BYTES;
	assert_int_equal(images_find(third, addr, &place), 0);
	assert_null(place.symbols);
	images_free(third);
	images_free(second);
	images_free(first);
	assert_int_equal(total, IMAGES_MAX_BYTES - one);
}

/* Cut short and with wrong bytes: an error or no names, but no crash. */
static void damaged_files_do_no_harm(void **state)
{
	static struct maps_entry entry;
	int from = open_own((void *)(uintptr_t)dlsym(RTLD_DEFAULT, "dlsym"), &entry);
	static u8 bytes[4 << 20];
	ssize_t size = read(from, bytes, sizeof(bytes));
	unsigned int seed = 7, opened = 0;

	(void)state;
	assert_true(size > 4096);
	close(from);
	for (int round = 0; round < 60; round++) {
		CLEANUP(elf_symbols_freep) struct elf_symbols *symbols = NULL;
		size_t length = round < 20 ? (size_t)size * (size_t)round / 20 : (size_t)size;
		int fd = memfd_create("damaged", MFD_CLOEXEC);
		u64 linked = 0;

		assert_int_equal(write(fd, bytes, length), length);
		for (int i = 0; round >= 20 && i < 8; i++) {
			u8 byte = (u8)rand_r(&seed);
			/* the file header, the segments, or the section headers at the end */
			off_t at = i < 4 ? rand_r(&seed) % 1024
					 : (off_t)length - 1 - rand_r(&seed) % 4096;

			assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		}
		if (elf_symbols_open(&symbols, fd, ~0ull, NULL))
			continue;
		opened++;
		(void)elf_symbols_maybe_go(symbols);
		for (u64 at = 0; at < (u64)size; at += 4099)
			if (!elf_symbols_addr(symbols, at, &linked))
				(void)elf_symbols_find(symbols, linked);
	}
	assert_true(opened > 10); /* or this test tests nothing */
}

/* A file that is gone, of a process that is not us. */
static void a_deleted_file_is_still_found(void **state)
{
	char path[] = "/tmp/gosonde-maps-XXXXXX";
	static struct maps_entry entry;
	int fd = mkstemp(path), mapped;
	void *page;
	char text[4] = "";

	(void)state;
	if (geteuid() != 0) {
		close(fd);
		unlink(path);
		print_message("reaching a deleted file needs CAP_SYS_ADMIN\n");
		skip();
	}
	assert_int_equal(write(fd, "abc", 3), 3);
	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(page, MAP_FAILED);
	unlink(path);
	mapped = open_own(page, &entry);
	assert_non_null(strstr(entry.path, " (deleted)"));
	assert_true(mapped >= 0);
	assert_int_equal(read(mapped, text, 3), 3);
	assert_string_equal(text, "abc");
	close(mapped);
	munmap(page, 4096);
	close(fd);
}

/* What it may do: a FIFO's writers go on, a tape winds. */
static void what_is_no_file_is_not_opened(void **state)
{
	char fifo[] = "/tmp/gosonde-maps-XXXXXX", event[512];
	static struct maps_entry entry;
	int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

	(void)state;
	assert_non_null(mkdtemp(fifo));
	snprintf(entry.path, sizeof(entry.path), "%s/fifo", fifo);
	entry.ino = 1;
	assert_int_equal(mkfifo(entry.path, 0600), 0);
	assert_true(inotify_add_watch(watch, entry.path, IN_OPEN) >= 0);
	assert_int_equal(maps_open(getpid(), &entry, NULL), -ENOENT);
	assert_int_equal(read(watch, event, sizeof(event)), -1);
	assert_int_equal(errno, EAGAIN);
	close(watch);
	unlink(entry.path);
	rmdir(fifo);
}

static void no_process_no_maps(void **state)
{
	struct bytes text = { 0 };
	struct err err = { "" };
	pid_t child = fork();

	(void)state;
	if (!child)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(maps_read(child, &text, &err), -ENOENT);
	assert_string_not_equal(err.text, "");
	assert_null(text.data);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read_as_written),
		cmocka_unit_test(bad_lines_are_skipped),
		cmocka_unit_test(long_paths_are_cut),
		cmocka_unit_test(the_loader_names_the_same_functions),
		cmocka_unit_test(what_is_no_elf_file_is_refused),
		cmocka_unit_test(sparse_files_cost_no_memory),
		cmocka_unit_test(files_of_all_processes_share_their_memory),
		cmocka_unit_test(damaged_files_do_no_harm),
		cmocka_unit_test(a_deleted_file_is_still_found),
		cmocka_unit_test(what_is_no_file_is_not_opened),
		cmocka_unit_test(no_process_no_maps),
	};

	return cmocka_run_group_tests_name("symbols", tests, NULL, NULL);
}
