/* SPDX-License-Identifier: BSD-2-Clause */
/* Map writes a second of the whole process, as far as they are sure. */
#include "detect/detect.h"

#include "base/units.h"

enum { TOP_SITES = 5 };

/* One process has one rate: nothing to remember, but new() must return something. */
struct rate {
	double per_s;
	enum accuracy accuracy;
};

static void *rate_new(void)
{
	return calloc(1, sizeof(struct rate));
}

/* An estimate counts only as far as it is sure; a lower bound is. */
static double sure_rate(const struct window_map *map)
{
	if (map->accuracy != ACCURACY_SAMPLED)
		return map->writes_per_s;
	return MAX(map->writes_per_s - 2 * map->writes_error_per_s, 0);
}

static void rate_tick(void *state, const struct detect_io *io, const struct window *window)
{
	struct rate *rate = state;
	struct finding finding = {
		.value = sure_rate(&window->map),
		.time_ns = window->end_ns,
		.since_ns = window->start_ns,
	};

	if (!window->has_map_write || window->seconds <= 0)
		return;
	*rate = (struct rate) { window->map.writes_per_s, window->map.accuracy };
	io->emit(io->arg, &finding);
}

static void explain_sites(const struct model *model, const struct hot_site **top, size_t n,
			  struct explanation *ret)
{
	struct evidence *list = explain_list(ret, "sites", n);
	double all = hot_sites_heat(model_write_sites(model));
	const struct names *names = model_names(model);
	char frame[160], type[80];

	for (size_t i = 0; list && i < list->list_len; i++) {
		names->frame(names->arg, top[i]->key[WRITE_SITE_PC], true, frame, sizeof(frame));
		names->type(names->arg, top[i]->key[WRITE_SITE_TYPE], type, sizeof(type));
		explain_write(list->list[i], sizeof(list->list[i]), "%s: %.0f %%, %s", frame,
			      100 * top[i]->heat / all, type);
	}
}

static void rate_explain(const void *state, const struct model *model,
			 const struct finding *finding, struct explanation *ret)
{
	const struct hot_site *top[TOP_SITES];
	size_t n = write_sites_top(model_write_sites(model), top, TOP_SITES);
	const struct names *names = model_names(model);
	const struct rate *rate = state;
	char value[UNITS_BUF], type[EVIDENCE_TEXT_MAX];

	fmt_count(value, finding->value);
	explain_write(ret->subject, sizeof(ret->subject), "map writes");
	explain_write(ret->summary, sizeof(ret->summary), "maps are written %s times/s", value);
	explain_write(ret->advice, sizeof(ret->advice),
		      "look at the sites that write most: fewer writes (batches, struct fields, "
		      "values that are pointers), or maps of their own for each goroutine");
	explain_number(ret, "writes_per_s", rate->per_s);
	explain_text(ret, "accuracy", "%s", accuracy_name(rate->accuracy));
	if (!n)
		return;
	names->frame(names->arg, top[0]->key[WRITE_SITE_PC], true, ret->subject,
		     sizeof(ret->subject));
	names->type(names->arg, top[0]->key[WRITE_SITE_TYPE], type, sizeof(type));
	explain_write(ret->summary, sizeof(ret->summary),
		      "maps are written %s times/s, most often at %s", value, ret->subject);
	explain_text(ret, "site", "%s", ret->subject);
	explain_text(ret, "map_type", "%s", type);
	explain_sites(model, top, n, ret);
}

const struct detector detector_map_write_rate = {
	.name = "map-write-rate",
	.measures = { { "writes", "writes/s" } },
	.measure_count = 1,
	.new = rate_new,
	.free = free,
	.tick = rate_tick,
	.explain = rate_explain,
};
