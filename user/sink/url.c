/* SPDX-License-Identifier: BSD-2-Clause */
#include "sink/url.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <curl/curl.h>

static bool has_part(CURLU *parsed, CURLUPart part)
{
	char *text = NULL;
	bool has = curl_url_get(parsed, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return has;
}

int url_check(const char *url, struct err *err)
{
	CURLU *parsed = curl_url();
	CURLUcode rc = parsed ? curl_url_set(parsed, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;
	int ret = 0;

	if (rc)
		ret = err_set(err, -EINVAL, "no URL: %s", curl_url_strerror(rc));
	else if (strncmp(url, "http://", strlen("http://")) &&
		 strncmp(url, "https://", strlen("https://")))
		ret = err_set(err, -EINVAL, "a URL here begins with http:// or https://");
	else if (has_part(parsed, CURLUPART_QUERY) || has_part(parsed, CURLUPART_FRAGMENT))
		ret = err_set(err, -EINVAL, "a URL here has no query and no fragment");
	curl_url_cleanup(parsed);
	return ret;
}
