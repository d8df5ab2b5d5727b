/* SPDX-License-Identifier: BSD-2-Clause */
/* gosonde goroutines: who created them, what they wait for, how old they are. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "cmd/cmd.h"
#include "daemon/census.h"
#include "daemon/loop.h"

enum {
	DEFAULT_TOP = 20,
	SAMPLES_WANTED = 256,
	KEY_FOR = 0x100,
	KEY_TOP,
	KEY_LIST,
};

static const u64 least_step_ns = 50 * NS_PER_MS;

static const char doc[] =
	"Counts the goroutines of a running Go program: by the go statement that created them, by "
	"what they wait for, or by their state, with their ages. They are read out of the "
	"program's memory: nothing is attached to it and it never stops, so a process with "
	"100 000 goroutines is a matter of milliseconds.\v"
	"The largest group of --by site is where to look for a leak: a go statement whose "
	"goroutines all wait for the same thing, and grow old.\n\n"
	"  gosonde goroutines 4711                 by creation site\n"
	"  gosonde goroutines 4711 --by wait       what they wait for\n"
	"  gosonde goroutines 4711 --for 10s       ages: exact for what is born meanwhile\n"
	"  gosonde goroutines 4711 --json | jq 'select(.count > 100)'\n"
	"  gosonde goroutines 4711 --list | jq 'select(.wait == \"chan send\")'\n\n"
	"Ages: Go does not record when a goroutine was born. Known are the order in which ids are "
	"handed out, the start of the process, and which garbage collection first found a "
	"goroutine waiting; --for samples the counter of ids as well. `>5m00s` is at least "
	"that old, `<1h20m` at most, `~30.0 s` was born while the counter was sampled. "
	"In --json age_s is the best estimate; the true age of the middle one is from "
	"age_least_s to age_most_s.\n\n"
	"A group whose members differ in a column shows what most have, and \"…\". The runtime's own "
	"goroutines are counted, but not shown; runtime.NumGoroutine leaves them out too.";

static const struct argp_option options[] = {
	{ "by", 'b', "site|wait|state", 0, "What to group by (default: site)", 0 },
	{ "for", KEY_FOR, "DUR", 0, "Sample the counter of ids for so long first", 0 },
	{ "top", KEY_TOP, "N", 0, "Groups to show, 0 for all (default: 20, with --json all)", 0 },
	{ "list", KEY_LIST, NULL, 0, "One JSON object a goroutine, the runtime's own too", 0 },
	{ "json", 'j', NULL, 0, "One JSON object a group, then the total", 0 },
	{ 0 },
};

struct goroutines_options {
	int pid;
	enum goroutine_by by;
	u64 for_ns;
	size_t top;
	bool json, list;
};

static int parse_by(const char *text, enum goroutine_by *ret)
{
	for (int by = BY_SITE; by <= BY_STATE; by++) {
		if (strcmp(text, goroutine_by_name((enum goroutine_by)by)) == 0) {
			*ret = (enum goroutine_by)by;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_top(const char *text, size_t *ret)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno)
		return -EINVAL;
	*ret = n;
	return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct goroutines_options *opts = state->input;

	switch (key) {
	case 'b':
		if (parse_by(arg, &opts->by))
			argp_error(state, "--by is site, wait or state, not \"%s\"", arg);
		return 0;
	case KEY_FOR:
		opts->for_ns = cmd_duration(state, "for", arg, 1);
		return 0;
	case KEY_TOP:
		if (parse_top(arg, &opts->top))
			argp_error(state, "\"%s\" is no number of groups", arg);
		return 0;
	case KEY_LIST:
		opts->list = true;
		return 0;
	case 'j':
		opts->json = true;
		return 0;
	default:
		return cmd_take_pid(key, arg, state, &opts->pid);
	}
}

static void pause_for(u64 ns)
{
	struct timespec rest = { .tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_nsec = (long)(ns % NS_PER_S) };

	while (nanosleep(&rest, &rest) && errno == EINTR)
		;
}

static int sample_once(struct target *target, struct goid_clock *clock, struct err *err)
{
	struct goid_counter counter;
	u64 begin_ns = now_monotonic_ns();
	int rc = goid_counter_read(&target->go, &counter, err);

	if (rc && process_gone(&target->process))
		return err_set(err, -ESRCH, "process %d has exited", target->process.pid);
	if (!rc)
		goid_clock_sample(clock, begin_ns, now_monotonic_ns(), &counter);
	return rc;
}

static int sample(struct target *target, u64 for_ns, struct goid_clock *clock, struct err *err)
{
	u64 step_ns = MAX(for_ns / SAMPLES_WANTED, least_step_ns);
	u64 begin_ns = now_monotonic_ns(), past_ns;
	int rc;

	while ((rc = sample_once(target, clock, err)) == 0) {
		past_ns = now_monotonic_ns() - begin_ns;
		if (past_ns >= for_ns)
			return 0;
		pause_for(MIN(step_ns, for_ns - past_ns));
	}
	return rc;
}

static int print_list(const struct target *target, struct census *census)
{
	const struct goroutine_texts texts = census_texts(census);
	int rc = 0;

	for (size_t i = 0; i < census->count && rc == 0; i++)
		rc = goroutine_json(stdout, (u32)target->process.pid, &census->lines[i],
				    census->now_ns, &texts);
	return rc;
}

static int print_groups(const struct target *target, const struct goroutines_options *opts,
			struct census *census)
{
	CLEANUP(freep) struct goroutine_group *groups = NULL;
	struct text_output text = { .out = stdout, .colour = cmd_colour(STDOUT_FILENO) };
	struct goroutine_report report = {
		.pid = (u32)target->process.pid,
		.exe = target->process.exe,
		.go = gobin_info(target->bin)->version_text,
		.by = opts->by,
		.live = census->count - census->system,
		.system = census->system,
		.skipped = census->skipped,
		.sampled_ns = opts->for_ns,
		.gc = &census->gc,
		.texts = census_texts(census),
	};
	int rc = census_groups(census, opts->by, &groups, &report.group_count);

	report.groups = groups;
	if (rc)
		return rc;
	return opts->json ? goroutines_json(stdout, &report)
			  : goroutines_text(&text, &report, opts->top, cmd_terminal_width());
}

static int print(const struct target *target, const struct goroutines_options *opts,
		 struct census *census, struct err *err)
{
	int rc;

	if (census->no_reasons.text[0])
		(void)cmd_fail(-ENOENT, &census->no_reasons);
	rc = opts->list ? print_list(target, census) : print_groups(target, opts, census);
	/* That it can't be written is told at exit, with why. */
	return rc && rc != -EIO ? err_set(err, rc, "%s", strerror(-rc)) : 0;
}

/* What was read before and after an exec is of two programs, even if they are of one file. */
static int check_image(const struct target *target, u64 image, struct err *err)
{
	u64 now = process_image(&target->process);

	if (!now || now == image)
		return 0;
	return err_set(err, -ESRCH, "process %d has executed a program meanwhile; look anew",
		       target->process.pid);
}

static int take_census(struct target *target, const struct goroutines_options *opts,
		       struct census *ret, struct err *err)
{
	CLEANUP(goid_clock_freep) struct goid_clock *clock = NULL;
	struct timebase timebase;
	int rc = 0;

	clock = goid_clock_new(census_start_ns(target, now_monotonic_ns()));
	if (!clock)
		return err_set(err, -ENOMEM, "out of memory");
	if (opts->for_ns)
		rc = sample(target, opts->for_ns, clock, err);
	if (rc)
		return rc;
	timebase.mono_to_wall_ns = monotonic_to_wall_ns();
	return census_take(target, clock, now_monotonic_ns, &timebase, ret, err);
}

static int run(const struct goroutines_options *opts, struct err *err)
{
	CLEANUP(target_freep) struct target *target = NULL;
	CLEANUP(census_done) struct census census = { 0 };
	int rc = target_open(&target, opts->pid, err), replaced;
	u64 image;

	if (rc)
		return rc;
	image = process_image(&target->process);
	rc = take_census(target, opts, &census, err);
	/* After an exec no other failure means what it says. */
	replaced = check_image(target, image, err);
	rc = replaced ? replaced : rc;
	return rc ? rc : print(target, opts, &census, err);
}

int cmd_goroutines(int argc, char **argv)
{
	static const struct argp argp = { options, parse_option, "PID", doc, NULL, NULL, NULL };
	struct goroutines_options opts = { .top = DEFAULT_TOP };
	struct err err = { "" };
	int code = cmd_parse(&argp, argc, argv, &opts), rc;

	if (code >= 0)
		return code;
	rc = run(&opts, &err);
	return rc ? cmd_fail(rc, &err) : EXIT_DONE;
}
