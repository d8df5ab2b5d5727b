/* SPDX-License-Identifier: BSD-2-Clause */
/* The Alertmanager sink against a server that this test plays: repetitions, floods, silence. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/macros.h"
#include "base/units.h"
#include "sink/backoff.h"
#include "sink/firing.h"
#include "sink/poster.h"
#include "sink/sink.h"

enum { REQUEST_BYTES = 1 << 20 };

static const struct timebase timebase = { .mono_to_wall_ns = 1767225600LL * 1000000000 };

struct fixture {
	int listening;
	struct sink *sink;
	u64 now_ns;
	char request[REQUEST_BYTES];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	char url[64];

	assert_non_null(f);
	f->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(f->listening, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(f->listening, 16), 0);
	assert_int_equal(getsockname(f->listening, (struct sockaddr *)&addr, &len), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", ntohs(addr.sin_port));
	assert_int_equal(sink_open(&f->sink, &sink_alertmanager, url, NULL), 0);
	f->now_ns = 5 * NS_PER_S;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	alarm(20); /* whatever the server does, closing ends */
	sink_close(f->sink);
	alarm(0);
	close(f->listening);
	free(f);
	return 0;
}

static void send_alert(struct fixture *f, int number, enum alert_state alert_state)
{
	struct alert alert = { .pid = 4242,
			       .rule = "rehash-storm",
			       .state = alert_state,
			       .time_ns = f->now_ns,
			       .since_ns = 5 * NS_PER_S,
			       /* a rule may be changed while it fires */
			       .severity = alert_state == ALERT_FIRING ? SEVERITY_WARNING
								       : SEVERITY_CRITICAL };

	snprintf(alert.subject, sizeof(alert.subject), "number %d", number);
	assert_int_equal(sink_send(f->sink, &alert, &timebase), 0);
}

static void pass(struct fixture *f, u64 ns)
{
	f->now_ns += ns;
	sink_flush(f->sink, f->now_ns, &timebase);
}

static bool is_asked(const struct fixture *f, int timeout_ms)
{
	struct pollfd readable = { .fd = f->listening, .events = POLLIN };

	return poll(&readable, 1, timeout_ms) == 1;
}

static bool is_complete(const char *request, size_t len)
{
	const char *body = strstr(request, "\r\n\r\n"),
		   *length = strstr(request, "Content-Length: ");

	return body && length &&
	       len >= (size_t)(body + 4 - request) +
			       strtoul(length + strlen("Content-Length: "), NULL, 10);
}

/* Takes one request and answers it; its body as JSON, to be freed. */
static json_t *serve(struct fixture *f, const char *status)
{
	char answer[128];
	size_t len = 0;
	json_t *body;
	int fd;

	assert_true(is_asked(f, 20000));
	fd = accept4(f->listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	memset(f->request, 0, sizeof(f->request));
	while (!is_complete(f->request, len)) {
		ssize_t n = recv(fd, f->request + len, sizeof(f->request) - 1 - len, 0);

		assert_true(n > 0);
		len += (size_t)n;
	}
	assert_int_equal(strncmp(f->request, "POST /api/v2/alerts HTTP/1.1\r\n", 30), 0);
	assert_non_null(strstr(f->request, "\r\nContent-Type: application/json\r\n"));
	snprintf(answer, sizeof(answer),
		 "HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
	assert_true(send(fd, answer, strlen(answer), MSG_NOSIGNAL) > 0);
	close(fd);
	body = json_loads(strstr(f->request, "\r\n\r\n") + 4, 0, NULL);
	assert_non_null(body);
	return body;
}

static const char *label(const json_t *body, size_t i, const char *name)
{
	const char *text = json_string_value(
		json_object_get(json_object_get(json_array_get(body, i), "labels"), name));

	return text ? text : "";
}

/* Until the thread has seen the answer. */
static void await_idle(struct fixture *f)
{
	for (int i = 0; i < 2000 && sink_stats(f->sink).waiting; i++) {
		usleep(1000);
		pass(f, 0);
	}
	assert_int_equal(sink_stats(f->sink).waiting, 0);
}

static void expect(struct fixture *f, const char *subject, bool resolved)
{
	json_t *body = serve(f, "200 OK");

	assert_int_equal(json_array_size(body), 1);
	assert_string_equal(label(body, 0, "subject"), subject);
	assert_true(!json_object_get(json_array_get(body, 0), "endsAt") == !resolved);
	json_decref(body);
	await_idle(f);
}

static void what_fires_is_repeated_each_minute(void **state)
{
	struct fixture *f = *state;
	json_t *body;

	pass(f, 0);
	send_alert(f, 1, ALERT_FIRING);
	expect(f, "number 1", false);
	send_alert(f, 2, ALERT_FIRING);
	expect(f, "number 2", false);
	pass(f, 59 * NS_PER_S);
	assert_false(is_asked(f, 100));

	pass(f, NS_PER_S);
	body = serve(f, "200 OK");
	assert_int_equal(json_array_size(body), 2);
	assert_string_equal(label(body, 0, "subject"), "number 1");
	assert_string_equal(label(body, 1, "subject"), "number 2");
	json_decref(body);
	await_idle(f);

	send_alert(f, 1, ALERT_RESOLVED);
	expect(f, "number 1", true);
	pass(f, NS_PER_MIN);
	expect(f, "number 2", false);
	send_alert(f, 2, ALERT_RESOLVED);
	expect(f, "number 2", true);
	pass(f, NS_PER_MIN);
	assert_false(is_asked(f, 100)); /* nothing fires */
	assert_true(sink_stats(f->sink).sent == 4 && sink_stats(f->sink).lost == 0);
}

/* The agent tells more alerts apart than labels do. */
static void what_is_one_to_the_receiver_is_over_when_all_are(void **state)
{
	struct fixture *f = *state;

	pass(f, 0);
	for (int i = 0; i < 2; i++) {
		send_alert(f, 1, ALERT_FIRING);
		expect(f, "number 1", false);
	}
	send_alert(f, 1, ALERT_RESOLVED);
	expect(f, "number 1", false);
	pass(f, NS_PER_MIN);
	expect(f, "number 1", false);
	send_alert(f, 1, ALERT_RESOLVED);
	expect(f, "number 1", true);
	pass(f, NS_PER_MIN);
	assert_false(is_asked(f, 100));
}

static void what_fires_is_counted(void **state)
{
	CLEANUP(firing_done) struct firing firing = { .count = 0 };
	CLEANUP(freep) char *texts = NULL;
	char name[16];
	size_t len;

	(void)state;
	assert_null(firing_clear(&firing, "a"));
	firing_set(&firing, "a", "1");
	firing_set(&firing, "b", "2");
	firing_set(&firing, "a", "3");
	texts = firing_texts(&firing, &len);
	assert_string_equal(texts, "[3,2]"); /* the newest of each */
	assert_string_equal(firing_clear(&firing, "a"), "3");
	assert_null(firing_clear(&firing, "b"));
	assert_null(firing_clear(&firing, "a"));
	assert_int_equal(firing.count, 0);
	for (int i = 0; i < FIRING_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		firing_set(&firing, name, "x");
	}
	firing_set(&firing, "one more", "x");
	firing_set(&firing, "0", "y"); /* has its room */
	assert_true(firing.refused == 1);
	assert_string_equal(firing_clear(&firing, "0"), "y");
	assert_null(firing_clear(&firing, "one more"));
}

/* A repetition that is refused is no alert that is lost. */
static void a_refused_alert_is_counted_once(void **state)
{
	struct fixture *f = *state;

	pass(f, 0);
	send_alert(f, 1, ALERT_FIRING);
	json_decref(serve(f, "422 No"));
	for (int i = 0; i < 2000 && !sink_stats(f->sink).lost; i++) {
		usleep(1000);
		pass(f, 0);
	}
	json_t *notice = serve(f, "422 No"); /* is told, and not told of again */
	assert_string_equal(label(notice, 0, "alertname"), "GosondeAlertsLost");
	json_decref(notice);
	pass(f, NS_PER_MIN);
	for (int i = 0; i < 20000 && !is_asked(f, 1); i++)
		pass(f, 0);		 /* once the thread has seen the answer */
	json_decref(serve(f, "422 No")); /* the repetition */
	await_idle(f);
	usleep(50000);
	pass(f, 0);
	assert_false(is_asked(f, 100));
	assert_true(sink_stats(f->sink).lost == 1 && sink_stats(f->sink).sent == 0);
	assert_string_equal(sink_stats(f->sink).trouble, "HTTP status 422");
}

/* The server accepts, in the kernel, and never answers. Nothing here waits for it. */
static void a_flood_into_silence_is_bounded_counted_and_told(void **state)
{
	enum { EXCESS = 80, ALL = POSTER_QUEUE_MAX + SINK_QUEUE_MAX + EXCESS };
	struct fixture *f = *state;
	int told = 0, seen = 0;

	alarm(5);
	for (int i = 0; i < ALL; i++)
		send_alert(f, i, ALERT_FIRING);
	alarm(0);
	assert_true(sink_stats(f->sink).lost == EXCESS);
	assert_int_equal(sink_stats(f->sink).waiting, ALL - EXCESS);
	assert_true(sink_stats(f->sink).unrefreshed == ALL - FIRING_MAX);

	while (seen < ALL - EXCESS || !told) {
		json_t *body = serve(f, "200 OK");
		const char *subject = label(body, 0, "subject");

		if (!strcmp(label(body, 0, "alertname"), "GosondeAlertsLost")) {
			assert_non_null(strstr(f->request, "80 alerts were lost"));
			assert_int_equal(seen, POSTER_QUEUE_MAX); /* older than what waited on */
			told++;
		} else {
			int wanted = seen < POSTER_QUEUE_MAX ? seen : seen + EXCESS;

			assert_int_equal(atoi(subject + strlen("number ")), wanted);
			seen++;
		}
		json_decref(body);
		pass(f, 0);
	}
	await_idle(f);
	assert_true(sink_stats(f->sink).sent == ALL - EXCESS);
	assert_int_equal(told, 1);
}

static void pauses_grow_to_half_a_minute(void **state)
{
	struct backoff backoff = { .seed = 1 };
	u64 wanted_ns = 500 * NS_PER_MS;

	(void)state;
	for (int i = 0; i < 12; i++) {
		u64 pause_ns = backoff_fail_ns(&backoff, false);

		assert_in_range(pause_ns, wanted_ns * 3 / 4, wanted_ns * 5 / 4);
		wanted_ns = MIN(2 * wanted_ns, 30 * NS_PER_S);
	}
	assert_in_range(backoff_fail_ns(&backoff, true), 1, 200 * NS_PER_MS);
	backoff_succeed(&backoff);
	assert_in_range(backoff_fail_ns(&backoff, false), 375 * NS_PER_MS, 625 * NS_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_fires_is_repeated_each_minute, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_one_to_the_receiver_is_over_when_all_are,
						setup, teardown),
		cmocka_unit_test(what_fires_is_counted),
		cmocka_unit_test_setup_teardown(a_refused_alert_is_counted_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_flood_into_silence_is_bounded_counted_and_told,
						setup, teardown),
		cmocka_unit_test(pauses_grow_to_half_a_minute),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
