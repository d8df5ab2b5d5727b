/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/exporter.h"

#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "daemon/loop.h"

/* Not changed any more, and shared: the pipeline does not wait for a scrape that renders it. */
struct shared {
	unsigned int users;
	struct metrics_snapshot *snapshot; /* owned */
};

struct exporter {
	u64 start_ns, stale_ns;
	pthread_mutex_t lock; /* of the pointer and of users */
	struct shared *last;  /* NULL: none yet */
	struct http *http;
};

static struct shared *take_last(struct exporter *e)
{
	struct shared *s;

	pthread_mutex_lock(&e->lock);
	s = e->last;
	if (s)
		s->users++;
	pthread_mutex_unlock(&e->lock);
	return s;
}

static void put_back(struct exporter *e, struct shared *s)
{
	bool unused;

	if (!s)
		return;
	pthread_mutex_lock(&e->lock);
	unused = --s->users == 0;
	pthread_mutex_unlock(&e->lock);
	if (!unused)
		return;
	free(s->snapshot);
	free(s);
}

/* body stays NULL without memory. */
static void say(struct http_reply *ret, unsigned int status, const char *text)
{
	ret->status = status;
	ret->body = strdup(text);
	ret->len = strlen(text);
}

static void get_metrics(struct exporter *e, const struct shared *s, const char *accept,
			struct http_reply *ret)
{
	enum exposition_format format = exposition_negotiate(accept);
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int rc;

	(void)e;
	if (!s) {
		say(ret, MHD_HTTP_SERVICE_UNAVAILABLE, "not attached yet\n");
		return;
	}
	out = open_memstream(&text, &len);
	if (!out)
		return;
	rc = metrics_render(out, format, s->snapshot);
	if (fclose(out) || rc) {
		free(text);
		return;
	}
	ret->body = text;
	ret->len = len;
	ret->content_type = exposition_content_type(format);
}

static void get_health(struct exporter *e, const struct shared *s, const char *accept,
		       struct http_reply *ret)
{
	u64 tick_ns = s ? s->snapshot->time_ns : e->start_ns;

	(void)accept;
	if (now_monotonic_ns() > tick_ns + e->stale_ns)
		say(ret, MHD_HTTP_SERVICE_UNAVAILABLE, "no tick for too long\n");
	else
		say(ret, MHD_HTTP_OK, "ok\n");
}

static void get_readiness(struct exporter *e, const struct shared *s, const char *accept,
			  struct http_reply *ret)
{
	(void)e, (void)accept;
	if (s)
		say(ret, MHD_HTTP_OK, "ready\n");
	else
		say(ret, MHD_HTTP_SERVICE_UNAVAILABLE, "not attached yet\n");
}

static void get_index(struct exporter *e, const struct shared *s, const char *accept,
		      struct http_reply *ret)
{
	(void)e, (void)s, (void)accept;
	say(ret, MHD_HTTP_OK, "gosonde\n/metrics\n/healthz\n/readyz\n");
}

static void on_get(void *arg, const char *path, const char *accept, struct http_reply *ret)
{
	static const struct {
		const char *path;
		void (*get)(struct exporter *e, const struct shared *s, const char *accept,
			    struct http_reply *ret);
	} pages[] = {
		{ "/metrics", get_metrics },
		{ "/healthz", get_health },
		{ "/readyz", get_readiness },
		{ "/", get_index },
	};
	struct exporter *e = arg;
	struct shared *s;

	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (strcmp(path, pages[i].path))
			continue;
		s = take_last(e);
		pages[i].get(e, s, accept, ret);
		put_back(e, s);
		return;
	}
	say(ret, MHD_HTTP_NOT_FOUND, "there is /metrics, /healthz and /readyz\n");
}

int exporter_start(struct exporter **ret, const struct listen_address *at, u64 interval_ns,
		   struct err *err)
{
	CLEANUP(exporter_freep) struct exporter *e = calloc(1, sizeof(*e));
	int rc;

	if (!e)
		return err_set(err, -ENOMEM, "out of memory");
	pthread_mutex_init(&e->lock, NULL);
	e->start_ns = now_monotonic_ns();
	e->stale_ns = 3 * interval_ns + 10 * NS_PER_S;
	rc = http_start(&e->http, at, on_get, e, err);
	if (!rc)
		*ret = TAKE_PTR(e);
	return rc;
}

void exporter_free(struct exporter *e)
{
	if (!e)
		return;
	http_free(e->http);
	put_back(e, e->last);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

const char *exporter_name(const struct exporter *e)
{
	return http_name(e->http);
}

void exporter_publish(struct exporter *e, struct metrics_snapshot *snapshot)
{
	struct shared *s = malloc(sizeof(*s)), *before;

	/* The last one stays then, and gosonde_tick_time_seconds tells its age. */
	if (!s) {
		free(snapshot);
		return;
	}
	*s = (struct shared) { .users = 1, .snapshot = snapshot };
	pthread_mutex_lock(&e->lock);
	before = e->last;
	e->last = s;
	pthread_mutex_unlock(&e->lock);
	put_back(e, before);
}
