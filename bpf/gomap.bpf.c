// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Map writes and deletes by call site, and map growth, in both generations of Go maps. */
#include "emit.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* The row of a key that has none, made if there is room; NULL: there is none. */
static __always_inline u64 *new_row(void *table, const struct wire_map_site *key)
{
	u64 zero = 0;

	/* -EEXIST: another CPU was first, and its row serves as well. */
	bpf_map_update_elem(table, key, &zero, BPF_NOEXIST);
	return bpf_map_lookup_elem(table, key);
}

/* Programs that make maps by the thousand fill the table as soon as it is emptied. To try anew at
 * each hit, in vain, would cost as much as all the rest. */
static __always_inline u64 *row_of_map(struct hit *hit, const struct wire_map_site *key)
{
	u64 *count = bpf_map_lookup_elem(&maps, key), full = (u64)hit->room + 1;

	if (count || hit->counters->maps_full == full)
		return count;
	count = new_row(&maps, key);
	if (!count)
		hit->counters->maps_full = full;
	return count;
}

static __always_inline u64 *row_of_site(const struct wire_map_site *key)
{
	u64 *count = bpf_map_lookup_elem(&map_sites, key);

	return count ? count : new_row(&map_sites, key);
}

static __always_inline void count_map_site(struct hit *hit, struct wire_map_site *key)
{
	/* A nil map, from which one may delete, is none to follow. */
	u64 *count = key->map ? row_of_map(hit, key) : NULL;

	if (!count) {
		key->map = 0;
		count = row_of_site(key);
	}
	if (count)
		COUNT(*count, 1);
	else
		count_loss(hit, WIRE_LOSS_TABLE);
}

/* mapassign*, mapdelete*, mapclear (t *maptype, m *hmap or *maps.Map, …) */
SEC("uprobe.multi")
int map_write(struct pt_regs *ctx)
{
	struct wire_map_site key;
	struct hit hit;

	if (!gate(ctx, &hit, WIRE_GROUP_MAP_WRITE) || hit.lean)
		return 0;
	key.site = WIRE_SITE(hit.slot, hit.fn, return_pc(ctx, &hit));
	key.type = go_arg(ctx, &hit, 0);
	key.map = go_arg(ctx, &hit, 1);
	count_map_site(&hit, &key);
	end_run(&hit, WIRE_GROUP_MAP_WRITE);
	return 0;
}

/* The head of runtime.hmap, the same in Go 1.15 to 1.23 (runtime/map.go). */
struct hmap_head {
	u64 count;
	u8 flags, B;
	u16 noverflow;
	u32 hash0;
};

/* The heads of maps.table and maps.Map, Go 1.24 to 1.27 (internal/runtime/maps). */
struct table_head {
	u16 used, capacity, growth_left;
	u8 local_depth, pad;
};

struct swiss_head {
	u64 used, seed, dir_ptr, dir_len;
};

/* What a growth is about, before it becomes a record. Foreign memory, and of a Go that is newer
 * than any that was checked perhaps something else: a head that no map can have is refused. */
struct growth {
	u64 map, type;
	u64 entries, moved, slots_before, slots_after, dir_len;
	u32 tombstones;
	u16 kind;
};

/* A machine's memory holds no more buckets; below the load factor there is room for 8 in each. */
#define MAX_BUCKETS_LOG2 40

static __always_inline bool refuse(struct hit *hit)
{
	count_loss(hit, WIRE_LOSS_READ);
	return false;
}

/* hashGrow(t, h). It doubles when one more entry would pass the load factor of 6.5 a bucket, else
 * it is there to get rid of overflow buckets (runtime/map.go: overLoadFactor, hashGrow). */
static __always_inline bool read_hash_grow(struct pt_regs *ctx, struct hit *hit, struct growth *g)
{
	struct hmap_head h;
	u64 buckets;

	g->type = go_arg(ctx, hit, 0);
	g->map = go_arg(ctx, hit, 1);
	if (!read_target(hit, &h, sizeof(h), g->map))
		return false;
	buckets = 1ULL << (h.B & 63);
	if (h.B > MAX_BUCKETS_LOG2 || h.count > buckets * 8)
		return refuse(hit);
	g->entries = g->moved = h.count;
	g->slots_before = buckets * 8;
	if (h.count + 1 > 8 && h.count + 1 > 13 * (buckets / 2)) {
		g->kind = WIRE_GROW_DOUBLE;
		g->slots_after = buckets * 16;
	} else {
		g->kind = WIRE_GROW_SAME_SIZE;
		g->slots_after = buckets * 8;
	}
	return true;
}

/* (*Map).growToTable(m, typ): the one group of eight slots becomes a table of sixteen. */
static __always_inline bool read_grow_to_table(struct pt_regs *ctx, struct hit *hit,
					       struct growth *g)
{
	struct swiss_head m;

	g->map = go_arg(ctx, hit, 0);
	g->type = go_arg(ctx, hit, 1);
	if (!read_target(hit, &m, sizeof(m), g->map))
		return false;
	if (m.used > 8 || m.dir_len)
		return refuse(hit);
	g->kind = WIRE_GROW_SMALL_TO_TABLE;
	g->entries = g->moved = m.used;
	g->slots_before = 8;
	g->slots_after = 16;
	return true;
}

static __always_inline bool can_be_table(const struct table_head *t)
{
	return t->capacity >= 8 && t->capacity <= 1024 && !(t->capacity & (t->capacity - 1)) &&
	       t->used + t->growth_left <= t->capacity;
}

/* (*table).rehash(t, typ, m): doubles up to maxTableCapacity = 1024 slots, else splits in two.
 * Slots that are neither used nor free are tombstones; 7/8 of a table may be filled
 * (maps/table.go). */
static __always_inline bool read_rehash(struct pt_regs *ctx, struct hit *hit, struct growth *g)
{
	struct table_head t;
	struct swiss_head m;
	u32 limit;

	g->type = go_arg(ctx, hit, 1);
	g->map = go_arg(ctx, hit, 2);
	if (!read_target(hit, &t, sizeof(t), go_arg(ctx, hit, 0)) ||
	    !read_target(hit, &m, sizeof(m), g->map))
		return false;
	if (!can_be_table(&t) || !m.dir_len || t.used > m.used)
		return refuse(hit);
	g->entries = m.used;
	g->dir_len = m.dir_len;
	g->moved = t.used;
	g->slots_before = t.capacity;
	g->slots_after = 2 * (u64)t.capacity;
	g->kind = g->slots_after <= 1024 ? WIRE_GROW_TABLE : WIRE_GROW_SPLIT;
	limit = (u32)t.capacity * 7 / 8;
	if (t.capacity > 8 && limit > (u32)t.used + t.growth_left)
		g->tombstones = limit - t.used - t.growth_left;
	return true;
}

#define SECOND_NS 1000000000ULL

/* Programs make small maps by the hundred thousand a second. Those growths are all counted, but
 * recorded only up to a rate; racing threads may pass a few more, which does no harm. */
static __always_inline bool record_wanted(struct hit *hit, const struct growth *g)
{
	struct wire_counters *c = hit->counters;
	u64 now_ns;

	if (g->entries >= WIRE_LARGE_MAP)
		return true;
	now_ns = bpf_ktime_get_ns();
	if (now_ns - c->small_window_ns > SECOND_NS) {
		c->small_window_ns = now_ns;
		c->small_in_window = 0;
	}
	if (c->small_in_window++ < hit->target->small_grows_per_s)
		return true;
	COUNT(c->grows_unrecorded, 1);
	return false;
}

static __always_inline void emit_growth(struct pt_regs *ctx, struct hit *hit,
					const struct growth *g)
{
	struct gc_state *gc = bpf_map_lookup_elem(&gc_states, &hit->slot);
	struct wire_map_grow *rec = RECORD_BEGIN(hit, struct wire_map_grow, WIRE_MAP_GROW);

	if (!rec)
		return;
	rec->map = g->map;
	rec->type = g->type;
	rec->entries = g->entries;
	rec->moved = g->moved;
	rec->slots_before = g->slots_before;
	rec->slots_after = g->slots_after;
	rec->dir_len = g->dir_len;
	rec->tombstones = g->tombstones;
	rec->grow = g->kind;
	rec->during_gc = gc && gc->cycle_running;
	rec->pad = 0;
	record_stack(ctx, hit, &rec->stack);
	record_end(rec);
}

/* hashGrow, growToTable, rehash, pruneTombstones (an attempt: only counted) */
SEC("uprobe.multi")
int map_grow(struct pt_regs *ctx)
{
	struct growth g = {};
	struct hit hit;
	bool read = false;

	if (!gate(ctx, &hit, WIRE_GROUP_MAP_GROW) || hit.fn == WIRE_FN_PRUNE_TOMBSTONES)
		return 0;
	COUNT(hit.counters->grows, 1);
	if (hit.fn == WIRE_FN_HASH_GROW)
		read = read_hash_grow(ctx, &hit, &g);
	else if (hit.fn == WIRE_FN_GROW_TO_TABLE)
		read = read_grow_to_table(ctx, &hit, &g);
	else if (hit.fn == WIRE_FN_TABLE_REHASH)
		read = read_rehash(ctx, &hit, &g);
	if (!read)
		return 0;
	COUNT(hit.counters->moved, g.moved);
	if (record_wanted(&hit, &g))
		emit_growth(ctx, &hit, &g);
	return 0;
}
