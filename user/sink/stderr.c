/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output/text.h"
#include "sink/sink.h"

struct state {
	bool colour;
};

static int stderr_open(void **ret, const char *target, struct err *err)
{
	struct state *state;

	if (target && strcmp(target, "colour") != 0)
		return err_set(err, -EINVAL, "\"%s\" is not \"colour\"", target);
	state = calloc(1, sizeof(*state));
	if (!state)
		return err_set(err, -ENOMEM, "out of memory");
	state->colour = target != NULL;
	*ret = state;
	return 0;
}

static int stderr_render(void *arg, const struct alert *alert, const struct timebase *timebase,
			 struct sink_message *ret)
{
	const struct state *state = arg;
	struct sink_message message = { 0 };
	struct text_output text = { .colour = state->colour };

	text.out = open_memstream(&message.text, &message.len);
	if (!text.out)
		return -ENOMEM;
	text_alert(&text, alert, timebase);
	if (fclose(text.out) != 0) {
		free(message.text);
		return -ENOMEM;
	}
	*ret = message;
	return 0;
}

static int stderr_render_lost(void *arg, u64 lost, u64 now_ns, const struct timebase *timebase,
			      struct sink_message *ret)
{
	char time[CLOCK_BUF];
	int len;

	(void)arg;
	fmt_time_zoned(time, timebase_wall_ns(timebase, now_ns));
	len = asprintf(&ret->text, "%s gosonde: %llu alerts could not be written here\n", time,
		       lost);
	if (len < 0)
		return -ENOMEM;
	ret->len = (size_t)len;
	return 0;
}

static int stderr_transmit(void *arg, const struct sink_message *message)
{
	(void)arg;
	errno = 0;
	if (fwrite(message->text, 1, message->len, stderr) == message->len && fflush(stderr) == 0)
		return 0;
	clearerr(stderr);
	return errno ? -errno : -EIO;
}

const struct sink_ops sink_stderr = {
	.name = "stderr",
	.open = stderr_open,
	.render = stderr_render,
	.render_lost = stderr_render_lost,
	.transmit = stderr_transmit,
	.close = free,
};
