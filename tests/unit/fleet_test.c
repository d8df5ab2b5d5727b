/* SPDX-License-Identifier: BSD-2-Clause */
/* Who is let go: what the fleet asks of processes that are observed, which are played here. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "daemon/fleet.h"
#include "daemon/identity.h"

/* What happens to the one process that is played. */
struct play {
	int tick_rc;
	bool exited, wanted;
	size_t ended, recalled;
	const char *told;
};

static struct play play;

struct observed {
	struct target *target;
	u32 others;
};

/* Processes 7 and 8 run one program, 9 another. */
static const struct binary programs[2];

int observed_new(struct observed **ret, const struct observed_config *config, struct err *err)
{
	(void)err;
	*ret = calloc(1, sizeof(**ret));
	(*ret)->target = config->target;
	return 0;
}

void observed_free(struct observed *o)
{
	free(o);
}

int observed_tick(struct observed *o, u64 now_ns, struct window *ret, struct err *err)
{
	(void)o, (void)now_ns, (void)ret;
	return play.tick_rc < 0 ? err_set(err, play.tick_rc, "it can't be read") : play.tick_rc;
}

void observed_end(struct observed *o, u64 now_ns)
{
	(void)o;
	assert_true(now_ns == 77);
	play.ended++;
}

u64 observed_detach_together(struct observed *const *o, size_t count)
{
	(void)o, (void)count;
	return 77;
}

void observed_recall(struct observed *o, u64 now_ns, const char *why)
{
	(void)o, (void)now_ns, (void)why;
	play.recalled++;
}

void observed_record(struct observed *o, const void *record, size_t size)
{
	(void)o, (void)record, (void)size;
}

void observed_set_budget(struct observed *o, double budget)
{
	(void)o, (void)budget;
}

void observed_set_others(struct observed *o, u32 others)
{
	o->others = others;
}

void observed_set_rules(struct observed *o, const struct ruleset *rules, bool dry_run, u64 now_ns)
{
	(void)o, (void)rules, (void)dry_run, (void)now_ns;
}

void observed_wake(struct observed *o, u64 now_ns)
{
	(void)o, (void)now_ns;
}

int target_open_shared(struct target **ret, struct binaries *binaries, int pid, struct err *err)
{
	(void)binaries, (void)err;
	*ret = calloc(1, sizeof(**ret));
	(*ret)->process.pid = pid;
	(*ret)->binary = &programs[pid == 9];
	return 0;
}

void target_free(struct target *target)
{
	free(target);
}

bool process_exited(const struct process *process)
{
	(void)process;
	return play.exited;
}

void identity_read(const struct target *target, struct identity *ret)
{
	(void)target;
	ret->candidate = (struct daemon_candidate) { 0 };
}

bool daemon_config_wants(const struct daemon_config *config, const struct daemon_candidate *c)
{
	(void)config, (void)c;
	return play.wanted;
}

struct binaries *binaries_new(void)
{
	return calloc(1, 1);
}

void binaries_free(struct binaries *binaries)
{
	free(binaries);
}

int harvest_read(struct harvest *harvest, struct err *err)
{
	(void)harvest, (void)err;
	return 0;
}

static int drain(void *arg, struct err *err)
{
	(void)arg, (void)err;
	return 0;
}

static void told(void *arg, int pid, const char *what)
{
	(void)arg;
	assert_true(pid >= 7 && pid <= 9);
	play.told = what;
}

static void replaced(void *arg, int pid)
{
	(void)arg, (void)pid;
}

static pid_t pids[FLEET_MAX];
static const struct daemon_config daemon_config = { .max_targets = 3 };

/* A fleet that observes process 7. */
static struct fleet *fleet_of_one(void)
{
	const struct fleet_config config = {
		.daemon = &daemon_config, .pids = pids, .drain = drain, .told = told
	};
	struct fleet *fleet = fleet_new(&config);

	play = (struct play) { .wanted = true };
	assert_non_null(fleet);
	assert_int_equal(fleet_consider(fleet, 7, NULL), 1);
	return fleet;
}

static void test_what_fires_is_over_for_whom_exits(void **state)
{
	CLEANUP(fleet_freep) struct fleet *fleet = fleet_of_one();

	(void)state;
	play.exited = true;
	fleet_wake(fleet, 50);
	assert_int_equal(play.ended, 1);
	assert_string_equal(play.told, "has exited");
	assert_int_equal(fleet_count(fleet), 0);
}

/* Its last sample is lost, and nothing will tell of it again. */
static void test_also_if_its_last_tick_fails(void **state)
{
	CLEANUP(fleet_freep) struct fleet *fleet = fleet_of_one();

	(void)state;
	play.tick_rc = -ENOMEM;
	fleet_tick(fleet, 50, replaced, NULL);
	assert_int_equal(play.ended, 1);
	assert_int_equal(fleet_count(fleet), 0);
}

static void test_who_is_not_wanted_any_more(void **state)
{
	CLEANUP(fleet_freep) struct fleet *fleet = fleet_of_one();

	(void)state;
	play.wanted = false;
	fleet_reconfigure(fleet, &daemon_config, 50);
	assert_int_equal(play.ended, 1);
	fleet_recall(fleet, 50, "its receiver was changed");
	assert_int_equal(play.recalled, 0);
}

/* The processes run on: at the end of the daemon nothing is known to be over. */
static void test_the_end_of_the_daemon_ends_no_alert(void **state)
{
	CLEANUP(fleet_freep) struct fleet *fleet = fleet_of_one();

	(void)state;
	fleet_end(fleet);
	assert_int_equal(play.ended, 0);
	assert_int_equal(fleet_count(fleet), 0);
}

static u32 others_of(const struct fleet *fleet, size_t i)
{
	const struct window *last;

	return fleet_at(fleet, i, &last)->others;
}

static void test_who_shares_a_binary_pays_for_it(void **state)
{
	CLEANUP(fleet_freep) struct fleet *fleet = fleet_of_one();

	(void)state;
	assert_int_equal(others_of(fleet, 0), 0);
	assert_int_equal(fleet_consider(fleet, 8, NULL), 1);
	assert_int_equal(fleet_consider(fleet, 9, NULL), 1);
	assert_int_equal(others_of(fleet, 0), 1);
	assert_int_equal(others_of(fleet, 1), 1);
	assert_int_equal(others_of(fleet, 2), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_fires_is_over_for_whom_exits),
		cmocka_unit_test(test_also_if_its_last_tick_fails),
		cmocka_unit_test(test_who_is_not_wanted_any_more),
		cmocka_unit_test(test_the_end_of_the_daemon_ends_no_alert),
		cmocka_unit_test(test_who_shares_a_binary_pays_for_it),
	};

	return cmocka_run_group_tests_name("fleet", tests, NULL, NULL);
}
