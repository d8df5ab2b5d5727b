/* SPDX-License-Identifier: BSD-2-Clause */
/* gosonde check-config: reads files of rules as attach would and the daemon's as the daemon would,
 * and says what is wrong or what they come to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "daemon/daemon_config.h"
#include "daemon/rules_files.h"
#include "output/rules_text.h"
#include "proc/config_file.h"

enum { FILES_MAX = 64, NAME_BYTES = 1024 };

struct check {
	const char *file[FILES_MAX];
	size_t files;
	bool show;
};

static const struct argp_option options[] = {
	{ "show", 's', NULL, 0,
	  "What the files come to: the daemon's settings, a table of the levels of every rule", 0 },
	{ 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct check *in = state->input;

	switch (key) {
	case 's':
		in->show = true;
		return 0;
	case ARGP_KEY_ARG:
		if (in->files == FILES_MAX)
			argp_error(state, "at most %d files at a time", FILES_MAX);
		in->file[in->files++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which file? The defaults, with comments: "
				  "scripts/dist/rules.yaml and gosonde.yaml");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE…",
	.doc = "Checks files of alert rules and the daemon's configuration, with the files of the "
	       "folder that each includes (the daemon's conf.d), before `gosonde attach --rules FILE` "
	       "or `gosonde daemon --config FILE` reads them. Nothing is attached. What is wrong is "
	       "said with file, line, key and what was expected there.\v"
	       "Which of the two a file is follows from its keys: preset, include or a list of rules "
	       "make it one of rules; any other is the daemon's.\n\n"
	       "A file of rules says only what differs from the compiled-in rules:\n\n"
	       "  preset: strict                 # or default; strict has lower levels\n"
	       "  include: rules.d               # then every *.yaml there, by name\n"
	       "  rules:\n"
	       "    - {rule: goroutine-growth, raise: 500, for: 1m}\n"
	       "    - rule: gc-pause-spike       # of these programs only\n"
	       "      match: {exe: /srv/*, module: example.com/shop/*}\n"
	       "      raise: 20ms\n"
	       "      labels: {team: shop}\n"
	       "    - {rule: fault, match: {container: \"?*\"}, dry_run: true}\n\n"
	       "Examples:\n"
	       "  gosonde check-config rules.yaml\n"
	       "  gosonde check-config --show rules.yaml\n"
	       "  gosonde check-config /etc/gosonde/gosonde.yaml\n\n"
	       "Exit status: 0 every file is right, 1 one can't be read, 2 one is wrong (or usage), "
	       "4 not permitted to read it; of several the first.",
};

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static void print_counts(const struct ruleset *rules, size_t included)
{
	printf("%zu rule%s, %zu include%s\n", ruleset_count(rules), plural(ruleset_count(rules)),
	       included, plural(included));
}

static int check_rules(const char *path, const char *name, bool show, struct err *err)
{
	CLEANUP(ruleset_freep) struct ruleset *set = NULL;
	size_t included;
	int rc = rules_files_read(path, &set, &included, err);

	if (rc)
		return rc;
	printf("%s: ok, ", name);
	print_counts(set, included);
	if (show)
		rules_text(stdout, set);
	return 0;
}

static int check_daemon(const char *path, const char *name, bool show, struct err *err)
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = NULL;
	int rc = daemon_config_load(&config, path, false, err);

	if (rc)
		return rc;
	printf("%s: ok, the daemon's, %zu file%s of conf.d, ", name, config->fragments,
	       plural(config->fragments));
	if (config->rules)
		print_counts(config->rules, config->rules_included);
	else
		printf("default rules\n");
	if (show)
		daemon_config_text(stdout, config);
	if (show && config->rules)
		rules_text(stdout, config->rules);
	return 0;
}

static int check_file(const char *path, bool show)
{
	CLEANUP(freep) char *yaml = NULL;
	char name[NAME_BYTES];
	struct err err = { "" };
	size_t size;
	int rc = config_file_read(path, RULESET_FILE_MAX_BYTES, &yaml, &size, &err);

	text_escape(name, sizeof(name), path);
	if (!rc)
		rc = daemon_config_is_rules(yaml, size) ? check_rules(path, name, show, &err)
							: check_daemon(path, name, show, &err);
	if (rc) {
		int code = cmd_fail(rc, &err);

		return rc == -EINVAL ? EXIT_USAGE : code;
	}
	return EXIT_DONE;
}

int cmd_check_config(int argc, char **argv)
{
	struct check in = { .files = 0 };
	int code = cmd_parse(&argp, argc, argv, &in), first = EXIT_DONE;

	if (code >= 0)
		return code;
	for (size_t i = 0; i < in.files; i++) {
		code = check_file(in.file[i], in.show);
		first = first ? first : code;
	}
	return first;
}
