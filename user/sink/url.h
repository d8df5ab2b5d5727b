/* SPDX-License-Identifier: BSD-2-Clause */
/* URLs of receivers, from what people write. */
#ifndef SINK_URL_H
#define SINK_URL_H

#include "base/err.h"

/* Whether it is "http://HOST[:PORT][/PATH]" or https. err does not repeat it: it may have a
 * password in it. Returns 0, or -EINVAL. */
int url_check(const char *url, struct err *err);

#endif
