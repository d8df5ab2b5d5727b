/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/layout_check.h"

#include <errno.h>
#include <string.h>

#include "gobin/layout_check_priv.h"

enum {
	TRIES = 4,
	G_BYTES = 1024, /* a g has 400 to 500 bytes */
	STATUS_MAX = 15,
	STATUS_SCAN = 0x1000,
	WAITREASON_MAX = 63, /* 50 in Go 1.27 */
};

#define GOID_MAX (1ull << 48) /* of 100,000 goroutines a second that is 89 years */

/* runtime2.go: of a g that holds no goroutine, nothing but the status means anything. */
enum status {
	G_IDLE = 0,
	G_RUNNING = 2,
	G_SYSCALL = 3,
	G_WAITING = 4,
	G_DEAD = 6,
	G_DEADEXTRA = 11
};

struct goroutine {
	u64 addr, goid, gopc, startpc, parent, m;
	u32 status;
	u8 waitreason;
};

struct check {
	const struct go_process *p;
	struct go_layout *layout;
	struct goroutine g[LAYOUT_CHECK_GOROUTINES];
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
		.status = (u32)field_of(c, bytes, GO_G_STATUS) & ~(u32)STATUS_SCAN,
		.waitreason = (u8)field_of(c, bytes, GO_G_WAITREASON),
	};
	return 0;
}

static bool is_goroutine(const struct goroutine *g)
{
	return g->status != G_IDLE && g->status != G_DEAD && g->status != G_DEADEXTRA;
}

/* The first ones: main's g is made before any other. */
static int read_goroutines(struct check *c, struct err *err)
{
	u64 list[LAYOUT_CHECK_GOROUTINES], count = 0, array = 0;
	u64 len_at = c->layout->global[GO_ALLGLEN].addr + c->p->bias;
	u64 array_at = c->layout->global[GO_ALLGS].addr + c->p->bias;
	int rc = check_read(c->p, len_at, &count, sizeof(count));

	c->count = 0;
	if (!rc)
		rc = check_read(c->p, array_at, &array, sizeof(array));
	count = MIN(count, (u64)LAYOUT_CHECK_GOROUTINES);
	if (!rc && count)
		rc = check_read(c->p, array, list, count * sizeof(list[0]));
	for (u64 i = 0; i < count && !rc; i++)
		rc = read_goroutine(c, list[i], &c->g[c->count++]);
	return rc ? err_set(err, rc, "can't read the target's goroutines") : 0;
}

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

/* A check says NULL, or what is wrong. */

static const char *check_status(const struct check *c)
{
	size_t alive = 0;

	for (size_t i = 0; i < c->count; i++) {
		if (c->g[i].status > STATUS_MAX)
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
	if (2 * elsewhere > alive)
		return "most goroutines start outside the program's code";
	return find_main(c) ? NULL : "no goroutine starts in runtime.main";
}

static const char *check_goid(const struct check *c)
{
	const struct goroutine *main_g = find_main(c);

	if (!main_g || main_g->goid != 1)
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
	return main_g && in_text(c, main_g->gopc)
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
		if (c->g[i].status != G_WAITING)
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

/*
 * A goroutine that runs has an M whose current goroutine it is, one that waits has mostly none. In
 * a busy process some move on between two reads; with wrong offsets not one would fit.
 */
static const char *check_m(const struct check *c)
{
	size_t without = 0, running = 0, current = 0;

	for (size_t i = 0; i < c->count; i++) {
		const struct goroutine *g = &c->g[i];

		without += g->status == G_WAITING && !g->m;
		if ((g->status != G_RUNNING && g->status != G_SYSCALL) || !known(c, GO_M_CURG))
			continue;
		running++;
		current += is_current(c, g->addr);
	}
	if (running && !current)
		return "no goroutine that runs is the one that its M runs";
	return without ? NULL : "every goroutine that waits has an M";
}

static const struct {
	enum go_field fields[2];
	size_t count;
	const char *(*check)(const struct check *c);
	const char *passed;
} checks[] = {
	/* status and startpc first: the others choose goroutines by them */
	{ { GO_G_STATUS }, 1, check_status, "every goroutine has a status that exists" },
	{ { GO_G_STARTPC }, 1, check_startpc, "every goroutine starts at a function" },
	{ { GO_G_GOID }, 1, check_goid, "goid of main is 1, no two are equal" },
	{ { GO_G_GOPC }, 1, check_gopc, "every creator is inside the program's code" },
	{ { GO_G_PARENT_GOID }, 1, check_parent, "main has children" },
	{ { GO_G_WAITREASON }, 1, check_waitreason, "every reason to wait exists" },
	{ { GO_G_M, GO_M_CURG }, 2, check_m, "who waits has no M, who runs is its M's goroutine" },
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
	const char *wrong = NULL;
	bool any = false;
	int rc = 0;

	for (size_t f = 0; f < checks[which].count; f++)
		any |= known(c, checks[which].fields[f]);
	if (!any)
		return 0;
	for (int i = 0; i < TRIES; i++) {
		wrong = checks[which].check(c);
		if (!wrong)
			break;
		rc = read_goroutines(c, err); /* it may have run meanwhile */
		if (rc)
			return rc;
	}
	for (size_t f = 0; f < checks[which].count; f++) {
		enum go_field field = checks[which].fields[f];

		if (!known(c, field))
			continue;
		if (wrong)
			check_reject(c->layout, field, wrong);
		else
			c->layout->field[field].checked = checks[which].passed;
	}
	return 0;
}

/* What a derived field cannot be tried on in memory, but was derived by two ways that agree. */
static void check_m_g0(struct go_layout *layout)
{
	if (layout->field[GO_M_CURG].checked && layout->field[GO_M_G0].how)
		layout->field[GO_M_G0].checked = "read between two fields that were checked";
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
	check_m_g0(layout);
	return check_variables(p, layout, err);
}
