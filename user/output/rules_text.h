/* SPDX-License-Identifier: BSD-2-Clause */
/* What rules come to, as a table for people. */
#ifndef OUTPUT_RULES_TEXT_H
#define OUTPUT_RULES_TEXT_H

#include <stdio.h>

#include "alert/ruleset.h"

/*
 * A line for each measure of each rule: first as it is for all targets, then for each `match` of
 * an entry as it is for a target that matches just that. Texts of the files are escaped.
 */
void rules_text(FILE *out, const struct ruleset *set);

#endif
