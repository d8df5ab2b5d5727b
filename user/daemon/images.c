/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/images.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/loop.h"
#include "gobin/readable.h"
#include "proc/maps.h"

enum { NAME_BYTES = 256 }; /* NAME_MAX */

/* Garbage on a stack must not make us read the maps at each hit: so many looks a second at most. */
static const u64 LOOKS_NS = 1000000000ULL;
enum { LOOKS_MAX = 8 };

struct mapping {
	u64 start, end;
	size_t line; /* where its line stands in the text */
};

struct image {
	u64 ino;
	u32 major, minor;
	char name[NAME_BYTES];
	struct elf_symbols *symbols; /* owned; NULL: not readable */
	struct gobin *bin;	     /* owned; NULL: no Go code */
	u8 *bytes;		     /* owned: what bin borrows */
};

struct images {
	int pid;
	u64 exe_ino;
	const struct gobin *program;
	struct bytes text; /* owned: the maps */
	struct mapping *mappings;
	size_t mapping_count;
	u64 looks_since_ns;
	unsigned int looks; /* since then */
	struct image image[IMAGES_MAX];
	size_t image_count;
	u64 bytes;		 /* of memory that they take */
	u64 *total_bytes;	 /* they and those of other processes */
	struct maps_entry entry; /* of the last lookup; large, so not on the stack */
};

struct images *images_new(int pid, u64 exe_ino, const struct gobin *program, u64 *total_bytes)
{
	struct images *images = calloc(1, sizeof(*images));

	if (images) {
		images->pid = pid;
		images->exe_ino = exe_ino;
		images->program = program;
		images->total_bytes = total_bytes;
	}
	return images;
}

void images_free(struct images *images)
{
	if (!images)
		return;
	*images->total_bytes -= images->bytes;
	for (size_t i = 0; i < images->image_count; i++) {
		gobin_free(images->image[i].bin);
		elf_symbols_free(images->image[i].symbols);
		free(images->image[i].bytes);
	}
	free((void *)images->text.data);
	free(images->mappings);
	free(images);
}

static size_t count_lines(struct bytes text)
{
	size_t n = 1;

	for (size_t i = 0; i < text.size; i++)
		n += text.data[i] == '\n';
	return n;
}

/* Reads the maps anew; what was known stays if that fails, or none are left: the process may be
 * gone. */
static void look(struct images *images)
{
	struct maps_iter it = { 0 };
	struct mapping *mappings;
	size_t n = 0;

	if (maps_read(images->pid, &it.text, NULL))
		return;
	mappings = calloc(count_lines(it.text), sizeof(*mappings));
	if (!mappings) {
		free((void *)it.text.data);
		return;
	}
	for (size_t line = 0; maps_next(&it, &images->entry); line = it.pos)
		mappings[n++] = (struct mapping) { images->entry.start, images->entry.end, line };
	if (!n) {
		free((void *)it.text.data);
		free(mappings);
		return;
	}
	free((void *)images->text.data);
	free(images->mappings);
	images->text = it.text;
	images->mappings = mappings;
	images->mapping_count = n;
}

static int compare(const void *key, const void *member)
{
	const u64 *addr = key;
	const struct mapping *mapping = member;

	return *addr < mapping->start ? -1 : *addr >= mapping->end;
}

static const struct mapping *find_mapping(const struct images *images, u64 addr)
{
	/* The kernel lists them by address. */
	return images->mapping_count ? bsearch(&addr, images->mappings, images->mapping_count,
					       sizeof(*images->mappings), compare)
				     : NULL;
}

static bool may_look(struct images *images)
{
	u64 now_ns = now_monotonic_ns();

	if (now_ns - images->looks_since_ns >= LOOKS_NS) {
		images->looks_since_ns = now_ns;
		images->looks = 0;
	}
	return images->looks++ < LOOKS_MAX;
}

/* Sets images->entry to what holds addr. */
static bool find_entry(struct images *images, u64 addr)
{
	const struct mapping *mapping = find_mapping(images, addr);
	struct maps_iter it = { .text = images->text };

	if (!mapping) {
		if (!may_look(images))
			return false;
		look(images);
		it.text = images->text;
		mapping = find_mapping(images, addr);
	}
	if (!mapping)
		return false;
	it.pos = mapping->line;
	return maps_next(&it, &images->entry);
}

static u64 bytes_left(const struct images *images)
{
	return IMAGES_MAX_BYTES - MIN(*images->total_bytes, (u64)IMAGES_MAX_BYTES);
}

static void charge(struct images *images, u64 bytes)
{
	images->bytes += bytes;
	*images->total_bytes += bytes;
}

static u8 *read_file(int fd, u64 most, size_t *ret_size)
{
	CLEANUP(freep) u8 *data = NULL;
	size_t done = 0;
	struct stat st;

	if (fstat(fd, &st) || st.st_size <= 0 || (u64)st.st_size > most)
		return NULL;
	data = malloc((size_t)st.st_size);
	while (data && done < (size_t)st.st_size) {
		ssize_t n = pread(fd, data + done, (size_t)st.st_size - done, (off_t)done);

		if (n <= 0)
			return NULL;
		done += (size_t)n;
	}
	*ret_size = done;
	return TAKE_PTR(data);
}

/* A file that is no Go module has no gobin; so has one that is too large for us. */
static void open_go(struct images *images, struct image *image, int fd)
{
	struct bytes file;

	image->bytes = read_file(fd, bytes_left(images), &file.size);
	if (!image->bytes)
		return;
	file.data = image->bytes;
	if (gobin_open_plugin(&image->bin, file, images->program, NULL)) {
		free(image->bytes);
		image->bytes = NULL;
		return;
	}
	charge(images, file.size);
}

static void open_file(struct images *images, struct image *image)
{
	const struct maps_entry *entry = &images->entry;
	CLEANUP(fd_closep) int go_fd = -1;
	int fd;

	if (!bytes_left(images))
		return;
	fd = maps_open(images->pid, entry, NULL);
	if (fd < 0)
		return;
	go_fd = dup(fd);
	if (elf_symbols_open(&image->symbols, fd, bytes_left(images), NULL))
		return;
	charge(images, elf_symbols_bytes(image->symbols));
	if (go_fd >= 0 && entry->ino != images->exe_ino && elf_symbols_maybe_go(image->symbols))
		open_go(images, image, go_fd);
}

static struct image *open_image(struct images *images)
{
	const struct maps_entry *entry = &images->entry;
	struct image *image;

	if (images->image_count == IMAGES_MAX)
		return NULL;
	image = &images->image[images->image_count++];
	image->ino = entry->ino;
	image->major = entry->major;
	image->minor = entry->minor;
	snprintf(image->name, sizeof(image->name), "%s", go_readable_file(entry->path));
	open_file(images, image);
	return image;
}

static struct image *find_image(struct images *images)
{
	const struct maps_entry *entry = &images->entry;

	for (size_t i = 0; i < images->image_count; i++) {
		struct image *image = &images->image[i];

		if (image->ino == entry->ino && image->major == entry->major &&
		    image->minor == entry->minor)
			return image;
	}
	return open_image(images);
}

int images_find(struct images *images, u64 addr, struct image_place *ret)
{
	const struct maps_entry *entry = &images->entry;
	const struct image *image = NULL;

	if (!find_entry(images, addr))
		return -ENOENT;
	*ret = (struct image_place) {
		.data = !entry->executable,
		.file = entry->path[0] ? go_readable_file(entry->path) : NULL,
		.offset = addr - entry->start + entry->offset,
	};
	if (entry->ino)
		image = find_image(images);
	if (!image)
		return 0;
	ret->file = image->name;
	ret->symbols = image->symbols;
	if (image->symbols && !elf_symbols_addr(image->symbols, ret->offset, &ret->addr)) {
		ret->bias = addr - ret->addr;
		ret->bin = image->bin;
	}
	return 0;
}

int images_open_file(struct images *images, u64 addr, struct err *err)
{
	if (!find_entry(images, addr))
		return err_set(err, -ENOENT, "nothing is mapped at %#llx", addr);
	return maps_open(images->pid, &images->entry, err);
}
