/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gobin/types.h"

static int read_memory(void *arg, u64 addr, void *buf, size_t len)
{
	const struct target *target = arg;

	return process_read(&target->process, addr, buf, len);
}

static size_t read_pieces(void *arg, const struct memory_piece *pieces, size_t n)
{
	const struct target *target = arg;

	return process_read_pieces(&target->process, pieces, n);
}

static int find_bias(struct target *target, struct err *err)
{
	u64 linked, running;
	int rc = gobin_code_addr(target->bin, &linked);

	if (rc)
		return err_set(err, -EBADMSG, "no segment of the program is executable");
	rc = process_code_start(&target->process, &running, err);
	if (!rc)
		target->go.bias = running - linked;
	return rc;
}

static int open_binary(struct target *target, struct err *err)
{
	int rc = proc_file_open(target->process.exe_path, &target->file, err);

	if (!rc)
		rc = gobin_open(&target->bin, target->file.bytes, err);
	if (!rc) {
		go_layout_find(target->bin, &target->layout);
		target->go = (struct go_process) {
			.bin = target->bin,
			.layout = &target->layout,
			.mem = { read_memory, read_pieces, target },
		};
		rc = find_bias(target, err);
	}
	if (!rc)
		return 0;
	if (process_gone(&target->process))
		return err_set(err, -ESRCH, "process %d has exited", target->process.pid);
	return err_prefix(err, rc, "process %d (%s)", target->process.pid, target->process.exe);
}

int target_open(struct target **ret, int pid, struct err *err)
{
	CLEANUP(target_freep) struct target *target = calloc(1, sizeof(*target));
	int rc;

	if (!target)
		return err_set(err, -ENOMEM, "out of memory");
	target->process.pidfd = target->process.exe_fd = -1;
	rc = process_open(&target->process, pid, err);
	if (!rc)
		rc = open_binary(target, err);
	if (rc)
		return rc;
	*ret = TAKE_PTR(target);
	return 0;
}

void target_free(struct target *target)
{
	if (!target)
		return;
	gobin_free(target->bin);
	proc_file_close(&target->file);
	process_close(&target->process);
	free(target);
}

/* From memory; once the process is gone, what stands in its file. */
static int read_bytes(void *arg, u64 addr, void *buf, size_t len)
{
	const struct target *target = arg;
	struct bytes in_file;

	if (!process_read(&target->process, addr, buf, len))
		return 0;
	in_file = gobin_bytes(target->bin, addr - target->go.bias, len);
	if (!in_file.data)
		return -EFAULT;
	memcpy(buf, in_file.data, len);
	return 0;
}

static int read_string(void *arg, u64 ptr, u64 len, char *buf, size_t size)
{
	size_t n = MIN(len, (u64)size - 1);
	int rc = read_bytes(arg, ptr, buf, n);

	buf[rc ? 0 : n] = 0;
	return rc;
}

static u64 lookup_pc(const struct target *target, u64 pc, bool return_address)
{
	return pc - target->go.bias - (return_address ? 1 : 0);
}

static const char *last_element(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int name_frame(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	const struct target *target = arg;
	struct gobin_line line;
	int rc = gobin_line(target->bin, lookup_pc(target, pc, return_address), &line);

	if (rc)
		snprintf(buf, size, "%#llx", pc);
	else
		snprintf(buf, size, "%s %s:%u", line.func, last_element(line.file), line.line);
	return rc;
}

static int name_func(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	const struct target *target = arg;
	struct gobin_func func;
	int rc = gobin_func_by_pc(target->bin, lookup_pc(target, pc, return_address), &func);

	if (rc)
		snprintf(buf, size, "%#llx", pc);
	else
		snprintf(buf, size, "%s", func.name);
	return rc;
}

static int name_type(void *arg, u64 type, char *buf, size_t size)
{
	struct target *target = arg;
	struct memory_reader mem = { .read = read_bytes, .arg = target };
	char name[GOTYPE_NAME_MAX];
	int rc = gotype_name(target->bin, target->go.bias, &mem, type, name, NULL);

	snprintf(buf, size, "%s", rc ? "?" : name);
	return rc;
}

struct names target_names(struct target *target)
{
	return (struct names) {
		.arg = target,
		.frame = name_frame,
		.func = name_func,
		.type = name_type,
		.read = read_bytes,
		.string = read_string,
	};
}
