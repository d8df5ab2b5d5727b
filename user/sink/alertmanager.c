/* SPDX-License-Identifier: BSD-2-Clause */
#include "output/alertmanager.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "sink/firing.h"
#include "sink/lost.h"
#include "sink/poster.h"
#include "sink/sink.h"

/* Alertmanager's resolve_timeout is 5 min unless configured: four repetitions may be late. */
#define REPEAT_NS NS_PER_MIN

enum { HOST_BYTES = 256 };

struct state {
	struct poster *poster;
	struct firing firing;
	u64 repeated_ns; /* 0: never */
	char hostname[HOST_BYTES];
};

static int alertmanager_open(void **ret, const char *target, struct err *err)
{
	CLEANUP(freep) struct state *state = calloc(1, sizeof(*state));
	int rc;

	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	if (gethostname(state->hostname, sizeof(state->hostname) - 1) < 0)
		return err_set(err, -errno, "host name: %s", strerror(errno));
	rc = poster_new(&state->poster, target ? target : "", "/api/v2/alerts", err);
	if (rc)
		return rc;
	*ret = TAKE_PTR(state);
	return 0;
}

/* From malloc; NULL: out of memory. */
static char *identity_of(const struct state *state, const struct alert *alert)
{
	CLEANUP(freep) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (!out)
		return NULL;
	rc = alertmanager_identity(out, alert, state->hostname);
	return fclose(out) || rc ? NULL : TAKE_PTR(text);
}

static char *text_of(const struct state *state, const struct alert *alert,
		     const struct timebase *timebase)
{
	CLEANUP(freep) char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (!out)
		return NULL;
	rc = alertmanager_alert(out, alert, state->hostname, timebase);
	return fclose(out) || rc ? NULL : TAKE_PTR(text);
}

static int as_message(const char *text, struct sink_message *ret)
{
	int len = asprintf(&ret->text, "[%s]", text);

	if (len < 0)
		return -ENOMEM;
	ret->len = (size_t)len;
	return 0;
}

/*
 * What fires is kept too: also if this message is lost, the next repetition tells of it. An alert
 * that is over while another of the same labels fires is told as what that one says.
 */
static int alertmanager_render(void *arg, const struct alert *alert,
			       const struct timebase *timebase, struct sink_message *ret)
{
	struct state *state = arg;
	CLEANUP(freep) char *identity = identity_of(state, alert);
	CLEANUP(freep) char *text = text_of(state, alert, timebase);
	const char *still = NULL;

	if (!identity || !text)
		return -ENOMEM;
	if (alert->state == ALERT_FIRING)
		firing_set(&state->firing, identity, text);
	else
		still = firing_clear(&state->firing, identity);
	return as_message(still ? still : text, ret);
}

/* Not repeated, so that it resolves after Alertmanager's resolve_timeout. */
static int alertmanager_render_lost(void *arg, u64 lost, u64 now_ns,
				    const struct timebase *timebase, struct sink_message *ret)
{
	struct alert alert;

	lost_alert(&alert, lost, now_ns, (u32)getpid());
	CLEANUP(freep) char *text = text_of(arg, &alert, timebase);
	return text ? as_message(text, ret) : -ENOMEM;
}

static int alertmanager_transmit(void *arg, const struct sink_message *message)
{
	struct state *state = arg;

	return poster_put(state->poster, message);
}

/* Only when nothing waits: what does is newer, and to be told first. */
static void repeat(struct state *state, u64 now_ns)
{
	struct sink_message message = { 0 };

	if (!state->repeated_ns)
		state->repeated_ns = now_ns;
	if (now_ns < state->repeated_ns + REPEAT_NS || !poster_is_idle(state->poster))
		return;
	message.text = firing_texts(&state->firing, &message.len);
	if (message.text)
		(void)poster_put(state->poster, &message); /* if not now, in a minute */
	free(message.text);
	state->repeated_ns = now_ns;
}

static void alertmanager_progress(void *arg, u64 now_ns, bool last, struct sink_progress *ret)
{
	struct state *state = arg;

	if (!last)
		repeat(state, now_ns);
	poster_progress(state->poster, last, ret);
	ret->unrefreshed = state->firing.refused;
}

static void alertmanager_close(void *arg)
{
	struct state *state = arg;

	poster_free(state->poster);
	firing_done(&state->firing);
	free(state);
}

const struct sink_ops sink_alertmanager = {
	.name = "alertmanager",
	.leaves_machine = true,
	.open = alertmanager_open,
	.render = alertmanager_render,
	.render_lost = alertmanager_render_lost,
	.transmit = alertmanager_transmit,
	.progress = alertmanager_progress,
	.close = alertmanager_close,
};
