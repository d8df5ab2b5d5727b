/* SPDX-License-Identifier: BSD-2-Clause */
/* What gc-pause-spike says of a pause: which part was long, whether CPU lacked, whether a rehash is
 * its cause. */
#include "detect_script.h"

static const char *text_of(const struct alert *alert, const char *key)
{
	for (size_t i = 0; i < alert->evidence_len; i++) {
		if (!strcmp(alert->evidence[i].key, key))
			return alert->evidence[i].text;
	}
	return NULL;
}

/* "@3.3 firing slow-to-stop, lack of CPU ruled out, cause map[int]T3 at main.f2000 main.go:8192" */
static void log_verdict(void *arg, const struct alert *alert)
{
	struct target *t = arg;
	size_t len = strlen(t->log);
	const char *cause = text_of(alert, "rehash_map_type"), *site;
	double at = (double)alert->time_ns / 1e9 - ATTACH_S;

	if (strcmp(alert->rule, "gc-pause-spike") != 0)
		return;
	if (alert->state != ALERT_FIRING) {
		snprintf(t->log + len, sizeof(t->log) - len, "@%.1f resolved\n", at);
		return;
	}
	snprintf(t->log + len, sizeof(t->log) - len, "@%.1f firing %s, lack of CPU %s", at,
		 text_of(alert, "verdict"), text_of(alert, "cpu_lack"));
	len = strlen(t->log);
	site = text_of(alert, "rehash_site");
	assert_true(!cause == !site);
	assert_true(!cause == !strstr(alert->summary, "likely cause"));
	if (cause)
		snprintf(t->log + len, sizeof(t->log) - len, ", cause %s at %s", cause, site);
	strcat(t->log, "\n");
	assert_true(alert->advice[0]);
	assert_true(strlen(alert->advice) < sizeof(alert->advice) - 1);
	/* Who may have lacked CPU is not sent after a loop first. */
	assert_int_equal(!!strstr(alert->advice, "whether it lacked CPU"),
			 !strcmp(text_of(alert, "cpu_lack"), "possible") ||
				 !strcmp(text_of(alert, "cpu_lack"), "not known"));
}

struct row {
	const char *name, *script;
};

static void play_row(const char *name, const char *script)
{
	CLEANUP(freep) struct script *s = calloc(1, sizeof(*s));
	CLEANUP(freep) struct target *t = calloc(1, sizeof(*t));

	assert_true(s && t);
	play_script(t, s, script, log_verdict);
	if (strcmp(t->log, s->want))
		fail_msg("%s: got\n%s, want\n%s", name, t->log, s->want);
}

static void play_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		play_row(rows[i].name, rows[i].script);
}

static void test_parts(void **state)
{
	static const struct row rows[] = {
		{ "waits for a goroutine, and over when the pause is a minute old",
		  "@1 cpu 0 2 400\n@3.3 stop 1 60 58\nuntil 100\n"
		  "expect @3.3 firing slow-to-stop, lack of CPU ruled out\n"
		  "expect @64.0 resolved\n" },
		{ "long while stopped",
		  "@1 cpu 0 2 400\n@3.3 stop 2 60 3\nuntil 4\n"
		  "expect @3.3 firing long-stopped, lack of CPU ruled out\n" },
		{ "neither is known: Go 1.22 and older tell no split",
		  "@1 cpu 0 2 400\n@3.3 stop 2 60 -1\nuntil 4\n"
		  "expect @3.3 firing unknown, lack of CPU ruled out\n" },
		{ "nothing could be read of CPU",
		  "@3.3 stop 1 60 58\nuntil 4\n"
		  "expect @3.3 firing slow-to-stop, lack of CPU not known\n" },
		{ "no schedstat: an unthrottled group rules nothing out",
		  "@1 cpu 0 -1 400\n@3.3 stop 1 60 58\nuntil 4\n"
		  "expect @3.3 firing slow-to-stop, lack of CPU not known\n" },
		{ "no group, and a run queue of no length",
		  "@1 cpu -1 1 400\n@3.3 stop 1 60 58\nuntil 4\n"
		  "expect @3.3 firing slow-to-stop, lack of CPU not known\n" },
		{ "no group, but threads that waited",
		  "@1 cpu -1 55 30\n@3.3 stop 1 60 58\nuntil 4\n"
		  "expect @3.3 firing cpu-wait, lack of CPU likely\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_lack_of_cpu(void **state)
{
	static const struct row rows[] = {
		{ "throttled, in a time hardly longer than the pause",
		  "@1 cpu 70 0 40\n@3.3 stop 1 80 79\nuntil 4\n"
		  "expect @3.3 firing throttled, lack of CPU likely\n" },
		{ "throttled, whichever part it fell into",
		  "@1 cpu 70 0 40\n@3.3 stop 1 80 1\nuntil 4\n"
		  "expect @3.3 firing throttled, lack of CPU likely\n" },
		{ "a quota of a fifth: throttled for most of the last second on two CPUs",
		  "@1 cpu 1500 900 900\n@3.3 stop 1 90 80\nuntil 4\n"
		  "expect @3.3 firing throttled, lack of CPU likely\n" },
		{ "as much as half of the pause, but some time in the last second",
		  "@1 cpu 60 0 900\n@3.3 stop 1 80 79\nuntil 4\n"
		  "expect @3.3 firing slow-to-stop, lack of CPU possible\n" },
		{ "less than half of the pause",
		  "@1 cpu 39 39 40\n@3.3 stop 1 80 79\nuntil 4\n"
		  "expect @3.3 firing slow-to-stop, lack of CPU ruled out\n" },
		{ "threads waited for a CPU", "@1 cpu 0 300 60\n@3.3 stop 1 80 79\nuntil 4\n"
					      "expect @3.3 firing cpu-wait, lack of CPU likely\n" },
		{ "four threads, of which none waited for half of the pause",
		  "@1 cpu 0 150 60 4\n@3.3 stop 1 80 79\nuntil 4\n"
		  "expect @3.3 firing slow-to-stop, lack of CPU possible\n" },
		{ "four threads, all the time",
		  "@1 cpu 0 300 60 4\n@3.3 stop 1 80 79\nuntil 4\n"
		  "expect @3.3 firing cpu-wait, lack of CPU likely\n" },
		{ "some of them, some time in the last second",
		  "@1 cpu 0 60 900\n@3.3 stop 1 80 3\nuntil 4\n"
		  "expect @3.3 firing long-stopped, lack of CPU possible\n" },
		{ "the longest pause is told of, not the last",
		  "@1 cpu 39 0 20\n@3.3 stop 1 40 3\n@4 cpu 0 0 20\n@5 stop 1 30 29\nuntil 6\n"
		  "expect @5.0 firing throttled, lack of CPU likely\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

/* Twenty usual pauses, and then, after what comes in between, three that are out of the ordinary.
 */
#define USUAL  "@1..20 stop 1 0.1 0.05\n@1 cpu 0 0 500\n"
#define PAUSES "@30.006 stop 1 6 5.9\n@35.006 stop 1 6 5.9\n@40.006 stop 1 6 5.9\n"
#define FIRING "expect @40.0 firing slow-to-stop, lack of CPU ruled out"
#define GROW   "grow a0 3 5000 8192->16384 0\n"

static void test_rehash(void **state)
{
	static const struct row rows[] = {
		{ "each of three came right after a growth",
		  USUAL "@29.999 " GROW "@34.998 " GROW "@39.9975 " GROW PAUSES "until 45\n" FIRING
			", cause map[int]T3 at main.f2000 main.go:8192\n" },
		{ "the growths end 4 ms before", USUAL
		  "@29.996 " GROW "@34.996 " GROW "@39.996 " GROW PAUSES "until 45\n" FIRING "\n" },
		{ "they come after the pause began", USUAL
		  "@30.001 " GROW "@35.001 " GROW "@40.001 " GROW PAUSES "until 45\n" FIRING "\n" },
		{ "maps of less than 1024 entries",
		  USUAL "@29.999 grow a0 3 1000 1024->2048 0\n@34.999 grow a0 3 1000 1024->2048 0\n"
			"@39.999 grow a0 3 1000 1024->2048 0\n" PAUSES "until 45\n" FIRING "\n" },
		{ "two of three are not three",
		  USUAL "@29.999 " GROW "@34.999 " GROW PAUSES "until 45\n" FIRING "\n" },
		{ "the longest had none, whatever the others had",
		  USUAL "@24.999 " GROW "@29.999 " GROW "@34.999 " GROW "@25.006 stop 1 6 5.9\n"
			"@30.006 stop 1 6 5.9\n@35.104 stop 1 55 50\nuntil 36\n"
			"expect @35.1 firing slow-to-stop, lack of CPU ruled out\n" },
		{ "growths and pauses of more than five minutes ago don't count",
		  USUAL "@25.999 " GROW "@26.006 stop 1 6 5.9\n@27.999 " GROW
			"@28.006 stop 1 6 5.9\n@400.999 " GROW "@401.060 stop 1 60 50\nuntil 405\n"
			"expect @401.1 firing slow-to-stop, lack of CPU ruled out\n" },
		{ "of a window with lost records nothing counts",
		  USUAL "@29.999 " GROW "@34.999 " GROW "@39.999 " GROW PAUSES
			"@30.5 lost 1\nuntil 45\n" FIRING "\n" },
		{ "another image's pauses are not this one's",
		  USUAL "@22.999 " GROW "@23.006 stop 1 6 5.9\n@24.999 " GROW
			"@25.006 stop 1 6 5.9\n@27 restart\n@29.999 " GROW
			"@30.060 stop 1 60 59\nuntil 45\n"
			"expect @30.1 firing slow-to-stop, lack of CPU ruled out\n" },
		{ "right after a restart there was no time for chance",
		  "@27 restart\n@27.001 " GROW "@27.010 stop 1 8 7\n@27.101 " GROW
		  "@27.110 stop 1 9 8\n@27.201 " GROW "@27.260 stop 1 59 50\n"
		  "until 28\n"
		  "expect @27.3 firing slow-to-stop, lack of CPU not known\n" },
		{ "probes attached again: the records go on",
		  USUAL "@29.999 " GROW "@32 reset\n@34.999 " GROW "@39.999 " GROW PAUSES
			"until 45\n" FIRING ", cause map[int]T3 at main.f2000 main.go:8192\n" },
		{ "the agent stood still for an hour before; its records were kept",
		  USUAL "no-ticks 22..3700\n@3629.999 " GROW "@3634.999 " GROW "@3639.999 " GROW
			"@3630.006 stop 1 6 5.9\n@3635.006 stop 1 6 5.9\n@3640.006 stop 1 6 5.9\n"
			"until 3705\n"
			"expect @3640.0 firing slow-to-stop, lack of CPU ruled out, cause "
			"map[int]T3 at main.f2000 main.go:8192\n"
			"expect @3701.0 resolved\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

enum { SCRIPT_BYTES = 512 << 10 };

static void add(char *script, const char *fmt, ...) PRINTF_LIKE(2, 3);
static void add(char *script, const char *fmt, ...)
{
	size_t len = strlen(script);
	va_list args;

	va_start(args, fmt);
	assert_true(vsnprintf(script + len, SCRIPT_BYTES - len, fmt, args) <
		    (int)(SCRIPT_BYTES - len));
	va_end(args);
}

/* Growths from from_s to to_s, the one 2.5 ms after the other. */
static void add_storm(char *script, double from_s, double to_s)
{
	for (double at = from_s; at < to_s; at += 0.0025)
		add(script, "@%.4f " GROW, at);
}

static void test_rehash_all_the_time(void **state)
{
	CLEANUP(freep) char *script = calloc(1, SCRIPT_BYTES);

	(void)state;
	add(script, "%s", USUAL);
	add_storm(script, 28, 42);
	add(script, "%s", PAUSES "until 45\n" FIRING "\n");
	play_row("maps grow all the time", script);

	script[0] = '\0';
	add(script, "%s", USUAL);
	add_storm(script, 30, 31);
	add(script, "@30.206 stop 1 6 5.9\n@30.506 stop 1 6 5.9\n@30.806 stop 1 6 5.9\nuntil 45\n"
		    "expect @30.8 firing slow-to-stop, lack of CPU ruled out\n");
	play_row("three long pauses in one storm are one coincidence", script);
}

/* It allocates, and so begins the collection: that alone makes no pause long. */
static void test_rehash_begins_collections(void **state)
{
	CLEANUP(freep) char *script = calloc(1, SCRIPT_BYTES);

	(void)state;
	add(script, "@0.5 cpu 0 0 500\n");
	for (int i = 1; i <= 20; i++)
		add(script, "@%d.0 stop 1 0.1 0.05\n@%d.999 " GROW, i, i - 1);
	add(script, "%s",
	    "@29.999 " GROW "@34.999 " GROW "@39.999 " GROW PAUSES "until 45\n" FIRING "\n");
	play_row("short pauses follow growths just so", script);

	script[0] = '\0';
	add(script, "@0.5 cpu 0 0 500\n");
	for (int i = 1; i <= 20; i++)
		add(script, "@%d.0 stop 2 0.1 0.05\n@%d.999 " GROW "@%d.5 stop 1 0.1 0.05\n", i,
		    i - 1, i);
	add(script, "%s",
	    "@29.999 " GROW "@34.999 " GROW "@39.999 " GROW PAUSES "until 45\n" FIRING
	    ", cause map[int]T3 at main.f2000 main.go:8192\n");
	play_row("but those of the other kind say nothing", script);
}

static void keep_summary(void *arg, const struct alert *alert)
{
	struct target *t = arg;
	const char *link = text_of(alert, "rehash_link");

	if (alert->state == ALERT_FIRING)
		snprintf(t->log, sizeof(t->log), "%s\n%s\n%s\n", alert->summary, alert->advice,
			 link ? link : "");
}

static void test_words(void **state)
{
	static const struct {
		const char *script, *say[3];
	} cases[] = {
		{ "@1 cpu 160 20 120\n@3.3 stop 2 90 2\nuntil 4\n",
		  { "gc sweep termination; likely for lack of quota",
		    "throttled for 160 ms (CPUs added up, 0 periods) in the 210 ms around it",
		    "GOMAXPROCS" } },
		{ "@1 cpu 0 130 50 2\n@3.3 stop 1 90 2\nuntil 4\n",
		  { "one of its threads waited 65.0 ms for one, all together 130 ms, in the 140 ms around it",
		    "overcommitted" } },
		{ "@1 cpu 0 0 50\n@3.3 stop 1 90 89\nuntil 4\n",
		  { "89.0 ms of it waited for a goroutine to stop; a lack of CPU is ruled out",
		    "preemption point" } },
		{ "@1 cpu 50 0 950\n@3.3 stop 1 90 1\nuntil 4\n",
		  { "89.0 ms of it the world stood still; CPU throttling may have added to it",
		    "gctrace" } },
		{ USUAL "@29.999 " GROW "@34.998 " GROW "@39.9975 " GROW PAUSES "until 45\n",
		  { "likely cause: a map[int]T3 that grew at main.f2000 main.go:8192 (3 of 3 long "
		    "pauses had a rehash within 3 ms before; chance would give 0.00",
		    "5.9 ms of the longest",
		    "make(map[int]T3, 5000), the size it reached, so that it need not grow; or: a "
		    "goroutine had no preemption point" } },
		{ USUAL "@29.999 " GROW "@34.999 " GROW PAUSES "until 45\n",
		  { "\n2 of 3 long pauses had a rehash within 3 ms before; chance would give 0.0",
		    "(p = " } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		CLEANUP(freep) struct script *s = calloc(1, sizeof(*s));
		CLEANUP(freep) struct target *t = calloc(1, sizeof(*t));

		assert_true(s && t);
		play_script(t, s, cases[i].script, keep_summary);
		for (size_t j = 0; j < ARRAY_SIZE(cases[i].say) && cases[i].say[j]; j++) {
			if (!strstr(t->log, cases[i].say[j]))
				fail_msg("lacks %s:\n%s", cases[i].say[j], t->log);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_lack_of_cpu),
		cmocka_unit_test(test_rehash),
		cmocka_unit_test(test_rehash_all_the_time),
		cmocka_unit_test(test_rehash_begins_collections),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("gc-pause-spike", tests, NULL, NULL);
}
