/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syslog on a host that has a name: name servers that are silent or know nothing, and
 * receivers that move. In namespaces of its own, for which it needs root.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "base/macros.h"
#include "base/units.h"
#include "sink/sink.h"

enum { PORT = 5140 };

static const struct timebase timebase = { .mono_to_wall_ns = 1767225600LL * 1000000000 };

static bool is_apart; /* in namespaces of its own */
static char dir[] = "/tmp/gosonde-lookup-XXXXXX";

static void write_file(const char *name, const char *text)
{
	char path[64];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

static void put_over(const char *name, const char *text)
{
	char path[64], etc[64];

	write_file(name, text);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	snprintf(etc, sizeof(etc), "/etc/%s", name);
	assert_int_equal(mount(path, etc, NULL, MS_BIND, NULL), 0);
}

static int raise_loopback(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	CLEANUP(fd_closep) int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -1 : ioctl(fd, SIOCSIFFLAGS, &ifr);
}

static int go_apart(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	is_apart = unshare(CLONE_NEWNS | CLONE_NEWNET) == 0 &&
		   mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && raise_loopback() == 0;
	if (!is_apart)
		return 0;
	put_over("hosts", "");
	put_over("nsswitch.conf", "");
	put_over("resolv.conf", "nameserver 127.0.0.1\noptions timeout:30\n");
	return 0;
}

static int remove_files(void **state)
{
	static const char *const names[] = { "hosts", "nsswitch.conf", "resolv.conf" };
	char path[64];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		unlink(path);
	}
	return rmdir(dir);
}

struct fixture {
	struct sink *sink;
	u64 now_ns;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->now_ns = 5 * NS_PER_S;
	if (is_apart) {
		write_file("hosts", "");
		write_file("nsswitch.conf", "hosts: files\n");
	}
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

static void open_sink(struct fixture *f, const char *target)
{
	struct err err = { "" };

	if (!is_apart)
		skip();
	if (sink_open(&f->sink, &sink_syslog, target, &err))
		fail_msg("%s: %s", target, err.text);
}

static void send_alert(struct fixture *f)
{
	struct alert alert = { .pid = 4242, .rule = "rehash-storm", .time_ns = f->now_ns };

	assert_int_equal(sink_send(f->sink, &alert, &timebase), 0);
}

/* A tick, a minute later: no pause between tries is longer. */
static void tick(struct fixture *f)
{
	f->now_ns += NS_PER_MIN;
	sink_flush(f->sink, f->now_ns, &timebase);
}

/* Ticks, for as long as the thread that looks up may take; their time goes faster than ours. */
static bool await(struct fixture *f, bool (*is_so)(const struct fixture *f, const void *arg),
		  const void *arg)
{
	for (int ms = 0; ms < 10000 && !is_so(f, arg); ms++) {
		usleep(1000);
		f->now_ns += NS_PER_S;
		sink_flush(f->sink, f->now_ns, &timebase);
	}
	return is_so(f, arg);
}

static int receiver(int type, const char *ip, int port)
{
	const struct timeval patience = { .tv_sec = 5 };
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(inet_pton(AF_INET, ip, &addr.sin_addr), 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 4), 0);
	return fd;
}

static bool is_readable(const struct fixture *f, const void *arg)
{
	struct pollfd readable = { .fd = *(const int *)arg, .events = POLLIN };

	(void)f;
	return poll(&readable, 1, 0) == 1;
}

static void assert_comes(struct fixture *f, int fd)
{
	char buf[4096] = "";

	assert_true(await(f, is_readable, &fd));
	assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
	assert_non_null(strstr(buf, "rule=\"rehash-storm\""));
}

static int assert_connects(struct fixture *f, int listening)
{
	int fd;

	assert_true(await(f, is_readable, &listening));
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static bool is_asked(int server)
{
	struct pollfd readable = { .fd = server, .events = POLLIN };

	return poll(&readable, 1, 5000) == 1;
}

static u64 clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * NS_PER_S + (u64)now.tv_nsec;
}

static bool is_troubled(const struct fixture *f, const void *why)
{
	return !strcmp(sink_stats(f->sink).trouble, why);
}

static void assert_waits(const struct fixture *f, const char *why)
{
	const struct sink_stats stats = sink_stats(f->sink);

	assert_int_equal(stats.waiting, 1);
	assert_int_equal(stats.away, -EHOSTUNREACH);
	assert_string_equal(stats.trouble, why);
}

static void a_silent_name_server_holds_up_nothing(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_closep) int server = -1;
	u64 begin_ns = clock_ns(), asked_ns;

	open_sink(f, "udp:loghost:5140");
	write_file("nsswitch.conf", "hosts: files dns\n");
	server = receiver(SOCK_DGRAM, "127.0.0.1", 53);
	send_alert(f);
	asked_ns = clock_ns();
	assert_true(is_asked(server));
	begin_ns += clock_ns() - asked_ns; /* how long the other thread takes is not the matter */
	for (int i = 0; i < 10; i++)
		tick(f);
	assert_waits(f, "loghost:5140 is being looked up");
	sink_close(f->sink);
	f->sink = NULL;
	assert_in_range(clock_ns() - begin_ns, 0, NS_PER_S);
}

static void the_end_waits_two_seconds_for_a_name(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_closep) int server = -1;
	u64 begin_ns;

	open_sink(f, "tcp:loghost:5140");
	write_file("nsswitch.conf", "hosts: files dns\n");
	server = receiver(SOCK_DGRAM, "127.0.0.1", 53);
	send_alert(f);
	begin_ns = clock_ns();
	sinks_settle(&f->sink, 1, &timebase);
	assert_in_range(clock_ns() - begin_ns, 1900 * NS_PER_MS, 3 * NS_PER_S);
	assert_waits(f, "loghost:5140 is being looked up");
}

static void the_end_delivers_once_a_name_is_known(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_closep) int fd = -1;

	open_sink(f, "udp:loghost:5140");
	fd = receiver(SOCK_DGRAM, "127.0.0.2", PORT);
	send_alert(f);
	write_file("hosts", "127.0.0.2 loghost\n");
	sinks_settle(&f->sink, 1, &timebase);
	assert_comes(f, fd);
	assert_int_equal(sink_stats(f->sink).waiting, 0);
}

static void alerts_wait_for_a_name(void **state)
{
	static const struct {
		const char *target;
		int type;
	} rows[] = { { "udp:loghost:5140", SOCK_DGRAM }, { "tcp:loghost:5140", SOCK_STREAM } };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEANUP(fd_closep) int fd = -1;
		CLEANUP(fd_closep) int taken = -1;

		open_sink(f, rows[i].target);
		fd = receiver(rows[i].type, "127.0.0.2", PORT);
		send_alert(f);
		assert_true(await(f, is_troubled, "loghost: Name or service not known"));
		assert_waits(f, "loghost: Name or service not known");
		write_file("hosts", "127.0.0.2 loghost\n");
		if (rows[i].type == SOCK_STREAM)
			taken = assert_connects(f, fd);
		assert_comes(f, taken < 0 ? fd : taken);
		tick(f);
		assert_int_equal(sink_stats(f->sink).away, 0);
		assert_string_equal(sink_stats(f->sink).trouble, "");
		sink_close(f->sink);
		f->sink = NULL;
		write_file("hosts", "");
	}
}

static void a_receiver_that_moved_is_found(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_closep) int before = -1;
	CLEANUP(fd_closep) int after = -1;

	open_sink(f, "udp:loghost:5140");
	write_file("hosts", "127.0.0.2 loghost\n");
	before = receiver(SOCK_DGRAM, "127.0.0.2", PORT);
	send_alert(f);
	assert_comes(f, before);
	close(before);
	before = -1;
	after = receiver(SOCK_DGRAM, "127.0.0.3", PORT);
	write_file("hosts", "127.0.0.3 loghost\n");
	/* The first goes into the void, and that is told to the next one. */
	for (int ms = 0; ms < 10000 && !is_readable(f, &after); ms++) {
		usleep(1000);
		tick(f);
		send_alert(f);
	}
	assert_comes(f, after);
}

static void a_stream_that_moved_is_found(void **state)
{
	struct fixture *f = *state;
	CLEANUP(fd_closep) int before = -1;
	CLEANUP(fd_closep) int after = -1;
	CLEANUP(fd_closep) int taken = -1;

	open_sink(f, "tcp:loghost:5140");
	write_file("hosts", "127.0.0.2 loghost\n");
	before = receiver(SOCK_STREAM, "127.0.0.2", PORT);
	taken = assert_connects(f, before);
	close(taken);
	close(before);
	before = taken = -1;
	after = receiver(SOCK_STREAM, "127.0.0.3", PORT);
	write_file("hosts", "127.0.0.3 loghost\n");
	send_alert(f);
	taken = assert_connects(f, after);
	assert_comes(f, taken);
}

static void people_are_told_of_an_unknown_host(void **state)
{
	CLEANUP(fd_closep) int server = -1;
	struct err err = { "" };
	u64 begin_ns;

	(void)state;
	if (!is_apart)
		skip();
	assert_int_equal(sink_syslog_find("udp:loghost:514", NS_PER_S, &err), -EHOSTUNREACH);
	assert_string_equal(err.text, "syslog: loghost: Name or service not known");
	assert_int_equal(sink_syslog_find("tcp:loghost", NS_PER_S, &err), -EINVAL);
	assert_int_equal(sink_syslog_find(NULL, NS_PER_S, &err), 0);
	assert_int_equal(sink_syslog_find("udp:127.0.0.1:514", 0, &err), 0);
	write_file("hosts", "127.0.0.2 loghost\n");
	assert_int_equal(sink_syslog_find("udp:loghost:514", NS_PER_S, &err), 0);
	write_file("nsswitch.conf", "hosts: dns\n");
	assert_int_equal(sink_syslog_find("udp:loghost:514", NS_PER_S, &err), 0); /* nobody tells */
	server = receiver(SOCK_DGRAM, "127.0.0.1", 53);
	begin_ns = clock_ns();
	assert_int_equal(sink_syslog_find("udp:loghost:514", NS_PER_S / 2, &err), 0);
	assert_in_range(clock_ns() - begin_ns, NS_PER_S / 2, NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(alerts_wait_for_a_name, setup, teardown),
		cmocka_unit_test_setup_teardown(a_receiver_that_moved_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stream_that_moved_is_found, setup, teardown),
		cmocka_unit_test_setup_teardown(a_silent_name_server_holds_up_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_end_waits_two_seconds_for_a_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_end_delivers_once_a_name_is_known, setup,
						teardown),
		cmocka_unit_test_setup_teardown(people_are_told_of_an_unknown_host, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, go_apart, remove_files);
}
