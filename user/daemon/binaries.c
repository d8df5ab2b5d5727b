/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/binaries.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "gobin/build_id.h"

struct entry {
	struct binary binary;	   /* first: what users hold is the entry */
	struct go_layout *checked; /* on the first process that could be; NULL: none yet */
	u32 users;
	TAILQ_ENTRY(entry) link;
};

/* By the time of last use, oldest first. A mapped file keeps its inode number from being reused. */
struct binaries {
	TAILQ_HEAD(entry_list, entry) entries;
	u32 idle;
	u64 images_bytes;
};

struct binaries *binaries_new(void)
{
	struct binaries *binaries = calloc(1, sizeof(*binaries));

	if (binaries)
		TAILQ_INIT(&binaries->entries);
	return binaries;
}

static void entry_free(struct entry *entry)
{
	if (!entry)
		return;
	gobin_free(entry->binary.bin);
	proc_file_close(&entry->binary.file);
	free(entry->checked);
	free(entry);
}
DEFINE_FREEP(struct entry, entry_free)

void binaries_free(struct binaries *binaries)
{
	struct entry *entry;

	if (!binaries)
		return;
	while ((entry = TAILQ_FIRST(&binaries->entries))) {
		assert(!entry->users);
		TAILQ_REMOVE(&binaries->entries, entry, link);
		entry_free(entry);
	}
	free(binaries);
}

static bool same_bytes(struct bytes a, struct bytes b)
{
	return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0);
}

static bool same_file(const struct proc_file *a, const struct proc_file *b)
{
	return a->dev == b->dev && a->ino == b->ino && a->bytes.size == b->bytes.size &&
	       a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
	       same_bytes(build_id_find(a->bytes), build_id_find(b->bytes));
}

static struct entry *find(struct binaries *binaries, const struct proc_file *file)
{
	struct entry *entry;

	TAILQ_FOREACH (entry, &binaries->entries, link)
		if (same_file(&entry->binary.file, file))
			return entry;
	return NULL;
}

static int open_entry(struct proc_file *file, struct entry **ret, struct err *err)
{
	CLEANUP(entry_freep) struct entry *entry = calloc(1, sizeof(*entry));
	int rc;

	if (!entry)
		return err_set(err, -ENOMEM, "binary");
	entry->binary.file = *file;
	*file = (struct proc_file) { 0 };
	rc = gobin_open_mapped(&entry->binary.bin, entry->binary.file.bytes, proc_file_release,
			       err);
	if (rc)
		return rc;
	go_layout_find(entry->binary.bin, &entry->binary.layout);
	*ret = TAKE_PTR(entry);
	return 0;
}

static void take(struct binaries *binaries, struct entry *entry)
{
	if (!entry->users++)
		binaries->idle--;
	TAILQ_REMOVE(&binaries->entries, entry, link);
	TAILQ_INSERT_TAIL(&binaries->entries, entry, link);
}

int binaries_get(struct binaries *binaries, const char *path, const struct binary **ret,
		 struct err *err)
{
	CLEANUP(proc_file_close) struct proc_file file = { 0 };
	struct entry *entry;
	int rc = proc_file_open(path, &file, err);

	if (rc)
		return rc;
	entry = find(binaries, &file);
	if (!entry) {
		rc = open_entry(&file, &entry, err);
		if (rc)
			return rc;
		TAILQ_INSERT_TAIL(&binaries->entries, entry, link);
		binaries->idle++;
	}
	take(binaries, entry);
	*ret = &entry->binary;
	return 0;
}

/* Both are copies of the binary's, with the same written over. */
const struct go_layout *binaries_share_layout(const struct binary *binary,
					      const struct go_layout *layout)
{
	struct entry *entry = (struct entry *)binary;
	const struct bytes mine = { (const u8 *)layout, sizeof(*layout) };
	struct bytes known = { .size = sizeof(*layout) };

	if (!entry->checked) {
		entry->checked = malloc(sizeof(*layout));
		if (entry->checked)
			memcpy(entry->checked, layout, sizeof(*layout));
	}
	known.data = (const u8 *)entry->checked;
	return known.data && same_bytes(known, mine) ? entry->checked : NULL;
}

u64 *binaries_images_bytes(struct binaries *binaries)
{
	return &binaries->images_bytes;
}

static void evict_one(struct binaries *binaries)
{
	struct entry *entry;

	TAILQ_FOREACH (entry, &binaries->entries, link)
		if (!entry->users)
			break;
	TAILQ_REMOVE(&binaries->entries, entry, link);
	binaries->idle--;
	entry_free(entry);
}

void binaries_put(struct binaries *binaries, const struct binary *binary)
{
	struct entry *entry = (struct entry *)binary;

	if (!entry || --entry->users)
		return;
	TAILQ_REMOVE(&binaries->entries, entry, link);
	TAILQ_INSERT_TAIL(&binaries->entries, entry, link);
	proc_file_release(entry->binary.file.bytes);
	if (++binaries->idle > BINARIES_IDLE_MAX)
		evict_one(binaries);
}
