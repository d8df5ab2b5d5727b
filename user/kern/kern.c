/* SPDX-License-Identifier: BSD-2-Clause */
#include "kern/kern.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "kern/percpu.h"
#include "kern/probes.h"
#include "kern/spread.h"

#include "gosonde.skel.h"

enum { LOG_BYTES = 1 << 16 };

struct kern {
	struct gosonde_bpf *skel;
	struct ring_buffer *ring, *trips;
	struct ring_buffer *lives; /* NULL: not asked for */
	struct bpf_link *exec_link, *exit_link;
	struct wire_gate *gates; /* mapped from the kernel */
	size_t gates_bytes;
	size_t map_rows, slots;
	bool uprobe_multi;
	void (*record_fn)(void *arg, const void *record, size_t size);
	void *record_arg;
	void (*trip_fn)(void *arg, const struct wire_trip *trip);
	void *trip_arg;
	void (*process_fn)(void *arg, const struct wire_process *process);
	void *process_arg;
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

/* What the targets share grows with them: a row is some 80 bytes, and 8 or 16 for each CPU. */
static void size_aggregates(struct kern *kern, u32 targets)
{
	struct gosonde_bpf *skel = kern->skel;
	u32 sites = MAX(targets * WIRE_SITES_EACH, (u32)WIRE_MAX_SITES);

	kern->slots = targets;
	kern->map_rows = MAX(targets * WIRE_MAPS_EACH, (u32)WIRE_MAX_MAPS);
	bpf_map__set_max_entries(skel->maps.maps, (u32)kern->map_rows);
	bpf_map__set_max_entries(skel->maps.map_sites, sites);
	bpf_map__set_max_entries(skel->maps.go_sites, sites);
}

static void configure(struct kern *kern, const struct kern_options *options)
{
	struct gosonde_bpf *skel = kern->skel;

	size_aggregates(kern, options->targets);
	bpf_map__set_max_entries(skel->maps.targets, options->targets);
	bpf_map__set_max_entries(skel->maps.counters, options->targets);
	bpf_map__set_max_entries(skel->maps.gc_states, options->targets);
	bpf_map__set_max_entries(skel->maps.gates, options->targets * WIRE_GROUPS);
	bpf_map__set_max_entries(skel->maps.events, options->ring_bytes);
	for (int g = 0; g < PROBE_GROUP_COUNT; g++) {
		struct bpf_program *prog = program_of(kern, (enum probe_group)g);

		bpf_program__set_autoload(prog, options->groups[g]);
		if (!options->uprobe_multi)
			bpf_program__set_expected_attach_type(prog, 0);
	}
	if (!options->uprobe_multi)
		bpf_program__set_expected_attach_type(skel->progs.nothing, 0);
	bpf_program__set_autoload(skel->progs.process_exec, options->processes);
	bpf_program__set_autoload(skel->progs.process_exit, options->processes);
	bpf_map__set_autocreate(skel->maps.lives, options->processes);
}

/* The last line of the verifier's log that says something; statistics don't. */
static void last_line(char *log, const char **ret)
{
	char *statistics = strstr(log, "\nprocessed "), *end, *line;

	if (statistics)
		*statistics = 0;
	end = log + strlen(log);

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

static int on_trip(void *arg, void *record, size_t size)
{
	const struct kern *kern = arg;

	if (size >= sizeof(struct wire_trip))
		kern->trip_fn(kern->trip_arg, record);
	return 0;
}

static int ignore_message(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int map_shared(struct kern *kern, u32 targets, struct err *err)
{
	const struct gosonde_bpf *skel = kern->skel;
	void *gates;

	kern->ring = ring_buffer__new(bpf_map__fd(skel->maps.events), on_record, kern, NULL);
	kern->trips = ring_buffer__new(bpf_map__fd(skel->maps.trips), on_trip, kern, NULL);
	if (!kern->ring || !kern->trips)
		return err_set(err, -errno, "can't map the ring buffers: %s", strerror(errno));
	kern->gates_bytes = targets * WIRE_GROUPS * sizeof(struct wire_gate);
	gates = mmap(NULL, kern->gates_bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
		     bpf_map__fd(skel->maps.gates), 0);
	if (gates == MAP_FAILED)
		return err_set(err, -errno, "can't map the gates: %s", strerror(errno));
	kern->gates = gates;
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
	if (!rc)
		rc = map_shared(kern, options->targets, err);
	if (rc)
		return rc;
	*ret = TAKE_PTR(kern);
	return 0;
}

void kern_close(struct kern *kern)
{
	if (!kern)
		return;
	if (kern->gates)
		munmap(kern->gates, kern->gates_bytes);
	bpf_link__destroy(kern->exec_link);
	bpf_link__destroy(kern->exit_link);
	ring_buffer__free(kern->lives);
	ring_buffer__free(kern->trips);
	ring_buffer__free(kern->ring);
	gosonde_bpf__destroy(kern->skel);
	free(kern);
}

bool kern_has_group(const struct kern *kern, enum probe_group group)
{
	return bpf_program__fd(program_of(kern, group)) >= 0;
}

int kern_set_target(struct kern *kern, u32 slot, const struct wire_target *target, struct err *err)
{
	int rc = bpf_map__update_elem(kern->skel->maps.targets, &slot, sizeof(slot), target,
				      sizeof(*target), BPF_ANY);

	return rc ? err_set(err, rc, "can't write target slot %u: %s", slot, strerror(-rc)) : 0;
}

/* The target first: from then on nothing more is counted. */
int kern_clear_slot(struct kern *kern, u32 slot, struct err *err)
{
	const struct gosonde_bpf *skel = kern->skel;
	const struct wire_gate closed = { 0 };
	bool slots[WIRE_MAX_TARGETS] = { 0 };
	int rc = percpu_zero_row(skel->maps.targets, slot, err);

	if (!rc)
		rc = percpu_zero_row(skel->maps.counters, slot, err);
	if (!rc)
		rc = percpu_zero_row(skel->maps.gc_states, slot, err);
	if (rc)
		return rc;
	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		kern_set_gate(kern, slot, (enum probe_group)g, &closed);
	slots[slot] = true;
	return kern_drop_rows(kern, slots, err);
}

int kern_attach(struct kern *kern, enum probe_group group, int pid, const char *path,
		const struct kern_site *sites, size_t count, struct kern_probes **ret,
		struct err *err)
{
	const struct probes_config config = {
		.prog = program_of(kern, group),
		.what = probe_group_name(group),
		.multi = kern->uprobe_multi,
		.pid = pid,
		.path = path,
	};

	return probes_attach(&config, sites, count, ret, err);
}

int kern_touch(struct kern *kern, int pid, const char *path, const struct kern_site *sites,
	       size_t count, struct err *err)
{
	CLEANUP(kern_detachp) struct kern_probes *probes = NULL;
	const struct probes_config config = {
		.prog = kern->skel->progs.nothing,
		.what = "a probe that does nothing",
		.multi = kern->uprobe_multi,
		.pid = pid,
		.path = path,
	};

	return probes_attach(&config, sites, count, &probes, err);
}

void kern_set_gate(struct kern *kern, u32 slot, enum probe_group group,
		   const struct wire_gate *gate)
{
	struct wire_gate *shared = &kern->gates[WIRE_GATE(slot, group)];

	__atomic_store_n(&shared->cap, gate->cap, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->lean, gate->lean, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->window, gate->window, __ATOMIC_RELEASE);
}

int kern_trips_fd(const struct kern *kern)
{
	return ring_buffer__epoll_fd(kern->trips);
}

int kern_trips_consume(struct kern *kern, void (*fn)(void *arg, const struct wire_trip *trip),
		       void *arg)
{
	int rc;

	kern->trip_fn = fn;
	kern->trip_arg = arg;
	rc = ring_buffer__consume(kern->trips);
	return MIN(rc, 0);
}

static int on_life(void *arg, void *record, size_t size)
{
	const struct kern *kern = arg;

	if (size >= sizeof(struct wire_process))
		kern->process_fn(kern->process_arg, record);
	return 0;
}

int kern_watch_processes(struct kern *kern, struct err *err)
{
	kern->lives = ring_buffer__new(bpf_map__fd(kern->skel->maps.lives), on_life, kern, NULL);
	if (!kern->lives)
		return err_set(err, -errno, "can't map the ring of processes: %s", strerror(errno));
	kern->exit_link = bpf_program__attach(kern->skel->progs.process_exit);
	if (kern->exit_link)
		kern->exec_link = bpf_program__attach(kern->skel->progs.process_exec);
	if (!kern->exec_link)
		return err_set(err, -errno, "can't watch execs and exits: %s", strerror(errno));
	return 0;
}

int kern_processes_consume(struct kern *kern,
			   void (*fn)(void *arg, const struct wire_process *process), void *arg)
{
	int rc;

	kern->process_fn = fn;
	kern->process_arg = arg;
	rc = ring_buffer__consume(kern->lives);
	return MIN(rc, 0);
}

u64 kern_processes_lost(const struct kern *kern)
{
	return kern->skel->bss->lives_lost;
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
			       sizeof(*ret) / sizeof(u64), NULL, NULL, err);
}

size_t kern_cpus(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus > 0 ? (size_t)cpus : 0;
}

int kern_read_spread(struct kern *kern, u32 slot, struct wire_counters *ret,
		     struct kern_spread *spread, struct err *err)
{
	struct spread_sum sums = { .spread = spread };
	int rc;

	spread->hit_cpus = 0;
	rc = percpu_read_sum(bpf_map__fd(kern->skel->maps.counters), &slot, (u64 *)ret,
			     sizeof(*ret) / sizeof(u64), spread_add_cpu, &sums, err);

	spread->cpus = !rc && sums.squares > 0 ? sums.sum * sums.sum / sums.squares : 0;
	return rc;
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

/* Rows have gone: see wire_gate.room. */
static void tell_room_for_maps(struct kern *kern)
{
	for (u32 slot = 0; slot < kern->slots; slot++)
		__atomic_add_fetch(&kern->gates[WIRE_GATE(slot, WIRE_GROUP_MAP_WRITE)].room, 1,
				   __ATOMIC_RELAXED);
}

int kern_each_map_site(struct kern *kern, bool take,
		       void (*fn)(void *arg, const struct wire_map_site *site, u64 count),
		       void *arg, struct err *err)
{
	struct map_site_visit visit = { fn, arg };
	int rc = percpu_each_sum(bpf_map__fd(kern->skel->maps.maps), sizeof(struct wire_map_site),
				 1, take, visit_map_site, &visit, err);

	if (take)
		tell_room_for_maps(kern);
	return rc ? rc
		  : percpu_each_sum(bpf_map__fd(kern->skel->maps.map_sites),
				    sizeof(struct wire_map_site), 1, false, visit_map_site, &visit,
				    err);
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
			       sizeof(struct wire_go_count) / sizeof(u64), false, visit_go_site,
			       &visit, err);
}

static bool map_site_is_of(const void *arg, const void *key)
{
	const struct wire_map_site *site = key;
	const bool *slots = arg;

	return slots[WIRE_SITE_SLOT(site->site)];
}

static bool go_site_is_of(const void *arg, const void *key)
{
	const struct wire_go_site *site = key;
	const bool *slots = arg;

	return site->slot < WIRE_MAX_TARGETS && slots[site->slot];
}

int kern_drop_rows(struct kern *kern, const bool slots[WIRE_MAX_TARGETS], struct err *err)
{
	const struct gosonde_bpf *skel = kern->skel;
	size_t go_words = sizeof(struct wire_go_count) / sizeof(u64);
	int rc = percpu_drop(bpf_map__fd(skel->maps.maps), sizeof(struct wire_map_site), 1,
			     map_site_is_of, slots, err);

	tell_room_for_maps(kern);
	if (!rc)
		rc = percpu_drop(bpf_map__fd(skel->maps.map_sites), sizeof(struct wire_map_site), 1,
				 map_site_is_of, slots, err);
	return rc ? rc
		  : percpu_drop(bpf_map__fd(skel->maps.go_sites), sizeof(struct wire_go_site),
				go_words, go_site_is_of, slots, err);
}

u64 kern_missed(const struct kern *kern, enum probe_group group)
{
	return probes_missed(program_of(kern, group));
}

size_t kern_map_rows(const struct kern *kern)
{
	return kern->map_rows;
}

size_t kern_map_rows_each(const struct kern *kern)
{
	return kern->map_rows / kern->slots;
}

size_t kern_slots(const struct kern *kern)
{
	return kern->slots;
}
