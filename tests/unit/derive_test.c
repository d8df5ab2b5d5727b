/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the code of a program tells, against the table of its version; and the check on live
 * processes: of programs whose version text was changed to one that no table holds, or that lies.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "gobin/derive.h"
#include "gobin/gstate.h"
#include "gobin/layout_check.h"
#include "go_programs.h"

static void derive(const struct gobin *bin, struct go_layout *ret)
{
	*ret = (struct go_layout) { 0 };
	derive_fields(bin, ret);
	derive_gc_words(bin, ret);
}

static const enum go_field derivable[] = {
	GO_G_M,
	GO_G_GOID,
	GO_G_GOPC,
	GO_G_STARTPC,
	GO_G_STATUS,
	GO_G_WAITREASON,
	GO_G_PARENT_GOID,
	GO_M_CURG,
	GO_P_GOIDCACHE,
	GO_SCHED_GOIDGEN,
	GO_SCHED_NGSYS,
	GO_MEMSTATS_NUMGC,
	GO_MEMSTATS_PAUSE_TOTAL_NS,
	GO_MEMSTATS_PAUSE_NS,
	GO_MEMSTATS_PAUSE_END,
};

static enum go_global variable_of(enum go_field field)
{
	switch (field) {
	case GO_SCHED_GOIDGEN:
	case GO_SCHED_NGSYS:
		return GO_SCHED;
	case GO_MEMSTATS_NUMGC:
	case GO_MEMSTATS_PAUSE_TOTAL_NS:
	case GO_MEMSTATS_PAUSE_NS:
	case GO_MEMSTATS_PAUSE_END:
		return GO_MEMSTATS;
	default:
		return GO_GLOBAL_COUNT;
	}
}

/* Fields of variables are compared by address: what counts as their base is the layout's matter. */
static u64 place_of(const struct go_layout *layout, enum go_field field)
{
	enum go_global var = variable_of(field);

	return layout->field[field].offset +
	       (var == GO_GLOBAL_COUNT ? 0 : layout->global[var].addr);
}

/* 1.15 adds up the pauses in registers, which is not followed; the table has that version. */
static bool is_1_15_pause(const struct go_layout *table, int name)
{
	return strncmp(table->go, "go1.15", 6) == 0 &&
	       (name == WIRE_GC_PAUSE_TOTAL_NS || name == WIRE_GC_PAUSE_NS);
}

static size_t compare_fields(const char *path, const struct go_layout *table,
			     const struct go_layout *derived)
{
	size_t compared = 0;

	for (size_t i = 0; i < ARRAY_SIZE(derivable); i++) {
		enum go_field field = derivable[i];

		if (!table->field[field].how || (variable_of(field) == GO_MEMSTATS &&
						 is_1_15_pause(table, WIRE_GC_PAUSE_TOTAL_NS)))
			continue;
		if (!derived->field[field].how)
			fail_msg("%s %s: %s", path, table->go, derived->field_why[field].text);
		if (place_of(table, field) != place_of(derived, field) ||
		    table->field[field].size != derived->field[field].size)
			fail_msg("%s %s: %s derived at %u, the table says %u", path, table->go,
				 go_field_name(field), derived->field[field].offset,
				 table->field[field].offset);
		compared++;
	}
	return compared;
}

static size_t compare_words(const char *path, const struct go_layout *table,
			    const struct go_layout *derived)
{
	size_t compared = 0;

	for (int i = 0; i < WIRE_GC_WORDS; i++) {
		if (!table->gc_wanted[i] || is_1_15_pause(table, i))
			continue;
		if (!table->gc[i].how)
			fail_msg("%s %s: %s", path, table->go, table->word_why[i].text);
		if (!derived->gc[i].how)
			fail_msg("%s %s: %s: %s", path, table->go,
				 go_gc_word_name((enum wire_gc_word)i), derived->word_why[i].text);
		if (derived->gc[i].addr != table->gc[i].addr ||
		    derived->gc[i].size != table->gc[i].size)
			fail_msg("%s %s: %s derived at %#llx, the table says %#llx", path,
				 table->go, go_gc_word_name((enum wire_gc_word)i),
				 derived->gc[i].addr, table->gc[i].addr);
		compared++;
	}
	return compared;
}

static void derived_is_what_the_table_says(void **state)
{
	static struct go_layout table, derived;
	const struct programs *all = *state;
	size_t fields = 0, words = 0;

	programs_need(all);
	for (size_t i = 0; i < all->count; i++) {
		const struct program *program = &all->program[i];

		go_layout_find(program->bin, &table);
		assert_true(table.tabled);
		derive(program->bin, &derived);
		fields += compare_fields(program->path, &table, &derived);
		words += compare_words(program->path, &table, &derived);
	}
	print_message("# %zu programs: %zu offsets and %zu words compared\n", all->count, fields,
		      words);
	assert_true(fields >= 10 * all->count && words >= 20 * all->count);
}

/* Real programs of versions without a toolchain: everything that the table would have is derived.
 */
static void nothing_is_missing_in_untabled_programs(void **state)
{
	static struct go_layout layout;
	const char *list = getenv("GOSONDE_UNTABLED");
	char *paths = list ? strdup(list) : NULL, *next = paths, *path;
	size_t count = 0;

	(void)state;
	if (!paths) {
		print_message("# GOSONDE_UNTABLED names no programs of Go versions without a "
			      "toolchain\n");
		skip();
	}
	while ((path = strsep(&next, " "))) {
		struct program program = { 0 };

		if (!*path)
			continue;
		snprintf(program.path, sizeof(program.path), "%s", path);
		program_open(&program);
		go_layout_find(program.bin, &layout);
		if (layout.tabled)
			fail_msg("%s: the table holds %s", path, layout.go);
		for (size_t i = 0; i < ARRAY_SIZE(derivable); i++)
			if (!layout.field[derivable[i]].how &&
			    (derivable[i] != GO_G_PARENT_GOID ||
			     gobin_info(program.bin)->version.minor >= 21))
				fail_msg("%s %s: %s", path, layout.go,
					 layout.field_why[derivable[i]].text);
		for (int i = 0; i < WIRE_GC_WORDS; i++)
			if (layout.gc_wanted[i] && !layout.gc[i].how)
				fail_msg("%s %s: %s", path, layout.go, layout.word_why[i].text);
		gobin_free(program.bin);
		munmap((void *)program.file.data, program.file.size);
		count++;
	}
	free(paths);
	print_message("# %zu programs\n", count);
	assert_true(count > 0);
}

/* A program whose newproc1 was changed gives what it gave, or nothing: each byte in turn. */
static void changed_code_is_refused_or_harmless(void **state)
{
	static struct go_layout derived;
	const struct programs *all = *state;
	CLEANUP(freep) u8 *copy = NULL;
	CLEANUP(gobin_freep) struct gobin *bin = NULL;
	struct gobin_func func;
	struct bytes file;
	size_t refused = 0;
	u64 offset;

	programs_need(all);
	file = all->program[all->count - 3].file;
	copy = malloc(file.size);
	assert_non_null(copy);
	memcpy(copy, file.data, file.size);
	assert_int_equal(gobin_open(&bin, (struct bytes) { copy, file.size }, NULL), 0);
	assert_int_equal(gobin_func_by_name(bin, "runtime.newproc1", &func), 0);
	assert_int_equal(gobin_file_offset(bin, func.addr, &offset), 0);
	for (u64 i = 0; i < func.size; i++) {
		copy[offset + i] ^= 0xff;
		derived = (struct go_layout) { 0 };
		derive_fields(bin, &derived);
		refused += !derived.field[GO_G_GOID].how || !derived.field[GO_G_GOPC].how ||
			   !derived.field[GO_G_STARTPC].how;
		for (size_t f = 0; f < ARRAY_SIZE(derivable); f++)
			assert_true(derived.field[derivable[f]].offset < 1 << 16 ||
				    derivable[f] == GO_SCHED_NGSYS);
		copy[offset + i] ^= 0xff;
	}
	assert_true(refused >= 20); /* the bytes of four stores and loads, at least */
}

/* A child; killed by its handle alone. */
struct running {
	pid_t pid;
	int in;	     /* closed to end it */
	s64 printed; /* its own count of goroutines */
	u64 bias;
};

static void run(const char *path, struct running *ret)
{
	int in[2], out[2];
	char line[32] = "";

	assert_int_equal(pipe(in), 0);
	assert_int_equal(pipe(out), 0);
	ret->pid = fork();
	assert_true(ret->pid >= 0);
	if (ret->pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		execl(path, path, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	assert_true(read(out[0], line, sizeof(line) - 1) > 0);
	close(out[0]);
	ret->in = in[1];
	ret->printed = atoll(line);
	assert_true(ret->printed > 40);
}

static void stop(const struct running *running)
{
	int status;

	close(running->in);
	assert_int_equal(waitpid(running->pid, &status, 0), running->pid);
	assert_int_equal(status, 0);
}

static int read_memory(void *arg, u64 addr, void *buf, size_t len)
{
	const struct running *running = arg;
	struct iovec local = { buf, len }, remote = { (void *)(uintptr_t)addr, len };

	return process_vm_readv(running->pid, &local, 1, &remote, 1, 0) == (ssize_t)len ? 0
											: -EFAULT;
}

/* A copy of the program whose version text is another of the same length. */
static void forge(const struct programs *all, const struct program *from, u16 minor,
		  struct program *ret)
{
	const char *version = gobin_info(from->bin)->version_text;
	char other[32];
	CLEANUP(freep) u8 *copy = malloc(from->file.size);
	u8 *at;
	FILE *file;

	assert_non_null(copy);
	memcpy(copy, from->file.data, from->file.size);
	snprintf(other, sizeof(other), "go1.%u%s", minor, version + strlen("go1.27"));
	assert_int_equal(strlen(other), strlen(version));
	at = copy;
	while ((at = memmem(at, from->file.size - (size_t)(at - copy), version, strlen(version))))
		memcpy(at, other, strlen(other));
	snprintf(ret->path, sizeof(ret->path), "%.200s/forged.%u", all->dir, minor);
	file = fopen(ret->path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(copy, 1, from->file.size, file), from->file.size);
	assert_int_equal(fchmod(fileno(file), 0755), 0);
	assert_int_equal(fclose(file), 0);
	program_open(ret);
}

/* The newest toolchain's program with symbols. */
static const struct program *newest(const struct programs *all)
{
	return &all->program[all->count - 3];
}

static void check_on_process(const struct program *program, struct running *running,
			     struct go_layout *layout)
{
	struct go_process p = { .bin = program->bin,
				.layout = layout,
				.mem = { .read = read_memory, .arg = running } };
	struct err err = { "" };

	if (go_layout_check(&p, layout, &err))
		fail_msg("%s: %s", program->path, err.text);
}

static void tables_hold_on_processes(void **state)
{
	static struct go_layout layout;
	const struct programs *all = *state;
	size_t checked = 0;

	programs_need(all);
	for (size_t i = 0; i < all->count; i++) {
		const struct program *program = &all->program[i];
		struct running running = { 0 };

		if (gobin_info(program->bin)->pie)
			continue; /* their place in memory is another test's matter */
		run(program->path, &running);
		go_layout_find(program->bin, &layout);
		check_on_process(program, &running, &layout);
		for (size_t f = 0; f < ARRAY_SIZE(derivable); f++) {
			if (layout.field_why[derivable[f]].text[0])
				fail_msg("%s: %s", program->path,
					 layout.field_why[derivable[f]].text);
			checked += layout.field[derivable[f]].checked != NULL;
		}
		for (int w = 0; w < WIRE_GC_WORDS; w++)
			if (layout.gc_wanted[w] && !layout.gc[w].checked)
				fail_msg("%s: %s: %s", program->path,
					 go_gc_word_name((enum wire_gc_word)w),
					 layout.word_why[w].text);
		stop(&running);
	}
	print_message("# %zu fields checked\n", checked);
	assert_true(checked > 0);
}

/* As if the goroutine at addr had ended: main may call runtime.Goexit() and leave others. */
struct without_main {
	struct running *running;
	u64 main_g;
	u32 status_at;
};

static int read_without_main(void *arg, u64 addr, void *buf, size_t len)
{
	const struct without_main *w = arg;
	const u32 dead = GO_STATE_DEAD;
	int rc = read_memory(w->running, addr, buf, len);

	if (!rc && addr == w->main_g && len >= w->status_at + sizeof(dead))
		memcpy((u8 *)buf + w->status_at, &dead, sizeof(dead));
	return rc;
}

/* What the table says is believed all the same; a derivation that main does not prove is not. */
static void main_may_have_ended(void **state)
{
	static struct go_layout table, derived;
	const struct programs *all = *state;
	struct running running = { 0 };
	struct without_main without = { .running = &running };
	struct go_process p;
	struct err err = { "" };
	u64 allgs;

	programs_need(all);
	p = (struct go_process) { .bin = newest(all)->bin,
				  .mem = { .read = read_without_main, .arg = &without } };
	run(newest(all)->path, &running);
	go_layout_find(p.bin, &table);
	derived = table;
	for (size_t i = 0; i < ARRAY_SIZE(derivable); i++)
		derived.field[derivable[i]].derived = true;
	without.status_at = table.field[GO_G_STATUS].offset;
	assert_int_equal(read_memory(&running, table.global[GO_ALLGS].addr, &allgs, sizeof(allgs)),
			 0);
	assert_int_equal(read_memory(&running, allgs, &without.main_g, sizeof(without.main_g)), 0);
	assert_int_equal(go_layout_check(&p, &table, &err), 0);
	assert_int_equal(go_layout_check(&p, &derived, &err), 0);
	stop(&running);
	for (enum go_field field = GO_G_GOID; field <= GO_G_STARTPC; field++) {
		assert_non_null(table.field[field].checked);
		assert_null(derived.field[field].how);
		assert_true(derived.field_why[field].text[0]);
	}
}

static void future_version_is_derived_and_checked(void **state)
{
	static struct go_layout layout, table;
	const struct programs *all = *state;
	struct running running = { 0 };
	struct program forged = { 0 };
	struct go_goroutine_words words;
	struct go_offset offset;
	struct go_process p;
	struct err err = { "" };
	s64 count = 0;

	programs_need(all);
	forge(all, newest(all), 29, &forged);
	go_layout_find(newest(all)->bin, &table);
	go_layout_find(forged.bin, &layout);
	assert_false(layout.tabled);
	assert_int_equal(go_layout_offset(&layout, GO_G_GOID, &offset), -ENOENT); /* not checked */
	run(forged.path, &running);
	check_on_process(&forged, &running, &layout);
	for (size_t i = 0; i < ARRAY_SIZE(derivable); i++) {
		if (go_layout_offset(&layout, derivable[i], &offset))
			fail_msg("%s: %s", go_field_name(derivable[i]),
				 layout.field_why[derivable[i]].text);
		assert_int_equal(place_of(&layout, derivable[i]), place_of(&table, derivable[i]));
	}
	compare_words(forged.path, &table, &layout);
	p = (struct go_process) { .bin = forged.bin,
				  .layout = &layout,
				  .mem = { .read = read_memory, .arg = &running } };
	if (go_goroutine_words(&p, &words, &err) || go_goroutine_count(&p, &words, &count, &err))
		fail_msg("%s", err.text);
	assert_true(words.walk);
	assert_int_equal(count, running.printed);
	stop(&running);
	program_close(&forged);
}

/* One whose g differs from Go 1.22's while its moduledata does not; NULL: not at hand. */
static const struct program *like_1_22(const struct programs *all)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct gobin_info *info = gobin_info(all->program[i].bin);

		if ((info->version.minor == 23 || info->version.minor == 24) && !info->pie)
			return &all->program[i];
	}
	return NULL;
}

/* A binary that claims an older version: what that version's table says wrongly is not used. */
static void lying_version_gives_nothing_wrong(void **state)
{
	static struct go_layout layout, table;
	const struct programs *all = *state;
	const struct program *from;
	struct running running = { 0 };
	struct program forged = { 0 };
	struct go_offset offset;
	size_t wrong = 0;

	programs_need(all);
	from = like_1_22(all);
	if (!from) {
		print_message("# neither Go 1.23 nor 1.24 at hand\n");
		skip();
	}
	go_layout_find(from->bin, &table);
	forge(all, from, 22, &forged);
	go_layout_find(forged.bin, &layout);
	assert_true(layout.tabled);
	for (int f = GO_G_M; f <= GO_G_WAITREASON; f++)
		wrong += layout.field[f].offset != table.field[f].offset;
	assert_true(wrong > 0);
	run(forged.path, &running);
	check_on_process(&forged, &running, &layout);
	for (int f = GO_G_M; f <= GO_G_WAITREASON; f++)
		if (!go_layout_offset(&layout, (enum go_field)f, &offset))
			assert_int_equal(offset.offset, table.field[f].offset);
		else
			assert_true(layout.field_why[f].text[0]);
	stop(&running);
	program_close(&forged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(derived_is_what_the_table_says),
		cmocka_unit_test(nothing_is_missing_in_untabled_programs),
		cmocka_unit_test(changed_code_is_refused_or_harmless),
		cmocka_unit_test(tables_hold_on_processes),
		cmocka_unit_test(main_may_have_ended),
		cmocka_unit_test(future_version_is_derived_and_checked),
		cmocka_unit_test(lying_version_gives_nothing_wrong),
	};

	return cmocka_run_group_tests_name("derive", tests, programs_build, programs_remove);
}
