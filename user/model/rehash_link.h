/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether large maps that grow go together with long pauses: how many of the
 * long pauses of the last minutes began within some milliseconds of a growth,
 * against what chance would give. All zero is an empty one; memory is fixed.
 *
 * Chance is the greater of two: the part of the time that lies within those
 * milliseconds, and how many of the short pauses of the same kind do. The second
 * for two reasons: a map that grows allocates, and so begins collections, whose
 * pauses then follow it however short; and maps grow while a program is busy.
 *
 * Growths less than those milliseconds apart make one stretch. Of the long
 * pauses after one and the same stretch only the first counts: a burst of growth
 * that happens to meet a burst of long pauses is one coincidence, not many.
 */
#ifndef MODEL_REHASH_LINK_H
#define MODEL_REHASH_LINK_H

#include <stdbool.h>
#include <stddef.h>

#include <gosonde/types.h>

#define REHASH_LAG_NS (3 * 1000 * 1000ULL)

enum {
	REHASH_STRETCHES = 256, /* that a pause's beginning is looked for in */
	REHASH_KINDS = 2,	/* of pauses: sweep termination, mark termination */
	REHASH_BUCKETS = 30,	/* of ten seconds: five minutes */
	REHASH_BUCKET_S = 10,
};

/* A growth. */
struct rehash {
	u64 time_ns, type, site, moved; /* site: id of the growth_site */
};

/* A time in which there always was a growth within the lag before. */
struct rehash_stretch {
	u64 from_ns, until_ns;
	struct rehash largest; /* of its last lag */
	bool counted;	       /* a long pause after it was */
};

/* Of some time. */
struct rehash_tally {
	u64 observed_ns, covered_ns; /* covered: lies within stretches */
	u64 stretches;
	u64 longs[REHASH_KINDS], longs_after[REHASH_KINDS]; /* after: within the lag of a growth */
	u64 shorts[REHASH_KINDS], shorts_after[REHASH_KINDS];
};

struct rehash_link {
	struct rehash_stretch stretch[REHASH_STRETCHES]; /* a ring */
	u64 stretches;
	struct rehash_tally open; /* since the last window's end */
	struct rehash_bucket {
		u64 number; /* of ten seconds since the clock's start */
		struct rehash_tally tally;
	} bucket[REHASH_BUCKETS];
};

/* A large map grew; times may come a little out of order. */
void rehash_link_growth(struct rehash_link *link, const struct rehash *rehash);

/*
 * A pause began. kind: below REHASH_KINDS. Returns whether a growth came within
 * the lag before it, and then the largest of them, as far as is known.
 */
bool rehash_link_pause(struct rehash_link *link, u64 begin_ns, unsigned int kind, bool is_long,
		       struct rehash *ret);

/* A window ended. whole: no growth in it was missed; else nothing in it counts. */
void rehash_link_window(struct rehash_link *link, u64 start_ns, u64 end_ns, bool whole);

/* Long pauses of the last minutes. */
struct rehash_odds {
	u64 longs, after;   /* after a growth; of one stretch the first only */
	double expected;    /* of them by chance */
	double probability; /* that chance alone gives as many or more */
	u64 stretches;	    /* growths of large maps, as stretches of them */
};

/* since_ns: end of the last window; before there was one, since when growths are seen. */
struct rehash_odds rehash_link_odds(const struct rehash_link *link, u64 since_ns, u64 now_ns);

/* Whether they are a cause rather than a coincidence: less than 1 in 100, and three times. */
bool rehash_odds_beat_chance(const struct rehash_odds *odds);

#endif
