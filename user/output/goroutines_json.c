/* SPDX-License-Identifier: BSD-2-Clause */
#include "base/units.h"
#include "output/goroutines.h"
#include "output/json_build.h"

static double seconds(u64 ns)
{
	return (double)ns / (double)NS_PER_S;
}

const char *goroutine_by_name(enum goroutine_by by)
{
	static const char *const names[] = {
		[BY_SITE] = "site", [BY_WAIT] = "wait", [BY_STATE] = "state"
	};

	return names[by];
}

/* site, start, state, wait; null where a group's members differ. */
static void put_kind(struct json_build *b, json_t *obj, const struct goroutine_kind *kind,
		     const struct goroutine_texts *texts, const struct goroutine_group *same)
{
	const char *wait = texts->wait(texts->arg, kind->wait);

	json_put_text_if(b, obj, "site", !same || same->same_site,
			 texts->site(texts->arg, kind->site));
	json_put_text_if(b, obj, "start", !same || same->same_start,
			 texts->start(texts->arg, kind->start));
	json_put_text_if(b, obj, "state", !same || same->same_state, go_state_name(kind->state));
	json_put_text_if(b, obj, "wait", wait && (!same || same->same_wait), wait);
}

static void put_certainty(struct json_build *b, u64 least_ns, u64 most_ns, bool sampled)
{
	json_put_real(b, b->root, "age_least_s", seconds(least_ns));
	json_put_real(b, b->root, "age_most_s", seconds(most_ns));
	json_put_real(b, b->root, "age_error_s", seconds(most_ns - least_ns) / 2);
	json_put_text(b, b->root, "age_accuracy", sampled ? "sampled" : "bounded");
}

static int group_json(FILE *out, const struct goroutine_report *report,
		      const struct goroutine_group *group)
{
	struct json_build b = json_build_start("goroutine_group");
	json_t *obj;

	json_put_u64(&b, b.root, "pid", report->pid);
	json_put_text(&b, b.root, "by", goroutine_by_name(report->by));
	put_kind(&b, b.root, &group->kind, &report->texts, group);
	json_put_u64(&b, b.root, "count", group->count);
	obj = json_put_object(&b, b.root, "age_s");
	json_put_real(&b, obj, "min", seconds(group->age_min_ns));
	json_put_real(&b, obj, "p50", seconds(group->p50.likely_ns));
	json_put_real(&b, obj, "max", seconds(group->oldest.likely_ns));
	put_certainty(&b, group->p50.least_ns, group->p50.most_ns, group->p50.sampled);
	obj = json_put_object(&b, b.root, "most");
	put_kind(&b, obj, &group->kind, &report->texts, NULL);
	json_put_u64(&b, obj, "count", group->kind_count);
	return json_build_finish(&b, out);
}

static void put_gc(struct json_build *b, const struct go_gc_memory *gc)
{
	json_t *obj = json_put_object(b, b->root, "gc"), *pauses;
	bool paused = gc->pause_count > 0;

	json_put_u64_if(b, obj, "cycles", gc->has_cycles, gc->cycles);
	json_put_u64_if(b, obj, "heap_live_bytes", gc->has_heap_live, gc->heap_live_bytes);
	json_put_u64_if(b, obj, "heap_goal_bytes", gc->has_heap_goal, gc->heap_goal_bytes);
	pauses = json_put_object(b, obj, "pause_ns");
	json_put_u64_if(b, pauses, "count", gc->has_pauses, gc->pause_count);
	json_put_u64_if(b, pauses, "p50", paused, go_gc_pause_quantile(gc, 0.5));
	json_put_u64_if(b, pauses, "max", paused, go_gc_pause_quantile(gc, 1));
	json_put_u64_if(b, pauses, "last", paused, paused ? gc->pause_ns[gc->pause_count - 1] : 0);
	json_put_text_if(b, obj, "missing", gc->why.text[0], gc->why.text);
}

static int total_json(FILE *out, const struct goroutine_report *report)
{
	struct json_build b = json_build_start("goroutine_total");

	json_put_u64(&b, b.root, "pid", report->pid);
	json_put_u64(&b, b.root, "live", report->live);
	json_put_u64(&b, b.root, "system", report->system);
	json_put_u64(&b, b.root, "skipped", report->skipped);
	json_put_u64(&b, b.root, "groups", report->group_count);
	json_put_real(&b, b.root, "sampled_s", seconds(report->sampled_ns));
	put_gc(&b, report->gc);
	return json_build_finish(&b, out);
}

int goroutines_json(FILE *out, const struct goroutine_report *report)
{
	int rc = 0;

	for (size_t i = 0; i < report->group_count && rc == 0; i++)
		rc = group_json(out, report, &report->groups[i]);
	return rc ? rc : total_json(out, report);
}

int goroutine_json(FILE *out, u32 pid, const struct goroutine_line *line, u64 now_ns,
		   const struct goroutine_texts *texts)
{
	struct json_build b = json_build_start("goroutine");

	json_put_u64(&b, b.root, "pid", pid);
	json_put_u64(&b, b.root, "id", line->id);
	json_put_u64_if(&b, b.root, "parent", line->parent != 0, line->parent);
	json_put_bool(&b, b.root, "system", line->system);
	put_kind(&b, b.root, &line->kind, texts, NULL);
	json_put_real(&b, b.root, "age_s", seconds(now_ns - MIN(now_ns, line->birth.likely_ns)));
	put_certainty(&b, now_ns - MIN(now_ns, line->birth.latest_ns),
		      now_ns - MIN(now_ns, line->birth.earliest_ns), line->birth.sampled);
	return json_build_finish(&b, out);
}
