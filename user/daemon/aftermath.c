/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/aftermath.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "daemon/plugins.h"
#include "kern/features.h"
#include "probe/restore.h"

static int open_kernel(struct kern **ret, struct err *err)
{
	struct kern_options options = { .targets = 1, .ring_bytes = (u32)getpagesize() };
	struct kern_features features;

	kern_features_probe(&features);
	options.uprobe_multi = features.uprobe_multi;
	return kern_open(ret, &options, err);
}

static int restore_all(struct target *target, struct err *err)
{
	CLEANUP(kern_closep) struct kern *kern = NULL;
	CLEANUP(freep) struct plugins *plugins = calloc(1, sizeof(*plugins));
	struct plugins_arming only_restore = { 0 };
	int rc = plugins ? open_kernel(&kern, err) : -ENOMEM, restored;

	if (rc)
		return rc;
	only_restore.kern = kern;
	restored = restore_breakpoints(kern, &target->process, target->process.exe_path,
				       &target->go, err);
	if (restored < 0)
		return restored;
	rc = plugins_arm(plugins, target, &only_restore, err);
	restored += (int)plugins->restored;
	plugins_done(plugins);
	return rc < 0 ? rc : restored;
}

void aftermath(void *arg)
{
	struct target *target = arg;
	char why[TEXT_ESCAPED_SIZE(sizeof(((struct err *)0)->text))];
	struct err err = { 0 };
	int rc;

	if (process_gone(&target->process))
		return;
	rc = restore_all(target, &err);
	if (rc > 0)
		fprintf(stderr,
			"gosonde: the agent was killed; %d breakpoints that the kernel left in "
			"process %d were taken out\n",
			rc, target->process.pid);
	if (rc < 0 && !process_gone(&target->process))
		fprintf(stderr,
			"gosonde: the agent was killed, and whether the kernel left breakpoints in "
			"process %d can't be told (attaching again takes them out): %s\n",
			target->process.pid, text_escape(why, sizeof(why), err.text));
}
