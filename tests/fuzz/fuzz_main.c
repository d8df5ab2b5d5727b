/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs a fuzz target without libFuzzer, over the inputs in the repo
 * (tests/fuzz/corpus/NAME for a program NAME_replay; one TAP test), or over the
 * files that are named.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>

#include "fuzz.h"

static int replay(const char *path)
{
	FILE *file = fopen(path, "r");
	u8 *data = NULL;
	long size = -1;
	int rc = -1;

	if (!file)
		return -1;
	if (!fseek(file, 0, SEEK_END))
		size = ftell(file);
	rewind(file);
	if (size >= 0)
		data = malloc(size ? (size_t)size : 1);
	if (data && fread(data, 1, (size_t)size, file) == (size_t)size) {
		/* Printed first: a crash leaves the culprit's name as the last line. */
		fprintf(stderr, "# %s\n", path);
		LLVMFuzzerTestOneInput(data, (size_t)size);
		rc = 0;
	}
	free(data);
	fclose(file);
	return rc;
}

/* Inputs replayed, or -1: the folder or one of them can't be read. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	char path[PATH_MAX + NAME_MAX + 1];
	int n = 0;

	if (!dir)
		return -1;
	while (n >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		n = replay(path) ? -1 : n + 1;
	}
	closedir(dir);
	return n;
}

static int replay_corpus(const char *name, int name_len)
{
	char folder[PATH_MAX];
	int n;

	snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%.*s", name_len, name);
	printf("1..1\n");
	n = replay_folder(folder);
	if (n > 0)
		printf("ok 1 - fuzz %.*s: %d inputs\n", name_len, name, n);
	else if (n == 0)
		printf("not ok 1 - fuzz %.*s: %s is empty\n", name_len, name, folder);
	else
		printf("not ok 1 - fuzz %.*s: %s: %s\n", name_len, name, folder, strerror(errno));
	return n > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/'), *end;

	for (int i = 1; i < argc; i++) {
		if (replay(argv[i])) {
			fprintf(stderr, "%s: %s\n", argv[i], strerror(errno));
			return 1;
		}
	}
	if (argc > 1)
		return 0;
	name = name ? name + 1 : argv[0];
	end = strstr(name, "_replay");
	return replay_corpus(name, end ? (int)(end - name) : (int)strlen(name));
}
