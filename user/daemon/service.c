/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/service.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <systemd/sd-daemon.h>

#include "base/text.h"
#include "base/units.h"
#include "daemon/aftermath.h"
#include "daemon/finder.h"
#include "daemon/fleet.h"
#include "daemon/loop.h"
#include "daemon/outlets.h"
#include "daemon/publisher.h"
#include "proc/host.h"
#include "proc/privileges.h"
#include "proc/scan.h"
#include "proc/survivor.h"

/* What was not told of is looked for, but not all the time: a storm of processes is told of again.
 */
#define RESCAN_NS (30 * NS_PER_S)

/* Who could not be observed is looked at again: a place may be free then, another tracer gone. */
#define RETRY_NS (30 * NS_PER_S)

/* So long at most are those considered that are due, before whatever else waits. */
#define CONSIDER_NS (100 * NS_PER_MS)

struct service {
	const char *path; /* of the configuration */
	bool optional;
	const char *version;
	struct daemon_config *config;
	struct survivor survivor;
	pid_t *pids; /* FLEET_MAX, of those observed; shared with the survivor */
	struct ground ground;
	struct harvest *harvest;
	struct fleet *fleet;
	struct finder *finder;
	struct outlets outlets;
	struct listen_address metrics;
	struct publisher publisher;
	struct timebase timebase;
	u64 records; /* that came through the ring */
	u64 missed;  /* programs that began and found no room, at the last scan */
	u64 scanned_ns;
	u64 fired;
	bool denied, unreadable; /* has been told of */
	bool looks_anywhere;	 /* CAP_SYS_PTRACE: whom it can't look into, nobody can */
};

static void service_free(struct service *s)
{
	if (!s)
		return;
	publisher_stop(&s->publisher);
	fleet_free(s->fleet);
	finder_free(s->finder);
	harvest_free(s->harvest);
	ground_close(&s->ground);
	outlets_close(&s->outlets, &s->timebase);
	survivor_end(&s->survivor);
	daemon_config_free(s->config);
	if (s->pids)
		munmap(s->pids, FLEET_MAX * sizeof(*s->pids));
	free(s);
}
DEFINE_FREEP(struct service, service_free)

/* What the journal is to have of the daemon itself; err's words come from files and targets. */
static void say(const char *what, const char *why)
{
	char text[TEXT_ESCAPED_SIZE(sizeof(((struct err *)0)->text))];

	fprintf(stderr, "gosonde: %s%s%s\n", what, why ? ": " : "",
		why ? text_escape(text, sizeof(text), why) : "");
}

static void on_alert(void *arg, const struct alert *alert)
{
	struct service *s = arg;

	s->fired += alert->state == ALERT_FIRING;
	for (size_t i = 0; i < OUTLETS; i++)
		if (s->outlets.sink[i])
			(void)sink_send(s->outlets.sink[i], alert, &s->timebase);
}

static void tell_status(struct service *s)
{
	sd_notifyf(0, "STATUS=%zu processes observed, %llu alerts so far", fleet_count(s->fleet),
		   s->fired);
}

static void on_told(void *arg, int pid, const char *what)
{
	char text[64];

	snprintf(text, sizeof(text), "process %d", pid);
	say(text, what);
	(void)arg;
}

static int open_publisher(struct service *s, struct err *err)
{
	struct publisher_config config = {
		.interval_ns = s->config->interval_ns,
		.version = s->version,
	};
	int rc = 0;

	if (s->config->metrics) {
		rc = listen_parse(s->config->metrics, &s->metrics, err);
		config.at = &s->metrics;
	}
	return rc ? rc : publisher_start(&s->publisher, &config, err);
}

/* In the survivor: the fleet's memory is what it was at the fork. */
static void after_death(void *arg)
{
	const pid_t *pids = arg;

	for (size_t i = 0; i < FLEET_MAX; i++) {
		struct target *target = NULL;

		if (pids[i] <= 0 || target_open(&target, pids[i], NULL))
			continue;
		aftermath(target);
		target_free(target);
	}
}

static int start_survivor(struct service *s, struct err *err)
{
	void *shared = mmap(NULL, FLEET_MAX * sizeof(*s->pids), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return err_set(err, -errno, "can't map memory: %s", strerror(errno));
	s->pids = shared;
	return survivor_start(&s->survivor, after_death, s->pids, err);
}

static void on_record(void *arg, const void *record, size_t size)
{
	struct service *s = arg;

	s->records++;
	fleet_record(s->fleet, record, size);
}

static int drain(void *arg, struct err *err)
{
	struct service *s = arg;

	return kern_ring_consume(s->ground.kern, on_record, s, err);
}

static int open_fleet(struct service *s, struct err *err)
{
	const struct fleet_config config = {
		.ground = &s->ground,
		.harvest = harvest_new(s->ground.kern),
		.daemon = s->config,
		.pids = s->pids,
		.alert = on_alert,
		.drain = drain,
		.told = on_told,
		.arg = s,
	};

	s->harvest = config.harvest;
	if (s->harvest)
		harvest_ignore(s->harvest, s->ground.own_slot);
	s->fleet = s->harvest ? fleet_new(&config) : NULL;
	s->finder = finder_new();
	return s->fleet && s->finder ? 0 : err_set(err, -ENOMEM, "out of memory");
}

/* Go programs, and what may be one: that a process can't be looked into, or its file not be read,
 * is to be told of. */
static bool may_be_go(const struct service *s, const struct scan_process *p)
{
	if (p->kind != SCAN_UNREADABLE || p->rc != -EACCES)
		return p->kind == SCAN_GO;
	return p->exe[0] ? !s->unreadable : !s->looks_anywhere && !s->denied;
}

/* Those that run already; those that are too young wait. */
static int scan(struct service *s, struct err *err)
{
	CLEANUP(scan_closep) struct scan *scan = NULL;
	CLEANUP(freep) struct scan_process *p = calloc(1, sizeof(*p));
	int rc = p ? scan_open(&scan, PROC_ROOT, err) : -ENOMEM;
	u64 now_ns = now_monotonic_ns(), now_boot_ns = now_boottime_ns();

	s->scanned_ns = now_ns;
	while (!rc && (rc = scan_next(scan, p, err)) > 0) {
		u64 age_ns = now_boot_ns > p->start_ns ? now_boot_ns - p->start_ns : 0;

		if (may_be_go(s, p))
			finder_add(s->finder, p->pid,
				   now_ns + s->config->min_age_ns -
					   MIN(age_ns, s->config->min_age_ns));
		rc = 0;
	}
	return rc;
}

static void on_process(void *arg, const struct wire_process *process)
{
	struct service *s = arg;

	finder_drop(s->finder, (int)process->pid);
	if (process->life == WIRE_LIFE_EXEC)
		finder_add(s->finder, (int)process->pid,
			   now_monotonic_ns() + s->config->min_age_ns);
}

/* What was not told of is found by looking. */
static int find(struct service *s, struct err *err)
{
	int rc = kern_processes_consume(s->ground.kern, on_process, s);
	u64 missed = kern_processes_lost(s->ground.kern) + finder_refused(s->finder);

	if (rc)
		return err_set(err, rc, "can't read the ring of processes: %s", strerror(-rc));
	if (missed == s->missed || now_monotonic_ns() < s->scanned_ns + RESCAN_NS)
		return 0;
	s->missed = missed;
	return scan(s, err);
}

/* Whoever lacks a right lacks it for many: once is enough. */
static bool was_told(struct service *s, int rc)
{
	bool *told = rc == -EPERM ? &s->denied : rc == -EACCES ? &s->unreadable : NULL;
	bool before = told && *told;

	if (told)
		*told = true;
	return before;
}

/* before: for what it was postponed. To look into all that found no place takes time: they wait. */
static void consider(struct service *s, int pid, int before)
{
	bool waits = before == -ENOSPC && !fleet_has_room(s->fleet);
	struct err err = { 0 };
	char text[64];
	int rc = waits ? before : fleet_consider(s->fleet, pid, &err);

	if (rc == -ENOSPC || rc == -ENOTSUP)
		finder_postpone(s->finder, pid, now_monotonic_ns() + RETRY_NS, rc);
	if (rc >= 0 || rc == before || was_told(s, rc))
		return;
	snprintf(text, sizeof(text), "process %d is not observed", pid);
	say(text, err.text);
}

/* To attach takes some 10 ms, and the ring and the next tick wait: of many that are due some now,
 * the others at the next wake. */
static void consider_due(struct service *s, u64 now_ns)
{
	int why, pid = finder_due(s->finder, now_ns, &why);

	while (pid) {
		consider(s, pid, why);
		pid = now_monotonic_ns() < now_ns + CONSIDER_NS
			      ? finder_due(s->finder, now_ns, &why)
			      : 0;
	}
}

static int on_wake(void *arg, struct err *err)
{
	struct service *s = arg;
	u64 now_ns = now_monotonic_ns();
	int rc;

	timebase_follow(&s->timebase, monotonic_to_wall_ns());
	rc = drain(s, err);
	if (!rc)
		rc = find(s, err);
	if (rc)
		return rc;
	fleet_wake(s->fleet, now_ns);
	consider_due(s, now_ns);
	return 0;
}

static void on_replaced(void *arg, int pid)
{
	struct service *s = arg;

	finder_add(s->finder, pid, now_monotonic_ns() + s->config->min_age_ns);
}

static void publish(struct service *s, u64 now_ns)
{
	const struct publisher_agent agent = { .sinks = s->outlets.sink,
					       .count = OUTLETS,
					       .records = s->records,
					       .timebase = s->timebase };
	struct publication targets[FLEET_MAX];
	size_t count = fleet_count(s->fleet);

	for (size_t i = 0; i < count; i++)
		targets[i].observed = fleet_at(s->fleet, i, &targets[i].last);
	publisher_publish(&s->publisher, now_ns, targets, count, &agent);
}

static int on_tick(void *arg, u64 now_ns, struct err *err)
{
	struct service *s = arg;
	int rc = on_wake(s, err);

	if (!rc)
		rc = harvest_read(s->harvest, err);
	if (rc)
		return rc;
	ground_tick(&s->ground, now_ns);
	fleet_tick(s->fleet, now_ns, on_replaced, s);
	for (size_t i = 0; i < OUTLETS; i++)
		if (s->outlets.sink[i])
			sink_flush(s->outlets.sink[i], now_ns, &s->timebase);
	publish(s, now_ns);
	tell_status(s);
	return 0;
}

/* What stands from start to end; NULL: nothing of it differs. */
static const char *fixed_difference(const struct daemon_config *a, const struct daemon_config *b)
{
	if (a->interval_ns != b->interval_ns)
		return "interval";
	if (a->max_targets != b->max_targets)
		return "max_targets";
	if (memcmp(&a->groups, &b->groups, sizeof(a->groups)) != 0)
		return "probes";
	if ((a->budget > 0) != (b->budget > 0))
		return "budget_pct: off";
	if (!a->metrics != !b->metrics || (a->metrics && strcmp(a->metrics, b->metrics) != 0))
		return "metrics";
	return NULL;
}

/*
 * All of it or nothing. A receiver that others take the place of is told first what is over for it;
 * one that is new hears then of what still holds.
 */
static int apply(struct service *s, struct daemon_config *config, struct err *err)
{
	const char *fixed = fixed_difference(s->config, config);
	struct outlets next;
	int rc;

	if (fixed)
		return err_set(err, -EINVAL, "%s changes only with a restart", fixed);
	rc = outlets_open(&next, &s->outlets, s->config, config, err);
	if (rc)
		return rc;
	fleet_reconfigure(s->fleet, config, now_monotonic_ns());
	if (!outlets_equal(&s->outlets, &next))
		fleet_recall(s->fleet, now_monotonic_ns(), "its receiver was changed");
	outlets_replace(&s->outlets, &next, &s->timebase);
	daemon_config_free(s->config);
	s->config = config;
	return 0;
}

static int on_reload(void *arg, struct err *err)
{
	CLEANUP(daemon_config_freep) struct daemon_config *config = NULL;
	struct service *s = arg;
	struct err why = { 0 };
	int rc;

	(void)err;
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu", now_monotonic_ns() / 1000);
	rc = daemon_config_load(&config, s->path, s->optional, &why);
	if (!rc)
		rc = apply(s, config, &why);
	if (rc)
		say("the configuration stays as it was", why.text);
	else
		config = NULL; /* it is the service's now */
	if (!rc)
		rc = scan(s, &why);
	if (!rc)
		say("the configuration was read again", NULL);
	sd_notify(0, "READY=1");
	return 0;
}

static bool may_look_anywhere(void)
{
	struct host host;

	host_read(&host);
	return host.cap_sys_ptrace;
}

/*
 * The survivor is forked before there are threads, and before what it must not hold is open; it
 * keeps the capabilities that loading programs takes. What listens and what sends comes after they
 * are gone.
 */
static int start(struct service *s, struct err *err)
{
	int rc = daemon_config_load(&s->config, s->path, s->optional, err);

	if (!rc)
		rc = privileges_use(PRIVILEGES_ADMIN, err);
	if (!rc)
		rc = privileges_give_up(err);
	s->looks_anywhere = may_look_anywhere();
	if (!rc)
		rc = start_survivor(s, err);
	if (!rc)
		rc = ground_open(&s->ground,
				 &(struct ground_options) {
					 .groups = s->config->groups,
					 .targets = MIN(s->config->max_targets, (u32)FLEET_MAX),
					 .budget = s->config->budget > 0,
					 .processes = true,
					 .give_up = true,
				 },
				 err);
	if (!rc)
		rc = open_publisher(s, err);
	if (!rc)
		rc = outlets_open(&s->outlets, NULL, NULL, s->config, err);
	if (!rc)
		rc = open_fleet(s, err);
	if (!rc)
		rc = kern_watch_processes(s->ground.kern, err);
	return rc ? rc : scan(s, err);
}

int service_run(const char *path, bool optional, const char *version, struct err *err)
{
	CLEANUP(service_freep) struct service *s = calloc(1, sizeof(*s));
	const struct loop_handlers handlers = {
		.arg = s, .records = on_wake, .tick = on_tick, .reload = on_reload
	};
	struct loop_config loop = { .pidfd = -1 };
	int rc;

	if (!s)
		return err_set(err, -ENOMEM, "out of memory");
	s->path = path;
	s->optional = optional;
	s->version = version;
	timebase_follow(&s->timebase, monotonic_to_wall_ns());
	rc = start(s, err);
	if (rc)
		return rc;
	loop.ring_fd = kern_ring_fd(s->ground.kern);
	loop.interval_ns = s->config->interval_ns;
	publish(s, now_monotonic_ns()); /* who scrapes at once finds the agent itself */
	sd_notify(0, "READY=1");
	tell_status(s);
	rc = loop_run(&loop, &handlers, err);
	sd_notify(0, "STOPPING=1");
	fleet_end(s->fleet);
	return MIN(rc, 0);
}
