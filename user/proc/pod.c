/* SPDX-License-Identifier: BSD-2-Clause */
#include "proc/pod.h"

#include "base/macros.h"
#include "proc/span.h"

static const char word[] = "pod";

/* Above the pod's group, or before "pod" in its name. */
static const struct {
	const char *parent, *prefix, *qos;
} classes[] = {
	{ "kubepods", "kubepods-", "Guaranteed" },
	{ "burstable", "kubepods-burstable-", "Burstable" },
	{ "besteffort", "kubepods-besteffort-", "BestEffort" },
};

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* 8-4-4-4-12 digits with one kind of separator. */
static bool is_uuid(const char *text)
{
	for (size_t i = 0; i < POD_UID_CHARS; i++) {
		bool separates = i == 8 || i == 13 || i == 18 || i == 23;

		if (separates ? text[i] != text[8] : !is_hex(text[i]))
			return false;
	}
	return text[8] == '-' || text[8] == '_';
}

static bool is_digest(const char *text)
{
	for (size_t i = 0; i < 32; i++) {
		if (!is_hex(text[i]))
			return false;
	}
	return true;
}

/* Takes "podUID" off the end of a group's name. */
static bool take_uid(struct span *name, char ret[static POD_UID_CHARS + 1])
{
	static const struct {
		size_t len;
		bool (*is)(const char *text);
	} kinds[] = { { POD_UID_CHARS, is_uuid }, { 32, is_digest } };

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct span front = { name->at, name->len - MIN(name->len, kinds[i].len) };
		const char *uid = front.at + front.len;

		if (!span_ends_with(front, word) || !kinds[i].is(uid))
			continue;
		for (size_t c = 0; c < kinds[i].len; c++)
			ret[c] = uid[c] == '_' ? '-' : uid[c];
		ret[kinds[i].len] = '\0';
		name->len = front.len - strlen(word);
		return true;
	}
	return false;
}

/* Whether what stands before "pod" is the kubelet's; *ret_qos is "" where it does not tell. */
static bool class_of(struct span prefix, struct span parent, const char **ret_qos)
{
	*ret_qos = "";
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (prefix.len ? span_ends_with(prefix, classes[i].prefix)
			       : span_is(parent, classes[i].parent))
			*ret_qos = classes[i].qos;
	}
	return !prefix.len || **ret_qos;
}

bool pod_from_path(const char *path, size_t len, struct pod *ret)
{
	struct span rest = { path, len }, parent = { path, 0 };

	*ret = (struct pod) { .qos = "" };
	while (rest.len) {
		struct span part = span_take(&rest, '/');
		/* containerd of old: kubepods-burstable-podUID.slice:cri-containerd:ID */
		struct span name = span_take(&part, ':');
		struct pod pod = { .qos = "" };

		if (span_ends_with(name, ".slice"))
			name.len -= strlen(".slice");
		part = name;
		if (take_uid(&part, pod.uid) && class_of(part, parent, &pod.qos))
			*ret = pod;
		parent = name;
	}
	return ret->uid[0] != '\0';
}
