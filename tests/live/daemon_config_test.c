/* SPDX-License-Identifier: BSD-2-Clause */
/* The daemon's configuration out of real files and folders. Needs no privilege. */
#include <errno.h>
#include <string.h>

#include "daemon/daemon_config.h"
#include "files_fixture.h"

static int setup(void **state)
{
	struct fixture *f = fixture_new();

	f->path = write_file(f, "gosonde.yaml", "max_targets: 7\nwatch: [{exe: main}]\n");
	*state = f;
	return 0;
}

static struct daemon_config *load(const char *path)
{
	struct daemon_config *config = NULL;
	struct err err = { "" };

	if (daemon_config_load(&config, path, false, &err))
		fail_msg("%s", err.text);
	return config;
}

static void fails(const char *path, int rc, const char *error)
{
	struct daemon_config *config = NULL;
	struct err err = { "" };

	assert_int_equal(daemon_config_load(&config, path, false, &err), rc);
	assert_null(config);
	if (!strstr(err.text, error))
		fail_msg("\"%s\" lacks \"%s\"", err.text, error);
}

static struct daemon_config *load_optional(const char *path)
{
	struct daemon_config *config = NULL;
	struct err err = { "" };

	if (daemon_config_load(&config, path, true, &err))
		fail_msg("%s", err.text);
	return config;
}

static void test_no_file_is_the_defaults(void **state)
{
	CLEANUP(daemon_config_freep)
	struct daemon_config *config = load_optional("/no-such-folder/gosonde.yaml");

	(void)state;
	assert_int_equal(config->max_targets, 200);
	assert_int_equal(config->fragments, 0);
	assert_null(config->rules);
}

static void test_without_the_main_file_its_folder_counts(void **state)
{
	struct fixture *f = *state;
	char path[64];

	make_folder(f, "conf.d");
	write_file(f, "conf.d/a.yaml", "max_targets: 9\n");
	snprintf(path, sizeof(path), "%s/none.yaml", f->dir);
	CLEANUP(daemon_config_freep) struct daemon_config *config = load_optional(path);
	assert_int_equal(config->max_targets, 9);
	assert_int_equal(config->fragments, 1);
}

/* Nor is anything else forgiven. */
static void test_an_optional_file_that_is_there_is_read(void **state)
{
	struct fixture *f = *state;
	const char *lost = write_file(f, "lost.yaml", "rules: none.yaml\n");
	CLEANUP(daemon_config_freep) struct daemon_config *there = load_optional(f->path);
	struct daemon_config *config = NULL;
	struct err err = { "" };

	assert_int_equal(there->max_targets, 7);
	assert_int_equal(daemon_config_load(&config, f->dir, true, &err), -EISDIR);
	assert_int_equal(daemon_config_load(&config, lost, true, &err), -ENOENT);
}

static void test_the_main_file_alone(void **state)
{
	struct fixture *f = *state;
	CLEANUP(daemon_config_freep) struct daemon_config *config = load(f->path);

	assert_int_equal(config->max_targets, 7);
	assert_int_equal(config->watch_count, 1);
	assert_int_equal(config->fragments, 0);
}

/* By name, after the file itself, whatever the folder's own order is. */
static void test_order(void **state)
{
	static const char *const exes[] = { "main", "10", "20", "9" };
	struct fixture *f = *state;

	make_folder(f, "conf.d");
	write_file(f, "conf.d/20.yaml", "max_targets: 20\nmin_age: 20s\nwatch: [{exe: \"20\"}]\n");
	write_file(f, "conf.d/9.yaml", "max_targets: 9\nwatch: [{exe: \"9\"}]\n");
	write_file(f, "conf.d/10.yaml", "max_targets: 10\nmin_age: 10s\nwatch: [{exe: \"10\"}]\n");
	write_file(f, "conf.d/.99.yaml", "max_targets: 99\n");
	write_file(f, "conf.d/99.yaml~", "max_targets: 99\n");
	write_file(f, "conf.d/README", "nothing\n");
	CLEANUP(daemon_config_freep) struct daemon_config *config = load(f->path);
	assert_int_equal(config->fragments, 3);
	assert_int_equal(config->max_targets, 9);
	assert_true(config->min_age_ns == 20000000000);
	assert_int_equal(config->watch_count, ARRAY_SIZE(exes));
	for (size_t i = 0; i < ARRAY_SIZE(exes); i++)
		assert_string_equal(config->watch[i].exe, exes[i]);
}

static void test_relative_to_the_file_not_to_the_process(void **state)
{
	struct fixture *f = *state;
	char *before = getcwd(NULL, 0);

	assert_non_null(before);
	make_folder(f, "conf.d");
	write_file(f, "rules.yaml",
		   "rules: [{rule: fault, enabled: false}, {rule: rehash-storm}]\n");
	write_file(f, "conf.d/rules.yaml~", "rules: []\n");
	write_file(f, "conf.d/a.yaml", "rules: ../rules.yaml\n");
	assert_int_equal(chdir(f->dir), 0);
	for (int i = 0; i < 2; i++) {
		CLEANUP(daemon_config_freep)
		struct daemon_config *config = load(i ? "gosonde.yaml" : f->path);

		assert_int_equal(config->fragments, 1);
		assert_non_null(config->rules);
		assert_int_equal(ruleset_count(config->rules), 2);
		assert_int_equal(chdir(i ? before : f->dir), 0);
	}
	free(before);
}

/* The rules' own folder is relative to them. */
static void test_rules_that_include(void **state)
{
	struct fixture *f = *state;

	make_folder(f, "conf.d");
	make_folder(f, "r");
	make_folder(f, "r/rules.d");
	write_file(f, "conf.d/a.yaml", "rules: ../r/rules.yaml\n");
	write_file(f, "r/rules.yaml", "include: rules.d\n");
	write_file(f, "r/rules.d/a.yaml", "rules: [{rule: fault, enabled: false}]\n");
	CLEANUP(daemon_config_freep) struct daemon_config *config = load(f->path);
	assert_int_equal(ruleset_count(config->rules), 1);
	assert_int_equal(config->rules_included, 1);
}

static void test_errors_name_the_file(void **state)
{
	struct fixture *f = *state;

	make_folder(f, "conf.d");
	write_file(f, "conf.d/a.yaml", "# all well\n");
	write_file(f, "conf.d/b.yaml", "interval: 1s\nwatch:\n- exe: a\n- ex: a\n");
	fails(f->path, -EINVAL,
	      "/conf.d/b.yaml:4: watch[1].ex: unknown key; expected one of: exe,");
	remove_last(f);
	write_file(f, "conf.d/b.yaml", "rules: b.rules\n");
	fails(f->path, -ENOENT, "rules: /tmp/");
	fails(f->path, -ENOENT, "/conf.d/b.rules: No such file or directory");
	write_file(f, "conf.d/b.rules", "rules:\n- rule: fault\n  rise: 3\n");
	fails(f->path, -EINVAL, "/conf.d/b.rules:3: rules[0].rise: unknown key");
}

static void test_what_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	char path[64];

	snprintf(path, sizeof(path), "%s/none.yaml", f->dir);
	fails(path, -ENOENT, "/none.yaml: No such file or directory");
	fails(f->dir, -EISDIR, "a folder; expected a file");
	write_file(f, "conf.d", "");
	fails(f->path, -ENOTDIR, "/conf.d: Not a directory");
	remove_last(f);
	make_folder(f, "conf.d");
	assert_int_equal(mkfifo(made(f, "conf.d/a.yaml"), 0600), 0);
	fails(f->path, -EINVAL, "not a regular file"); /* and does not wait for a writer */
}

static void test_bounds(void **state)
{
	struct fixture *f = *state;
	const char *large = write_file(f, "large.yaml", "interval: 1s\n");
	char name[32];

	assert_int_equal(truncate(large, DAEMON_FILE_MAX_BYTES + 1), 0);
	fails(large, -EFBIG, "large.yaml: more than the 65536 bytes that are allowed");
	make_folder(f, "conf.d");
	for (int i = 0; i < DAEMON_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "conf.d/%d.yaml", i);
		write_file(f, name, "interval: 1s\n");
	}
	fails(f->path, -E2BIG, "/conf.d: more than 63 files *.yaml");
	remove_last(f);
	CLEANUP(daemon_config_freep) struct daemon_config *config = load(f->path);
	assert_int_equal(config->fragments, DAEMON_FILES_MAX - 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_file_is_the_defaults),
		TEST(test_without_the_main_file_its_folder_counts),
		TEST(test_an_optional_file_that_is_there_is_read),
		TEST(test_the_main_file_alone),
		TEST(test_order),
		TEST(test_relative_to_the_file_not_to_the_process),
		TEST(test_rules_that_include),
		TEST(test_errors_name_the_file),
		TEST(test_what_cannot_be_read),
		TEST(test_bounds),
	};

	return cmocka_run_group_tests_name("daemon_config", tests, NULL, NULL);
}
