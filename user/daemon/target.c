/* SPDX-License-Identifier: BSD-2-Clause */
#include "daemon/target.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gobin/layout_check.h"
#include "gobin/probeset.h"
#include "gobin/readable.h"
#include "gobin/types.h"

enum { FUNC_BYTES = 1024 }; /* of a function's name; longer ones are cut */

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

/* The binary's, as far as it holds in this process. What can't be checked stays as it was found: of
 * that, nothing derived is used. */
static int check_layout(struct target *target, struct err *err)
{
	struct go_layout *layout = malloc(sizeof(*layout));
	const struct go_layout *shared;

	if (!layout)
		return err_set(err, -ENOMEM, "out of memory");
	memcpy(layout, &target->binary->layout, sizeof(*layout));
	target->go.layout = target->own_layout = layout;
	(void)go_layout_check(&target->go, layout, NULL);
	shared = binaries_share_layout(target->binary, layout);
	if (shared) {
		free(TAKE_PTR(target->own_layout));
		target->go.layout = shared;
	}
	return 0;
}

static int open_binary(struct target *target, struct err *err)
{
	int rc = binaries_get(target->binaries, target->process.exe_path, &target->binary, err);

	if (!rc) {
		target->bin = target->binary->bin;
		target->go = (struct go_process) {
			.bin = target->bin,
			.mem = { read_memory, read_pieces, target },
		};
		rc = find_bias(target, err);
	}
	if (!rc)
		return check_layout(target, err);
	/* Whether it is about to exit does not matter to its file: a wait for that would hold up
	 * all others at each program that is not Go. */
	if (process_exited(&target->process))
		return err_set(err, -ESRCH, "process %d has exited", target->process.pid);
	return err_prefix(err, rc, "process %d (%s)", target->process.pid, target->process.exe);
}

int target_open(struct target **ret, int pid, struct err *err)
{
	return target_open_shared(ret, NULL, pid, err);
}

int target_open_shared(struct target **ret, struct binaries *binaries, int pid, struct err *err)
{
	CLEANUP(target_freep) struct target *target = calloc(1, sizeof(*target));
	int rc;

	if (!target)
		return err_set(err, -ENOMEM, "out of memory");
	target->process.pidfd = target->process.exe_fd = -1;
	if (!binaries)
		binaries = target->own_binaries = binaries_new();
	target->binaries = binaries;
	if (!binaries)
		return err_set(err, -ENOMEM, "out of memory");
	rc = process_open(&target->process, pid, err);
	if (!rc)
		rc = open_binary(target, err);
	if (rc)
		return rc;
	target->images = images_new(pid, target->binary->file.ino, target->bin,
				    binaries_images_bytes(binaries));
	if (!target->images)
		return err_set(err, -ENOMEM, "out of memory");
	(void)container_of_process(pid, &target->container);
	*ret = TAKE_PTR(target);
	return 0;
}

void target_free(struct target *target)
{
	if (!target)
		return;
	images_free(target->images);
	free(target->own_layout);
	binaries_put(target->binaries, target->binary);
	binaries_free(target->own_binaries);
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

/* Frames of one address at most: a deeper tree of inlined calls was made to waste our time. */
enum { MAX_INLINED = 64 };

/* A run-time address in Go code. */
struct go_code {
	const struct gobin *bin;
	u64 pc; /* link-time */
};

static u64 lookup_pc(u64 pc, bool return_address)
{
	return return_address ? pc - 1 : pc;
}

/* The module whose code holds pc: the executable, else a plugin, then its place too. -ENOENT: none.
 */
static int find_code(const struct target *target, u64 pc, struct go_code *ret,
		     struct image_place *ret_place)
{
	const struct gobin_info *info = gobin_info(target->bin);
	u64 linked = pc - target->go.bias;

	*ret_place = (struct image_place) { 0 };
	*ret = (struct go_code) { target->bin, linked };
	if (linked >= info->text_start && linked < info->text_end)
		return 0;
	if (images_find(target->images, pc, ret_place) || !ret_place->bin)
		return -ENOENT;
	*ret = (struct go_code) { ret_place->bin, ret_place->addr };
	return 0;
}

static void write_other(const struct image_place *place, u64 pc, char *buf, size_t size)
{
	const char *symbol = NULL;

	if (place->symbols && place->addr)
		symbol = elf_symbols_find(place->symbols, place->addr);
	if (symbol)
		snprintf(buf, size, "%s %s", symbol, place->file);
	else if (place->file)
		snprintf(buf, size, "%s+%#llx", place->file, place->offset);
	else
		snprintf(buf, size, "%#llx", pc);
}

static void write_line(const struct gobin_line *line, char *buf, size_t size)
{
	char func[FUNC_BYTES];

	snprintf(buf, size, "%s %s:%u", go_readable_func(func, sizeof(func), line->func),
		 go_readable_file(line->file), line->line);
}

static enum frame_kind kind_of(const struct gobin_line *line)
{
	if (line->wrapper)
		return FRAME_WRAPPER;
	if (go_shows_wrapper(line->func))
		return FRAME_PANIC;
	return go_is_runtime_code(line->func) ? FRAME_RUNTIME : FRAME_PROGRAM;
}

/* The frames of a run-time address in Go code, at most MAX_INLINED: how many, or a negative errno.
 * ret_place: as find_code(). */
static int find_frames(const struct target *target, u64 pc, bool return_address,
		       struct gobin_line lines[static MAX_INLINED], struct image_place *ret_place)
{
	struct go_code code;
	int rc = find_code(target, lookup_pc(pc, return_address), &code, ret_place);

	return rc ? rc : gobin_frames(code.bin, code.pc, lines, MAX_INLINED);
}

static int name_frame_at(void *arg, u64 pc, bool return_address, size_t depth, char *buf,
			 size_t size)
{
	const struct target *target = arg;
	struct gobin_line lines[MAX_INLINED];
	struct image_place place;
	int n = find_frames(target, pc, return_address, lines, &place);

	if (n > 0 && depth < (size_t)n) {
		write_line(&lines[depth], buf, size);
		return kind_of(&lines[depth]);
	}
	/* Where C code keeps no frame pointers, the walk also brings what is no return address. */
	if (n > 0 || depth || place.data)
		return -ENOENT;
	write_other(&place, pc, buf, size);
	return FRAME_PROGRAM;
}

static int name_frame(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	const struct target *target = arg;
	struct gobin_line lines[MAX_INLINED];
	struct image_place place;
	int site = 0, n = find_frames(target, pc, return_address, lines, &place);

	if (n < 0) {
		write_other(&place, pc, buf, size);
		return n;
	}
	while (site < n && kind_of(&lines[site]) != FRAME_PROGRAM)
		site++;
	write_line(&lines[site < n ? site : 0], buf, size);
	return 0;
}

static int name_func(void *arg, u64 pc, bool return_address, char *buf, size_t size)
{
	const struct target *target = arg;
	struct image_place place;
	struct gobin_func func;
	struct go_code code;
	int rc = find_code(target, lookup_pc(pc, return_address), &code, &place);

	if (!rc)
		rc = gobin_func_by_pc(code.bin, code.pc, &func);
	if (rc)
		write_other(&place, pc, buf, size);
	else
		go_readable_func(buf, size, func.name);
	return rc;
}

/* The module whose types hold addr. */
static int find_types(void *arg, u64 addr, struct gotype_module *ret)
{
	const struct target *target = arg;
	struct gotype_module module = { target->bin, target->go.bias };
	struct image_place place;

	if (!gotype_module_holds(&module, addr)) {
		if (images_find(target->images, addr, &place) || !place.bin)
			return -ENOENT;
		module = (struct gotype_module) { place.bin, place.bias };
		if (!gotype_module_holds(&module, addr))
			return -ENOENT;
	}
	*ret = module;
	return 0;
}

static int name_type(void *arg, u64 type, char *buf, size_t size)
{
	struct target *target = arg;
	const struct gotype_modules modules = { .find = find_types, .arg = target };
	struct memory_reader mem = { .read = read_bytes, .arg = target };
	char name[GOTYPE_NAME_MAX];
	int rc = gotype_name_in(&modules, &mem, type, name, NULL);

	snprintf(buf, size, "%s", rc ? "?" : name);
	return rc;
}

struct placement target_placement(const struct target *target)
{
	const struct container *container = &target->container;

	return (struct placement) { container->id, container->pod.uid, container->pod.qos };
}

struct names target_names(struct target *target)
{
	return (struct names) {
		.arg = target,
		.frame = name_frame,
		.frame_at = name_frame_at,
		.func = name_func,
		.type = name_type,
		.read = read_bytes,
		.string = read_string,
	};
}
