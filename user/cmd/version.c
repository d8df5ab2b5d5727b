/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>

#include "cmd/cmd.h"

const char *cmd_version_text(void)
{
	return GOSONDE_VERSION;
}

int cmd_version(int argc, char **argv)
{
	static const struct argp argp = {
		.doc = "Prints the version of gosonde.\v"
		       "Example:\n"
		       "  gosonde version      gosonde 0.1.0+g1a2b3c4: the release and the commit",
	};
	int code = cmd_parse(&argp, argc, argv, NULL);

	if (code >= 0)
		return code;
	printf("gosonde %s\n", GOSONDE_VERSION);
	return EXIT_DONE;
}
