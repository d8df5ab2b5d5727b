/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/whereabouts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

/* A name that is known is not asked for more often, however often its receiver is not found. */
#define ANEW_NS (30 * NS_PER_S)

int whereabouts_init(struct whereabouts *ret, const char *text, int socktype, u64 seed,
		     struct err *err)
{
	int rc;

	*ret = (struct whereabouts) { .socktype = socktype, .backoff.seed = seed };
	rc = address_numeric(&ret->address, text, socktype, err);
	if (rc != -EHOSTUNREACH)
		return rc;
	ret->text = strdup(text);
	if (!ret->text)
		return err_set(err, -ENOMEM, "out of memory");
	snprintf(ret->trouble, sizeof(ret->trouble), "%s is being looked up", text);
	return 0;
}

void whereabouts_done(struct whereabouts *w)
{
	lookup_free(w->lookup);
	free(w->text);
	*w = (struct whereabouts) { 0 };
}

void whereabouts_doubt(struct whereabouts *w)
{
	w->doubted = true;
}

static void fail(struct whereabouts *w, u64 now_ns, const char *why)
{
	snprintf(w->trouble, sizeof(w->trouble), "%.*s", SINK_TROUBLE_BYTES - 1, why);
	w->retry_ns = now_ns + backoff_fail_ns(&w->backoff, w->last);
}

static void start(struct whereabouts *w, u64 now_ns)
{
	int rc = lookup_start(&w->lookup, w->text, w->socktype);

	if (rc)
		fail(w, now_ns, strerror(-rc));
	else
		w->doubted = false;
}

/* Whether the address is another one. What was known stays so while name servers know less. */
static bool take(struct whereabouts *w, const struct lookup_result *result, u64 now_ns)
{
	bool moved;

	if (result->rc) {
		fail(w, now_ns, result->err.text);
		return false;
	}
	backoff_succeed(&w->backoff);
	w->retry_ns = now_ns + ANEW_NS;
	moved = result->address.len != w->address.len ||
		memcmp(&result->address.addr, &w->address.addr, w->address.len) != 0;
	w->address = result->address;
	return moved;
}

bool whereabouts_progress(struct whereabouts *w, u64 now_ns, bool last)
{
	const struct lookup_result *result;
	bool moved;

	if (last && !w->last && !w->address.len)
		w->retry_ns = now_ns; /* no time for the pause that it is in */
	w->last = last;
	if (w->text && !w->lookup && (!w->address.len || w->doubted) && now_ns >= w->retry_ns)
		start(w, now_ns);
	result = w->lookup ? lookup_result(w->lookup) : NULL;
	if (!result)
		return false;
	moved = take(w, result, now_ns);
	lookup_free(w->lookup);
	w->lookup = NULL;
	return moved;
}
