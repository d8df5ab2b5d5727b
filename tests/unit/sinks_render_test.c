/* SPDX-License-Identifier: BSD-2-Clause */
/* Alerts on every way out, with names that a hostile target chose. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <jansson.h>

#include "base/text.h"
#include "detect/detect.h"
#include "output/alertmanager.h"
#include "output/journal.h"
#include "output/syslog.h"
#include "output_sample.h"

enum { RENDERED_BYTES = 1 << 20 };

/* raw: as a name of the target. want: what must be there of it, escaped; NULL: nothing in
 * particular. */
static const struct {
	const char *why, *raw, *want;
} evil[] = {
	{ "ends a line, begins another", "x\nFAKE=1\r\n<0>fake", "x\\x0aFAKE=1\\x0d\\x0a<0>fake" },
	{ "terminal: clears, titles", "\x1b[2J\x1b]0;owned\a", "\\x1b[2J\\x1b]0;owned\\x07" },
	{ "terminal: 8-bit CSI as UTF-8",
	  "\xc2\x9b"
	  "31m",
	  "\\u{9b}31m" },
	{ "quotes and backslashes", "\"]\\'`", NULL },
	{ "markup", "<script>alert(1)</script>&amp;", "<script>alert(1)</script>&amp;" },
	{ "templates", "{{ .Labels }} %s%n ${x}", "{{ .Labels }} %s%n ${x}" },
	{ "no UTF-8: stray, overlong, surrogate", "\xff\xc0\xaf\xed\xa0\x80",
	  "\\xff\\xc0\\xaf\\xed\\xa0\\x80" },
	{ "cut short before the NUL", "a\xe2\x82", "a\\xe2\\x82" },
	{ "byte next to NUL, DEL", "\x01\x7f", "\\x01\\x7f" },
	{ "reorders: override, isolate", "user\u202etxt.exe\u2066",
	  "user\\u{202e}txt.exe\\u{2066}" },
	{ "hides: zero width, BOM", "a\u200bb\ufeff", "a\\u{200b}b\\u{feff}" },
	{ "line separators", "a\u2028b\u2029c", "a\\u{2028}b\\u{2029}c" },
	{ "nothing evil", "map[string]*größe.Größe", "map[string]*größe.Größe" },
};

/* Renders into buf, which ends with a NUL; keeps what the sink's own form needs out of it. */
typedef void (*renderer)(char *buf, const struct alert *alert);

static void as_text(char *buf, const struct alert *alert)
{
	struct text_output text = { .out = fmemopen(buf, RENDERED_BYTES, "w") };

	text_alert(&text, alert, &sample_timebase);
	fclose(text.out);
}

static void as_local(char *buf, const struct alert *alert)
{
	size_t len = syslog_local(buf, alert, &sample_timebase, 77);

	assert_int_equal(len, strlen(buf));
}

static void as_rfc5424(char *buf, const struct alert *alert)
{
	size_t len = syslog_rfc5424(buf, alert, &sample_timebase, "h", 77);

	assert_int_equal(len, strlen(buf));
}

static void as_journal(char *buf, const struct alert *alert)
{
	size_t len = journal_entry(buf, alert, &sample_timebase);

	assert_int_equal(len, strlen(buf));
	assert_true(len < JOURNAL_BUF);
}

static void as_json(char *buf, const struct alert *alert)
{
	FILE *out = fmemopen(buf, RENDERED_BYTES, "w");

	assert_int_equal(json_alert(out, alert, &sample_timebase), 0);
	fclose(out);
}

/* As a receiver reads it: all texts of labels and annotations, one after the other. */
static void as_alertmanager(char *buf, const struct alert *alert)
{
	static const char *const parts[] = { "labels", "annotations" };
	char *text = malloc(RENDERED_BYTES);
	FILE *out = fmemopen(text, RENDERED_BYTES, "w");
	json_t *root, *value;
	const char *key;

	assert_int_equal(alertmanager_alert(out, alert, "h", &sample_timebase), 0);
	fclose(out);
	for (const char *c = text; *c; c++)
		assert_true((*c >= ' ' && *c <= '~') || (*c == '\n' && !c[1]));
	root = json_loads(text, 0, NULL);
	assert_non_null(root);
	buf[0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		json_object_foreach(json_object_get(root, parts[i]), key, value)
			strcat(strcat(buf, json_string_value(value)), "\n");
	json_decref(root);
	free(text);
}

static const struct {
	const char *name;
	renderer render;
	const char *controls; /* control bytes that the form itself uses */
	bool is_escaped;      /* in the way of text_escape(), without more quoting */
} sinks[] = {
	{ "text", as_text, "\n", true },
	{ "syslog, local", as_local, "", false },
	{ "syslog, RFC 5424", as_rfc5424, "", false },
	{ "journald", as_journal, "\n", true },
	{ "Alertmanager", as_alertmanager, "\n", true },
	{ "JSON Lines", as_json, "\n", false },
};

/* The name everywhere that a target's name can be. */
static struct alert alert_with(const char *name, char (*list)[EVIDENCE_TEXT_MAX])
{
	struct alert alert = sample_alert();

	snprintf(alert.subject, sizeof(alert.subject), "%s", name);
	snprintf(alert.summary, sizeof(alert.summary), "%s", name);
	snprintf(alert.advice, sizeof(alert.advice), "%s", name);
	snprintf(list[0], EVIDENCE_TEXT_MAX, "%s", name);
	snprintf(alert.evidence[1].text, EVIDENCE_TEXT_MAX, "%s", name);
	alert.evidence[2].list = list;
	alert.evidence[2].list_len = 1;
	alert.exe = alert.module = name;
	alert.placement = (struct placement) { name, name, name };
	return alert;
}

/* A line that begins with what the target would like a line to begin with. */
static size_t lines_of(const char *text, const char *begin)
{
	size_t count = strncmp(text, begin, strlen(begin)) == 0;

	for (; (text = strchr(text, '\n')); text++)
		count += strncmp(text + 1, begin, strlen(begin)) == 0;
	return count;
}

static void check(const char *sink, const char *why, const char *text, const char *controls)
{
	char clean[8] = "";

	for (const char *c = text; *c; c++) {
		if ((iscntrl((u8)*c) && !strchr(controls, *c)))
			fail_msg("%s, %s: control byte 0x%02x in: %s", sink, why, (u8)*c, text);
	}
	if (lines_of(text, "FAKE=") || lines_of(text, "<0>"))
		fail_msg("%s, %s: the target wrote a line of its own: %s", sink, why, text);
	/* what text_utf8() leaves as it is, is UTF-8 */
	CLEANUP(freep) char *copy = malloc(3 * strlen(text) + sizeof(clean));
	if (strcmp(text_utf8(copy, 3 * strlen(text) + sizeof(clean), text), text) != 0)
		fail_msg("%s, %s: no UTF-8: %s", sink, why, text);
	for (size_t i = 0; i < 3; i++) {
		static const char *const hidden[] = { "\u202e", "\u200b", "\u2028" };

		if (strstr(text, hidden[i]))
			fail_msg("%s, %s: a deceptive character: %s", sink, why, text);
	}
}

static void evil_names_are_harmless_everywhere(void **state)
{
	CLEANUP(freep) char *text = malloc(RENDERED_BYTES);
	char list[1][EVIDENCE_TEXT_MAX];

	(void)state;
	for (size_t s = 0; s < ARRAY_SIZE(sinks); s++) {
		for (size_t i = 0; i < ARRAY_SIZE(evil); i++) {
			struct alert alert = alert_with(evil[i].raw, list);

			sinks[s].render(text, &alert);
			check(sinks[s].name, evil[i].why, text, sinks[s].controls);
			if (sinks[s].is_escaped && evil[i].want && !strstr(text, evil[i].want))
				fail_msg("%s, %s: no %s in: %s", sinks[s].name, evil[i].why,
					 evil[i].want, text);
		}
	}
}

/* Names as long as they get, of what grows most when it is escaped. */
static void long_names_are_cut(void **state)
{
	static const size_t most[] = { 32768, SYSLOG_LOCAL_BUF, SYSLOG_NET_BUF, JOURNAL_BUF,
				       32768, RENDERED_BYTES };
	static char lists[EVIDENCE_MAX][EVIDENCE_LIST_MAX][EVIDENCE_TEXT_MAX];
	static char name[4096];
	CLEANUP(freep) char *text = malloc(RENDERED_BYTES);
	struct alert alert;

	(void)state;
	memset(name, 0xff, sizeof(name) - 1);
	memset(lists, 0xff, sizeof(lists));
	alert = alert_with("x", lists[0]);
	alert.evidence_len = EVIDENCE_MAX;
	for (size_t i = 0; i < EVIDENCE_MAX; i++) {
		alert.evidence[i] = (struct evidence) { .key = "stack",
							.kind = EVIDENCE_LIST,
							.list = lists[i],
							.list_len = EVIDENCE_LIST_MAX };
		for (size_t k = 0; k < EVIDENCE_LIST_MAX; k++)
			lists[i][k][EVIDENCE_TEXT_MAX - 1] = '\0';
	}
	memset(alert.subject, 0xff, sizeof(alert.subject) - 1);
	memset(alert.summary, 0xff, sizeof(alert.summary) - 1);
	memset(alert.advice, 0xff, sizeof(alert.advice) - 1);
	alert.exe = alert.module = name;
	alert.placement = (struct placement) { name, name, name };
	for (size_t s = 1; s < ARRAY_SIZE(sinks); s++) {
		sinks[s].render(text, &alert);
		check(sinks[s].name, "long", text, sinks[s].controls);
		if (strlen(text) >= most[s])
			fail_msg("%s: %zu bytes", sinks[s].name, strlen(text));
	}
}

static void the_journal_entry(void **state)
{
	char buf[JOURNAL_BUF];
	struct alert alert = sample_alert();

	(void)state;
	alert.exe = "/srv/shop";
	alert.module = "";
	alert.placement = sample_placement();
	journal_entry(buf, &alert, &sample_timebase);
	assert_string_equal(buf, "MESSAGE=growing maps move 1.2 M entries/s: " EVIL_OUT "\n"
				 "PRIORITY=4\nSYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=gosonde\n"
				 "MESSAGE_ID=7a1c40d92f6e4b58525c35eccfcd8b68\n"
				 "GOSONDE_RULE=rehash-storm\nGOSONDE_STATE=firing\n"
				 "GOSONDE_SEVERITY=warning\n"
				 "GOSONDE_TIME=2026-01-01T00:00:05.000000000Z\nGOSONDE_PID=4242\n"
				 "GOSONDE_EXE=/srv/shop\nGOSONDE_CONTAINER=" SAMPLE_ID
				 "\nGOSONDE_POD_UID=" SAMPLE_POD "\nGOSONDE_QOS=Burstable\n"
				 "GOSONDE_SUBJECT=map[string]" EVIL_OUT "\n"
				 "GOSONDE_VALUE=1234567.5\nGOSONDE_THRESHOLD=1000000\n"
				 "GOSONDE_UNIT=entries/s\n"
				 "GOSONDE_ADVICE=make(map[string]int, 100000)\n"
				 "GOSONDE_EVIDENCE_STOP_LATENCY_NS=12345678\n"
				 "GOSONDE_EVIDENCE_MAP_TYPE=" EVIL_OUT "\n"
				 "GOSONDE_EVIDENCE_STACK=main.(*Cache).Put cache.go:42\n"
				 "GOSONDE_EVIDENCE_STACK=" EVIL_OUT "\n");
}

static void journal_names_are_what_journald_takes(void **state)
{
	static const struct {
		const char *key, *want;
	} rows[] = {
		{ "heap_live_bytes", "\nGOSONDE_EVIDENCE_HEAP_LIVE_BYTES=1\n" },
		{ "a-b.c=d\ne", "\nGOSONDE_EVIDENCE_A_B_C_D_E=1\n" },
		{ "a_key_that_is_longer_than_journald_takes_of_a_name_64",
		  "\nGOSONDE_EVIDENCE_A_KEY_THAT_IS_LONGER_THAN_JOURNALD_TAKES_OF_A_N=1\n" },
	};
	char buf[JOURNAL_BUF];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct alert alert = { .rule = "x", .evidence_len = 1 };

		alert.evidence[0] = (struct evidence) { .key = rows[i].key,
							.kind = EVIDENCE_NUMBER,
							.number = 1 };
		journal_entry(buf, &alert, &sample_timebase);
		if (!strstr(buf, rows[i].want))
			fail_msg("no %s in %s", rows[i].want, buf);
	}
}

static void message_ids_differ_by_rule(void **state)
{
	char a[JOURNAL_ID_BUF], b[JOURNAL_ID_BUF];

	(void)state;
	for (size_t i = 0; i < DETECTORS; i++) {
		journal_message_id(a, detectors[i]->name);
		assert_int_equal(strlen(a), 32);
		assert_int_equal(strspn(a, "0123456789abcdef"), 32);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(a, journal_message_id(b, detectors[k]->name));
	}
}

static void names_of_alerts(void **state)
{
	static const struct {
		const char *rule, *want;
	} rows[] = {
		{ "rehash-storm", "GosondeRehashStorm" },
		{ "gc-pause-spike", "GosondeGcPauseSpike" },
		{ "fault", "GosondeFault" },
		{ "my rule\n2x_\xff", "GosondeMyRule2x" },
		{ "", "Gosonde" },
	};
	char buf[ALERTMANAGER_NAME_BUF];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(alertmanager_name(buf, rows[i].rule), rows[i].want);
}

static char *alertmanager_text(const struct alert *alert)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_int_equal(alertmanager_alert(out, alert, "web1", &sample_timebase), 0);
	fclose(out);
	return text;
}

static void the_alertmanager_alert(void **state)
{
	struct alert alert = sample_alert();
	CLEANUP(freep) char *text = NULL;
	CLEANUP(freep) char *resolved = NULL;

	(void)state;
	snprintf(alert.subject, sizeof(alert.subject), "map at 0xc000012340, 0x, 0xyz");
	snprintf(alert.summary, sizeof(alert.summary), "it moves");
	alert.exe = "/srv/shop";
	alert.placement = sample_placement();
	alert.evidence_len = 1;
	text = alertmanager_text(&alert);
	assert_string_equal(
		text,
		"{\"labels\":{\"alertname\":\"GosondeRehashStorm\","
		"\"rule\":\"rehash-storm\",\"instance\":\"web1\",\"pid\":\"4242\","
		"\"exe\":\"/srv/shop\",\"container\":\"" SAMPLE_ID "\",\"pod_uid\":\"" SAMPLE_POD
		"\",\"qos\":\"Burstable\",\"subject\":\"map at 0x, 0x, 0xyz\",\"severity\":\"warning\"},"
		"\"annotations\":{\"summary\":\"it moves\","
		"\"subject\":\"map at 0xc000012340, 0x, 0xyz\","
		"\"advice\":\"make(map[string]int, 100000)\","
		"\"value\":\"1234567.5 entries/s (level 1000000)\","
		"\"evidence\":\"stop_latency_ns: 12345678\"},"
		"\"startsAt\":\"2026-01-01T00:00:03.000000000Z\"}\n");

	alert.state = ALERT_RESOLVED;
	alert.evidence_len = 0;
	alert.time_ns += NS_PER_MIN;
	resolved = alertmanager_text(&alert);
	assert_non_null(strstr(resolved, "\"startsAt\":\"2026-01-01T00:00:03.000000000Z\","
					 "\"endsAt\":\"2026-01-01T00:01:05.000000000Z\"}"));
	assert_int_equal(strncmp(text, resolved, (size_t)(strstr(text, ",\"annotations\"") - text)),
			 0);
}

/* Whoever routes alerts finds them in each form; none takes the place of what tells alerts apart.
 */
static void labels_go_everywhere(void **state)
{
	static const struct label team = { "team", "shop" }, fake = { "rule", "fake" };
	static const struct labels labels = { { &team, &fake }, 2 };
	CLEANUP(freep) char *buf = calloc(1, RENDERED_BYTES);
	char list[EVIDENCE_LIST_MAX][EVIDENCE_TEXT_MAX] = { "" };
	struct alert alert = alert_with("x", list);

	(void)state;
	assert_non_null(buf);
	alert.labels = &labels;
	as_journal(buf, &alert);
	assert_non_null(strstr(buf, "\nGOSONDE_LABEL_TEAM=shop\n"));
	assert_non_null(strstr(buf, "\nGOSONDE_LABEL_RULE=fake\n"));
	as_alertmanager(buf, &alert);
	assert_non_null(strstr(buf, "shop"));
	assert_null(strstr(buf, "fake"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evil_names_are_harmless_everywhere),
		cmocka_unit_test(long_names_are_cut),
		cmocka_unit_test(the_journal_entry),
		cmocka_unit_test(journal_names_are_what_journald_takes),
		cmocka_unit_test(message_ids_differ_by_rule),
		cmocka_unit_test(names_of_alerts),
		cmocka_unit_test(the_alertmanager_alert),
		cmocka_unit_test(labels_go_everywhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
