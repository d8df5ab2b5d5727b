/* SPDX-License-Identifier: BSD-2-Clause */
/* The sinks against real sockets that come, go, fill up and come back. Needs no privilege. */
#include <errno.h>
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
#include <sys/un.h>
#include <cmocka.h>

#include "base/macros.h"
#include "sink/sink.h"

static const struct timebase timebase = { .mono_to_wall_ns = 1767225600LL * 1000000000 };

struct fixture {
	char dir[32], path[64], target[80];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	snprintf(f->dir, sizeof(f->dir), "/tmp/gosonde-sink-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/log", f->dir);
	snprintf(f->target, sizeof(f->target), "unix:%s", f->path);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->path);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

/* What syslogd does: remove the old socket, bind a new one. */
static int receiver(const struct fixture *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	unlink(f->path);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

/* The next message; false when there is none. */
static bool receive(int fd, char *buf, size_t size)
{
	ssize_t n = recv(fd, buf, size - 1, 0);

	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		return false;
	}
	buf[n] = '\0';
	return true;
}

static struct sink *open_sink(const struct fixture *f)
{
	struct sink *sink = NULL;
	struct err err = { "" };

	assert_int_equal(sink_open(&sink, &sink_syslog, f->target, &err), 0);
	return sink;
}

static void send_numbered(struct sink *sink, int number)
{
	struct alert alert = { .pid = 4242,
			       .rule = "rehash-storm",
			       .time_ns = 5000000000,
			       .severity = SEVERITY_WARNING,
			       .value = number };

	snprintf(alert.subject, sizeof(alert.subject), "number %d", number);
	assert_int_equal(sink_send(sink, &alert, &timebase), 0);
}

static void assert_numbered(int fd, int number)
{
	char buf[4096], want[32];

	if (!receive(fd, buf, sizeof(buf)))
		fail_msg("message %d did not come", number);
	snprintf(want, sizeof(want), "subject=\"number %d\"", number);
	assert_non_null(strstr(buf, want));
	assert_int_equal(strncmp(buf, "<28>", 4), 0);
}

static void an_alert_arrives_at_once(void **state)
{
	int fd = receiver(*state);
	struct sink *sink = open_sink(*state);
	char buf[64];

	send_numbered(sink, 1);
	assert_numbered(fd, 1);
	assert_false(receive(fd, buf, sizeof(buf)));
	assert_true(sink_stats(sink).sent == 1 && sink_stats(sink).waiting == 0);
	sink_close(sink);
	close(fd);
}

static void alerts_wait_for_a_receiver_in_order(void **state)
{
	struct sink *sink = open_sink(*state); /* nobody is there yet */
	int fd;

	send_numbered(sink, 1);
	send_numbered(sink, 2);
	assert_int_equal(sink_stats(sink).waiting, 2);
	assert_int_equal(sink_stats(sink).away, -ENOENT);

	fd = receiver(*state);
	sink_flush(sink, 6000000000, &timebase);
	assert_numbered(fd, 1);
	assert_numbered(fd, 2);
	assert_int_equal(sink_stats(sink).away, 0);
	assert_true(sink_stats(sink).lost == 0);
	sink_close(sink);
	close(fd);
}

static void a_restarted_receiver_misses_nothing(void **state)
{
	int fd = receiver(*state);
	struct sink *sink = open_sink(*state);

	send_numbered(sink, 1);
	assert_numbered(fd, 1);
	close(fd); /* its socket file stays behind, as after a crash */
	send_numbered(sink, 2);
	assert_int_equal(sink_stats(sink).away, -ECONNREFUSED);
	fd = receiver(*state);
	send_numbered(sink, 3); /* reconnects by itself */
	assert_numbered(fd, 2);
	assert_numbered(fd, 3);

	/* restarted between two alerts, so that no attempt fails in between */
	close(fd);
	fd = receiver(*state);
	send_numbered(sink, 4);
	assert_numbered(fd, 4);
	sink_close(sink);
	close(fd);
}

static void a_long_absence_is_counted_and_told(void **state)
{
	enum { EXCESS = 7 };
	struct sink *sink = open_sink(*state);
	char buf[4096];
	int fd;

	for (int i = 0; i < SINK_QUEUE_MAX + EXCESS; i++)
		send_numbered(sink, i);
	assert_int_equal(sink_stats(sink).waiting, SINK_QUEUE_MAX);
	assert_true(sink_stats(sink).lost == EXCESS);

	fd = receiver(*state);
	for (int next = EXCESS; next < SINK_QUEUE_MAX + EXCESS;) {
		sink_flush(sink, 6000000000, &timebase);
		/* the loss comes first, and once: it is older than what waited */
		if (next == EXCESS) {
			assert_true(receive(fd, buf, sizeof(buf)));
			assert_non_null(strstr(buf, "rule=alerts-lost "));
			assert_non_null(strstr(buf, " value=7 "));
		}
		/* the kernel queues some ten datagrams (net.unix.max_dgram_qlen): the rest waits on
		 */
		while (sink_stats(sink).sent > (u64)(next - EXCESS))
			assert_numbered(fd, next++);
	}
	assert_false(receive(fd, buf, sizeof(buf)));
	assert_int_equal(sink_stats(sink).waiting, 0);
	assert_true(sink_stats(sink).lost == EXCESS);
	sink_close(sink);
	close(fd);
}

static void a_full_receiver_never_blocks(void **state)
{
	int fd = receiver(*state);
	struct sink *sink = open_sink(*state);
	int i = 0;

	while (sink_stats(sink).waiting == 0 && i < 100000)
		send_numbered(sink, i++);
	assert_int_equal(sink_stats(sink).away, -EAGAIN);
	assert_true(sink_stats(sink).lost == 0);
	alarm(5); /* blocking here would end the test */
	sink_close(sink);
	alarm(0);
	close(fd);
}

static void a_dry_run_leaves_the_machine_alone(void **state)
{
	struct alert alert = { .rule = "rehash-storm", .dry_run = true };
	int fd = receiver(*state);
	struct sink *sink = open_sink(*state);
	char buf[64];

	assert_int_equal(sink_send(sink, &alert, &timebase), 0);
	assert_false(receive(fd, buf, sizeof(buf)));
	assert_true(sink_stats(sink).withheld == 1 && sink_stats(sink).sent == 0);
	sink_close(sink);
	close(fd);
}

static void udp_gets_rfc5424(void **state)
{
	struct sockaddr_in addr = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char target[64], buf[4096];
	struct timeval patience = { .tv_sec = 5 };
	struct sink *sink = NULL;
	ssize_t n;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	snprintf(target, sizeof(target), "udp:127.0.0.1:%u", ntohs(addr.sin_port));
	assert_int_equal(sink_open(&sink, &sink_syslog, target, NULL), 0);
	send_numbered(sink, 3);
	n = recv(fd, buf, sizeof(buf) - 1, 0);
	assert_true(n > 0);
	buf[n] = '\0';
	assert_int_equal(strncmp(buf, "<28>1 2026-01-01T00:00:05.000000Z ", 34), 0);
	assert_non_null(strstr(buf, " [gosonde@32473 rule=\"rehash-storm\" pid=\"4242\" "));
	sink_close(sink);
	close(fd);
}

static void targets_are_checked(void **state)
{
	static const struct {
		const char *target;
		int want;
	} rows[] = {
		{ "local", 0 },
		{ NULL, 0 },
		{ "udp:[::1]:514", 0 },
		{ "", -EINVAL },
		{ "tcp:127.0.0.1:514", 0 },
		{ "tcp:127.0.0.1", -EINVAL },
		{ "tls:127.0.0.1:6514", -EINVAL },
		{ "unix:", -EINVAL },
		{ "udp:localhost", -EINVAL },
		{ "udp::514", -EINVAL },
		{ "udp:127.0.0.1:", -EINVAL },
		{ "udp:127.0.0.1:syslog", -EINVAL }, /* numbers only: no lookup in services */
		{ "udp:::1:514", -EINVAL },	     /* which colon? */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(sink_closep) struct sink *sink = NULL;
		struct err err = { "" };
		int rc = sink_open(&sink, &sink_syslog, rows[i].target, &err);

		if (rc != rows[i].want || (rc && !err.text[0]))
			fail_msg("%s: %d, %s", rows[i].target ? rows[i].target : "default", rc,
				 err.text);
	}
}

static void a_path_too_long_is_refused(void **state)
{
	char target[256] = "unix:/";
	struct sink *sink = NULL;

	(void)state;
	memset(target + strlen(target), 'x', 200);
	assert_int_equal(sink_open(&sink, &sink_syslog, target, NULL), -EINVAL);
	assert_null(sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_alert_arrives_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(alerts_wait_for_a_receiver_in_order, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_restarted_receiver_misses_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_long_absence_is_counted_and_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_full_receiver_never_blocks, setup, teardown),
		cmocka_unit_test_setup_teardown(a_dry_run_leaves_the_machine_alone, setup,
						teardown),
		cmocka_unit_test(udp_gets_rfc5424),
		cmocka_unit_test(targets_are_checked),
		cmocka_unit_test(a_path_too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
