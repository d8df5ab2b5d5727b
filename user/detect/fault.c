/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes to nil maps, concurrent map access, failed type assertions, and the runtime giving up. */
#include "detect/detect.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "gobin/faults.h"

/* A fault is over when it did not come again for this long. */
#define QUIET_NS NS_PER_MIN

enum { FAULTS = 32, KEY_FRAMES = 4 };

struct fault_class {
	const char *key;  /* short; part of a finding's key */
	const char *what; /* for people */
	const char *advice;
};

/* By enum go_fault. A panic like any other may well be the program's way to report an error. */
static const struct fault_class classes[] = {
	[GO_FAULT_NIL_MAP] = {
		"nil-map",
		"write to a nil map",
		"make the map before the first write; a struct's zero value holds a nil map",
	},
	[GO_FAULT_CONCURRENT_MAP] = {
		"concurrent-map",
		"concurrent map access",
		"guard the map with a sync.Mutex or sync.RWMutex, or use a sync.Map; go test -race "
		"shows both sides",
	},
	[GO_FAULT_ASSERTION] = {
		"type-assertion",
		"failed type assertion",
		"use the two-value form v, ok := x.(T), or a type switch",
	},
	[GO_FAULT_FATAL] = {
		"fatal",
		"runtime fatal error",
		"the process ends with this; its stderr has the stacks of all goroutines",
	},
};

/* Faults of one class at one place. */
struct seen {
	char key[FINDING_KEY_MAX];
	const struct fault_class *class;
	u64 count; /* without a quiet time in between */
	u64 last_ns;
	u64 goid;
	char type[256], text[512];
	u64 pc[WIRE_MAX_FRAMES];
	size_t frames;
};

struct faults {
	size_t count;
	struct seen seen[FAULTS];
};

static void *faults_new(void)
{
	return calloc(1, sizeof(struct faults));
}

/* NULL: nothing to raise an alert for. */
static const struct fault_class *classify(const struct event_fault *fault)
{
	enum go_fault kind = go_fault_kind(fault->fn, fault->type, fault->text);

	return kind == GO_FAULT_PANIC ? NULL : &classes[kind];
}

static void key_of(const struct fault_class *class, const struct event_stack *stack,
		   char key[static FINDING_KEY_MAX])
{
	u64 hash = 0xcbf29ce484222325ULL; /* FNV-1a */

	for (size_t i = 0; i < MIN(stack->frames, KEY_FRAMES); i++)
		hash = (hash ^ stack->pc[i]) * 0x100000001b3ULL;
	snprintf(key, FINDING_KEY_MAX, "%s:%012llx", class->key, hash & 0xffffffffffffULL);
}

static void say(const struct detect_io *io, const struct seen *seen, u64 count, u64 now_ns)
{
	struct finding finding = { .value = (double)count, .time_ns = now_ns, .since_ns = now_ns };

	memcpy(finding.key, seen->key, sizeof(finding.key));
	io->emit(io->arg, &finding);
}

static const struct seen *find(const struct faults *faults, const char *key)
{
	for (size_t i = 0; i < faults->count; i++) {
		if (!strcmp(faults->seen[i].key, key))
			return &faults->seen[i];
	}
	return NULL;
}

/* A row for a key; when all are taken the one that was quiet longest ends. */
static struct seen *row_for(struct faults *faults, const struct detect_io *io, const char *key,
			    u64 now_ns)
{
	struct seen *row = (struct seen *)find(faults, key);

	if (row)
		return row;
	if (faults->count < FAULTS) {
		row = &faults->seen[faults->count++];
	} else {
		row = &faults->seen[0];
		for (size_t i = 1; i < FAULTS; i++) {
			if (faults->seen[i].last_ns < row->last_ns)
				row = &faults->seen[i];
		}
		say(io, row, 0, now_ns);
	}
	*row = (struct seen) { 0 };
	memcpy(row->key, key, FINDING_KEY_MAX);
	return row;
}

static void remember(struct seen *seen, u64 time_ns, const struct fault_class *class,
		     const struct event_fault *fault)
{
	seen->class = class;
	seen->count++;
	seen->last_ns = time_ns;
	seen->goid = fault->goid;
	snprintf(seen->type, sizeof(seen->type), "%s", fault->type);
	snprintf(seen->text, sizeof(seen->text), "%s", fault->text);
	seen->frames = MIN(fault->stack.frames, WIRE_MAX_FRAMES);
	if (seen->frames)
		memcpy(seen->pc, fault->stack.pc, seen->frames * sizeof(seen->pc[0]));
}

static void faults_event(void *state, const struct detect_io *io, const struct event *event)
{
	const struct fault_class *class = classify(&event->fault);
	char key[FINDING_KEY_MAX] = "";
	struct seen *seen;

	if (!class)
		return;
	key_of(class, &event->fault.stack, key);
	seen = row_for(state, io, key, event->time_ns);
	remember(seen, event->time_ns, class, &event->fault);
	say(io, seen, seen->count, event->time_ns);
}

static void faults_tick(void *state, const struct detect_io *io, const struct window *window)
{
	struct faults *faults = state;
	size_t kept = 0;

	for (size_t i = 0; i < faults->count; i++) {
		struct seen *seen = &faults->seen[i];
		bool quiet = seen->last_ns + QUIET_NS <= window->end_ns;

		say(io, seen, quiet ? 0 : seen->count, window->end_ns);
		if (quiet)
			continue;
		if (kept != i)
			faults->seen[kept] = *seen;
		kept++;
	}
	faults->count = kept;
}

static void faults_explain(const void *state, const struct model *model,
			   const struct finding *finding, struct explanation *ret)
{
	const struct seen *seen = find(state, finding->key);
	const struct names *names = model_names(model);
	char where[160];

	if (!seen)
		return;
	explain_user_frame(names, seen->pc, seen->frames, where, sizeof(where));
	explain_write(ret->subject, sizeof(ret->subject), "%s at %s", seen->class->what, where);
	explain_write(ret->summary, sizeof(ret->summary), "%s%s%s", ret->subject,
		      seen->text[0] ? ": " : "", seen->text);
	explain_write(ret->advice, sizeof(ret->advice), "%s", seen->class->advice);
	explain_text(ret, "fault", "%s", seen->class->what);
	if (seen->text[0])
		explain_text(ret, "message", "%s", seen->text);
	if (seen->type[0])
		explain_text(ret, "panic_type", "%s", seen->type);
	if (seen->goid)
		explain_number(ret, "goroutine", (double)seen->goid);
	explain_text(ret, "site", "%s", where);
	explain_stack(ret, "stack", names, (struct event_stack) { seen->pc, seen->frames },
		      STACK_WHOLE);
}

const struct detector detector_fault = {
	.name = "fault",
	.measures = { { "faults", "faults" } },
	.measure_count = 1,
	.new = faults_new,
	.free = free,
	.events = 1 << EVENT_FAULT,
	.event = faults_event,
	.tick = faults_tick,
	.explain = faults_explain,
};
