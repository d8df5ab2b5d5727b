/* SPDX-License-Identifier: BSD-2-Clause */
/* syslog over TCP: a receiver that is slow, breaks connections, goes and comes back. */
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

#include "base/macros.h"
#include "base/units.h"
#include "sink/sink.h"

static const struct timebase timebase = { .mono_to_wall_ns = 1767225600LL * 1000000000 };

struct fixture {
	struct sockaddr_in addr; /* with a port that is ours */
	struct sink *sink;
	u64 now_ns;
};

/* On the fixture's port, with a small buffer, so that it is soon full. */
static int listener(struct fixture *f)
{
	const int on = 1, bytes = 4096;
	socklen_t len = sizeof(f->addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&f->addr, sizeof(f->addr)), 0);
	assert_int_equal(listen(fd, 4), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&f->addr, &len), 0);
	return fd;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	f->addr = (struct sockaddr_in) { .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	fd = listener(f); /* for its number */
	close(fd);
	f->now_ns = 5 * NS_PER_S;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sink_close(f->sink);
	free(f);
	return 0;
}

static void open_sink(struct fixture *f)
{
	char target[64];

	snprintf(target, sizeof(target), "tcp:127.0.0.1:%u", ntohs(f->addr.sin_port));
	assert_int_equal(sink_open(&f->sink, &sink_syslog, target, NULL), 0);
}

/* A tick, a minute later: no pause between tries is longer. */
static void tick(struct fixture *f)
{
	f->now_ns += NS_PER_MIN;
	sink_flush(f->sink, f->now_ns, &timebase);
}

static void send_numbered(struct fixture *f, int number)
{
	struct alert alert = { .pid = 4242,
			       .rule = "rehash-storm",
			       .time_ns = f->now_ns,
			       .severity = SEVERITY_WARNING };

	snprintf(alert.subject, sizeof(alert.subject), "number %d", number);
	assert_int_equal(sink_send(f->sink, &alert, &timebase), 0);
}

static void await(int fd)
{
	struct pollfd readable = { .fd = fd, .events = POLLIN };

	if (poll(&readable, 1, 5000) != 1)
		fail_msg("nothing came");
}

static int accept_one(int listening)
{
	int fd;

	await(listening);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* The next frame, by its count and nothing else; ticks the sink while its rest is to come. */
static void read_frame(struct fixture *f, int fd, char *buf, size_t size)
{
	size_t want = 0, have = 0;
	char c;

	for (;;) {
		await(fd);
		assert_int_equal(recv(fd, &c, 1, 0), 1);
		if (c == ' ')
			break;
		if (c < '0' || c > '9')
			fail_msg("no count: 0x%02x", (unsigned int)(u8)c);
		want = 10 * want + (size_t)(c - '0');
	}
	assert_true(want > 0 && want < size);
	while (have < want) {
		ssize_t n = recv(fd, buf + have, want - have, MSG_DONTWAIT);

		if (n < 0)
			tick(f);
		else if (n == 0)
			fail_msg("cut short");
		else
			have += (size_t)n;
	}
	buf[have] = '\0';
	assert_int_equal(strncmp(buf, "<28>1 ", 6), 0);
}

static int read_number(struct fixture *f, int fd)
{
	char buf[4096];
	const char *at;

	read_frame(f, fd, buf, sizeof(buf));
	at = strstr(buf, "subject=\"number ");
	if (!at)
		fail_msg("no number in: %s", buf);
	return atoi(at + strlen("subject=\"number "));
}

static void frames_are_counted(void **state)
{
	struct fixture *f = *state;
	int listening = listener(f), fd;

	open_sink(f);
	for (int i = 1; i <= 3; i++)
		send_numbered(f, i);
	fd = accept_one(listening);
	for (int i = 1; i <= 3; i++)
		assert_int_equal(read_number(f, fd), i);
	tick(f);
	assert_true(sink_stats(f->sink).sent == 3 && sink_stats(f->sink).waiting == 0);
	assert_int_equal(sink_stats(f->sink).away, 0);
	close(fd);
	close(listening);
}

/* Until it takes no more, which leaves a message half sent. Returns the next number. */
static int fill(struct fixture *f)
{
	int number = 0;

	while (sink_stats(f->sink).waiting < 10 && number < 1000000)
		send_numbered(f, number++);
	assert_int_equal(sink_stats(f->sink).away, -EAGAIN);
	assert_true(sink_stats(f->sink).lost == 0);
	return number;
}

static void a_slow_receiver_gets_all_in_order(void **state)
{
	struct fixture *f = *state;
	int listening = listener(f), fd, count;

	open_sink(f);
	fd = accept_one(listening);
	alarm(60); /* blocking would end the test */
	count = fill(f);
	for (int i = 0; i < count; i++) {
		if (i % 100 == 0)
			tick(f);
		assert_int_equal(read_number(f, fd), i);
	}
	alarm(0);
	tick(f);
	assert_true(sink_stats(f->sink).sent == (u64)count && sink_stats(f->sink).waiting == 0);
	close(fd);
	close(listening);
}

static void a_message_cut_in_two_is_sent_anew(void **state)
{
	struct fixture *f = *state;
	int listening = listener(f), fd, count, first;

	open_sink(f);
	fd = accept_one(listening);
	count = fill(f);
	close(fd); /* unread: the connection is reset */
	tick(f);
	fd = accept_one(listening);
	first = read_number(f, fd);
	/* what the kernel had taken is gone; the ten that waited are not */
	assert_int_equal(first, count - 10);
	for (int i = first + 1; i < count; i++)
		assert_int_equal(read_number(f, fd), i);
	close(fd);
	close(listening);
}

static void a_receiver_that_hung_up_misses_nothing(void **state)
{
	struct fixture *f = *state;
	int listening = listener(f), fd;

	open_sink(f);
	send_numbered(f, 1);
	fd = accept_one(listening);
	assert_int_equal(read_number(f, fd), 1);
	close(fd);
	send_numbered(f, 2); /* into what would look like an open connection */
	fd = accept_one(listening);
	tick(f);
	assert_int_equal(read_number(f, fd), 2);
	close(fd);
	close(listening);
}

static void an_absence_is_counted_and_told(void **state)
{
	enum { EXCESS = 7, UNDER_WAY = 1 };
	struct fixture *f = *state;
	char buf[4096];
	int listening, fd;

	open_sink(f);
	for (int i = 0; i < UNDER_WAY + SINK_QUEUE_MAX + EXCESS; i++)
		send_numbered(f, i);
	tick(f);
	assert_int_equal(sink_stats(f->sink).away, -ECONNREFUSED);
	assert_int_equal(sink_stats(f->sink).waiting, UNDER_WAY + SINK_QUEUE_MAX);
	assert_true(sink_stats(f->sink).lost == EXCESS && sink_stats(f->sink).sent == 0);

	listening = listener(f);
	tick(f);
	fd = accept_one(listening);
	tick(f);
	assert_int_equal(read_number(f, fd), 0);
	/* what is lost is older than what waited */
	read_frame(f, fd, buf, sizeof(buf));
	assert_non_null(strstr(buf, "rule=\"alerts-lost\""));
	assert_non_null(strstr(buf, " value=\"7\""));
	for (int i = UNDER_WAY + EXCESS; i < UNDER_WAY + SINK_QUEUE_MAX + EXCESS; i++)
		assert_int_equal(read_number(f, fd), i);
	tick(f);
	assert_int_equal(sink_stats(f->sink).waiting, 0);
	close(fd);
	close(listening);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(frames_are_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(a_slow_receiver_gets_all_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_message_cut_in_two_is_sent_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(a_receiver_that_hung_up_misses_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_absence_is_counted_and_told, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
