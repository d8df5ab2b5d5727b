/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's configuration in YAML. Input: the main file; after a NUL byte, a file of conf.d. */
#include <errno.h>

#include "daemon/daemon_settings.h"
#include "fuzz.h"

/* Wrong files are told with a line: libcyaml, which knows none, takes all that our check takes. */
static void check_failure(int rc, const struct err *err)
{
	if (!rc)
		return;
	FUZZ_CHECK(rc == -EINVAL);
	FUZZ_CHECK(!strncmp(err->text, "f:", 2));
	FUZZ_CHECK(err->text[2] >= '1' && err->text[2] <= '9');
}

static void check_bounds(const struct daemon_config *config)
{
	FUZZ_CHECK(config->interval_ns >= 100000000 && config->interval_ns <= 3600000000000);
	FUZZ_CHECK(config->budget >= 0 && config->budget <= 1);
	FUZZ_CHECK(config->host_budget >= 0 && config->host_budget <= DAEMON_TARGETS_MAX);
	FUZZ_CHECK(config->max_targets >= 1 && config->max_targets <= DAEMON_TARGETS_MAX);
	FUZZ_CHECK(config->watch_count <= DAEMON_WATCH_MAX);
	FUZZ_CHECK(config->ignore_count <= DAEMON_WATCH_MAX);
}

static void walk(const struct daemon_config *config)
{
	static const struct daemon_candidate candidates[] = { { 0 },
							      { "/srv/shop", "example.com/shop",
								"3f2a9b", "0f1e", "Burstable",
								"/kubepods/3f2a9b", "www" } };
	CLEANUP(freep) char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	FUZZ_CHECK(out);
	daemon_config_text(out, config);
	fclose(out);
	fuzz_read_text(text);
	for (size_t i = 0; i < ARRAY_SIZE(candidates); i++)
		(void)daemon_config_wants(config, &candidates[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = NULL;
	const char *text = (const char *)data, *nul = memchr(data, '\0', size);
	size_t len = nul ? (size_t)(nul - text) : size;
	struct err err = { "" };
	int rc;

	FUZZ_CHECK(!daemon_settings_new(&config, &err));
	(void)daemon_config_is_rules(text, len);
	rc = daemon_settings_add(config, "f", text, len, &err);
	if (!rc && nul)
		rc = daemon_settings_add(config, "f", nul + 1, size - len - 1, &err);
	check_failure(rc, &err);
	if (!rc) {
		check_bounds(config);
		walk(config);
	}
	return 0;
}
