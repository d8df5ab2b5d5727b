/* SPDX-License-Identifier: BSD-2-Clause */
#include "govern/bursts.h"

#include "base/macros.h"

/* A thread that attaching held up goes on so late at times: a first hit until then may be of the
 * middle of a burst. */
#define HELD_UP_NS (500 * 1000)

/* Of all CPUs: a program that fills more has several bursts at a time. */
enum { MOST_SPELLS = 64 };

/* A burst, or what a CPU saw of one that had begun before the window. */
struct spell {
	u64 begin_ns, end_ns;
	u64 hits;
	u64 bursts; /* more than one: of those that a CPU did not keep */
	/* The thread at the end of a CPU's last one, and how often it had slept; 0: not known. */
	u64 switches;
	u32 tid;
	bool begun; /* in the window */
	bool going; /* not over */
};

/* In order of time; of more than fit, count is MOST_SPELLS + 1. */
struct spells {
	struct spell all[MOST_SPELLS];
	size_t count;
};

/* What is not in order a preempted program wrote late. */
static bool in_order(const struct wire_window *w)
{
	u64 begin_ns = w->hit_ns, hits = 0;

	for (size_t i = 0; i < MIN(w->count, WIRE_BURSTS); i++) {
		const struct wire_burst *b = &w->begun[i];

		if (b->hits < hits || b->begin_ns < begin_ns + b->gap_ns)
			return false;
		begin_ns = b->begin_ns;
		hits = b->hits;
	}
	return hits <= w->hits && begin_ns <= w->seen_ns;
}

/* A thread that makes calls while the probes are being set waits for that, and goes on: so many
 * bursts of a CPU are no others. */
static size_t held_up(const struct wire_window *w, u64 open_ns)
{
	size_t n = 0;

	while (n < MIN(w->count, WIRE_BURSTS) && w->begun[n].begin_ns < open_ns + WIRE_BURST_GAP_NS)
		n++;
	return n;
}

/* Of a CPU: the i-th burst, or what came before the first that began in the window. */
static struct spell spell_of(const struct wire_window *w, u64 open_ns, size_t i)
{
	size_t kept = MIN(w->count, WIRE_BURSTS);
	struct spell ret = { .end_ns = w->seen_ns, .hits = w->hits, .bursts = 1, .begun = true };

	if (i == kept) {
		ret.tid = w->tid;
		ret.switches = w->switches;
	} else {
		ret.end_ns = w->begun[i].begin_ns - w->begun[i].gap_ns;
		ret.hits = w->begun[i].hits;
	}
	if (i > held_up(w, open_ns)) {
		ret.begin_ns = w->begun[i - 1].begin_ns;
		ret.hits -= w->begun[i - 1].hits;
	} else {
		ret.begin_ns = w->hit_ns;
		ret.begun = w->hit_ns > open_ns + HELD_UP_NS;
	}
	if (i == WIRE_BURSTS - 1)
		ret.bursts += w->count - kept;
	return ret;
}

static struct spell last_of(const struct wire_window *w, u64 open_ns)
{
	return spell_of(w, open_ns, MIN(w->count, WIRE_BURSTS));
}

/* What another CPU saw last of the thread that w saw last, if it has not slept between. */
static const struct wire_window *other_half(const struct wire_window *cpus, size_t cpu_count,
					    const struct wire_window *w)
{
	for (size_t i = 0; i < cpu_count; i++)
		if (&cpus[i] != w && cpus[i].hits && cpus[i].tid == w->tid &&
		    cpus[i].switches == w->switches)
			return &cpus[i];
	return NULL;
}

/* A thread that the kernel moves goes on with its burst: it is counted where it is now. Returns
 * false for the CPU that it left. */
static bool put_together(const struct bursts_config *config, const struct wire_window *cpus,
			 size_t cpu_count, const struct wire_window *w, struct spell *last)
{
	const struct wire_window *other = other_half(cpus, cpu_count, w);
	struct spell before;

	if (!other || !in_order(other))
		return true;
	if (other->seen_ns > w->seen_ns)
		return false;
	before = last_of(other, config->open_ns);
	last->begin_ns = before.begin_ns;
	last->begun = before.begun;
	last->hits += before.hits;
	return true;
}

static void insert(struct spells *s, const struct spell *spell)
{
	size_t i = s->count;

	if (s->count >= MOST_SPELLS) {
		s->count = MOST_SPELLS + 1;
		return;
	}
	for (; i > 0 && s->all[i - 1].begin_ns > spell->begin_ns; i--)
		s->all[i] = s->all[i - 1];
	s->all[i] = *spell;
	s->count++;
}

static void count(struct bursts *sum, const struct spell *s, u64 now_ns)
{
	if (!s->begun) {
		sum->lasting_hits += s->going ? (double)s->hits : 0;
	} else if (s->going) {
		sum->going++;
		sum->going_hits += (double)s->hits;
		sum->going_ns += now_ns > s->begin_ns ? (double)(now_ns - s->begin_ns) : 0;
	} else {
		sum->whole += (double)s->bursts;
		sum->whole_hits += (double)s->hits;
	}
}

/* A thread that runs and makes no call is at work between two; unless others made some meanwhile:
 * then it looks for work, as Go's do for a while before they sleep, or has moved to another CPU. */
static bool goes_on(const struct bursts_config *config, const struct wire_window *cpus,
		    size_t cpu_count, const struct wire_window *w)
{
	if (config->now_ns <= w->seen_ns + WIRE_BURST_GAP_NS)
		return true;
	for (size_t i = 0; i < cpu_count; i++)
		if (cpus[i].seen_ns > w->seen_ns)
			return false;
	return config->runs(config->arg, w->tid);
}

/* On another CPU. */
static bool is_rest(const struct spell *before, const struct spell *next)
{
	return next->begin_ns <= before->end_ns + WIRE_BURST_GAP_NS ||
	       (next->tid && next->tid == before->tid && next->switches == before->switches);
}

/* Returns false if there were several at a time. */
static bool join(struct spells *s)
{
	size_t last = 0;

	for (size_t i = 1; i < s->count; i++) {
		struct spell *before = &s->all[last], *next = &s->all[i];

		if (before->going || next->begin_ns < before->end_ns)
			return false;
		if (!is_rest(before, next)) {
			s->all[++last] = *next;
			continue;
		}
		before->hits += next->hits;
		before->bursts += next->bursts - 1;
		before->end_ns = next->end_ns;
		before->going = next->going;
		before->tid = next->tid;
		before->switches = next->switches;
	}
	s->count = last + 1;
	return true;
}

static void add_cycles(struct bursts *sum, struct spells *s)
{
	size_t first, end;
	double cycles = 0, hits = 0;

	if (!s->count || s->count > MOST_SPELLS || !join(s))
		return;
	end = s->count - s->all[s->count - 1].going;
	first = s->all[0].begun ? 0 : 1;
	/* Of several together, the begin of the first is known. */
	if (end > 0 && s->all[end - 1].bursts > 1)
		end--;
	for (size_t i = first; i + 1 < end; i++) {
		cycles += (double)s->all[i].bursts;
		hits += (double)s->all[i + 1].hits;
	}
	if (cycles <= 0)
		return;
	sum->cycles = cycles;
	sum->cycles_hits = hits;
	sum->cycles_ns = (double)(s->all[end - 1].begin_ns - s->all[first].begin_ns);
}

/* No hit on any CPU. */
static double idle_ns(const struct bursts_config *config, const struct wire_window *cpus,
		      size_t cpu_count)
{
	u64 first_ns = config->now_ns, last_ns = config->open_ns;

	for (size_t i = 0; i < cpu_count; i++) {
		first_ns = MIN(first_ns, cpus[i].hit_ns);
		last_ns = MAX(last_ns, cpus[i].seen_ns);
	}
	return MAX((double)first_ns - (double)config->open_ns,
		   (double)config->now_ns - (double)last_ns);
}

struct bursts bursts_of(const struct bursts_config *config, const struct wire_window *cpus,
			size_t cpu_count)
{
	struct bursts ret = { .idle_ns = idle_ns(config, cpus, cpu_count) };
	struct spells spells = { .count = 0 };

	for (size_t cpu = 0; cpu < cpu_count; cpu++) {
		const struct wire_window *w = &cpus[cpu];
		size_t kept = MIN(w->count, WIRE_BURSTS);

		if (!w->hits || !in_order(w))
			continue;
		for (size_t i = held_up(w, config->open_ns); i <= kept; i++) {
			struct spell s = spell_of(w, config->open_ns, i);

			s.going = i == kept && goes_on(config, cpus, cpu_count, w);
			insert(&spells, &s);
			if (i < kept || put_together(config, cpus, cpu_count, w, &s))
				count(&ret, &s, config->now_ns);
		}
	}
	add_cycles(&ret, &spells);
	return ret;
}
