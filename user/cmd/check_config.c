/* SPDX-License-Identifier: BSD-2-Clause */
/* gosonde check-config: reads files of rules as attach would, and says what is wrong or what they
 * come to. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "base/text.h"
#include "cmd/cmd.h"
#include "daemon/rules_files.h"
#include "output/rules_text.h"

enum { FILES_MAX = 64, NAME_BYTES = 1024 };

struct check {
	const char *file[FILES_MAX];
	size_t files;
	bool show;
};

static const struct argp_option options[] = {
	{ "show", 's', NULL, 0, "What the rules come to: a table of every measure's levels", 0 },
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
				  "scripts/dist/rules.yaml");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "FILE…",
	.doc = "Checks files of alert rules, and the files of the folder that each includes, before "
	       "`gosonde attach --rules FILE` reads them. Nothing is attached. What is wrong is said "
	       "with file, line, key and what was expected there.\v"
	       "A file says only what differs from the compiled-in rules:\n\n"
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
	       "  gosonde check-config --show rules.yaml\n\n"
	       "Exit status: 0 every file is right, 1 one can't be read, 2 one is wrong (or usage), "
	       "4 not permitted to read it; of several the first.",
};

static const char *plural(size_t n)
{
	return n == 1 ? "" : "s";
}

static int check_file(const char *path, bool show)
{
	CLEANUP(ruleset_freep) struct ruleset *set = NULL;
	char name[NAME_BYTES];
	struct err err = { "" };
	size_t included;
	int rc = rules_files_read(path, &set, &included, &err);

	if (rc) {
		int code = cmd_fail(rc, &err);

		return rc == -EINVAL ? EXIT_USAGE : code;
	}
	printf("%s: ok, %zu rule%s, %zu include%s\n", text_escape(name, sizeof(name), path),
	       ruleset_count(set), plural(ruleset_count(set)), included, plural(included));
	if (show)
		rules_text(stdout, set);
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
	if (fflush(stdout) || ferror(stdout)) {
		struct err err = { "" };

		return cmd_fail(err_set(&err, -EIO, "standard output: %s", strerror(errno)), &err);
	}
	return first;
}
