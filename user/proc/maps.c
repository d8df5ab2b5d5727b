/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/maps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proc/file.h"
#include "proc/process.h"

/* 65,530 mappings (DEFAULT_MAX_MAP_COUNT, linux/mm.h) of some 150 bytes. */
enum { MAX_TEXT_BYTES = 16 << 20, FIRST_TEXT_BYTES = 64 << 10 };

/* A line that is being taken apart; failed is sticky. */
struct line {
	struct bytes text;
	size_t pos;
	bool failed;
};

static u64 take_number(struct line *line, unsigned int base)
{
	size_t from = line->pos;
	u64 value = 0;

	for (; line->pos < line->text.size; line->pos++) {
		u8 c = line->text.data[line->pos];
		unsigned int digit = base;

		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if (c >= 'a' && c <= 'f')
			digit = c - 'a' + 10;
		if (digit >= base)
			break;
		if (value > (~0ULL - digit) / base)
			line->failed = true;
		value = value * base + digit;
	}
	if (line->pos == from)
		line->failed = true;
	return value;
}

static u8 take_byte(struct line *line)
{
	if (line->pos == line->text.size) {
		line->failed = true;
		return 0;
	}
	return line->text.data[line->pos++];
}

static void expect(struct line *line, u8 byte)
{
	if (take_byte(line) != byte)
		line->failed = true;
}

static bool take_flag(struct line *line, u8 set)
{
	u8 byte = take_byte(line);

	if (byte != set && byte != '-')
		line->failed = true;
	return byte == set;
}

/* The kernel writes a newline as \012 and a backslash as it is (fs/proc/task_mmu.c:
 * seq_path("\n")). */
static void take_path(struct line *line, char ret[static MAPS_PATH_BYTES])
{
	static const char newline[] = "\\012";
	size_t n = 0;

	while (line->pos < line->text.size && line->text.data[line->pos] == ' ')
		line->pos++;
	while (line->pos < line->text.size && n < MAPS_PATH_BYTES - 1) {
		struct bytes escape = bytes_slice(line->text, line->pos, strlen(newline));

		if (escape.data && !memcmp(escape.data, newline, escape.size)) {
			ret[n++] = '\n';
			line->pos += escape.size;
		} else {
			ret[n++] = (char)take_byte(line);
		}
	}
	ret[n] = '\0';
}

static bool parse_line(struct bytes text, struct maps_entry *ret)
{
	struct line line = { .text = text };

	ret->start = take_number(&line, 16);
	expect(&line, '-');
	ret->end = take_number(&line, 16);
	expect(&line, ' ');
	ret->readable = take_flag(&line, 'r');
	ret->writable = take_flag(&line, 'w');
	ret->executable = take_flag(&line, 'x');
	(void)take_byte(&line); /* p or s: private, shared */
	expect(&line, ' ');
	ret->offset = take_number(&line, 16);
	expect(&line, ' ');
	ret->major = (u32)take_number(&line, 16);
	expect(&line, ':');
	ret->minor = (u32)take_number(&line, 16);
	expect(&line, ' ');
	ret->ino = take_number(&line, 10);
	if (line.failed || ret->start >= ret->end)
		return false;
	take_path(&line, ret->path);
	return true;
}

bool maps_next(struct maps_iter *it, struct maps_entry *ret)
{
	while (it->pos < it->text.size) {
		const u8 *from = it->text.data + it->pos;
		size_t left = it->text.size - it->pos;
		const u8 *newline = memchr(from, '\n', left);
		struct bytes line = { from, newline ? (size_t)(newline - from) : left };

		it->pos += line.size + (newline ? 1 : 0);
		if (parse_line(line, ret))
			return true;
	}
	return false;
}

int maps_find(struct bytes text, u64 addr, struct maps_entry *ret)
{
	struct maps_iter it = { .text = text };

	while (maps_next(&it, ret))
		if (addr >= ret->start && addr < ret->end)
			return 0;
	return -ENOENT;
}

/* Appends what is left of fd, up to the cap. */
static int read_all(int fd, u8 **data, size_t *size)
{
	size_t room = 0;
	ssize_t n = 1;

	for (*size = 0; n > 0; *size += (size_t)n) {
		if (*size == room) {
			u8 *more;

			room = room ? 2 * room : FIRST_TEXT_BYTES;
			if (room > MAX_TEXT_BYTES)
				return -EFBIG;
			more = realloc(*data, room);
			if (!more)
				return -ENOMEM;
			*data = more;
		}
		n = read(fd, *data + *size, room - *size);
		if (n < 0)
			return -errno;
	}
	return 0;
}

int maps_read(int pid, struct bytes *ret, struct err *err)
{
	CLEANUP(fd_closep) int fd = -1;
	CLEANUP(freep) u8 *data = NULL;
	char path[sizeof(PROC_ROOT) + 32];
	size_t size;
	int rc;

	snprintf(path, sizeof(path), PROC_ROOT "/%d/maps", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_set(err, -errno, "%s: %s", path, strerror(errno));
	rc = read_all(fd, &data, &size);
	if (rc)
		return err_set(err, rc, "%s: %s", path, strerror(-rc));
	ret->data = TAKE_PTR(data);
	ret->size = size;
	return 0;
}

/*
 * Opening a device or a FIFO may have effects, so what the path leads to is looked at first, and
 * that is what is opened then, whatever the path leads to by now. ino: the file's; 0: any.
 */
static int open_regular(const char *path, u64 ino)
{
	CLEANUP(fd_closep) int found = open(path, O_PATH | O_CLOEXEC);
	char found_path[PROC_FD_PATH_BYTES];
	struct stat st;
	int fd;

	if (found < 0 || fstat(found, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || (ino && st.st_ino != ino))
		return -ENOENT;
	proc_fd_path(found_path, found);
	fd = open(found_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* A process in another mount namespace means its own root. The inode alone can tell: overlay file
 * systems show one device in maps and another in stat(2). */
static int open_by_path(int pid, const struct maps_entry *entry)
{
	char path[sizeof(PROC_ROOT) + 32 + MAPS_PATH_BYTES];

	snprintf(path, sizeof(path), PROC_ROOT "/%d/root%s", pid, entry->path);
	return open_regular(path, entry->ino);
}

int maps_open(int pid, const struct maps_entry *entry, struct err *err)
{
	char path[sizeof(PROC_ROOT) + 80];
	int fd;

	if (!entry->ino || entry->path[0] != '/')
		return err_set(err, -ENOENT, "no file is mapped at %#llx", entry->start);
	snprintf(path, sizeof(path), PROC_ROOT "/%d/map_files/%llx-%llx", pid, entry->start,
		 entry->end);
	fd = open_regular(path, 0);
	if (fd < 0)
		fd = open_by_path(pid, entry);
	return fd < 0 ? err_set(err, fd, "%s: %s", entry->path, strerror(-fd)) : fd;
}
