/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/metrics.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "base/units.h"
#include "gobin/probeset.h"
#include "output/names.h"

/* Written once, so that both formats have the same le: another spelling is another series. */
static const struct {
	u64 ns;
	const char *le;
} pause_bounds[METRICS_PAUSE_BOUNDS] = {
	{ 10 * NS_PER_US, "1e-05" },	{ 25 * NS_PER_US, "2.5e-05" },
	{ 50 * NS_PER_US, "5e-05" },	{ 100 * NS_PER_US, "0.0001" },
	{ 250 * NS_PER_US, "0.00025" }, { 500 * NS_PER_US, "0.0005" },
	{ NS_PER_MS, "0.001" },		{ 2500 * NS_PER_US, "0.0025" },
	{ 5 * NS_PER_MS, "0.005" },	{ 10 * NS_PER_MS, "0.01" },
	{ 25 * NS_PER_MS, "0.025" },	{ 50 * NS_PER_MS, "0.05" },
	{ 100 * NS_PER_MS, "0.1" },	{ 250 * NS_PER_MS, "0.25" },
	{ 500 * NS_PER_MS, "0.5" },	{ NS_PER_S, "1.0" },
};

struct metrics_pauses metrics_pauses_of(const struct hist *pauses)
{
	struct metrics_pauses ret = { .count = hist_count(pauses), .sum_ns = hist_sum(pauses) };

	for (size_t i = 0; i < METRICS_PAUSE_BOUNDS; i++)
		ret.at_most[i] = hist_count_at_most(pauses, pause_bounds[i].ns);
	return ret;
}

/* A target's samples begin with its labels. */
struct target_labels {
	char pid[16];
	struct metric_label label[METRIC_LABELS_MAX];
	size_t count;
};

static void label_target(const struct metrics_target *t, struct target_labels *ret)
{
	snprintf(ret->pid, sizeof(ret->pid), "%u", t->last.pid);
	ret->label[0] = (struct metric_label) { "pid", ret->pid };
	ret->label[1] = (struct metric_label) { "exe", t->exe };
	ret->label[2] = (struct metric_label) { "module", t->module };
	ret->count = 3;
}

/* A sample of the target with more labels. */
static void put_labelled(struct exposition *x, const char *suffix, const struct target_labels *of,
			 const struct metric_label *more, size_t count, double value)
{
	struct metric_label all[METRIC_LABELS_MAX];

	memcpy(all, of->label, of->count * sizeof(*all));
	memcpy(all + of->count, more, count * sizeof(*all));
	exposition_sample(x, suffix, all, of->count + count, value);
}

#define PUT(x, suffix, of, value, ...)                                                             \
	put_labelled(x, suffix, of, (const struct metric_label[]) { __VA_ARGS__ },                 \
		     ARRAY_SIZE(((const struct metric_label[]) { __VA_ARGS__ })), value)

static void put(struct exposition *x, const struct target_labels *of, double value)
{
	exposition_sample(x, "", of->label, of->count, value);
}

static double wall_seconds(const struct metrics_snapshot *s, u64 mono_ns)
{
	return (double)timebase_wall_ns(&s->timebase, mono_ns) / 1e9;
}

typedef void (*target_fn)(struct exposition *x, const struct metrics_snapshot *s,
			  const struct metrics_target *t, const struct target_labels *of);

#define TARGET_FN(name)                                                                            \
	static void name(struct exposition *x, const struct metrics_snapshot *s,                   \
			 const struct metrics_target *t, const struct target_labels *of)

TARGET_FN(info)
{
	(void)s;
	PUT(x, "", of, 1, { "go", t->go }, { "container", t->container }, { "pod_uid", t->pod_uid },
	    { "qos", t->qos });
}

TARGET_FN(attach_time)
{
	put(x, of, wall_seconds(s, t->attach_ns));
}

TARGET_FN(goroutine_count)
{
	(void)s;
	if (t->last.goroutine.live >= 0)
		put(x, of, (double)t->last.goroutine.live);
}

TARGET_FN(heap_live)
{
	(void)s;
	if (t->last.gc.heap_live_bytes)
		put(x, of, (double)t->last.gc.heap_live_bytes);
}

TARGET_FN(heap_goal)
{
	(void)s;
	if (t->last.gc.heap_goal_bytes)
		put(x, of, (double)t->last.gc.heap_goal_bytes);
}

TARGET_FN(pauses)
{
	(void)s;
	if (!t->total.has_gc)
		return;
	for (size_t i = 0; i < METRICS_PAUSE_BOUNDS; i++)
		PUT(x, "_bucket", of, (double)t->pauses.at_most[i], { "le", pause_bounds[i].le });
	PUT(x, "_bucket", of, (double)t->pauses.count, { "le", "+Inf" });
	exposition_sample(x, "_sum", of->label, of->count, (double)t->pauses.sum_ns / 1e9);
	exposition_sample(x, "_count", of->label, of->count, (double)t->pauses.count);
}

TARGET_FN(other_stop_seconds)
{
	(void)s;
	if (t->total.has_gc)
		put(x, of, (double)t->total.gc.other_stop_ns / 1e9);
}

TARGET_FN(duty)
{
	(void)s;
	for (int g = 0; g < PROBE_GROUP_COUNT; g++)
		if (window_has(&t->last, (enum wire_group)g))
			PUT(x, "", of, t->last.cost.duty[g],
			    { "group", probe_group_name((enum probe_group)g) });
}

TARGET_FN(accuracy)
{
	const struct {
		bool has;
		enum probe_group group;
		enum accuracy accuracy;
	} groups[] = {
		{ t->last.has_map_write, PROBE_MAP_WRITE, t->last.map.accuracy },
		{ t->last.has_map_grow, PROBE_MAP_GROW, t->last.map.grows_accuracy },
		{ t->last.has_goroutine, PROBE_GOROUTINE, t->last.goroutine.accuracy },
	};

	(void)s;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (int a = ACCURACY_EXACT; groups[i].has && a <= ACCURACY_LOWER_BOUND; a++)
			PUT(x, "", of, groups[i].accuracy == (enum accuracy)a,
			    { "group", probe_group_name(groups[i].group) },
			    { "accuracy", accuracy_name((enum accuracy)a) });
}

TARGET_FN(probe_seconds)
{
	(void)s;
	if (t->total.cost.known)
		put(x, of, t->total.cost.probe_ns / 1e9);
}

TARGET_FN(budget)
{
	(void)s;
	if (t->budget > 0)
		put(x, of, t->budget);
}

TARGET_FN(budget_failed)
{
	(void)s;
	if (t->budget > 0)
		put(x, of, t->budget_failed);
}

TARGET_FN(lost)
{
	const struct window_lost *l = &t->total.lost;
	const struct {
		const char *cause;
		u64 count;
	} causes[] = {
		{ "ring", l->ring },	 { "read", l->read },	  { "table", l->table },
		{ "missed", l->missed }, { "decode", l->decode }, { "evicted", t->total.evicted },
	};

	(void)s;
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		PUT(x, "", of, (double)causes[i].count, { "cause", causes[i].cause });
}

TARGET_FN(alerts)
{
	(void)s;
	for (size_t i = 0; i < DETECTORS; i++) {
		const struct metrics_rule *rule = &t->rules[i];
		const char *dry_run = rule->dry_run ? "true" : "false";

		PUT(x, "", of, (double)rule->fired, { "rule", detectors[i]->name },
		    { "state", output_alert_state(ALERT_FIRING) }, { "dry_run", dry_run });
		PUT(x, "", of, (double)rule->resolved, { "rule", detectors[i]->name },
		    { "state", output_alert_state(ALERT_RESOLVED) }, { "dry_run", dry_run });
	}
}

TARGET_FN(alerts_active)
{
	(void)s;
	for (size_t i = 0; i < DETECTORS; i++) {
		const struct metrics_rule *rule = &t->rules[i];

		PUT(x, "", of, (double)rule->fired - (double)rule->resolved,
		    { "rule", detectors[i]->name }, { "severity", output_severity(rule->severity) },
		    { "dry_run", rule->dry_run ? "true" : "false" });
	}
}

/* Either a count that a group of probes gives, found by where it stands, or what write() writes. */
struct target_family {
	const char *name;
	enum metric_type type;
	enum wire_group group;
	const char *help;
	target_fn write;
	size_t at; /* of a u64 in struct metrics_target */
};

#define COUNT(field, of_group)                                                                     \
	.at = offsetof(struct metrics_target, total.field), .group = WIRE_GROUP_##of_group

static const struct target_family target_families[] = {
	{ "gosonde_target_info", METRIC_INFO, .help = "Go processes under observation.",
	  .write = info },
	{ "gosonde_target_attach_time_seconds", METRIC_GAUGE,
	  .help = "Unix time since which the counters of the process count.",
	  .write = attach_time },
	{ "gosonde_map_writes_total", METRIC_COUNTER, .help = "Writes to Go maps.",
	  COUNT(map.writes, MAP_WRITE) },
	{ "gosonde_map_deletes_total", METRIC_COUNTER, .help = "Deletes from Go maps.",
	  COUNT(map.deletes, MAP_WRITE) },
	{ "gosonde_map_clears_total", METRIC_COUNTER, .help = "Go maps cleared as a whole.",
	  COUNT(map.clears, MAP_WRITE) },
	{ "gosonde_map_growths_total", METRIC_COUNTER, .help = "Growths of Go maps.",
	  COUNT(map.grows, MAP_GROW) },
	{ "gosonde_map_moved_entries_total", METRIC_COUNTER,
	  .help = "Entries that growths of Go maps moved.", COUNT(map.moved, MAP_GROW) },
	{ "gosonde_goroutines_created_total", METRIC_COUNTER,
	  .help = "Goroutines created, without the runtime's own.",
	  COUNT(goroutine.created, GOROUTINE) },
	{ "gosonde_goroutines_exited_total", METRIC_COUNTER,
	  .help = "Goroutines that ended, without the runtime's own.",
	  COUNT(goroutine.exited, GOROUTINE) },
	{ "go_goroutine_count", METRIC_GAUGE, .help = "Count of live goroutines.",
	  .write = goroutine_count },
	{ "go_memory_gc_cycles_total", METRIC_COUNTER,
	  .help = "Number of completed GC cycles, since attach.", COUNT(gc.cycles, GC) },
	{ "gosonde_gc_forced_cycles_total", METRIC_COUNTER,
	  .help = "Completed GC cycles that the program forced.", COUNT(gc.forced, GC) },
	{ "go_memory_gc_pause_duration_seconds", METRIC_HISTOGRAM,
	  .help = "Stops of the world for GC, from the request to the restart, since attach.",
	  .write = pauses },
	{ "gosonde_other_stops_total", METRIC_COUNTER,
	  .help = "Stops of the world for other reasons.", COUNT(gc.other_stops, GC) },
	{ "gosonde_other_stop_seconds_total", METRIC_COUNTER,
	  .help = "Time in stops of the world for other reasons.", .write = other_stop_seconds },
	{ "gosonde_heap_live_bytes", METRIC_GAUGE,
	  .help = "Heap that the last mark found live, and what was allocated since.",
	  .write = heap_live },
	{ "go_memory_gc_goal_bytes", METRIC_GAUGE,
	  .help = "Heap size target for the end of the GC cycle.", .write = heap_goal },
	{ "gosonde_faults_total", METRIC_COUNTER,
	  .help = "Panics and fatal errors of the Go runtime.", COUNT(faults, FAULT) },
	{ "gosonde_accuracy", METRIC_GAUGE,
	  .help = "1 for how a group's figures of the last window were obtained.",
	  .write = accuracy },
	{ "gosonde_probe_duty_ratio", METRIC_GAUGE,
	  .help = "Share of the last window in which a group of probes was attached.",
	  .write = duty },
	{ "gosonde_probe_seconds_total", METRIC_COUNTER,
	  .help = "CPU time that probes cost the process, estimated.", .write = probe_seconds },
	{ "gosonde_budget_ratio", METRIC_GAUGE,
	  .help = "Share of one CPU that probes may cost the process.", .write = budget },
	{ "gosonde_budget_failed", METRIC_GAUGE,
	  .help = "1 if a group of probes stays detached because the budget could not be kept.",
	  .write = budget_failed },
	{ "gosonde_lost_total", METRIC_COUNTER, .help = "What was lost on its way, by cause.",
	  .write = lost },
	{ "gosonde_alerts_total", METRIC_COUNTER,
	  .help = "Alerts that fired and that were resolved.", .write = alerts },
	{ "gosonde_alerts_active", METRIC_GAUGE, .help = "Alerts that are firing.",
	  .write = alerts_active },
};

static void put_target_family(struct exposition *x, const struct metrics_snapshot *s,
			      const struct target_family *f)
{
	struct target_labels of;
	u64 count;

	exposition_family(x, f->name, f->type, f->help);
	for (size_t i = 0; i < s->target_count; i++) {
		const struct metrics_target *t = &s->targets[i];

		label_target(t, &of);
		if (f->write) {
			f->write(x, s, t, &of);
		} else if (window_has(&t->total, f->group)) {
			memcpy(&count, (const char *)t + f->at, sizeof(count));
			put(x, &of, (double)count);
		}
	}
}

static void put_sinks(struct exposition *x, const struct metrics_agent *a, size_t at)
{
	for (size_t i = 0; i < a->sink_count; i++) {
		const struct metric_label label = { "sink", a->sinks[i].name };
		u64 count;

		memcpy(&count, (const char *)&a->sinks[i] + at, sizeof(count));
		exposition_sample(x, "", &label, 1, (double)count);
	}
}

static void put_sink_families(struct exposition *x, const struct metrics_agent *a)
{
	exposition_family(x, "gosonde_sink_sent_total", METRIC_COUNTER, "Alerts sent.");
	put_sinks(x, a, offsetof(struct metrics_sink, sent));
	exposition_family(x, "gosonde_sink_lost_total", METRIC_COUNTER,
			  "Alerts that never reached the receiver.");
	put_sinks(x, a, offsetof(struct metrics_sink, lost));
	exposition_family(x, "gosonde_sink_withheld_total", METRIC_COUNTER,
			  "Alerts of dry runs, which are not sent.");
	put_sinks(x, a, offsetof(struct metrics_sink, withheld));
	exposition_family(x, "gosonde_sink_waiting", METRIC_GAUGE,
			  "Alerts that wait for the receiver.");
	put_sinks(x, a, offsetof(struct metrics_sink, waiting));
	exposition_family(x, "gosonde_sink_away", METRIC_GAUGE,
			  "1 if the receiver took nothing, the last time.");
	put_sinks(x, a, offsetof(struct metrics_sink, away));
}

static void put_single(struct exposition *x, const char *name, enum metric_type type,
		       const char *help, double value)
{
	exposition_family(x, name, type, help);
	exposition_sample(x, "", NULL, 0, value);
}

static void put_agent(struct exposition *x, const struct metrics_snapshot *s)
{
	const struct metrics_agent *a = &s->agent;
	const struct metric_label version = { "version", a->version };

	exposition_family(x, "gosonde_build_info", METRIC_INFO, "Which gosonde this is.");
	exposition_sample(x, "", &version, 1, 1);
	put_single(x, "gosonde_targets", METRIC_GAUGE, "Processes under observation.",
		   (double)s->target_count);
	put_single(x, "gosonde_tick_time_seconds", METRIC_GAUGE,
		   "Unix time of the tick that the figures are of.", wall_seconds(s, s->time_ns));
	put_single(x, "gosonde_ring_records_total", METRIC_COUNTER,
		   "Records that came through the kernel's ring buffer.", (double)a->records);
	put_sink_families(x, a);
	put_single(x, "process_cpu_seconds_total", METRIC_COUNTER, "CPU time of gosonde.",
		   (double)a->cpu_ns / 1e9);
	if (a->rss_bytes)
		put_single(x, "process_resident_memory_bytes", METRIC_GAUGE,
			   "Resident memory of gosonde.", (double)a->rss_bytes);
	put_single(x, "process_start_time_seconds", METRIC_GAUGE,
		   "Unix time at which gosonde started.", wall_seconds(s, a->start_ns));
}

int metrics_render(FILE *out, enum exposition_format format, const struct metrics_snapshot *s)
{
	struct exposition x = { .out = out, .format = format };

	put_agent(&x, s);
	for (size_t i = 0; i < ARRAY_SIZE(target_families); i++)
		put_target_family(&x, s, &target_families[i]);
	exposition_end(&x);
	return ferror(out) ? -EIO : 0;
}
