/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/census_rounds.h"

#include <errno.h>
#include <stdio.h>

#include "daemon/census.h"
#include "daemon/loop.h"
#include "gobin/probeset.h"
#include "model/roll.h"
#include "proc/self.h"

enum { FUNC_BYTES = 256, KNOWN_STARTS = 256 };

/* Whether the goroutines of a function are the runtime's own. */
struct known_start {
	u64 pc; /* 0: none */
	bool system;
};

struct census_rounds {
	struct target *target;
	struct goid_clock *clock; /* NULL: before the first round */
	struct roll *roll;
	struct go_wait_reasons reasons;
	bool reasons_sought;
	struct known_start
		known[KNOWN_STARTS]; /* by a hash of the pc; the last one has the place */
	u64 due_ns;
	struct err failure;
};

static u16 wait_of(const struct go_goroutine *g)
{
	return (u16)(g->state << 8 | (g->state == GO_STATE_WAITING ? g->wait_reason : 0));
}

/* The array of reasons lies somewhere in some MiB of variables: it is sought when a site is large
 * enough to be told of, and once. */
static void write_wait(void *arg, u16 wait, char *buf, size_t size)
{
	struct census_rounds *r = arg;
	const char *reason;

	if (!r->reasons_sought)
		(void)go_wait_reasons_read(&r->target->go, &r->reasons, NULL);
	r->reasons_sought = true;
	reason = go_wait_reason(&r->reasons, wait & 0xff);
	snprintf(buf, size, "%s", reason ? reason : go_state_name(wait >> 8));
}

struct census_rounds *census_rounds_new(struct target *target)
{
	CLEANUP(census_rounds_freep) struct census_rounds *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->target = target;
	r->roll = roll_new(write_wait, r);
	return r->roll ? TAKE_PTR(r) : NULL;
}

void census_rounds_free(struct census_rounds *rounds)
{
	if (!rounds)
		return;
	goid_clock_free(rounds->clock);
	roll_free(rounds->roll);
	free(rounds);
}

bool census_rounds_due(const struct census_rounds *rounds, u64 now_ns)
{
	return now_ns >= rounds->due_ns;
}

/* Where the counter is not known, what was seen at the rounds dates all the same, but for ages of
 * before the first one. */
static int sample_ids(struct census_rounds *r)
{
	struct goid_counter counter;
	u64 begin_ns = now_monotonic_ns();

	if (!r->clock)
		r->clock = goid_clock_new(census_start_ns(r->target, begin_ns));
	if (!r->clock)
		return err_set(&r->failure, -ENOMEM, "out of memory");
	if (!goid_counter_read(&r->target->go, &counter, NULL))
		goid_clock_sample(r->clock, begin_ns, now_monotonic_ns(), &counter);
	return 0;
}

static bool is_system(struct census_rounds *r, const struct names *names, u64 startpc)
{
	struct known_start *known = &r->known[(startpc >> 4 ^ startpc >> 12) % KNOWN_STARTS];
	char func[FUNC_BYTES];

	if (startpc && known->pc != startpc)
		*known = (struct known_start) {
			.pc = startpc,
			.system = !names->func(names->arg, startpc, false, func, sizeof(func)) &&
				  go_is_system_goroutine(func),
		};
	return startpc && known->system;
}

/* Those that a go statement of the program has made. */
static size_t fill_rows(struct census_rounds *r, const struct go_census *raw,
			const struct goid_birth *births, struct roll_row *rows)
{
	const struct names names = target_names(r->target);
	size_t n = 0;

	for (size_t i = 0; i < raw->count; i++) {
		const struct go_goroutine *g = &raw->goroutines[i];

		if (g->creator && !is_system(r, &names, g->start))
			rows[n++] = (struct roll_row) {
				.id = g->id,
				.gopc = g->creator,
				.startpc = g->start,
				.wait = wait_of(g),
				.birth = births[i],
			};
	}
	return n;
}

static int call_roll(struct census_rounds *r, const struct go_census *raw, u64 now_ns,
		     struct event_census *ret)
{
	CLEANUP(freep) struct goid_birth *births = calloc(raw->count + 1, sizeof(*births));
	CLEANUP(freep) struct roll_row *rows = calloc(raw->count + 1, sizeof(*rows));
	const struct timebase timebase = { .mono_to_wall_ns = monotonic_to_wall_ns() };
	struct go_gc_memory gc;
	int rc;

	if (!births || !rows)
		return -ENOMEM;
	go_gc_memory_read(&r->target->go, &gc);
	rc = census_date(raw, r->clock, &gc, &timebase, now_ns, births);
	if (rc)
		return rc;
	return roll_call(r->roll, now_ns, rows, fill_rows(r, raw, births, rows), ret);
}

static int take(struct census_rounds *r, u64 *ret_time_ns, struct event_census *ret)
{
	CLEANUP(go_census_done) struct go_census raw = { 0 };
	int rc = sample_ids(r);
	u64 now_ns;

	if (!rc)
		rc = go_census_read(&r->target->go, CENSUS_ROUND_MAX, &raw, &r->failure);
	if (rc)
		return rc;
	now_ns = now_monotonic_ns();
	rc = call_roll(r, &raw, now_ns, ret);
	if (rc)
		return err_set(&r->failure, rc, "no memory for %zu goroutines", raw.count);
	*ret_time_ns = now_ns;
	return 0;
}

int census_rounds_take(struct census_rounds *rounds, u64 *ret_time_ns, struct event_census *ret)
{
	u64 begin_ns = proc_thread_cpu_ns();
	int rc;

	rounds->failure = (struct err) { "" };
	rc = take(rounds, ret_time_ns, ret);
	if (rc && process_gone(&rounds->target->process))
		rounds->failure = (struct err) { "" };
	rounds->due_ns = now_monotonic_ns() + roll_pause_ns(proc_thread_cpu_ns() - begin_ns);
	return rc;
}

const char *census_rounds_failure(const struct census_rounds *rounds)
{
	return rounds->failure.text[0] ? rounds->failure.text : NULL;
}
