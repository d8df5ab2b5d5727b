/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/plugins.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "probe/restore.h"
#include "proc/file.h"

void plugins_done(struct plugins *plugins)
{
	for (size_t i = 0; i < plugins->count; i++)
		if (plugins->plugin[i].fd >= 0)
			close(plugins->plugin[i].fd);
	plugins->count = 0;
}

static int arm(struct plugin *plugin, const struct go_process *go, const char *path,
	       const struct plugins_arming *with, struct err *err)
{
	CLEANUP(freep) struct plan *plan = calloc(1, sizeof(*plan));
	int rc;

	if (!plan)
		return err_set(err, -ENOMEM, "plan of a plugin");
	plan_make(go->bin, with->groups, plan);
	attach_verify(plan, go);
	rc = armed_add(with->armed, plan, path, go, err);
	if (rc)
		return rc;
	plugin->probes = plan->probe_count;
	plugin->omitted = plan->omitted_count;
	return 0;
}

/* A list that names a file twice was made to have it probed twice. */
static bool is_known(const struct plugins *plugins, const struct gobin *bin)
{
	for (size_t i = 0; i < plugins->count; i++)
		if (plugins->plugin[i].bin == bin)
			return true;
	return false;
}

/* Whose code begins at text. */
static int add(struct plugins *plugins, u64 text, struct target *target,
	       const struct plugins_arming *with, struct err *err)
{
	struct plugin *plugin = &plugins->plugin[plugins->count];
	struct go_process go = target->go;
	struct image_place place = { 0 };
	char path[PROC_FD_PATH_BYTES];
	bool known;

	*plugin = (struct plugin) { .fd = -1, .file = "?" };
	if (!images_find(target->images, text, &place))
		snprintf(plugin->file, sizeof(plugin->file), "%s", place.file ? place.file : "?");
	known = place.bin && is_known(plugins, place.bin);
	plugin->bin = place.bin;
	plugins->count++;
	if (!place.bin || known)
		return 0;
	plugin->fd = images_open_file(target->images, text, NULL);
	if (plugin->fd < 0)
		return 0;
	go.bin = place.bin;
	go.bias = place.bias;
	proc_fd_path(path, plugin->fd);
	plugins->restored +=
		(size_t)MAX(restore_breakpoints(with->kern, &target->process, path, &go, NULL), 0);
	return with->armed ? arm(plugin, &go, path, with, err) : 0;
}

int plugins_arm(struct plugins *plugins, struct target *target, const struct plugins_arming *with,
		struct err *err)
{
	u64 text[GO_PLUGINS_MAX];
	size_t before = plugins->count;
	int n = go_plugins(&target->go, text), rc = 0;

	plugins->more = n > GO_PLUGINS_MAX;
	for (int i = (int)before; i < MIN(n, GO_PLUGINS_MAX) && !rc; i++)
		rc = add(plugins, text[i], target, with, err);
	return rc ? rc : (int)(plugins->count - before);
}

u64 plugins_unprobed(const struct plugins *plugins)
{
	u64 n = plugins->more;

	for (size_t i = 0; i < plugins->count; i++)
		n += plugins->plugin[i].probes == 0;
	return n;
}
