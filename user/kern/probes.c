/* SPDX-License-Identifier: BSD-2-Clause */
#include "kern/probes.h"

#include <bpf/bpf.h>
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

/* The kernel waits for grace periods at each link, and for several at once no longer. */
enum { DETACH_THREADS = 256, DETACH_STACK_BYTES = 128 << 10 };

/* In this order. */
struct detaching {
	struct bpf_link **links;
	size_t count, next;
};

static void *destroy_links(void *arg)
{
	struct detaching *d = arg;
	size_t i;

	while ((i = __atomic_fetch_add(&d->next, 1, __ATOMIC_RELAXED)) < d->count)
		bpf_link__destroy(d->links[i]);
	return NULL;
}

/* One of them works here, so it goes on with fewer threads than wanted, or none. */
static void destroy_side_by_side(struct detaching *d)
{
	size_t wanted = MIN(d->count, (size_t)DETACH_THREADS), started = 0;
	pthread_t threads[DETACH_THREADS];
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, DETACH_STACK_BYTES);
	while (started + 1 < wanted && !pthread_create(&threads[started], &attr, destroy_links, d))
		started++;
	pthread_attr_destroy(&attr);
	destroy_links(d);
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

/* What has no room in a list goes one after the other. */
static void destroy_in_turn(struct kern_probes *probes)
{
	for (size_t i = 0; i < probes->count; i++)
		bpf_link__destroy(probes->links[i]);
}

void kern_detach_many(struct kern_probes **probes, size_t count)
{
	struct detaching d = { 0 };
	size_t links = 0;

	for (size_t i = 0; i < count; i++)
		links += probes[i] ? probes[i]->count : 0;
	d.links = calloc(links, sizeof(struct bpf_link *));
	for (size_t i = 0; i < count; i++) {
		if (probes[i] && !d.links)
			destroy_in_turn(probes[i]);
		for (size_t k = 0; probes[i] && d.links && k < probes[i]->count; k++)
			d.links[d.count++] = probes[i]->links[k];
		free(probes[i]);
	}
	destroy_side_by_side(&d);
	free(d.links);
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

u64 probes_missed(const struct bpf_program *prog)
{
	struct bpf_prog_info info = { 0 };
	u32 size = sizeof(info);

	if (bpf_program__fd(prog) < 0 ||
	    bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &size))
		return 0;
	return info.recursion_misses;
}
