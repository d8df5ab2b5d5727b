/* SPDX-License-Identifier: BSD-2-Clause */
#include "detect/detect.h"

#include <errno.h>
#include <string.h>

const struct detector *const detectors[DETECTORS] = {
	[DETECT_REHASH_STORM] = &detector_rehash_storm,
	[DETECT_GC_PAUSE_SPIKE] = &detector_gc_pause_spike,
	[DETECT_GC_PAUSE_BUDGET] = &detector_gc_pause_budget,
	[DETECT_GC_PRESSURE] = &detector_gc_pressure,
	[DETECT_MARK_TERMINATION_DRAG] = &detector_mark_termination_drag,
	[DETECT_MARK_STORM] = &detector_mark_storm,
	[DETECT_GOROUTINE_GROWTH] = &detector_goroutine_growth,
	[DETECT_GOROUTINE_LEAK] = &detector_goroutine_leak,
	[DETECT_MAP_HOT_OVERWRITE] = &detector_map_hot_overwrite,
	[DETECT_MAP_MISSING_DELETE] = &detector_map_missing_delete,
	[DETECT_MAP_WRITE_RATE] = &detector_map_write_rate,
	[DETECT_FAULT] = &detector_fault,
};

int detector_find(const char *name)
{
	for (int i = 0; i < DETECTORS; i++) {
		if (!strcmp(detectors[i]->name, name))
			return i;
	}
	return -ENOENT;
}

int detector_measure(const struct detector *detector, const char *name)
{
	for (size_t i = 0; i < detector->measure_count; i++) {
		if (!strcmp(detector->measures[i].name, name))
			return (int)i;
	}
	return -ENOENT;
}

/* One detector's way out: it knows its own index. */
struct outlet {
	struct detect *detect;
	size_t detector;
};

struct detect {
	const struct model *model;
	detect_fn emit;
	void *arg;
	void *state[DETECTORS];
	struct outlet outlet[DETECTORS];
};

struct detect *detect_new(const struct model *model, detect_fn emit, void *arg)
{
	CLEANUP(detect_freep) struct detect *detect = calloc(1, sizeof(*detect));

	if (!detect)
		return NULL;
	detect->model = model;
	detect->emit = emit;
	detect->arg = arg;
	for (size_t i = 0; i < DETECTORS; i++) {
		detect->outlet[i] = (struct outlet) { detect, i };
		detect->state[i] = detectors[i]->new ();
		if (!detect->state[i])
			return NULL;
	}
	return TAKE_PTR(detect);
}

void detect_free(struct detect *detect)
{
	if (!detect)
		return;
	for (size_t i = 0; i < DETECTORS; i++)
		detectors[i]->free(detect->state[i]);
	free(detect);
}

static void emit(void *arg, const struct finding *finding)
{
	struct outlet *outlet = arg;

	outlet->detect->emit(outlet->detect->arg, outlet->detector, finding);
}

static struct detect_io io_of(struct detect *detect, size_t i)
{
	return (struct detect_io) { detect->model, emit, &detect->outlet[i] };
}

void detect_event(struct detect *detect, const struct event *event)
{
	for (size_t i = 0; i < DETECTORS; i++) {
		if (detectors[i]->events >> event->kind & 1) {
			struct detect_io io = io_of(detect, i);

			detectors[i]->event(detect->state[i], &io, event);
		}
	}
}

void detect_tick(struct detect *detect, const struct window *window)
{
	for (size_t i = 0; i < DETECTORS; i++) {
		struct detect_io io = io_of(detect, i);

		if (detectors[i]->tick)
			detectors[i]->tick(detect->state[i], &io, window);
	}
}

void detect_explain(const struct detect *detect, size_t detector, const struct finding *finding,
		    struct explanation *ret)
{
	memset(ret, 0, sizeof(*ret));
	detectors[detector]->explain(detect->state[detector], detect->model, finding, ret);
}
