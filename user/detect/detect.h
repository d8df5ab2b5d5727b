/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Detectors measure, rules judge. A detector turns the model of one target into
 * measures (entries moved a second, the longest pause of the last minute…) and
 * says each of them whenever it may have changed: with the event that changed
 * it, and at every tick. Whether a value is too high, for how long, and what
 * happens then is alert/'s. On demand a detector explains what it measured.
 */
#ifndef DETECT_DETECT_H
#define DETECT_DETECT_H

#include "detect/evidence.h"
#include "model/model.h"
#include "model/trend.h"

enum { DETECT_MEASURES = 3, FINDING_KEY_MAX = 32 };

/* What a detector measures; higher is worse. */
struct measure {
	const char *name; /* as rules call it: "moved" */
	const char *unit; /* "entries/s" */
};

/* A measure's value now. */
struct finding {
	size_t measure; /* index in the detector's measures */
	double value;
	u64 time_ns;
	u64 since_ns;		   /* the value stands for all the time from here to time_ns */
	char key[FINDING_KEY_MAX]; /* tells apart what alerts on its own; "" if there is one only */
};

typedef void (*finding_fn)(void *arg, const struct finding *finding);

/* What a detector works with. */
struct detect_io {
	const struct model *model;
	finding_fn emit;
	void *arg;
};

/* A detector. All state is in what new() returns. */
struct detector {
	const char *name; /* of its rule: "rehash-storm" */
	struct measure measures[DETECT_MEASURES];
	size_t measure_count;
	void *(*new)(void); /* NULL: out of memory */
	void (*free)(void *state);
	u32 events; /* kinds that it is told of: 1 << EVENT_..., or more of them */
	/* Either may be NULL. */
	void (*event)(void *state, const struct detect_io *io, const struct event *event);
	void (*tick)(void *state, const struct detect_io *io, const struct window *window);
	void (*explain)(const void *state, const struct model *model, const struct finding *finding,
			struct explanation *ret);
};

extern const struct detector detector_rehash_storm;
extern const struct detector detector_gc_pause_spike;
extern const struct detector detector_gc_pause_budget;
extern const struct detector detector_gc_pressure;
extern const struct detector detector_mark_termination_drag;
extern const struct detector detector_mark_storm;
extern const struct detector detector_goroutine_growth;
extern const struct detector detector_goroutine_leak;
extern const struct detector detector_map_hot_overwrite;
extern const struct detector detector_map_missing_delete;
extern const struct detector detector_map_write_rate;
extern const struct detector detector_fault;

enum {
	DETECT_REHASH_STORM,
	DETECT_GC_PAUSE_SPIKE,
	DETECT_GC_PAUSE_BUDGET,
	DETECT_GC_PRESSURE,
	DETECT_MARK_TERMINATION_DRAG,
	DETECT_MARK_STORM,
	DETECT_GOROUTINE_GROWTH,
	DETECT_GOROUTINE_LEAK,
	DETECT_MAP_HOT_OVERWRITE,
	DETECT_MAP_MISSING_DELETE,
	DETECT_MAP_WRITE_RATE,
	DETECT_FAULT,
	DETECTORS
};

extern const struct detector *const detectors[DETECTORS];

/* Index in detectors[], or -ENOENT. */
int detector_find(const char *name);

/* Index in the detector's measures, or -ENOENT. */
int detector_measure(const struct detector *detector, const char *name);

/* Every detector, on one target. */
struct detect;

/* detector: index in detectors[]. */
typedef void (*detect_fn)(void *arg, size_t detector, const struct finding *finding);

/* model is borrowed and must outlive it. NULL: out of memory. */
struct detect *detect_new(const struct model *model, detect_fn emit, void *arg);
void detect_free(struct detect *detect);
DEFINE_FREEP(struct detect, detect_free)

/* After the model was fed with it. */
void detect_event(struct detect *detect, const struct event *event);

/* After the model's tick, with its window. */
void detect_tick(struct detect *detect, const struct window *window);

/* Explains a finding while it is being emitted. ret is the caller's to explanation_done(). */
void detect_explain(const struct detect *detect, size_t detector, const struct finding *finding,
		    struct explanation *ret);

#endif
