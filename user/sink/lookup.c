/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/lookup.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

struct lookup {
	atomic_uint users; /* who wants to know, and the thread; the last one frees it */
	atomic_bool over;
	struct lookup_result result; /* of the thread until it is over */
	int socktype;
	char *text;
};

static struct lookup *lookup_new(const char *text, int socktype)
{
	struct lookup *lookup = calloc(1, sizeof(*lookup));

	if (!lookup)
		return NULL;
	lookup->users = 1;
	lookup->socktype = socktype;
	lookup->text = strdup(text);
	if (lookup->text)
		return lookup;
	free(lookup);
	return NULL;
}

static void *run(void *arg)
{
	struct lookup *lookup = arg;
	struct lookup_result *result = &lookup->result;

	result->rc = address_inet(&result->address, lookup->text, lookup->socktype, &result->err);
	atomic_store(&lookup->over, true);
	lookup_free(lookup);
	return NULL;
}

/* Signals are for the thread that has the event loop. */
static int start_thread(struct lookup *lookup)
{
	sigset_t all, before;
	pthread_t thread;
	int rc;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	lookup->users++;
	rc = pthread_create(&thread, NULL, run, lookup);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc)
		lookup->users--;
	else
		pthread_detach(thread);
	return -rc;
}

int lookup_start(struct lookup **ret, const char *text, int socktype)
{
	CLEANUP(lookup_freep) struct lookup *lookup = lookup_new(text, socktype);
	int rc = lookup ? start_thread(lookup) : -ENOMEM;

	if (!rc)
		*ret = TAKE_PTR(lookup);
	return rc;
}

const struct lookup_result *lookup_result(const struct lookup *lookup)
{
	return atomic_load(&lookup->over) ? &lookup->result : NULL;
}

void lookup_free(struct lookup *lookup)
{
	if (!lookup || atomic_fetch_sub(&lookup->users, 1) > 1)
		return;
	free(lookup->text);
	free(lookup);
}
