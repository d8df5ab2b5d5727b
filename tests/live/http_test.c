/* SPDX-License-Identifier: BSD-2-Clause */
/* The metrics' server against clients that behave badly, and many at once. Needs no privilege. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <cmocka.h>

#include "base/units.h"
#include "daemon/exporter.h"
#include "daemon/loop.h"

static void parse(const char *text, struct listen_address *ret)
{
	struct err err = { 0 };

	if (listen_parse(text, ret, &err))
		fail_msg("%s: %s", text, err.text);
}

static void addresses(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: refused */
		int port;
	} cases[] = {
		{ "127.0.0.1:9464", AF_INET, 9464 },
		{ "0.0.0.0:0", AF_INET, 0 },
		{ "127.0.0.1:65535", AF_INET, 65535 },
		{ "[::1]:9464", AF_INET6, 9464 },
		{ "unix:/run/gosonde/metrics", AF_UNIX, 0 },
		{ "unix:relative", AF_UNIX, 0 },
		{ "127.0.0.1:65536", 0, 0 },
		{ "127.0.0.1:", 0, 0 },
		{ "127.0.0.1", 0, 0 },
		{ "127.0.0.1:+1", 0, 0 },
		{ "127.0.0.1:00000000080", 0, 0 },
		{ "localhost:80", 0, 0 },
		{ "[127.0.0.1]:80", 0, 0 },
		{ "::1:80", 0, 0 },
		{ "[::1]", 0, 0 },
		{ ":80", 0, 0 },
		{ "[]:80", 0, 0 },
		{ "[:80", 0, 0 },
		{ "80", 0, 0 },
		{ "", 0, 0 },
		{ "unix:", 0, 0 },
		{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:80", 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct listen_address at = { 0 };
		struct err err = { 0 };
		int rc = listen_parse(cases[i].text, &at, &err);

		if (rc != (cases[i].family ? 0 : -EINVAL) || at.addr.ss_family != cases[i].family)
			fail_msg("\"%s\": %d, family %d", cases[i].text, rc, at.addr.ss_family);
		if (rc)
			assert_true(err.text[0] != '\0');
		if (at.addr.ss_family == AF_INET)
			assert_int_equal(ntohs(((struct sockaddr_in *)&at.addr)->sin_port),
					 cases[i].port);
	}
}

static int port_of(const char *name)
{
	const char *colon = strrchr(name, ':');

	return colon ? atoi(colon + 1) : -1;
}

static int connect_to(const char *name)
{
	const struct sockaddr_in addr = { .sin_family = AF_INET,
					  .sin_port = htons((uint16_t)port_of(name)),
					  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void ask(int fd, const char *path)
{
	char request[128];
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);

	assert_int_equal(send(fd, request, (size_t)len, MSG_NOSIGNAL), len);
}

/* Asks and reads to the end; the status, -1: none came. The body is left in text. */
static int get(const char *name, const char *path, char *text, size_t size)
{
	int fd = connect_to(name), status = -1;
	size_t len = 0;
	ssize_t n;

	ask(fd, path);
	while ((n = recv(fd, text + len, size - 1 - len, 0)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
	(void)sscanf(text, "HTTP/1.1 %d", &status);
	return status;
}

static struct metrics_snapshot *snapshot_new(u64 time_ns, u64 records)
{
	struct metrics_snapshot *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->time_ns = time_ns;
	s->agent.version = "test";
	s->agent.records = records;
	return s;
}

static struct exporter *exporter_new(void)
{
	struct exporter *e = NULL;
	struct listen_address at;
	struct err err = { 0 };

	parse("127.0.0.1:0", &at);
	if (exporter_start(&e, &at, NS_PER_S, &err))
		fail_msg("%s", err.text);
	return e;
}

static void ready_with_the_first_snapshot(void **state)
{
	CLEANUP(exporter_freep) struct exporter *e = exporter_new();
	const char *name = exporter_name(e);
	char text[8192];

	(void)state;
	assert_int_equal(get(name, "/readyz", text, sizeof(text)), 503);
	assert_int_equal(get(name, "/metrics", text, sizeof(text)), 503);
	assert_int_equal(get(name, "/healthz", text, sizeof(text)), 200);
	exporter_publish(e, snapshot_new(now_monotonic_ns(), 42));
	assert_int_equal(get(name, "/readyz", text, sizeof(text)), 200);
	assert_int_equal(get(name, "/healthz", text, sizeof(text)), 200);
	assert_int_equal(get(name, "/metrics", text, sizeof(text)), 200);
	assert_non_null(strstr(text, "\ngosonde_ring_records_total 42\n"));
	assert_int_equal(get(name, "/metrics/", text, sizeof(text)), 404);
	assert_int_equal(get(name, "/", text, sizeof(text)), 200);
}

static void ill_when_ticks_stay_away(void **state)
{
	CLEANUP(exporter_freep) struct exporter *e = exporter_new();
	char text[8192];

	(void)state;
	exporter_publish(e, snapshot_new(now_monotonic_ns() - 12 * NS_PER_S, 1));
	assert_int_equal(get(exporter_name(e), "/healthz", text, sizeof(text)), 200);
	exporter_publish(e, snapshot_new(now_monotonic_ns() - 14 * NS_PER_S, 1));
	assert_int_equal(get(exporter_name(e), "/healthz", text, sizeof(text)), 503);
	assert_int_equal(get(exporter_name(e), "/readyz", text, sizeof(text)), 200);
}

struct scraper {
	pthread_t thread;
	const char *name;
	int bad;
};

static void *scrape(void *arg)
{
	struct scraper *s = arg;
	char text[8192];

	for (int i = 0; i < 100; i++) {
		unsigned long long records = 0;
		const char *line;

		if (get(s->name, "/metrics", text, sizeof(text)) != 200) {
			s->bad++;
			continue;
		}
		line = strstr(text, "\ngosonde_ring_records_total ");
		/* The two are of one snapshot, or something tore. */
		if (!line || sscanf(line, "\ngosonde_ring_records_total %llu", &records) != 1 ||
		    !strstr(text, "\nprocess_cpu_seconds_total ") || records == 0)
			s->bad++;
	}
	return NULL;
}

/* Snapshots come and go while they are rendered. */
static void scrapes_beside_ticks(void **state)
{
	CLEANUP(exporter_freep) struct exporter *e = exporter_new();
	struct scraper scrapers[4] = { 0 };

	(void)state;
	exporter_publish(e, snapshot_new(now_monotonic_ns(), 1));
	for (size_t i = 0; i < ARRAY_SIZE(scrapers); i++) {
		scrapers[i].name = exporter_name(e);
		assert_int_equal(pthread_create(&scrapers[i].thread, NULL, scrape, &scrapers[i]),
				 0);
	}
	for (u64 i = 2; i < 2000; i++) {
		exporter_publish(e, snapshot_new(now_monotonic_ns(), i));
		usleep(100);
	}
	for (size_t i = 0; i < ARRAY_SIZE(scrapers); i++) {
		pthread_join(scrapers[i].thread, NULL);
		assert_int_equal(scrapers[i].bad, 0);
	}
}

enum { LARGE = 16 << 20 }; /* more than the sockets take */

struct counted {
	_Atomic int asked;
};

static void get_large(void *arg, const char *path, const char *accept, struct http_reply *ret)
{
	struct counted *counted = arg;

	(void)accept;
	counted->asked++;
	ret->len = strcmp(path, "/large") ? 3 : LARGE;
	ret->body = calloc(1, ret->len);
}

static struct http *http_new(struct counted *counted)
{
	struct http *http = NULL;
	struct listen_address at;
	struct err err = { 0 };

	parse("127.0.0.1:0", &at);
	if (http_start(&http, &at, get_large, counted, &err))
		fail_msg("%s", err.text);
	return http;
}

/* Bytes until the server ends it. */
static size_t read_to_end(int fd)
{
	static char buf[1 << 16];
	size_t len = 0;
	ssize_t n;

	while ((n = recv(fd, buf, sizeof(buf), 0)) > 0)
		len += (size_t)n;
	return len;
}

/* They get no more than their share, and the oldest are let go for others. */
static void clients_that_never_read(void **state)
{
	enum { CLIENTS = HTTP_CONNECTIONS + 8 };
	struct counted counted = { 0 };
	CLEANUP(http_freep) struct http *http = http_new(&counted);
	u64 begin_ns = now_monotonic_ns();
	int fd[CLIENTS];
	char text[1024];

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		fd[i] = connect_to(http_name(http));
		ask(fd[i], "/large");
	}
	assert_int_equal(get(http_name(http), "/small", text, sizeof(text)), 200);
	assert_int_equal(counted.asked, CLIENTS + 1);
	assert_true(now_monotonic_ns() - begin_ns < 2 * NS_PER_S);
	for (int i = 0; i < CLIENTS + 1 - HTTP_CONNECTIONS; i++)
		assert_true(read_to_end(fd[i]) < LARGE);
	assert_true(read_to_end(fd[CLIENTS - 1]) > LARGE);
	for (int i = 0; i < CLIENTS; i++)
		close(fd[i]);
}

/* Connects anew whenever it is let go. */
static void send_a_byte(int *fd, const char *name)
{
	if (send(*fd, "x", 1, MSG_NOSIGNAL) == 1)
		return;
	close(*fd);
	*fd = connect_to(name);
	(void)send(*fd, "GET / HTTP/1.1\r\nX: ", 19, MSG_NOSIGNAL);
}

/* Never idle, and never through with their request. */
static void clients_that_write_a_byte_now_and_then(void **state)
{
	enum { CLIENTS = HTTP_CONNECTIONS + 4 };
	CLEANUP(exporter_freep) struct exporter *e = exporter_new();
	const char *name = exporter_name(e);
	int fd[CLIENTS];
	char text[8192];

	(void)state;
	exporter_publish(e, snapshot_new(now_monotonic_ns(), 1));
	memset(fd, -1, sizeof(fd));
	for (int round = 0; round < 20; round++) {
		u64 begin_ns = now_monotonic_ns();

		for (int i = 0; i < CLIENTS; i++)
			send_a_byte(&fd[i], name);
		assert_int_equal(get(name, "/healthz", text, sizeof(text)), 200);
		assert_int_equal(get(name, "/metrics", text, sizeof(text)), 200);
		assert_true(now_monotonic_ns() - begin_ns < NS_PER_S);
		usleep(50000);
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fd[i]);
}

static void ends_in_the_middle_of_an_answer(void **state)
{
	struct counted counted = { 0 };
	struct http *http = http_new(&counted);
	u64 begin_ns;
	int fd = connect_to(http_name(http));

	(void)state;
	ask(fd, "/large");
	while (!counted.asked)
		usleep(1000);
	begin_ns = now_monotonic_ns();
	http_free(http);
	assert_true(now_monotonic_ns() - begin_ns < NS_PER_S);
	close(fd);
}

static void requests_that_are_none(void **state)
{
	static const char *const requests[] = {
		"\r\n\r\n",
		"GET\r\n\r\n",
		"\x16\x03\x01\x02",
		"POST / HTTP/1.1\r\nContent-Length: 99\r\n\r\n",
		"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
	};
	struct counted counted = { 0 };
	CLEANUP(http_freep) struct http *http = http_new(&counted);
	char text[1024], header[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int fd = connect_to(http_name(http));

		(void)send(fd, requests[i], strlen(requests[i]), MSG_NOSIGNAL);
		shutdown(fd, SHUT_WR);
		while (recv(fd, text, sizeof(text), 0) > 0)
			;
		close(fd);
	}
	/* Headers without an end: no more than the memory of one request is read. */
	memset(header, 'x', sizeof(header));
	for (int fd = connect_to(http_name(http)), i = 0;; i++) {
		if (i == 0)
			(void)send(fd, "GET / HTTP/1.1\r\n", 16, MSG_NOSIGNAL);
		if (send(fd, header, sizeof(header), MSG_NOSIGNAL) < 0) {
			close(fd);
			break;
		}
		assert_true(i < 64 << 10);
	}
	assert_int_equal(get(http_name(http), "/small", text, sizeof(text)), 200);
}

static void one_port_one_server(void **state)
{
	CLEANUP(exporter_freep) struct exporter *e = exporter_new();
	struct listener second = { .fd = -1 };
	struct listen_address at;
	struct err err = { 0 };
	char text[64];

	(void)state;
	snprintf(text, sizeof(text), "127.0.0.1:%d", port_of(exporter_name(e)));
	parse(text, &at);
	assert_int_equal(listener_open(&second, &at, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "port is in use"));
	assert_int_equal(second.fd, -1);
}

/* A socket that was replaced meanwhile is another's to remove. */
static void unix_sockets(void **state)
{
	char dir[] = "/tmp/gosonde-http-XXXXXX", path[64], text[80];
	struct listener first = { .fd = -1 }, second = { .fd = -1 };
	struct listen_address at;
	struct err err = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/metrics", dir);
	snprintf(text, sizeof(text), "unix:%s", path);
	parse(text, &at);
	assert_int_equal(listener_open(&first, &at, &err), 0);
	assert_string_equal(first.name, text);
	assert_int_equal(listener_open(&second, &at, &err), -EADDRINUSE);
	close(first.fd); /* as when it is killed */
	first.fd = -1;
	assert_int_equal(listener_open(&second, &at, &err), 0);
	listener_close(&first);
	assert_int_equal(access(path, F_OK), 0);
	listener_close(&second);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(ready_with_the_first_snapshot),
		cmocka_unit_test(ill_when_ticks_stay_away),
		cmocka_unit_test(scrapes_beside_ticks),
		cmocka_unit_test(clients_that_never_read),
		cmocka_unit_test(clients_that_write_a_byte_now_and_then),
		cmocka_unit_test(ends_in_the_middle_of_an_answer),
		cmocka_unit_test(requests_that_are_none),
		cmocka_unit_test(one_port_one_server),
		cmocka_unit_test(unix_sockets),
	};

	return cmocka_run_group_tests_name("http", tests, NULL, NULL);
}
