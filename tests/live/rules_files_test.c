/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules out of real files and folders. Needs no privilege. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/units.h"
#include "daemon/rules_files.h"
#include "files_fixture.h"

static int setup(void **state)
{
	*state = fixture_new();
	return 0;
}

static void fails(const char *path, int rc, const char *error)
{
	struct ruleset *set = NULL;
	struct err err = { "" };

	assert_int_equal(rules_files_read(path, &set, NULL, &err), rc);
	assert_null(set);
	if (!strstr(err.text, error))
		fail_msg("\"%s\" lacks \"%s\"", err.text, error);
}

static struct rule fault_rule(const char *path, size_t want_included)
{
	CLEANUP(ruleset_freep) struct ruleset *set = NULL;
	const struct rule_target target = { "", "", "", "", "" };
	struct err err = { "" };
	struct rules rules;
	size_t included = 99;

	if (rules_files_read(path, &set, &included, &err))
		fail_msg("%s", err.text);
	assert_int_equal(included, want_included);
	ruleset_resolve(set, &target, &rules);
	return rules.rule[DETECT_FAULT];
}

/* By name, after the file itself, whatever the folder's own order is. */
static void test_order(void **state)
{
	struct fixture *f = *state;
	const char *main_file = write_file(f, "rules.yaml",
					   "include: rules.d\n"
					   "rules: [{rule: fault, cooldown: 1s, raise: 1}]\n");
	struct rule rule;

	make_folder(f, "rules.d");
	write_file(f, "rules.d/20.yaml", "rules: [{rule: fault, cooldown: 3s}]\n");
	write_file(f, "rules.d/10.yaml", "rules: [{rule: fault, cooldown: 2s, raise: 2}]\n");
	write_file(f, "rules.d/9.yaml", "rules: [{rule: fault, cooldown: 4s}]\n");
	write_file(f, "rules.d/.99.yaml", "rules: [{rule: fault, cooldown: 5s}]\n");
	write_file(f, "rules.d/99.yaml~", "rules: [{rule: fault, cooldown: 6s}]\n");
	write_file(f, "rules.d/README", "no rules\n");
	rule = fault_rule(main_file, 3);
	assert_true(rule.cooldown_ns == 4 * NS_PER_S);
	assert_true(rule.level[0].raise == 2);
}

static void test_absolute_folder_and_links(void **state)
{
	struct fixture *f = *state;
	char text[PATH_MAX];
	const char *main_file, *real, *link;

	make_folder(f, "elsewhere");
	make_folder(f, "data");
	/* As a ConfigMap is mounted. */
	real = write_file(f, "data/a", "rules: [{rule: fault, cooldown: 2s}]\n");
	link = made(f, "elsewhere/a.yaml");
	assert_int_equal(symlink(real, link), 0);
	snprintf(text, sizeof(text), "include: %s/elsewhere\n", f->dir);
	main_file = write_file(f, "rules.yaml", text);
	assert_true(fault_rule(main_file, 1).cooldown_ns == 2 * NS_PER_S);
}

static void test_relative_to_the_file_not_to_the_process(void **state)
{
	struct fixture *f = *state;
	char *before = getcwd(NULL, 0);

	write_file(f, "rules.yaml", "include: rules.d\n");
	make_folder(f, "rules.d");
	assert_non_null(before);
	assert_int_equal(chdir(f->dir), 0);
	assert_int_equal(fault_rule("rules.yaml", 0).enabled, true);
	assert_int_equal(chdir(before), 0);
	free(before);
}

static void test_errors_name_the_included_file(void **state)
{
	struct fixture *f = *state;
	const char *main_file = write_file(f, "rules.yaml", "include: rules.d\n");

	make_folder(f, "rules.d");
	write_file(f, "rules.d/a.yaml", "rules: []\n");
	write_file(f, "rules.d/b.yaml", "rules:\n- rule: fault\n  rise: 1\n");
	fails(main_file, -EINVAL, "/rules.d/b.yaml:3: rules[0].rise: unknown key; expected one of");
}

static void test_what_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	const char *missing = write_file(f, "missing.yaml", "include: nowhere\n");
	const char *file = write_file(f, "file.yaml", "include: missing.yaml\n");
	const char *nested = write_file(f, "nested.yaml", "include: .\n");
	const char *fifo = made(f, "fifo");
	char path[PATH_MAX];

	assert_int_equal(mkfifo(fifo, 0600), 0);
	fails(missing, -ENOENT, "missing.yaml: include: ");
	fails(missing, -ENOENT, "/nowhere: No such file or directory");
	fails(file, -ENOTDIR, "file.yaml: include: ");
	fails(nested, -EINVAL, "include: expected in the main file only");
	fails(fifo, -EINVAL, "not a regular file"); /* and does not wait for a writer */
	fails(f->dir, -EISDIR, "a folder; expected a file");
	snprintf(path, sizeof(path), "%s/none.yaml", f->dir);
	fails(path, -ENOENT, "/none.yaml: No such file or directory");
}

static void test_bounds(void **state)
{
	struct fixture *f = *state;
	const char *large = write_file(f, "large.yaml", "rules: []\n");
	const char *many = write_file(f, "many.yaml", "include: many\n");
	char name[32];

	assert_int_equal(truncate(large, RULESET_FILE_MAX_BYTES + 1), 0);
	fails(large, -EFBIG, "large.yaml: more than the 262144 bytes that are allowed");
	make_folder(f, "many");
	for (int i = 0; i < RULESET_FILES_MAX; i++) {
		snprintf(name, sizeof(name), "many/%d.yaml", i);
		write_file(f, name, "rules: []\n");
	}
	fails(many, -E2BIG, "/many: more than 63 files *.yaml");
	remove_last(f);
	assert_int_equal(fault_rule(many, RULESET_FILES_MAX - 1).enabled, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_absolute_folder_and_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_relative_to_the_file_not_to_the_process, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_errors_name_the_included_file, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_what_cannot_be_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
	};

	return cmocka_run_group_tests_name("rules_files", tests, NULL, NULL);
}
