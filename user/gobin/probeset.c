/* SPDX-License-Identifier: BSD-2-Clause */
#include "gobin/probeset.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"

/*
 * The releases whose symbols and signatures were checked, on binaries of each. A later one gets
 * the rows of the newest; what its probes read must then prove itself, see probe_assumption().
 */
enum { OLDEST = 15, NEWEST = 27, LATER = UINT16_MAX };

enum { ANY = 0, CLASSIC = 1, SWISS = 2 }; /* probe_spec.maps */

#define MAPS	"internal/runtime/maps."
#define GC_CTRL "runtime.(*gcControllerState)."

/*
 * mapassign_fast32ptr is not here: it exists on 32-bit machines only. Swiss variants of
 * mapassign… live in internal/runtime/maps, but linkname keeps the names of old.
 */
static const struct probe_spec specs[] = {
	/* (t *maptype, m) */
	{ WIRE_FN_MAPASSIGN, PROBE_MAP_WRITE, "runtime.mapassign", OLDEST, LATER, ANY, 2 },
	{ WIRE_FN_MAPASSIGN_FAST32, PROBE_MAP_WRITE, "runtime.mapassign_fast32", OLDEST, LATER, ANY,
	  2 },
	{ WIRE_FN_MAPASSIGN_FAST64, PROBE_MAP_WRITE, "runtime.mapassign_fast64", OLDEST, LATER, ANY,
	  2 },
	{ WIRE_FN_MAPASSIGN_FAST64PTR, PROBE_MAP_WRITE, "runtime.mapassign_fast64ptr", OLDEST,
	  LATER, ANY, 2 },
	{ WIRE_FN_MAPASSIGN_FASTSTR, PROBE_MAP_WRITE, "runtime.mapassign_faststr", OLDEST, LATER,
	  ANY, 2 },
	{ WIRE_FN_MAPDELETE, PROBE_MAP_WRITE, "runtime.mapdelete", OLDEST, LATER, ANY, 2 },
	{ WIRE_FN_MAPDELETE_FAST32, PROBE_MAP_WRITE, "runtime.mapdelete_fast32", OLDEST, LATER, ANY,
	  2 },
	{ WIRE_FN_MAPDELETE_FAST64, PROBE_MAP_WRITE, "runtime.mapdelete_fast64", OLDEST, LATER, ANY,
	  2 },
	{ WIRE_FN_MAPDELETE_FASTSTR, PROBE_MAP_WRITE, "runtime.mapdelete_faststr", OLDEST, LATER,
	  ANY, 2 },
	{ WIRE_FN_MAPCLEAR, PROBE_MAP_WRITE, "runtime.mapclear", OLDEST, LATER, ANY, 2 },

	/* (t, h); classic maps outlive 1.23 in builds with GOEXPERIMENT=noswissmap */
	{ WIRE_FN_HASH_GROW, PROBE_MAP_GROW, "runtime.hashGrow", OLDEST, LATER, CLASSIC, 2 },
	/* (m, typ) */
	{ WIRE_FN_GROW_TO_TABLE, PROBE_MAP_GROW, MAPS "(*Map).growToTable", 24, LATER, SWISS, 2 },
	/* (t, typ, m) */
	{ WIRE_FN_TABLE_REHASH, PROBE_MAP_GROW, MAPS "(*table).rehash", 24, LATER, SWISS, 3 },
	{ WIRE_FN_PRUNE_TOMBSTONES, PROBE_MAP_GROW, MAPS "(*table).pruneTombstones", 25, LATER,
	  SWISS, 3 },

	{ WIRE_FN_START_CYCLE, PROBE_GC, GC_CTRL "startCycle", OLDEST, LATER, ANY, 0 },
	{ WIRE_FN_STOP_WORLD, PROBE_GC, "runtime.stopTheWorldWithSema", OLDEST, 20, ANY, 0 },
	/* (reason stwReason) */
	{ WIRE_FN_STOP_WORLD, PROBE_GC, "runtime.stopTheWorldWithSema", 21, LATER, ANY, 1 },
	{ WIRE_FN_START_WORLD, PROBE_GC, "runtime.startTheWorldWithSema", OLDEST, 21, ANY, 0 },
	/* (now int64, w worldStop): enum wire_stw_abi says what w holds */
	{ WIRE_FN_START_WORLD, PROBE_GC, "runtime.startTheWorldWithSema", 22, 22, ANY, 3 },
	{ WIRE_FN_START_WORLD, PROBE_GC, "runtime.startTheWorldWithSema", 23, LATER, ANY, 4 },
	{ WIRE_FN_MARK_TERMINATION, PROBE_GC, "runtime.gcMarkTermination", OLDEST, LATER, ANY, 0 },
	/* (reason string); from 1.21 stopTheWorldWithSema has it */
	{ WIRE_FN_STOP_REASON, PROBE_GC, "runtime.stopTheWorld", OLDEST, 20, ANY, 2 },

	/* (fn *funcval, argp, narg, callergp *g, callerpc) */
	{ WIRE_FN_GO_CREATE, PROBE_GOROUTINE, "runtime.newproc1", OLDEST, 17, ANY, 5 },
	/* (fn *funcval, callergp *g, callerpc) */
	{ WIRE_FN_GO_CREATE, PROBE_GOROUTINE, "runtime.newproc1", 18, LATER, ANY, 3 },
	/* (gp *g); goexit0 misses the coroutines of iter.Pull, which came with 1.22 */
	{ WIRE_FN_GO_EXIT, PROBE_GOROUTINE, "runtime.goexit0", OLDEST, 21, ANY, 1 },
	{ WIRE_FN_GO_EXIT, PROBE_GOROUTINE, "runtime.gdestroy", 22, LATER, ANY, 1 },

	/* (e any): type, data; (s string): pointer, length */
	{ WIRE_FN_GOPANIC, PROBE_FAULT, "runtime.gopanic", OLDEST, LATER, ANY, 2 },
	{ WIRE_FN_THROW, PROBE_FAULT, "runtime.throw", OLDEST, LATER, ANY, 2 },
	{ WIRE_FN_FATAL, PROBE_FAULT, "runtime.fatal", 19, LATER, ANY, 2 },
};

const struct probe_spec *probe_spec_at(size_t i)
{
	return i < ARRAY_SIZE(specs) ? &specs[i] : NULL;
}

bool probe_spec_applies(const struct probe_spec *spec, const struct gobin_info *info)
{
	const struct goversion *version = &info->version;

	if (version->major != 1 || version->minor < spec->min_minor ||
	    version->minor > spec->max_minor)
		return false;
	return spec->maps == ANY || spec->maps == (info->swiss_maps ? SWISS : CLASSIC);
}

static const char *const group_names[PROBE_GROUP_COUNT] = {
	[PROBE_MAP_WRITE] = "map-write", [PROBE_MAP_GROW] = "map-grow", [PROBE_GC] = "gc",
	[PROBE_GOROUTINE] = "goroutine", [PROBE_FAULT] = "fault",
};

const char *probe_group_name(enum probe_group group)
{
	return (size_t)group < ARRAY_SIZE(group_names) ? group_names[group] : "unknown";
}

void probe_group_functions(enum probe_group group, enum wire_fn *ret_first, enum wire_fn *ret_last)
{
	const struct probe_spec *spec;

	*ret_first = WIRE_FN_COUNT;
	*ret_last = WIRE_FN_NONE;
	for (size_t i = 0; (spec = probe_spec_at(i)); i++) {
		if (spec->group != group)
			continue;
		*ret_first = MIN(*ret_first, spec->fn);
		*ret_last = MAX(*ret_last, spec->fn);
	}
}

int probe_group_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(group_names); i++) {
		if (strcmp(name, group_names[i]) == 0)
			return (int)i;
	}
	return -ENOENT;
}

enum wire_stw_abi go_stw_abi(const struct goversion *version)
{
	if (version->major != 1 || version->minor < 21)
		return WIRE_STW_NONE;
	if (version->minor == 21)
		return WIRE_STW_REASON_AT_STOP;
	if (version->minor == 22)
		return WIRE_STW_START;
	return version->minor <= NEWEST ? WIRE_STW_FULL : WIRE_STW_ASSUMED;
}

u32 go_creator_pc_arg(const struct goversion *version)
{
	return version->minor <= 17 ? 4 : 2;
}

const char *probe_assumption(const struct gobin_info *info)
{
	if (info->version.major == 1 && info->version.minor <= NEWEST)
		return NULL;
	return "newer than every Go that this gosonde was checked with (1.15 to 1.27): what its "
	       "functions take is assumed to be as in 1.27; values that do not prove themselves, "
	       "as the reasons of stops that are no GC cycle's, stay unknown";
}

/*
 * runtime/traceback.go, isSystemGoroutine(), 1.19 to 1.27. The runtime also exempts its
 * finalizer and cleanup goroutines for as long as they run user code; nobody outside sees when.
 */
bool go_is_system_goroutine(const char *start_function)
{
	static const char *const exempt[] = { "runtime.main", "runtime.handleAsyncEvent",
					      "runtime.corostart" };

	for (size_t i = 0; i < ARRAY_SIZE(exempt); i++) {
		if (strcmp(start_function, exempt[i]) == 0)
			return false;
	}
	return strncmp(start_function, "runtime.", strlen("runtime.")) == 0;
}

/*
 * runtime/proc.go, stwReasonStrings, the same from 1.21 to 1.27. "gc" is in lower case, as the
 * contract of the JSON output has it.
 */
const char *go_stw_reason(u32 reason)
{
	static const char *const names[] = {
		"unknown",
		"gc mark termination",
		"gc sweep termination",
		"write heap dump",
		"goroutine profile",
		"goroutine profile cleanup",
		"all goroutines stack trace",
		"read mem stats",
		"AllThreadsSyscall",
		"GOMAXPROCS",
		"start trace",
		"stop trace",
		"CountPagesInUse (test)",
		"ReadMetricsSlow (test)",
		"ReadMemStatsSlow (test)",
		"PageCachePagesLeaked (test)",
		"ResetDebugLog (test)",
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "unknown";
}

bool go_is_runtime_code(const char *function)
{
	static const char *const prefixes[] = { "runtime.", "internal/runtime/" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (!strncmp(function, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}
