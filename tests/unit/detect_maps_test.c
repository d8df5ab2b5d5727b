/* SPDX-License-Identifier: BSD-2-Clause */
/* Detectors of what programs do with maps: true positives, near misses, sampling, other maps. */
#include "detect_rows.h"

/* The defaults with a level for what has none there. */
static struct rules with_write_rate(void)
{
	struct rules rules = *rules_default();

	rules.rule[DETECT_MAP_WRITE_RATE].level[0] =
		(struct level) { .raise = 1e4, .clear = 1e4, .for_ns = 10 * NS_PER_S };
	return rules;
}

static void test_write_rate(void **state)
{
	static const struct row rows[] = {
		{ "exact: at the level for ten seconds",
		  "@1..30 write 2000 a0 1 10000 +0\n"
		  "@5..30 write 3000 a0 1 1000 +0\n"
		  "until 40\n"
		  "expect @10.0 firing map-write-rate writes/s main.f2000 main.go:8192\n"
		  "expect @31.0 resolved map-write-rate writes/s main.f2000 main.go:8192\n" },
		{ "just below", "@1..60 write 2000 a0 1 9999 +0\nuntil 60\n" },
		{ "a burst", "@5..13 write 2000 a0 1 50000 +0\nuntil 60\n" },
		/* Standard error: 0.9 * 5000 / sqrt(10) = 1423. */
		{ "sampled, and not sure to reach the level",
		  "@1 sampled 90 0\n"
		  "@1..60 write 2000 a0 1 12500 +0\nuntil 60\n" },
		{ "sampled, and sure to",
		  "@1 sampled 90 0\n"
		  "@1..30 write 2000 a0 1 13000 +0\nuntil 40\n"
		  "expect @10.0 firing map-write-rate writes/s main.f2000 main.go:8192\n"
		  "expect @31.0 resolved map-write-rate writes/s main.f2000 main.go:8192\n" },
		{ "a lower bound counts as it is",
		  "@1 sampled 99 1\n"
		  "@1..13 write 2000 a0 1 10001 +0\n@13 exit\n"
		  "until 14\n"
		  "expect @10.0 firing map-write-rate writes/s main.f2000 main.go:8192\n"
		  "expect @13.0 resolved map-write-rate writes/s main.f2000 main.go:8192\n" },
		{ "a restart begins anew",
		  "@1..8 write 2000 a0 1 10000 +0\n@8.5 restart\n@9..17 write 2000 a0 1 10000 "
		  "+0\n"
		  "until 17\n" },
		{ "the agent stood still: the rate is over all that time",
		  "@30 write 2000 a0 1 100000 +0\nno-ticks 10..90\nuntil 120\n" },
	};
	struct rules rules = with_write_rate();

	(void)state;
	rules.rule[DETECT_MAP_HOT_OVERWRITE].enabled = false;
	play_rows_by(rows, ARRAY_SIZE(rows), &rules);
}

static void test_write_rate_is_off_by_default(void **state)
{
	static const struct row rows[] = {
		{ "ten million a second, all new keys",
		  "@1..60 write 2000 a0 1 10000000 +10000000\nuntil 60\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_hot_overwrite(void **state)
{
	static const struct row rows[] = {
		{ "a counter map: 2 000 writes a second of 100 keys",
		  "@1 write 2000 a0 1 2000 +100\n@2..130 write 2000 a0 1 2000 +0\n"
		  "until 200\n"
		  /* Known since 1. Below 50 000 when 35 seconds of the minute, which may be some
		   * seconds longer, are silent. */
		  "expect @61.0 firing map-hot-overwrite writes/min main.f2000 main.go:8192\n"
		  "expect @169.0 resolved map-hot-overwrite writes/min main.f2000 main.go:8192\n" },
		{ "99 000 a minute", "@1..300 write 2000 a0 1 1650 +0\nuntil 300\n" },
		{ "for less than a minute", "@1..50 write 2000 a0 1 2000 +0\nuntil 55\n" },
		{ "one write in a hundred adds a key", "@1..300 write 2000 a0 1 5000 +50\n"
						       "until 300\n" },
		{ "one in 200 does",
		  "@1..70 write 2000 a0 1 5000 +25\n"
		  "until 70\n"
		  "expect @61.0 firing map-hot-overwrite writes/min main.f2000 main.go:8192\n" },
		{ "a cache of steady size: keys come and go",
		  "@1..300 write 2000 a0 1 5000 +5000\n@2..300 delete a0 1 5000 -5000\n"
		  "until 300\n" },
		{ "the same, swept by a delete that the probes did not see",
		  "@1..170 write 2000 a0 1 5000 +100\n"
		  "@20 delete a0 1 0 -2000\n@40 delete a0 1 0 -2000\n@60 delete a0 1 0 -2000\n"
		  "@80 delete a0 1 0 -2000\n@100 delete a0 1 0 -2000\n@120 delete a0 1 0 -2000\n"
		  "@140 delete a0 1 0 -2000\n@160 delete a0 1 0 -2000\n"
		  "until 170\n" },
		{ "another site fills the map: whose the keys are nobody knows",
		  "@1..300 write 2000 a0 1 5000 +0\n@1..300 write 3000 a0 1 100 +100\n"
		  "@2..300 delete a0 1 100 -100\n"
		  "until 300\n" },
		{ "a map that is emptied and filled again",
		  "@1..180 write 2000 a0 1 5000 +10\n"
		  "@10 clear a0 1\n@30 clear a0 1\n@50 clear a0 1\n@70 clear a0 1\n@90 clear a0 1\n"
		  "@110 clear a0 1\n@130 clear a0 1\n@150 clear a0 1\n@170 clear a0 1\n"
		  "until 180\n" },
		{ "a map whose entries are not known", "@1 hide a0 1\n"
						       "@1..300 write 2000 a0 1 5000 +0\n"
						       "until 300\n" },
		{ "a fifth of its writes go to a map that is not known",
		  "@1 hide b0 1\n@1..300 write 2000 a0 1 4000 +0\n"
		  "@1..300 write 2000 b0 1 1000 +1000\n"
		  "until 300\n" },
		{ "a twentieth does",
		  "@1 hide b0 1\n@1..70 write 2000 a0 1 4000 +0\n"
		  "@1..70 write 2000 b0 1 200 +200\n"
		  "until 70\n"
		  "expect @61.0 firing map-hot-overwrite writes/min main.f2000 main.go:8192\n" },
		{ "three shards, none of them hot enough alone",
		  "@1..70 write 2000 a0 1 700 +0\n@1..70 write 2000 b0 1 700 +0\n"
		  "@1..70 write 2000 c0 1 700 +0\n"
		  "until 70\n"
		  "expect @61.0 firing map-hot-overwrite writes/min main.f2000 main.go:8192\n" },
		{ "two sites are two alerts",
		  "@1..70 write 2000 a0 1 5000 +0\n@1..70 write 3000 b0 2 2000 +0\n"
		  "until 70\n"
		  "expect @61.0 firing map-hot-overwrite writes/min main.f2000 main.go:8192\n"
		  "expect @61.0 firing map-hot-overwrite writes/min main.f3000 main.go:12288\n" },
		{ "another map at the address, of the same type: nothing is known of its keys",
		  "@1..58 write 2000 a0 1 5000 +0\n@40 renew a0 1 3\n@41 renew a0 1 3\n"
		  "@44 renew a0 1 3\n@47 renew a0 1 3\n@50 renew a0 1 3\n@53 renew a0 1 3\n"
		  "@56 renew a0 1 3\n@59 renew a0 1 3\n"
		  "until 80\n" },
		{ "sampled: the sure part of it reaches the level",
		  "@1 sampled 50 0\n@1..70 write 2000 a0 1 20000 +0\n"
		  "until 70\n"
		  "expect @61.0 firing map-hot-overwrite writes/min main.f2000 main.go:8192\n" },
		{ "sampled: the sure part does not",
		  "@1 sampled 50 0\n@1..200 write 2000 a0 1 1720 +0\n"
		  "until 200\n" },
		{ "eight in a thousand writes add a key",
		  "@1..70 write 2000 a0 1 5000 +40\n@2..70 delete a0 1 40 -40\n"
		  "until 70\n"
		  "expect @61.0 firing map-hot-overwrite writes/min main.f2000 main.go:8192\n" },
		/* 2400 deletes a minute, of which 12 are seen: perhaps it were 3900. */
		{ "the same, sampled: too little is seen to be sure",
		  "@1 sampled 99 0\n@1..200 write 2000 a0 1 5000 +40\n"
		  "@2..200 delete a0 1 40 -40\n"
		  "until 200\n" },
		{ "deletes of maps without a row might be its own",
		  "@1..200 write 2000 a0 1 5000 +0\n@1..200 elsewhere 60\n"
		  "until 200\n" },
		{ "calls got lost all the time: nothing is known long enough",
		  "@1..70 write 2000 a0 1 5000 +0\n"
		  "@3 missed 1\n@6 missed 1\n@9 missed 1\n@12 missed 1\n@15 missed 1\n@18 missed 1\n@21 missed "
		  "1\n"
		  "until 70\n" },
		{ "probes attached again: the counts begin anew, and a minute with them",
		  "@1..50 write 2000 a0 1 5000 +0\n@50.5 reset\n@51..90 write 2000 a0 1 5000 +0\n"
		  "until 90\n" },
		{ "a restart ends it; the next image's minute begins anew",
		  "@1..70 write 2000 a0 1 5000 +0\n@70.5 restart\n"
		  "@71..120 write 2000 a0 1 5000 +0\n"
		  "until 120\n"
		  "expect @61.0 firing map-hot-overwrite writes/min main.f2000 main.go:8192\n"
		  "expect @70.5 resolved map-hot-overwrite writes/min main.f2000 main.go:8192\n" },
		{ "the agent stood still for an hour: the rate is over the hour",
		  "@1 write 2000 a0 1 10 +0\n@4 write 2000 a0 1 1000000 +0\n"
		  "no-ticks 3..3602\n"
		  "until 3610\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_missing_delete(void **state)
{
	static const struct row rows[] = {
		{ "200 new keys a second, no delete, past 100 000 entries",
		  "@1..800 write 2000 a0 1 200 +200\n"
		  "until 1200\n"
		  /* Ten minutes since the first point at 1: by then 120 000. */
		  "expect @601.0 firing map-missing-delete entries main.f2000 main.go:8192\n"
		  /* Over when much of the last two minutes did not rise. */
		  "expect @861.0 resolved map-missing-delete entries main.f2000 main.go:8192\n" },
		{ "still below 100 000", "@1..900 write 2000 a0 1 100 +100\nuntil 900\n" },
		{ "the same with a delete for each hundredth key",
		  "@1..1000 write 2000 a0 1 200 +200\n@2..1000 delete a0 1 3 -3\n"
		  "until 1000\n" },
		{ "with a delete for each two-hundredth",
		  "@1..700 write 2000 a0 1 200 +200\n@2..700 delete a0 1 1 -1\n"
		  "until 700\n"
		  "expect @601.0 firing map-missing-delete entries main.f2000 main.go:8192\n" },
		{ "deletes that find nothing are deletes all the same",
		  "@1..1000 write 2000 a0 1 200 +200\n@2..1000 delete a0 1 100 -0\n"
		  "until 1000\n" },
		{ "a cache that fills in eight minutes, then stands",
		  "@1..480 write 2000 a0 1 400 +400\n@481..1500 write 2000 a0 1 100 +0\n"
		  "until 1500\n" },
		{ "a cache that reached its size: keys come and go",
		  "@1..600 write 2000 a0 1 400 +400\n@601..1500 write 2000 a0 1 400 +400\n"
		  "@601..1500 delete a0 1 400 -400\n"
		  "until 1500\n"
		  "expect @601.0 firing map-missing-delete entries main.f2000 main.go:8192\n"
		  "expect @607.0 resolved map-missing-delete entries main.f2000 main.go:8192\n" },
		{ "swept every two minutes by deletes that the probes did not see",
		  "@1..1000 write 2000 a0 1 1000 +1000\n"
		  "@120 delete a0 1 0 -60000\n@240 delete a0 1 0 -60000\n@360 delete a0 1 0 -60000\n"
		  "@480 delete a0 1 0 -60000\n@600 delete a0 1 0 -60000\n@720 delete a0 1 0 -60000\n"
		  "@840 delete a0 1 0 -60000\n@960 delete a0 1 0 -60000\n"
		  "until 1000\n" },
		{ "emptied every five minutes",
		  "@1..1000 write 2000 a0 1 1000 +1000\n@300 clear a0 1\n@600 clear a0 1\n"
		  "@900 clear a0 1\n"
		  "until 1000\n" },
		{ "a server that replaces its map every five minutes",
		  "@1..1000 write 2000 a0 1 1000 +1000\n@300 renew a0 1 0\n@600 renew a0 1 0\n"
		  "@900 renew a0 1 0\n"
		  "until 1000\n" },
		{ "another type's map lies there now, and grows: its writes are not this one's",
		  "@1 write 2000 a0 1 5 +5\n@2 renew a0 1 50000\n"
		  "@3..1000 delete a0 1 0 -18446744073709551416\n" /* 200 more, without a write */
		  "until 1000\n" },
		{ "a map whose entries are not known",
		  "@1 hide a0 1\n@1..1000 write 2000 a0 1 1000 +1000\n"
		  "until 1000\n" },
		{ "four shards that grow at one line: one alert",
		  "@1..700 write 2000 a0 1 200 +200\n@1..700 write 2000 b0 1 220 +220\n"
		  "@1..700 write 2000 c0 1 200 +200\n@1..700 write 2000 d0 1 200 +200\n"
		  "until 700\n"
		  "expect @601.0 firing map-missing-delete entries main.f2000 main.go:8192\n" },
		{ "two places: two alerts",
		  "@1..700 write 2000 a0 1 200 +200\n@1..700 write 3000 b0 2 220 +220\n"
		  "until 700\n"
		  "expect @601.0 firing map-missing-delete entries main.f2000 main.go:8192\n"
		  "expect @601.0 firing map-missing-delete entries main.f3000 main.go:12288\n" },
		{ "sampled well enough to know that there was no delete",
		  "@1 sampled 50 0\n@1..700 write 2000 a0 1 1000 +1000\n"
		  "until 700\n"
		  "expect @601.0 firing map-missing-delete entries main.f2000 main.go:8192\n" },
		/* One delete in 0.05 % of the time would have been 2000; 1 % of the new keys are
		   1320. */
		{ "sampled too little to know",
		  "@1 sampled 100 0\n@1..700 write 2000 a0 1 200 +200\n"
		  "until 700\n" },
		{ "deletes of maps without a row might be its own",
		  "@1..700 write 2000 a0 1 200 +200\n@1..700 elsewhere 3\n"
		  "until 700\n" },
		{ "large and nearly still: half a percent in ten minutes",
		  "@1 write 2000 a0 1 10000000 +10000000\n@2..1000 write 2000 a0 1 80 +80\n"
		  "until 1000\n" },
		{ "a restart: the next image's map begins anew",
		  "@1..650 write 2000 a0 1 200 +200\n@650.5 restart\n"
		  "@651..1200 write 2000 a0 1 200 +200\n"
		  "until 1200\n"
		  "expect @601.0 firing map-missing-delete entries main.f2000 main.go:8192\n"
		  "expect @650.5 resolved map-missing-delete entries main.f2000 main.go:8192\n" },
		{ "the process exits",
		  "@1..650 write 2000 a0 1 200 +200\n@650.5 exit\n"
		  "until 652\n"
		  "expect @601.0 firing map-missing-delete entries main.f2000 main.go:8192\n"
		  "expect @650.5 resolved map-missing-delete entries main.f2000 main.go:8192\n" },
		{ "the agent stood still for an hour: two sizes are no trend",
		  "@1..3 write 2000 a0 1 200 +200\n@50 write 2000 a0 1 900000 +900000\n"
		  "no-ticks 4..3602\n"
		  "until 3700\n" },
	};

	(void)state;
	play_rows(rows, ARRAY_SIZE(rows));
}

static void test_evidence_names_the_culprit(void **state)
{
	static const struct says cases[] = {
		{ "@1 write 2000 a0 1 2000 +100\n@2..61 write 2000 a0 1 2000 +1\nuntil 61\n",
		  { "main.f2000 main.go:8192 writes keys that are there already in map[int]T1, "
		    "120 k times a minute",
		    "atomic counter", "site=main.f2000 main.go:8192", "map_type=map[int]T1",
		    "writes_per_min=120000", "new_keys_per_min_at_most=60", "map=0xa0",
		    "entries=160", "maps=1" } },
		{ "@1..601 write 2000 a0 1 200 +200\n@500 grow a0 1 100000 131072->262144 0\n"
		  "until 601\n",
		  { "map[int]T1 has 120 k entries, 200 more a second", "LRU",
		    "site=main.f2000 main.go:8192", "map_type=map[int]T1", "entries=120200",
		    "growth_per_s=200", "doubles_in_s=601", "deletes_pct_of_new_keys_at_most=0",
		    "stack[0]=main.f2000" } },
	};

	(void)state;
	play_says(cases, ARRAY_SIZE(cases));
}

static void test_write_rate_evidence(void **state)
{
	struct rules rules = with_write_rate();
	CLEANUP(freep) struct script *s = calloc(1, sizeof(*s));
	CLEANUP(freep) struct target *t = calloc(1, sizeof(*t));
	static const char *const say[] = {
		"maps are written 40.0 k times/s, most often at main.f2000 main.go:8192",
		"writes_per_s=40000",
		"accuracy=exact",
		"map_type=map[int]T1",
		"sites[0]=main.f2000 main.go:8192: 75 %, map[int]T1",
		"sites[1]=main.f3000 main.go:12288: 25 %, map[int]T2",
	};

	(void)state;
	assert_true(s && t);
	t->rules = &rules;
	play_script(t, s,
		    "@1..12 write 2000 a0 1 30000 +30000\n@1..12 write 3000 b0 2 10000 +10000\n"
		    "until 12\n",
		    keep_evidence);
	for (size_t j = 0; j < ARRAY_SIZE(say); j++) {
		if (!strstr(t->log, say[j]))
			fail_msg("lacks %s:\n%s", say[j], t->log);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_write_rate),
		cmocka_unit_test(test_write_rate_is_off_by_default),
		cmocka_unit_test(test_hot_overwrite),
		cmocka_unit_test(test_missing_delete),
		cmocka_unit_test(test_evidence_names_the_culprit),
		cmocka_unit_test(test_write_rate_evidence),
	};

	return cmocka_run_group_tests_name("map detectors", tests, NULL, NULL);
}
