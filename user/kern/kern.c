/* SPDX-License-Identifier: BSD-2-Clause */
#include "kern/kern.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "kern/percpu.h"

#include "gosonde.skel.h"

enum {
	MAX_LINKS =
		512, /* with perf events each site is a link of its own; and plugins have theirs */
	LOG_BYTES = 1 << 16,
};

struct kern {
	struct gosonde_bpf *skel;
	struct ring_buffer *ring;
	struct bpf_link *links[MAX_LINKS];
	size_t link_count;
	bool uprobe_multi;
	void (*record_fn)(void *arg, const void *record, size_t size);
	void *record_arg;
};

static struct bpf_program *program_of(const struct kern *kern, enum probe_group group)
{
	const struct gosonde_bpf *skel = kern->skel;

	switch (group) {
	case PROBE_MAP_WRITE:
		return skel->progs.map_write;
	case PROBE_MAP_GROW:
		return skel->progs.map_grow;
	case PROBE_GC:
		return skel->progs.gc;
	case PROBE_GOROUTINE:
		return skel->progs.goroutine;
	case PROBE_FAULT:
		return skel->progs.fault;
	case PROBE_GROUP_COUNT:
		break;
	}
	return NULL;
}

static void configure(struct kern *kern, const struct kern_options *options)
{
	struct gosonde_bpf *skel = kern->skel;

	bpf_map__set_max_entries(skel->maps.targets, options->targets);
	bpf_map__set_max_entries(skel->maps.counters, options->targets);
	bpf_map__set_max_entries(skel->maps.gc_states, options->targets);
	bpf_map__set_max_entries(skel->maps.events, options->ring_bytes);
	for (int g = 0; g < PROBE_GROUP_COUNT; g++) {
		struct bpf_program *prog = program_of(kern, (enum probe_group)g);

		bpf_program__set_autoload(prog, options->groups[g]);
		if (!options->uprobe_multi)
			bpf_program__set_expected_attach_type(prog, 0);
	}
}

/* The last line of the verifier's log that says something. */
static void last_line(char *log, const char **ret)
{
	char *end = log + strlen(log), *line;

	while (end > log && (end[-1] == '\n' || end[-1] == ' '))
		*--end = 0;
	line = strrchr(log, '\n');
	*ret = line ? line + 1 : log;
}

static int load(struct kern *kern, char *log, struct err *err)
{
	const char *line;
	int rc = gosonde_bpf__load(kern->skel);

	if (!rc)
		return 0;
	last_line(log, &line);
	/* The verifier says EACCES too, but then it has said why. */
	if (rc == -EPERM || (rc == -EACCES && !*line))
		return err_set(err, -EPERM,
			       "the kernel refused to load BPF programs (needs CAP_BPF and "
			       "CAP_PERFMON, or root): %s",
			       strerror(-rc));
	return err_set(err, *line ? -ENOSYS : rc,
		       "this kernel does not take the BPF programs: %s%s%s", strerror(-rc),
		       *line ? ": " : "", line);
}

static int on_record(void *arg, void *record, size_t size)
{
	const struct kern *kern = arg;

	kern->record_fn(kern->record_arg, record, size);
	return 0;
}

static int ignore_message(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

int kern_open(struct kern **ret, const struct kern_options *options, struct err *err)
{
	CLEANUP(kern_closep) struct kern *kern = calloc(1, sizeof(*kern));
	CLEANUP(freep) char *log = calloc(1, LOG_BYTES);
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log,
		    .kernel_log_size = LOG_BYTES);
	int rc;

	if (!kern || !log)
		return err_set(err, -ENOMEM, "out of memory");
	/* libbpf would print by itself; what it has to say is in errno and the verifier's log. */
	libbpf_set_print(ignore_message);
	kern->uprobe_multi = options->uprobe_multi;
	kern->skel = gosonde_bpf__open_opts(&opts);
	if (!kern->skel)
		return err_set(err, -errno, "can't open the BPF object: %s", strerror(errno));
	configure(kern, options);
	rc = load(kern, log, err);
	if (rc)
		return rc;
	kern->ring = ring_buffer__new(bpf_map__fd(kern->skel->maps.events), on_record, kern, NULL);
	if (!kern->ring)
		return err_set(err, -errno, "can't map the ring buffer: %s", strerror(errno));
	*ret = TAKE_PTR(kern);
	return 0;
}

void kern_close(struct kern *kern)
{
	if (!kern)
		return;
	kern_detach_all(kern);
	ring_buffer__free(kern->ring);
	gosonde_bpf__destroy(kern->skel);
	free(kern);
}

int kern_set_target(struct kern *kern, u32 slot, const struct wire_target *target, struct err *err)
{
	int rc = bpf_map__update_elem(kern->skel->maps.targets, &slot, sizeof(slot), target,
				      sizeof(*target), BPF_ANY);

	return rc ? err_set(err, rc, "can't write target slot %u: %s", slot, strerror(-rc)) : 0;
}

static int keep_link(struct kern *kern, struct bpf_link *link, const char *what, struct err *err)
{
	int rc = -errno;

	if (!link && (rc == -EPERM || rc == -EACCES))
		return err_set(err, -EPERM, "the kernel refused to attach %s: %s", what,
			       strerror(-rc));
	if (!link)
		return err_set(err, rc, "can't attach %s: %s", what, strerror(-rc));
	kern->links[kern->link_count++] = link;
	return 0;
}

static int attach_multi(struct kern *kern, enum probe_group group, int pid, const char *path,
			const struct kern_site *sites, size_t count, struct err *err)
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
	return keep_link(
		kern,
		bpf_program__attach_uprobe_multi(program_of(kern, group), pid, path, NULL, &opts),
		probe_group_name(group), err);
}

/* Links only, so that no tracefs event can outlive us (PROBE_ATTACH_MODE_LINK). */
static int attach_one_by_one(struct kern *kern, enum probe_group group, int pid, const char *path,
			     const struct kern_site *sites, size_t count, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < count && !rc; i++) {
		LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = sites[i].cookie,
			    .attach_mode = PROBE_ATTACH_MODE_LINK);

		rc = keep_link(kern,
			       bpf_program__attach_uprobe_opts(program_of(kern, group), pid, path,
							       sites[i].file_offset, &opts),
			       probe_group_name(group), err);
	}
	return rc;
}

int kern_attach(struct kern *kern, enum probe_group group, int pid, const char *path,
		const struct kern_site *sites, size_t count, struct err *err)
{
	size_t links = kern->uprobe_multi ? 1 : count;

	if (count == 0)
		return 0;
	if (links > MAX_LINKS - kern->link_count)
		return err_set(err, -ENOSPC, "more than %d links", MAX_LINKS);
	if (kern->uprobe_multi)
		return attach_multi(kern, group, pid, path, sites, count, err);
	return attach_one_by_one(kern, group, pid, path, sites, count, err);
}

static void *destroy_link(void *link)
{
	bpf_link__destroy(link);
	return NULL;
}

/* The kernel waits for an RCU grace period at each link (20 to 50 ms): all of them at once. */
void kern_detach_all(struct kern *kern)
{
	pthread_t threads[MAX_LINKS];
	size_t started = 0;

	while (kern->link_count > 0) {
		struct bpf_link *link = kern->links[--kern->link_count];

		if (pthread_create(&threads[started], NULL, destroy_link, link) == 0)
			started++;
		else
			bpf_link__destroy(link);
	}
	while (started > 0)
		pthread_join(threads[--started], NULL);
}

int kern_ring_fd(const struct kern *kern)
{
	return ring_buffer__epoll_fd(kern->ring);
}

int kern_ring_consume(struct kern *kern, void (*fn)(void *arg, const void *record, size_t size),
		      void *arg, struct err *err)
{
	int rc;

	kern->record_fn = fn;
	kern->record_arg = arg;
	rc = ring_buffer__consume(kern->ring);
	return rc < 0 ? err_set(err, rc, "can't read the ring buffer: %s", strerror(-rc)) : 0;
}

int kern_read_counters(struct kern *kern, u32 slot, struct wire_counters *ret, struct err *err)
{
	return percpu_read_sum(bpf_map__fd(kern->skel->maps.counters), &slot, (u64 *)ret,
			       sizeof(*ret) / sizeof(u64), err);
}

struct map_site_visit {
	void (*fn)(void *arg, const struct wire_map_site *site, u64 count);
	void *arg;
};

static void visit_map_site(void *arg, const void *key, const u64 *sum)
{
	const struct map_site_visit *visit = arg;

	visit->fn(visit->arg, key, sum[0]);
}

int kern_each_map_site(struct kern *kern,
		       void (*fn)(void *arg, const struct wire_map_site *site, u64 count),
		       void *arg, struct err *err)
{
	struct map_site_visit visit = { fn, arg };

	return percpu_each_sum(bpf_map__fd(kern->skel->maps.map_sites),
			       sizeof(struct wire_map_site), 1, visit_map_site, &visit, err);
}

struct go_site_visit {
	void (*fn)(void *arg, const struct wire_go_site *site, const struct wire_go_count *count);
	void *arg;
};

static void visit_go_site(void *arg, const void *key, const u64 *sum)
{
	const struct go_site_visit *visit = arg;
	struct wire_go_count count = { .created = sum[0], .exited = sum[1] };

	visit->fn(visit->arg, key, &count);
}

int kern_each_go_site(struct kern *kern,
		      void (*fn)(void *arg, const struct wire_go_site *site,
				 const struct wire_go_count *count),
		      void *arg, struct err *err)
{
	struct go_site_visit visit = { fn, arg };

	return percpu_each_sum(bpf_map__fd(kern->skel->maps.go_sites), sizeof(struct wire_go_site),
			       sizeof(struct wire_go_count) / sizeof(u64), visit_go_site, &visit,
			       err);
}

static u64 program_misses(const struct bpf_program *prog)
{
	struct bpf_prog_info info = { 0 };
	u32 size = sizeof(info);

	if (bpf_program__fd(prog) < 0 ||
	    bpf_prog_get_info_by_fd(bpf_program__fd(prog), &info, &size))
		return 0;
	return info.recursion_misses;
}

u64 kern_missed(const struct kern *kern)
{
	u64 missed = 0;

	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		missed += program_misses(program_of(kern, (enum probe_group)g));
	return missed;
}
