/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/poster.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "base/units.h"
#include "sink/backoff.h"
#include "sink/url.h"

enum { CONNECT_MS = 5000, ANSWER_MS = 10000, LOOK_MS = 1000 };

enum outcome { TAKEN, REFUSED, AGAIN };

struct poster {
	char *url;
	CURLM *multi; /* of the thread; curl_multi_wakeup() may be called by any */
	struct curl_slist *headers;
	pthread_t thread;
	bool has_thread;
	atomic_bool stop;
	struct backoff backoff; /* of the thread */
	pthread_mutex_t lock;	/* of what follows; held for a few instructions only */
	pthread_cond_t wake;
	struct sink_message queue[POSTER_QUEUE_MAX]; /* a ring */
	size_t first, waiting;
	u64 lost;
	bool last;
	char trouble[SINK_TROUBLE_BYTES];
};

/* What the answer says: its body is of no use, and may be long. */
static size_t ignore_body(char *data, size_t size, size_t count, void *arg)
{
	(void)data;
	(void)arg;
	return size * count;
}

static CURL *request(const struct poster *poster, const struct sink_message *message,
		     char error[static CURL_ERROR_SIZE])
{
	CURL *easy = curl_easy_init();

	if (!easy)
		return NULL;
	curl_easy_setopt(easy, CURLOPT_URL, poster->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L); /* waits for no name server at the end */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ANSWER_MS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "gosonde");
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, poster->headers);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)message->len);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, message->text);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error);
	return easy;
}

/* To its end, or until the poster is to stop. */
static CURLcode perform(struct poster *poster, CURL *easy)
{
	CURLcode result = CURLE_ABORTED_BY_CALLBACK;
	CURLMcode rc = curl_multi_add_handle(poster->multi, easy);
	const CURLMsg *done;
	int running = 1, left;

	while (!rc && running && !atomic_load(&poster->stop)) {
		rc = curl_multi_perform(poster->multi, &running);
		if (!rc && running)
			rc = curl_multi_poll(poster->multi, NULL, 0, LOOK_MS, NULL);
	}
	done = curl_multi_info_read(poster->multi, &left);
	if (done && done->msg == CURLMSG_DONE)
		result = done->data.result;
	curl_multi_remove_handle(poster->multi, easy);
	return result;
}

static enum outcome outcome_of(long status)
{
	if (status >= 200 && status < 300)
		return TAKEN;
	return status >= 500 || status == 408 || status == 429 ? AGAIN : REFUSED;
}

/* The message stays in the queue meanwhile; only this thread takes from it. */
static enum outcome post(struct poster *poster, const struct sink_message *message,
			 char trouble[static SINK_TROUBLE_BYTES])
{
	char error[CURL_ERROR_SIZE] = "";
	CURL *easy = request(poster, message, error);
	CURLcode rc = easy ? perform(poster, easy) : CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (rc) {
		snprintf(trouble, SINK_TROUBLE_BYTES, "%s",
			 *error ? error : curl_easy_strerror(rc));
		curl_easy_cleanup(easy);
		return AGAIN;
	}
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_cleanup(easy);
	snprintf(trouble, SINK_TROUBLE_BYTES, "HTTP status %ld", status);
	return outcome_of(status);
}

static void drop_first(struct poster *poster)
{
	free(poster->queue[poster->first].text);
	poster->queue[poster->first] = (struct sink_message) { 0 };
	poster->first = (poster->first + 1) % POSTER_QUEUE_MAX;
	poster->waiting--;
}

/* With the lock held. Until the pause is over, or something changed. */
static void pause_locked(struct poster *poster, u64 pause_ns)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	pause_ns += (u64)until.tv_nsec;
	until.tv_sec += (time_t)(pause_ns / NS_PER_S);
	until.tv_nsec = (long)(pause_ns % NS_PER_S);
	bool last = poster->last;
	while (!atomic_load(&poster->stop) && poster->last == last &&
	       pthread_cond_timedwait(&poster->wake, &poster->lock, &until) != ETIMEDOUT)
		;
}

/* With the lock held. */
static void settle_first(struct poster *poster, enum outcome outcome, const char *trouble)
{
	memcpy(poster->trouble, trouble, sizeof(poster->trouble));
	if (outcome == AGAIN) {
		pause_locked(poster, backoff_fail_ns(&poster->backoff, poster->last));
		return;
	}
	backoff_succeed(&poster->backoff);
	if (outcome == REFUSED)
		poster->lost += poster->queue[poster->first].alerts;
	else
		poster->trouble[0] = '\0';
	drop_first(poster);
}

static void *run(void *arg)
{
	struct poster *poster = arg;

	pthread_mutex_lock(&poster->lock);
	while (!atomic_load(&poster->stop)) {
		char trouble[SINK_TROUBLE_BYTES] = "";
		enum outcome outcome;

		if (!poster->waiting) {
			pthread_cond_wait(&poster->wake, &poster->lock);
			continue;
		}
		const struct sink_message *message = &poster->queue[poster->first];
		pthread_mutex_unlock(&poster->lock);
		outcome = post(poster, message, trouble);
		pthread_mutex_lock(&poster->lock);
		settle_first(poster, outcome, trouble);
	}
	pthread_mutex_unlock(&poster->lock);
	return NULL;
}

/* Signals are for the thread that has the event loop. */
static int start_thread(struct poster *poster)
{
	sigset_t all, before;
	int rc;

	if (poster->has_thread)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&poster->thread, NULL, run, poster);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	poster->has_thread = rc == 0;
	return -rc;
}

/* url with the path at its end, or NULL. */
static char *join_url(const char *url, const char *path)
{
	size_t len = strlen(url);
	char *joined = NULL;

	while (len && url[len - 1] == '/')
		len--;
	return asprintf(&joined, "%.*s%s", (int)len, url, path) < 0 ? NULL : joined;
}

static int init_wake(struct poster *poster)
{
	pthread_condattr_t attr;
	int rc = pthread_condattr_init(&attr);

	if (rc)
		return -rc;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc = pthread_cond_init(&poster->wake, &attr);
	pthread_condattr_destroy(&attr);
	return -rc;
}

int poster_new(struct poster **ret, const char *url, const char *path, struct err *err)
{
	struct poster *poster;
	int rc = url_check(url, err);

	if (rc)
		return rc;
	poster = calloc(1, sizeof(*poster));
	if (!poster || init_wake(poster)) {
		free(poster);
		return err_set(err, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&poster->lock, NULL);
	poster->backoff.seed = (u64)time(NULL) ^ (u64)getpid() << 32;
	poster->url = join_url(url, path);
	poster->headers = curl_slist_append(NULL, "Content-Type: application/json");
	poster->multi = curl_multi_init();
	if (!poster->url || !poster->headers || !poster->multi) {
		poster_free(poster);
		return err_set(err, -ENOMEM, "out of memory");
	}
	*ret = poster;
	return 0;
}

void poster_free(struct poster *poster)
{
	if (!poster)
		return;
	pthread_mutex_lock(&poster->lock);
	atomic_store(&poster->stop, true);
	pthread_cond_signal(&poster->wake);
	pthread_mutex_unlock(&poster->lock);
	if (poster->has_thread) {
		curl_multi_wakeup(poster->multi);
		pthread_join(poster->thread, NULL);
	}
	while (poster->waiting)
		drop_first(poster);
	curl_multi_cleanup(poster->multi);
	curl_slist_free_all(poster->headers);
	pthread_cond_destroy(&poster->wake);
	pthread_mutex_destroy(&poster->lock);
	free(poster->url);
	free(poster);
}

/* With the lock held. */
static int enqueue(struct poster *poster, const struct sink_message *message)
{
	struct sink_message copy = *message;

	if (poster->waiting == POSTER_QUEUE_MAX)
		return -EAGAIN;
	copy.text = strndup(message->text, message->len);
	if (!copy.text)
		return -ENOMEM;
	poster->queue[(poster->first + poster->waiting) % POSTER_QUEUE_MAX] = copy;
	poster->waiting++;
	pthread_cond_signal(&poster->wake);
	return 0;
}

int poster_put(struct poster *poster, const struct sink_message *message)
{
	int rc = start_thread(poster);

	if (rc)
		return rc;
	pthread_mutex_lock(&poster->lock);
	rc = enqueue(poster, message);
	pthread_mutex_unlock(&poster->lock);
	return rc;
}

bool poster_is_idle(struct poster *poster)
{
	bool idle;

	pthread_mutex_lock(&poster->lock);
	idle = poster->waiting == 0;
	pthread_mutex_unlock(&poster->lock);
	return idle;
}

void poster_progress(struct poster *poster, bool last, struct sink_progress *ret)
{
	*ret = (struct sink_progress) { .takes_time = true };
	pthread_mutex_lock(&poster->lock);
	if (last != poster->last)
		pthread_cond_signal(&poster->wake);
	poster->last = last;
	for (size_t i = 0; i < poster->waiting; i++)
		ret->waiting += poster->queue[(poster->first + i) % POSTER_QUEUE_MAX].alerts;
	ret->lost = poster->lost;
	memcpy(ret->trouble, poster->trouble, sizeof(ret->trouble));
	pthread_mutex_unlock(&poster->lock);
}
