/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/daemon_config.h"

#include <errno.h>
#include <string.h>

#include "daemon/daemon_settings.h"
#include "daemon/rules_files.h"
#include "proc/config_file.h"

static int read_file(struct daemon_config *config, const char *path, struct err *err)
{
	CLEANUP(freep) char *yaml = NULL;
	size_t size;
	int rc = config_file_read(path, DAEMON_FILE_MAX_BYTES, &yaml, &size, err);

	return rc ? rc : daemon_settings_add(config, path, yaml, size, err);
}

/* No such folder: nothing to read. */
static int read_fragments(struct daemon_config *config, const char *main_path, struct err *err)
{
	CLEANUP(config_folder_done) struct config_folder files = { 0 };
	char folder[PATH_MAX], in_folder[PATH_MAX], path[PATH_MAX];
	int rc = daemon_settings_beside(folder, main_path, "conf.d", err);

	if (rc)
		return rc;
	rc = config_folder_list(folder, ".yaml", DAEMON_FILES_MAX - 1, &files, err);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	rc = daemon_settings_beside(in_folder, main_path, "conf.d/", err);
	for (size_t i = 0; !rc && i < files.count; i++) {
		rc = daemon_settings_beside(path, in_folder, files.name[i], err);
		if (!rc)
			rc = read_file(config, path, err);
	}
	config->fragments = files.count;
	return rc;
}

/* What is wrong in them says by itself where it is. */
static int read_rules(struct daemon_config *config, struct err *err)
{
	int rc;

	if (!config->rules_path)
		return 0;
	rc = rules_files_read(config->rules_path, &config->rules, &config->rules_included, err);
	return rc && rc != -EINVAL ? err_prefix(err, rc, "rules") : rc;
}

int daemon_config_load(struct daemon_config **ret, const char *path, bool optional, struct err *err)
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = NULL;
	int rc = daemon_settings_new(&config, err);

	if (!rc)
		rc = read_file(config, path, err);
	if (rc == -ENOENT && optional)
		rc = 0;
	if (!rc)
		rc = read_fragments(config, path, err);
	if (!rc)
		rc = read_rules(config, err);
	if (!rc)
		*ret = TAKE_PTR(config);
	return rc;
}
