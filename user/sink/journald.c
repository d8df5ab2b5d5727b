/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Not sd_journal_sendv(): its socket blocks while journald does not read, and
 * where there is no journald it drops the entry and says that all went well
 * (systemd 252, src/libsystemd/sd-journal/journal-send.c). The protocol is
 * documented and stable, and a datagram to send.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "output/journal.h"
#include "sink/datagram.h"
#include "sink/lost.h"
#include "sink/sink.h"

static int journald_open(void **ret, const char *target, struct err *err)
{
	CLEANUP(freep) struct datagram *datagram = calloc(1, sizeof(*datagram));
	int rc;

	if (!datagram)
		return err_set(err, -ENOMEM, "out of memory");
	datagram->fd = -1;
	rc = address_unix(&datagram->to, target ? target : SINK_JOURNALD_SOCKET, err);
	if (rc)
		return rc;
	*ret = TAKE_PTR(datagram);
	return 0;
}

static int journald_render(void *arg, const struct alert *alert, const struct timebase *timebase,
			   struct sink_message *ret)
{
	CLEANUP(freep) char *buf = malloc(JOURNAL_BUF);

	(void)arg;
	if (!buf)
		return -ENOMEM;
	ret->len = journal_entry(buf, alert, timebase);
	ret->text = strndup(buf, ret->len);
	return ret->text ? 0 : -ENOMEM;
}

static int journald_render_lost(void *arg, u64 lost, u64 now_ns, const struct timebase *timebase,
				struct sink_message *ret)
{
	struct alert alert;

	lost_alert(&alert, lost, now_ns, (u32)getpid());
	return journald_render(arg, &alert, timebase, ret);
}

static int journald_transmit(void *arg, const struct sink_message *message)
{
	return datagram_send(arg, message->text, message->len);
}

static void journald_close(void *arg)
{
	datagram_close(arg);
	free(arg);
}

const struct sink_ops sink_journald = {
	.name = "journald",
	.leaves_machine = true,
	.open = journald_open,
	.render = journald_render,
	.render_lost = journald_render_lost,
	.transmit = journald_transmit,
	.close = journald_close,
};
