/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What `go version -m` reads: the release that made a program, and its main
 * module. In every Go program since Go 1.13, stripped or not
 * (go/src/debug/buildinfo/buildinfo.go).
 */
#ifndef GOBIN_BUILDINFO_H
#define GOBIN_BUILDINFO_H

#include "gobin/elf_image.h"
#include "gobin/gobin.h"

/* Borrowed from the file, not NUL-terminated. */
struct buildinfo {
	struct bytes version; /* "go1.24.4 X:noswissmap" */
	struct bytes module;  /* path of the main module, else of the main package; may be empty */
};

/*
 * Returns 0 or -ENODATA: there is none, or none that leads to texts of possible
 * lengths within the file.
 */
int buildinfo_read(const struct elf_image *elf, struct buildinfo *ret, struct err *err);

/*
 * Reads "go1.22.12", "go1.27rc1", "go1.24.4 X:noswissmap", "devel go1.27-0a1b2c Mon …".
 * Returns 0 or -EBADMSG: not the name of a release.
 */
int goversion_parse(struct bytes text, struct goversion *ret);

/*
 * The names after " X:", from 1.26 on "-X:", with commas between: "noswissmap,loopvar" of
 * "go1.24.4 X:noswissmap,loopvar". Borrowed from text; empty if there are none.
 */
struct bytes goversion_experiments(struct bytes text);

/* The next name of such a list, empty behind a comma at its end; moves the list on. False: none. */
bool goversion_next_experiment(struct bytes *list, struct bytes *ret);

/* Whether the version's text names the experiment: "noswissmap" in "go1.24.4 X:a,noswissmap". */
bool goversion_has_experiment(struct bytes text, const char *experiment);

#endif
