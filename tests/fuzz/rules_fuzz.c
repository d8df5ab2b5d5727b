/* SPDX-License-Identifier: BSD-2-Clause */
/* Rules in YAML. Input: the main file; after a NUL byte, a file of its folder. */
#include <errno.h>

#include "alert/ruleset.h"
#include "fuzz.h"
#include "output/rules_text.h"

/* Wrong files are told with a line: libcyaml, which knows none, takes all that our check takes. */
static void check_failure(int rc, const struct err *err)
{
	if (rc != -EINVAL)
		return;
	FUZZ_CHECK(!strncmp(err->text, "f:", 2));
	FUZZ_CHECK(err->text[2] >= '1' && err->text[2] <= '9');
	FUZZ_CHECK(strstr(err->text, "expected") || strstr(err->text, "not YAML") ||
		   strstr(err->text, "twice") || strstr(err->text, "lacks"));
}

static void check_rules(const struct rules *rules)
{
	for (size_t i = 0; i < DETECTORS; i++) {
		const struct rule *rule = &rules->rule[i];
		size_t bytes = 0;

		for (size_t m = 0; m < DETECT_MEASURES; m++)
			FUZZ_CHECK(rule->level[m].raise <= 0 ||
				   (rule->level[m].clear > 0 &&
				    rule->level[m].clear <= rule->level[m].raise));
		FUZZ_CHECK(rule->labels.count <= LABELS_MAX);
		for (size_t l = 0; l < rule->labels.count; l++)
			bytes += strlen(rule->labels.label[l]->name) +
				 strlen(rule->labels.label[l]->value);
		FUZZ_CHECK(bytes <= LABELS_BYTES_MAX);
	}
}

static void walk(const struct ruleset *set)
{
	static const struct rule_target targets[] = { { "", "", "", "", "" },
						      { "/srv/shop", "example.com/shop", "3f2a9b",
							"0f1e", "Burstable" } };
	CLEANUP(freep) char *text = NULL;
	struct rules rules;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	FUZZ_CHECK(out);
	rules_text(out, set);
	fclose(out);
	fuzz_read_text(text);
	for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
		ruleset_resolve(set, &targets[i], &rules);
		check_rules(&rules);
	}
	for (size_t i = 0; i < ruleset_count(set); i++) {
		ruleset_resolve_like(set, ruleset_entry(set, i), &rules);
		check_rules(&rules);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(ruleset_freep) struct ruleset *set = NULL;
	const char *text = (const char *)data, *nul = memchr(data, '\0', size);
	size_t len = nul ? (size_t)(nul - text) : size;
	struct err err = { "" };
	int rc = ruleset_new(&set, "f", text, len, &err);

	check_failure(rc, &err);
	if (!rc && nul) {
		rc = ruleset_add(set, "f", nul + 1, size - len - 1, &err);
		check_failure(rc, &err);
	}
	if (!rc)
		walk(set);
	return 0;
}
