/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of commands and the dispatch to them, nothing else. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "proc/truncation.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	char *title; /* what its own messages and --help call it */
	const char *help;
} commands[] = {
	{ "list", cmd_list, "gosonde list",
	  "Go processes on this machine, and whether one can attach" },
	{ "inspect", cmd_inspect, "gosonde inspect",
	  "what would be probed in a process or a file" },
	{ "attach", cmd_attach, "gosonde attach", "watch a running process: figures and alerts" },
	{ "daemon", cmd_daemon, "gosonde daemon",
	  "observe every Go process of this machine, as a service" },
	{ "gctrace", cmd_gctrace, "gosonde gctrace",
	  "the runtime's own line for every garbage collection" },
	{ "goroutines", cmd_goroutines, "gosonde goroutines",
	  "who created the goroutines of a process, what they wait for, how old they are" },
	{ "check-config", cmd_check_config, "gosonde check-config",
	  "whether files of rules are right, and what they say" },
	{ "doctor", cmd_doctor, "gosonde doctor", "what this kernel and these privileges allow" },
	{ "version", cmd_version, "gosonde version", "which gosonde this is" },
};

static void usage(FILE *out)
{
	fputs("Usage: gosonde COMMAND [ARG…]\n"
	      "Watches maps, garbage collection and goroutines of running Go processes, from "
	      "outside:\n"
	      "no restart, no change to the program.\n\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-12s  %s\n", commands[i].name, commands[i].help);
	fputs("\nStart with `gosonde list`, then `gosonde attach PID`. Each command has --help.\n",
	      out);
}

int main(int argc, char **argv)
{
	int code = cmd_guard_streams();

	if (code != EXIT_DONE)
		return code;
	if (truncation_survive()) {
		fprintf(stderr, "gosonde: the kernel lets SIGBUS not be handled\n");
		return EXIT_FAILED;
	}
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?") || !strcmp(argv[1], "help")) {
		usage(stdout);
		return EXIT_DONE;
	}
	if (!strcmp(argv[1], "--version"))
		argv[1] = "version";
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name))
			continue;
		argv[1] = commands[i].title;
		program_invocation_name = commands[i].title;
		return commands[i].run(argc - 1, argv + 1);
	}
	fprintf(stderr, "gosonde: no command is called that; `gosonde --help` lists them\n");
	return EXIT_USAGE;
}
