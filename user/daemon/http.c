/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/http.h"

#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

static const char plain[] = "text/plain; charset=utf-8";

struct http {
	struct listener listener;
	struct MHD_Daemon *daemon;
	http_get_fn get;
	void *arg;
	int open[HTTP_CONNECTIONS + 1]; /* connections, the oldest first; of the server's thread */
	size_t open_count;
};

/* Adds a header to a response, which may be NULL. */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	if (response && value)
		(void)MHD_add_response_header(response, name, value);
}

/* Takes the response. MHD_NO closes the connection. */
static enum MHD_Result answer(struct MHD_Connection *connection, unsigned int status,
			      struct MHD_Response *response)
{
	enum MHD_Result rc;

	if (!response)
		return MHD_NO;
	rc = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return rc;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned int status,
			      const char *text, const char *allow)
{
	struct MHD_Response *response =
		MHD_create_response_from_buffer(strlen(text), (void *)text, MHD_RESPMEM_MUST_COPY);

	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, plain);
	add_header(response, MHD_HTTP_HEADER_ALLOW, allow);
	return answer(connection, status, response);
}

/*
 * Answers as soon as the headers are there. A connection ends with its answer, so an idle client
 * holds none; to connect anew costs a scraper nothing that counts.
 */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_size, void **state)
{
	const struct http *http = arg;
	struct http_reply reply = { .status = MHD_HTTP_OK, .content_type = plain };
	struct MHD_Response *response;

	(void)version, (void)upload, (void)upload_size, (void)state;
	if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD))
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or HEAD only\n",
			      "GET, HEAD");
	http->get(http->arg, url,
		  MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT),
		  &reply);
	if (!reply.body)
		return refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "out of memory\n", NULL);
	response = MHD_create_response_from_buffer(reply.len, reply.body, MHD_RESPMEM_MUST_FREE);
	if (!response)
		free(reply.body);
	add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
	add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type);
	return answer(connection, reply.status, response);
}

static void forget(struct http *http, int fd)
{
	size_t i = 0;

	while (i < http->open_count && http->open[i] != fd)
		i++;
	if (i == http->open_count)
		return;
	http->open_count--;
	memmove(&http->open[i], &http->open[i + 1], (http->open_count - i) * sizeof(*http->open));
}

/*
 * The oldest gives way to one too many: a client that sends a byte now and then is never idle, and
 * as many of them as there are connections would shut out everybody else.
 */
static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http *http = arg;
	int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;

	(void)context;
	if (code == MHD_CONNECTION_NOTIFY_CLOSED)
		forget(http, fd);
	else if (http->open_count < ARRAY_SIZE(http->open)) /* which is the limit that MHD keeps */
		http->open[http->open_count++] = fd;
	if (http->open_count > HTTP_CONNECTIONS)
		(void)shutdown(http->open[0], SHUT_RDWR);
}

/* Clients that go away are no news. */
PRINTF_LIKE(2, 0) static void be_quiet(void *arg, const char *format, va_list args)
{
	(void)arg, (void)format, (void)args;
}

static int start_daemon(struct http *http, struct err *err)
{
	/* It closes what it is given, but not in every failure: so it gets one of its own. */
	int fd = fcntl(http->listener.fd, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return err_set(err, -errno, "%s", strerror(errno));
	http->daemon = MHD_start_daemon(
		MHD_USE_POLL_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, http,
		MHD_OPTION_EXTERNAL_LOGGER, be_quiet, NULL, MHD_OPTION_LISTEN_SOCKET, fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)ARRAY_SIZE(http->open),
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_CONNECTION_TIMEOUT,
		(unsigned int)HTTP_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HTTP_REQUEST_BYTES, MHD_OPTION_END);
	if (!http->daemon)
		return err_set(err, -EIO, "libmicrohttpd can't start");
	return 0;
}

int http_start(struct http **ret, const struct listen_address *at, http_get_fn get, void *arg,
	       struct err *err)
{
	CLEANUP(http_freep) struct http *http = calloc(1, sizeof(*http));
	int rc;

	if (!http)
		return err_set(err, -ENOMEM, "out of memory");
	http->listener.fd = -1;
	http->get = get;
	http->arg = arg;
	rc = listener_open(&http->listener, at, err);
	if (!rc)
		rc = start_daemon(http, err);
	if (!rc)
		*ret = TAKE_PTR(http);
	return rc;
}

const char *http_name(const struct http *http)
{
	return http->listener.name;
}

void http_free(struct http *http)
{
	if (!http)
		return;
	if (http->daemon)
		MHD_stop_daemon(http->daemon);
	listener_close(&http->listener);
	free(http);
}
