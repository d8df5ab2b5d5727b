/* SPDX-License-Identifier: BSD-2-Clause */
#include "model/gc_dates.h"

#include "base/units.h"

/* From the beginning of a mark termination to its end, which is what the ring has. */
static const u64 longest_termination_ns = NS_PER_S;

/* What readings of the two clocks, one after the other, may be apart. */
static const u64 slack_ns = 5 * NS_PER_MS;

struct gc_dates gc_dates_make(const struct go_gc_memory *gc, const struct timebase *timebase)
{
	struct gc_dates dates = { .count = gc->pause_count };

	for (size_t i = 0; i < dates.count; i++) {
		dates.end_ns[i] = gc->pause_end_wall_ns[i] - (u64)timebase->mono_to_wall_ns;
		if ((s64)dates.end_ns[i] < 0 || (i && dates.end_ns[i] < dates.end_ns[i - 1]))
			return (struct gc_dates) { .count = 0 }; /* the clock was set */
	}
	return dates;
}

/* The first end at or past that beginning. */
static size_t end_of(const struct gc_dates *dates, u64 begin_ns)
{
	size_t low = 0, high = dates->count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (dates->end_ns[mid] < begin_ns)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool gc_dates_agree(const struct gc_dates *dates, u64 waitsince_ns)
{
	u64 begin_ns = waitsince_ns - MIN(waitsince_ns, slack_ns);
	size_t i = end_of(dates, begin_ns);

	/* Past the last end: that of the termination under way. */
	return waitsince_ns == 0 || i == 0 || i == dates->count ||
	       dates->end_ns[i] - begin_ns <= longest_termination_ns;
}

u64 gc_dates_born_by(const struct gc_dates *dates, u64 waitsince_ns)
{
	size_t i = end_of(dates, waitsince_ns);

	/* i: that termination's own end, or a later one if it has left the ring; so past i is safe.
	 */
	return waitsince_ns && i + 1 < dates->count ? dates->end_ns[i + 1] : 0;
}
