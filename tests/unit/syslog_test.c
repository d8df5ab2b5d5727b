/* SPDX-License-Identifier: BSD-2-Clause */
/* Syslog lines: the form that a real rsyslog reads, whatever the target calls its things. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "output/syslog.h"
#include "output_sample.h"

#define EVIL_QUOTED "a\\\\x0ab\\\\x1b[2J\\\"]\\\\\\\\u{9b}\\\\u{202e}\\\\xff"
#define EVIL_SD	    "a\\\\x0ab\\\\x1b[2J\\\"\\]\\\\\\\\u{9b}\\\\u{202e}\\\\xff"

static void the_local_line(void **state)
{
	char buf[SYSLOG_LOCAL_BUF];
	struct alert alert = sample_alert();
	size_t len = syslog_local(buf, &alert, &sample_timebase, 77);

	(void)state;
	assert_string_equal(buf, "<28>Jan  1 00:00:05 gosonde[77]: rule=rehash-storm pid=4242 "
				 "state=firing severity=warning value=1234567.5 "
				 "subject=\"map[string]" EVIL_QUOTED "\" "
				 "summary=\"growing maps move 1.2 M entries/s: " EVIL_QUOTED "\"");
	assert_int_equal(len, strlen(buf));
}

static void the_network_message(void **state)
{
	char buf[SYSLOG_NET_BUF];
	struct alert alert = sample_alert();
	size_t len = syslog_rfc5424(buf, &alert, &sample_timebase, "web1.example.com", 77);

	(void)state;
	assert_string_equal(buf,
			    "<28>1 2026-01-01T00:00:05.000000Z web1.example.com gosonde 77 alert "
			    "[gosonde@32473 rule=\"rehash-storm\" pid=\"4242\" state=\"firing\" "
			    "severity=\"warning\" value=\"1234567.5\" threshold=\"1000000\" "
			    "unit=\"entries/s\" subject=\"map[string\\]" EVIL_SD "\"] "
			    "growing maps move 1.2 M entries/s: " EVIL_OUT);
	assert_int_equal(len, strlen(buf));
}

static void labels_are_an_element_of_their_own(void **state)
{
	char net[SYSLOG_NET_BUF], local[SYSLOG_LOCAL_BUF];
	struct alert alert = sample_alert();

	(void)state;
	alert.labels = &sample_labels;
	syslog_rfc5424(net, &alert, &sample_timebase, "h", 77);
	assert_non_null(strstr(net, "map[string\\]" EVIL_SD "\"]"
				    "[labels@32473 team=\"shop \\\"a\\\"\\]\\\\\" rule=\"x\"] "
				    "growing maps"));
	syslog_local(local, &alert, &sample_timebase, 77);
	assert_non_null(strstr(local, " value=1234567.5 label_team=\"shop \\\"a\\\"]\\\\\" "
				      "label_rule=\"x\" subject=\""));
}

static void where_it_runs(void **state)
{
	char net[SYSLOG_NET_BUF], local[SYSLOG_LOCAL_BUF];
	struct alert alert = sample_alert();

	(void)state;
	alert.placement = sample_placement();
	syslog_rfc5424(net, &alert, &sample_timebase, "h", 77);
	assert_non_null(strstr(net, " unit=\"entries/s\" container=\"" SAMPLE_ID
				    "\" pod_uid=\"" SAMPLE_POD "\" qos=\"Burstable\" subject="));
	syslog_local(local, &alert, &sample_timebase, 77);
	assert_non_null(strstr(local, " container=\"" SAMPLE_ID "\" pod_uid=\"" SAMPLE_POD
				      "\" qos=\"Burstable\" subject="));
	alert.placement = (struct placement) { .container = "web" };
	syslog_local(local, &alert, &sample_timebase, 77);
	assert_non_null(strstr(local, " value=1234567.5 container=\"web\" subject="));
}

/* As many labels, of as many bytes that quoting doubles, as rules may give. */
static struct labels most_labels(struct label label[static LABELS_MAX])
{
	struct labels labels = { .count = 0 };
	size_t bytes = LABELS_BYTES_MAX;

	for (int i = 0; i < LABELS_MAX; i++) {
		size_t value = MIN((size_t)LABEL_VALUE_MAX, bytes - (size_t)(LABELS_MAX - i));

		label[i] = (struct label) { .name = { (char)('a' + i) } };
		memset(label[i].value, '"', value);
		bytes -= 1 + value;
		assert_int_equal(labels_set(&labels, &label[i]), 0);
	}
	assert_int_equal(bytes, 0);
	return labels;
}

static void priorities(void **state)
{
	static const struct {
		enum severity severity;
		enum alert_state state;
		unsigned int want;
	} rows[] = {
		{ SEVERITY_INFO, ALERT_FIRING, 30 },
		{ SEVERITY_WARNING, ALERT_FIRING, 28 },
		{ SEVERITY_CRITICAL, ALERT_FIRING, 26 },
		{ SEVERITY_CRITICAL, ALERT_RESOLVED, 29 }, /* nobody is to be paged by good news */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct alert alert = { .severity = rows[i].severity, .state = rows[i].state };

		assert_int_equal(syslog_priority(&alert), rows[i].want);
	}
}

static void odd_headers_stay_in_form(void **state)
{
	char buf[SYSLOG_NET_BUF], local[SYSLOG_LOCAL_BUF];
	struct alert alert = sample_alert();

	(void)state;
	alert.unit = NULL;
	alert.dry_run = true;
	syslog_rfc5424(buf, &alert, &sample_timebase, "", 77);
	assert_non_null(strstr(buf, "Z - gosonde 77 alert ["));
	assert_non_null(strstr(buf, " unit=\"\" dry_run=\"true\" subject="));
	syslog_rfc5424(buf, &alert, &sample_timebase, "a b\nc\xff", 77);
	assert_non_null(strstr(buf, "Z a?b?c? gosonde"));

	alert.rule = "my rule"; /* a rule's name comes from the configuration */
	syslog_local(local, &alert, &sample_timebase, 77);
	assert_non_null(strstr(local, ": rule=\"my rule\" pid=4242 "));
	assert_non_null(strstr(local, " dry_run=true subject="));
}

/*
 * An independent reader of RFC 5424 structured data: returns what follows the
 * element, or NULL if it is malformed. Counts the parameters.
 */
static const char *read_element(const char *p, int *params)
{
	if (*p++ != '[')
		return NULL;
	while (*p && *p != ' ' && *p != ']')
		p++;
	for (*params = 0; *p == ' '; ++*params) {
		for (p++; isalnum((unsigned char)*p) || *p == '_'; p++)
			;
		if (*p++ != '=' || *p++ != '"')
			return NULL;
		for (; *p && *p != '"'; p++) {
			if (*p == ']')
				return NULL; /* must be escaped */
			if (*p == '\\' && !*++p)
				return NULL;
		}
		if (*p++ != '"')
			return NULL;
	}
	return *p == ']' ? p + 1 : NULL;
}

/* The local line's value of a key, still quoted; NULL if the quotes don't match. */
static const char *end_of_quotes(const char *p)
{
	for (; *p && *p != '"'; p++)
		if (*p == '\\' && !*++p)
			return NULL;
	return *p ? p + 1 : NULL;
}

static void fill(char *text, size_t size, unsigned int *seed)
{
	static const char spice[] = "\"\\]\n\x1b[= ";
	size_t n = (size_t)rand_r(seed) % size;

	for (size_t i = 0; i < n; i++)
		text[i] = rand_r(seed) % 3 ? spice[(size_t)rand_r(seed) % strlen(spice)]
					   : (char)(1 + rand_r(seed) % 255);
	text[n] = '\0';
}

static void any_bytes_leave_the_form_intact(void **state)
{
	struct label label[LABELS_MAX];
	const struct labels labels = most_labels(label);
	unsigned int seed = 20260102;
	char net[SYSLOG_NET_BUF], local[SYSLOG_LOCAL_BUF];

	(void)state;
	print_message("# seed %u\n", seed);
	for (int round = 0; round < 5000; round++) {
		struct alert alert = sample_alert();
		const char *p;
		int params;
		size_t len;

		fill(alert.subject, sizeof(alert.subject), &seed);
		fill(alert.summary, sizeof(alert.summary), &seed);
		alert.labels = round % 2 ? &labels : NULL;
		if (round % 4 < 2)
			alert.placement = sample_placement();

		len = syslog_rfc5424(net, &alert, &sample_timebase, "h", 1);
		assert_int_equal(len, strlen(net));
		p = read_element(strchr(net, '['), &params);
		assert_non_null(p);
		assert_int_equal(params, alert.placement.qos ? 11 : 8);
		p = alert.labels ? read_element(p, &params) : p;
		assert_non_null(p);
		assert_true(!alert.labels || params == LABELS_MAX);
		assert_int_equal(*p, ' ');

		len = syslog_local(local, &alert, &sample_timebase, 1);
		assert_int_equal(len, strlen(local));
		p = end_of_quotes(strstr(local, " subject=\"") + strlen(" subject=\""));
		assert_non_null(p);
		assert_int_equal(strncmp(p, " summary=\"", strlen(" summary=\"")), 0);
		p = end_of_quotes(p + strlen(" summary=\""));
		assert_non_null(p);
		assert_int_equal(*p, '\0');

		for (p = local; *p; p++)
			assert_false(iscntrl((unsigned char)*p));
		for (p = net; *p; p++)
			assert_false(iscntrl((unsigned char)*p));
	}
}

static void a_long_summary_is_cut_within_its_quotes(void **state)
{
	char buf[SYSLOG_NET_BUF], local[SYSLOG_LOCAL_BUF], host[256];
	struct alert alert = sample_alert();
	struct label label[LABELS_MAX];
	const struct labels labels = most_labels(label);
	size_t len;

	(void)state;
	memset(host, 'h', sizeof(host));
	host[255] = '\0';
	alert.labels = &labels;
	alert.placement = sample_placement();
	memset(alert.subject, '\\', sizeof(alert.subject) - 1);
	memset(alert.summary, '\x01', sizeof(alert.summary) - 1);
	len = syslog_rfc5424(buf, &alert, &sample_timebase, host, 1);
	assert_int_equal(strcmp(buf + len - 3, "..."), 0);
	assert_non_null(strstr(buf, " p=\"\"] \\x01")); /* labels whole, and room for a summary */
	assert_true(len < SYSLOG_NET_BUF);
	len = syslog_local(local, &alert, &sample_timebase, 1);
	assert_int_equal(local[len - 1], '"');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_local_line),
		cmocka_unit_test(the_network_message),
		cmocka_unit_test(labels_are_an_element_of_their_own),
		cmocka_unit_test(where_it_runs),
		cmocka_unit_test(priorities),
		cmocka_unit_test(odd_headers_stay_in_form),
		cmocka_unit_test(any_bytes_leave_the_form_intact),
		cmocka_unit_test(a_long_summary_is_cut_within_its_quotes),
	};

	setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
