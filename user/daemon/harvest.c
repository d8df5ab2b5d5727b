/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/harvest.h"

#include <errno.h>

struct harvest {
	struct kern *kern;
	struct harvest_taker taker[WIRE_MAX_TARGETS];
	bool joined[WIRE_MAX_TARGETS], ignored[WIRE_MAX_TARGETS];
	bool used[WIRE_MAX_TARGETS];  /* somebody had it: before, it is as when the programs were
					 loaded */
	size_t map_rows;	      /* by map, that stayed after the last round */
	bool stray[WIRE_MAX_TARGETS]; /* rows of slots that nobody has */
	bool has_strays;
	struct tally_scratch scratch;
};

struct harvest *harvest_new(struct kern *kern)
{
	struct harvest *harvest = calloc(1, sizeof(*harvest));

	if (harvest)
		harvest->kern = kern;
	return harvest;
}

void harvest_free(struct harvest *harvest)
{
	if (harvest)
		tally_scratch_done(&harvest->scratch);
	free(harvest);
}

struct tally_scratch *harvest_scratch(struct harvest *harvest)
{
	return &harvest->scratch;
}

int harvest_join(struct harvest *h, u32 slot, const struct harvest_taker *taker, struct err *err)
{
	int rc;

	if (slot >= MIN(kern_slots(h->kern), (size_t)WIRE_MAX_TARGETS))
		return err_set(err, -EINVAL, "there is no target slot %u", slot);
	if (h->joined[slot])
		return err_set(err, -EBUSY, "target slot %u is taken", slot);
	rc = h->used[slot] ? kern_clear_slot(h->kern, slot, err) : 0;
	if (rc)
		return rc;
	h->used[slot] = true;
	h->taker[slot] = *taker;
	h->joined[slot] = true;
	return 0;
}

void harvest_leave(struct harvest *h, u32 slot)
{
	h->joined[slot] = false;
}

void harvest_ignore(struct harvest *h, u32 slot)
{
	if (slot < WIRE_MAX_TARGETS)
		h->ignored[slot] = true;
}

/* NULL: nobody has the slot. */
static const struct harvest_taker *taker_of(struct harvest *h, u32 slot)
{
	if (slot >= WIRE_MAX_TARGETS)
		return NULL;
	if (h->joined[slot])
		return &h->taker[slot];
	if (!h->ignored[slot])
		h->stray[slot] = h->has_strays = true;
	return NULL;
}

static void hand_map_site(void *arg, const struct wire_map_site *site, u64 count)
{
	struct harvest *h = arg;
	const struct harvest_taker *taker = taker_of(h, WIRE_SITE_SLOT(site->site));

	if (!taker)
		return;
	h->map_rows += site->map != 0;
	taker->map_site(taker->arg, site, count);
}

static void hand_go_site(void *arg, const struct wire_go_site *site,
			 const struct wire_go_count *count)
{
	const struct harvest_taker *taker = taker_of(arg, site->slot);

	if (taker)
		taker->go_site(taker->arg, site, count);
}

static void tell_begin(struct harvest *h)
{
	for (u32 slot = 0; slot < WIRE_MAX_TARGETS; slot++)
		if (h->joined[slot])
			h->taker[slot].begin(h->taker[slot].arg);
}

static void tell_emptied(struct harvest *h)
{
	for (u32 slot = 0; slot < WIRE_MAX_TARGETS; slot++)
		if (h->joined[slot])
			h->taker[slot].emptied(h->taker[slot].arg);
}

/* A pass of its own, which is rare: a slot that nobody has is not counted for. */
static int drop_strays(struct harvest *h, struct err *err)
{
	int rc = h->has_strays ? kern_drop_rows(h->kern, h->stray, err) : 0;

	h->has_strays = false;
	for (u32 slot = 0; slot < WIRE_MAX_TARGETS; slot++)
		h->stray[slot] = false;
	return rc;
}

int harvest_read(struct harvest *h, struct err *err)
{
	bool full = h->map_rows >= kern_map_rows(h->kern) / 2;
	int rc;

	tell_begin(h);
	h->map_rows = 0;
	rc = kern_each_map_site(h->kern, full, hand_map_site, h, err);
	if (full)
		tell_emptied(h);
	if (!rc)
		rc = kern_each_go_site(h->kern, hand_go_site, h, err);
	return rc ? rc : drop_strays(h, err);
}
