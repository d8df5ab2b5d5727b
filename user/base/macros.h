/* SPDX-License-Identifier: BSD-2-Clause */
/* Scoped cleanup and other small things that the C language lacks. */
#ifndef BASE_MACROS_H
#define BASE_MACROS_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

/* CLEANUP(f): call f(&variable) when the variable goes out of scope. */
#define CLEANUP(f) __attribute__((cleanup(f)))

/* TAKE_PTR(p): hand ownership out of a variable that has a CLEANUP. */
#define TAKE_PTR(p)                                                                                \
	({                                                                                         \
		__typeof__(p) take_ptr_ = (p);                                                     \
		(p) = NULL;                                                                        \
		take_ptr_;                                                                         \
	})

/* TAKE_FD(fd): the same for a file descriptor. */
#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int take_fd_ = (fd);                                                               \
		(fd) = -1;                                                                         \
		take_fd_;                                                                          \
	})

/* DEFINE_FREEP(type, free): defines free##p, for CLEANUP on a `type *`. */
#define DEFINE_FREEP(type, free_fn)                                                                \
	static inline void free_fn##p(type **p)                                                    \
	{                                                                                          \
		free_fn(*p);                                                                       \
	}

/* For CLEANUP on memory from malloc; takes a pointer to the pointer. */
static inline void freep(void *p)
{
	free(*(void **)p);
}

/* For CLEANUP on a file descriptor; a negative one is left alone. */
static inline void fd_closep(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#endif
