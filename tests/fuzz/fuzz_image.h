/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Go programs for targets whose parser wants a whole one: a sound image of some
 * release (go_image.h), where the input has bytes of its own in some places, so
 * that a mutation reaches deep at once.
 */
#ifndef TESTS_FUZZ_FUZZ_IMAGE_H
#define TESTS_FUZZ_FUZZ_IMAGE_H

#include "../unit/go_image.h"
#include "fuzz.h"
#include "gobin/gobin.h"

/* One of each layout of the function table, of moduledata and of type names, and relocated ones.
 * Inputs in the corpus have their index: append only. */
static const struct fuzz_release {
	unsigned int minor;
	bool pie;
	const char *version;
} fuzz_releases[] = {
	{ 15, false, "go1.15.15" },
	{ 15, true, "go1.15.15" },
	{ 16, false, "go1.16.3" },
	{ 17, true, "go1.17.13" },
	{ 18, false, "go1.18.1" },
	{ 19, true, "go1.19.8" },
	{ 20, false, "go1.20.7" },
	{ 22, true, "go1.22.12" },
	{ 24, false, "go1.24.4" },
	{ 26, true, "go1.26.1" },
	{ 27, false, "go1.27.0" },
	{ 28, false, "go1.28.0" },
	{ 24, false, "go1.24.4 X:noswissmap" },
};

static inline const struct fuzz_release *fuzz_image_make(struct go_image *image, u8 selector)
{
	const struct fuzz_release *release = &fuzz_releases[selector % ARRAY_SIZE(fuzz_releases)];

	image_make(image, release->minor, release->pie, release->version,
		   "0123456789abcdefmod\texample.com/app\t\n0123456789abcdef");
	return release;
}

/* Lays size bytes over the image, as many as there is room. */
static inline void fuzz_image_lay(struct go_image *image, size_t offset, size_t room,
				  struct bytes bytes)
{
	if (bytes.size)
		memcpy(image->bytes + offset, bytes.data, MIN(room, bytes.size));
}

/* Lays patches over the image: offset (2 bytes), length (1 byte), and as many bytes, and again. */
static inline void fuzz_image_patch(struct go_image *image, struct cursor *c)
{
	for (;;) {
		size_t offset = cursor_u16(c) % IMAGE_BYTES, size = cursor_u8(c);
		const u8 *bytes = cursor_take(c, size);

		if (cursor_failed(c))
			return;
		fuzz_image_lay(image, offset, IMAGE_BYTES - offset, (struct bytes) { bytes, size });
	}
}

/* A program in memory of its own that ends where the image does; NULL: it was refused. */
static inline struct gobin *fuzz_image_open(const struct go_image *image)
{
	struct gobin *bin = NULL;
	struct err err = { "" };
	int rc = gobin_open(&bin, image_file(image), &err);

	FUZZ_CHECK(rc <= 0 && !rc == !!bin);
	FUZZ_CHECK(!rc || err.text[0]);
	return bin;
}

#endif
