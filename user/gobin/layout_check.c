/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/layout_check.h"

#include <errno.h>
#include <string.h>

#include "gobin/gstate.h"
#include "gobin/layout_check_priv.h"

enum {
	TRIES = 4,
	GOROUTINES = 256, /* that are looked at */
	G_BYTES = 1024,	  /* a g has 400 to 500 bytes */
	STATE_MAX = 15,
	WAITREASON_MAX = 63, /* 50 in Go 1.27 */
};

struct goroutine {
	u64 addr, goid, gopc, startpc, parent, m;
	u32 state; /* enum go_state, if it is one */
	u8 waitreason;
};

struct check {
	const struct go_process *p;
	struct go_layout *layout;
	struct goroutine g[GOROUTINES];
	size_t count;
};

int check_read(const struct go_process *p, u64 addr, void *ret, size_t size)
{
	return p->mem.read(p->mem.arg, addr, ret, size);
}

static bool known(const struct check *c, enum go_field field)
{
	return c->layout->field[field].how != NULL;
}

static u64 field_of(const struct check *c, const u8 *bytes, enum go_field field)
{
	const struct go_offset *at = &c->layout->field[field];
	u64 value = 0;

	if (at->how && at->size <= sizeof(value) && at->offset <= G_BYTES - at->size)
		memcpy(&value, bytes + at->offset, at->size);
	return value;
}

/* One read of the whole g: its fields are of one moment as far as that can be had. */
static int read_goroutine(const struct check *c, u64 addr, struct goroutine *ret)
{
	u8 bytes[G_BYTES] = { 0 };
	size_t end = 0;
	int rc;

	for (int f = GO_G_M; f <= GO_G_PARENT_GOID; f++)
		if (known(c, (enum go_field)f))
			end = MAX(end, c->layout->field[f].offset + c->layout->field[f].size);
	rc = check_read(c->p, addr, bytes, MIN(end, sizeof(bytes)));
	if (rc)
		return rc;
	*ret = (struct goroutine) {
		.addr = addr,
		.goid = field_of(c, bytes, GO_G_GOID),
		.gopc = field_of(c, bytes, GO_G_GOPC),
		.startpc = field_of(c, bytes, GO_G_STARTPC),
		.parent = field_of(c, bytes, GO_G_PARENT_GOID),
		.m = field_of(c, bytes, GO_G_M),
		.state = go_state_of((u32)field_of(c, bytes, GO_G_STATUS)),
		.waitreason = (u8)field_of(c, bytes, GO_G_WAITREASON),
	};
	return 0;
}

static bool is_goroutine(const struct goroutine *g)
{
	return go_state_alive(g->state);
}

/* The first ones: main's g is made before any other. */
static int read_goroutines(struct check *c, struct err *err)
{
	u64 list[GOROUTINES], count = 0, array = 0;
	u64 len_at = c->layout->global[GO_ALLGLEN].addr + c->p->bias;
	u64 array_at = c->layout->global[GO_ALLGS].addr + c->p->bias;
	int rc = check_read(c->p, len_at, &count, sizeof(count));

	c->count = 0;
	if (!rc)
		rc = check_read(c->p, array_at, &array, sizeof(array));
	count = MIN(count, (u64)GOROUTINES);
	if (!rc && count)
		rc = check_read(c->p, array, list, count * sizeof(list[0]));
	for (u64 i = 0; i < count && !rc; i++)
		rc = read_goroutine(c, list[i], &c->g[c->count++]);
	return rc ? err_set(err, rc, "can't read the target's goroutines") : 0;
}

/* NULL: there is none, or main has called runtime.Goexit() and others go on. */
static const struct goroutine *find_main(const struct check *c)
{
	struct gobin_func func;

	if (gobin_func_by_name(c->p->bin, "runtime.main", &func))
		return NULL;
	for (size_t i = 0; i < c->count; i++)
		if (c->g[i].startpc == func.addr + c->p->bias && is_goroutine(&c->g[i]))
			return &c->g[i];
	return NULL;
}

/*
 * What was derived is believed only if the main goroutine proves it. What a table says is believed
 * without, if main has ended: that is certain where start functions are.
 */
static bool needs_main(const struct check *c, enum go_field field)
{
	const struct go_offset *startpc = &c->layout->field[GO_G_STARTPC];

	return c->layout->field[field].derived || !startpc->how || startpc->derived;
}

/* A check says NULL, or what is wrong; or this, if no goroutine does what would tell. */
static const char untold[] = "untold";

static const char *check_status(const struct check *c)
{
	size_t alive = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->g[i].state > STATE_MAX)
			return "a goroutine has a status that there is none of";
		alive += is_goroutine(&c->g[i]);
	}
	return alive ? NULL : "no goroutine is alive";
}

static bool in_text(const struct check *c, u64 pc)
{
	const struct gobin_info *info = gobin_info(c->p->bin);

	return pc - c->p->bias >= info->text_start && pc - c->p->bias < info->text_end;
}

static bool is_entry(const struct check *c, u64 pc)
{
	struct gobin_func func;

	return !gobin_func_by_pc(c->p->bin, pc - c->p->bias, &func) && func.addr == pc - c->p->bias;
}

/* Some may start in a plugin's code; most don't. */
static const char *check_startpc(const struct check *c)
{
	size_t alive = 0, elsewhere = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (!is_goroutine(&c->g[i]) || !c->g[i].startpc)
			continue;
		alive++;
		elsewhere += !in_text(c, c->g[i].startpc);
		if (in_text(c, c->g[i].startpc) && !is_entry(c, c->g[i].startpc))
			return "a goroutine starts in the middle of a function";
	}
	if (!alive || 2 * elsewhere > alive)
		return "most goroutines start outside the program's code";
	return find_main(c) || !needs_main(c, GO_G_STARTPC) ? NULL
							    : "no goroutine starts in runtime.main";
}

static const char *check_goid(const struct check *c)
{
	const struct goroutine *main_g = find_main(c);

	if (main_g ? main_g->goid != 1 : needs_main(c, GO_G_GOID))
		return "the goroutine that starts in runtime.main has not goid 1";
	for (size_t i = 0; i < c->count; i++)
		for (size_t j = 0; j < i && is_goroutine(&c->g[i]); j++)
			if (is_goroutine(&c->g[j]) && c->g[i].goid == c->g[j].goid)
				return "two goroutines have one goid";
	return NULL;
}

static const char *check_gopc(const struct check *c)
{
	const struct goroutine *main_g = find_main(c);
	size_t alive = 0, elsewhere = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (!is_goroutine(&c->g[i]) || !c->g[i].gopc)
			continue;
		alive++;
		elsewhere += !in_text(c, c->g[i].gopc);
	}
	if (2 * elsewhere > alive)
		return "most goroutines were created outside the program's code";
	return (main_g ? in_text(c, main_g->gopc) : !needs_main(c, GO_G_GOPC))
		       ? NULL
		       : "the main goroutine's creator is not in the code";
}

/*
 * runtime.main starts the collector's and the finalizers' goroutines. A child's goid may be below
 * its parent's: each P hands out goids of its own.
 */
static const char *check_parent(const struct check *c)
{
	size_t children = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (!is_goroutine(&c->g[i]))
			continue;
		if (c->g[i].parent > GOID_MAX)
			return "a creator's goid is impossibly large";
		children += c->g[i].parent == 1;
	}
	return children ? NULL : "the main goroutine has created none";
}

static const char *check_waitreason(const struct check *c)
{
	size_t reasons = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->g[i].state != GO_STATE_WAITING)
			continue;
		if (c->g[i].waitreason > WAITREASON_MAX)
			return "a goroutine waits for a reason that there is none of";
		reasons += c->g[i].waitreason > 0;
	}
	return reasons ? NULL : "no goroutine waits for a reason";
}

static bool is_current(const struct check *c, u64 addr)
{
	const struct go_offset *curg = &c->layout->field[GO_M_CURG];
	struct goroutine g;
	u64 current;

	/* Read again: since the sample was taken it may run elsewhere. */
	return !read_goroutine(c, addr, &g) && g.m &&
	       !check_read(c->p, g.m + curg->offset, &current, sizeof(current)) && current == addr;
}

/* Mostly: in a busy process some move on between two reads. */
static const char *check_m(const struct check *c)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->g[i].state == GO_STATE_WAITING && !c->g[i].m)
			return NULL;
	return "every goroutine that waits has an M";
}

/* With wrong offsets, of g.m or this one, not one would fit. */
static const char *check_curg(const struct check *c)
{
	size_t running = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct goroutine *g = &c->g[i];

		if (g->state != GO_STATE_RUNNING && g->state != GO_STATE_SYSCALL)
			continue;
		if (is_current(c, g->addr))
			return NULL;
		running++;
	}
	return running ? "no goroutine that runs is the one that its M runs" : untold;
}

static const struct {
	enum go_field field;
	const char *(*check)(const struct check *c);
	const char *passed;
} checks[] = {
	/* status and startpc first: the others choose goroutines by them */
	{ GO_G_STATUS, check_status, "every goroutine has a status that exists" },
	{ GO_G_STARTPC, check_startpc, "every goroutine starts at a function" },
	{ GO_G_GOID, check_goid, "goid of main is 1, no two are equal" },
	{ GO_G_GOPC, check_gopc, "every creator is inside the program's code" },
	{ GO_G_PARENT_GOID, check_parent, "main has children" },
	{ GO_G_WAITREASON, check_waitreason, "every reason to wait exists" },
	{ GO_G_M, check_m, "who waits has no M" },
	{ GO_M_CURG, check_curg, "who runs is its M's goroutine" },
};

void check_reject(struct go_layout *layout, enum go_field field, const char *why)
{
	struct go_offset *at = &layout->field[field];

	err_set(&layout->field_why[field], -EBADMSG, "%s at %u (%s) is wrong in this process: %s",
		go_field_name(field), at->offset, at->how, why);
	*at = (struct go_offset) { 0 };
}

static int check_one(struct check *c, size_t which, struct err *err)
{
	enum go_field field = checks[which].field;
	const char *wrong = NULL;
	int rc = 0;

	if (!known(c, field))
		return 0;
	for (int i = 0; i < TRIES; i++) {
		wrong = checks[which].check(c);
		if (!wrong)
			break;
		rc = read_goroutines(c, err); /* it may have run meanwhile */
		if (rc)
			return rc;
	}
	if (!wrong)
		c->layout->field[field].checked = checks[which].passed;
	else if (wrong != untold)
		check_reject(c->layout, field, wrong);
	return 0;
}

int go_layout_check(const struct go_process *p, struct go_layout *layout, struct err *err)
{
	CLEANUP(freep) struct check *c = calloc(1, sizeof(*c));
	int rc = 0;

	if (!c)
		return err_set(err, -ENOMEM, "out of memory");
	c->p = p;
	c->layout = layout;
	if (layout->global[GO_ALLGLEN].how && layout->global[GO_ALLGS].how)
		rc = read_goroutines(c, err);
	for (size_t i = 0; i < ARRAY_SIZE(checks) && !rc && c->count; i++)
		rc = check_one(c, i, err);
	if (rc)
		return rc;
	return check_variables(p, layout, err);
}
