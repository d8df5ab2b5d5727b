/* SPDX-License-Identifier: BSD-2-Clause */
#include "kern/probes.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"

/* With perf events each site is a link of its own. */
struct kern_probes {
	size_t count;
	struct bpf_link *links[];
};

static int keep_link(struct kern_probes *probes, struct bpf_link *link, const char *what,
		     struct err *err)
{
	int rc = -errno;

	if (!link && (rc == -EPERM || rc == -EACCES))
		return err_set(err, -EPERM, "the kernel refused to attach %s: %s", what,
			       strerror(-rc));
	if (!link)
		return err_set(err, rc, "can't attach %s: %s", what, strerror(-rc));
	probes->links[probes->count++] = link;
	return 0;
}

static int attach_multi(const struct probes_config *config, const struct kern_site *sites,
			size_t count, struct kern_probes *probes, struct err *err)
{
	CLEANUP(freep) unsigned long *offsets = calloc(count, sizeof(*offsets));
	CLEANUP(freep) __u64 *cookies = calloc(count, sizeof(*cookies));
	LIBBPF_OPTS(bpf_uprobe_multi_opts, opts, .offsets = offsets, .cookies = cookies,
		    .cnt = count);

	if (!offsets || !cookies)
		return err_set(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		offsets[i] = sites[i].file_offset;
		cookies[i] = sites[i].cookie;
	}
	return keep_link(probes,
			 bpf_program__attach_uprobe_multi(config->prog, config->pid, config->path,
							  NULL, &opts),
			 config->what, err);
}

/* Links only, so that no tracefs event can outlive us (PROBE_ATTACH_MODE_LINK). */
static int attach_one_by_one(const struct probes_config *config, const struct kern_site *sites,
			     size_t count, struct kern_probes *probes, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = sites[i].cookie,
			    .attach_mode = PROBE_ATTACH_MODE_LINK);

		rc = keep_link(probes,
			       bpf_program__attach_uprobe_opts(config->prog, config->pid,
							       config->path, sites[i].file_offset,
							       &opts),
			       config->what, err);
	}
	return rc;
}

int probes_attach(const struct probes_config *config, const struct kern_site *sites, size_t count,
		  struct kern_probes **ret, struct err *err)
{
	CLEANUP(kern_detachp)
	struct kern_probes *probes =
		calloc(1, offsetof(struct kern_probes, links) + count * sizeof(void *));
	int rc;

	if (!probes)
		return err_set(err, -ENOMEM, "out of memory");
	if (config->multi)
		rc = attach_multi(config, sites, count, probes, err);
	else
		rc = attach_one_by_one(config, sites, count, probes, err);
	if (!rc)
		*ret = TAKE_PTR(probes);
	return rc;
}

static void *destroy_link(void *link)
{
	bpf_link__destroy(link);
	return NULL;
}

/* The kernel waits for grace periods at each link: all of them at once. The last runs here. */
void kern_detach_many(struct kern_probes **probes, size_t count)
{
	struct bpf_link *here = NULL;
	pthread_t *threads;
	size_t links = 0, started = 0;

	for (size_t i = 0; i < count; i++)
		links += probes[i] ? probes[i]->count : 0;
	threads = calloc(links, sizeof(*threads));
	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; probes[i] && k < probes[i]->count; k++) {
			struct bpf_link *link = here;

			here = probes[i]->links[k];
			if (!link)
				continue;
			if (threads && !pthread_create(&threads[started], NULL, destroy_link, link))
				started++;
			else
				bpf_link__destroy(link);
		}
		free(probes[i]);
	}
	bpf_link__destroy(here);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	free(threads);
}

void kern_detach(struct kern_probes *probes)
{
	kern_detach_many(&probes, 1);
}

static void *detach(void *probes)
{
	kern_detach(probes);
	return NULL;
}

void kern_detach_later(struct kern_probes *probes)
{
	pthread_t thread;

	if (!probes)
		return;
	if (pthread_create(&thread, NULL, detach, probes))
		kern_detach(probes);
	else
		pthread_detach(thread);
}
