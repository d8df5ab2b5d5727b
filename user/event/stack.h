/* SPDX-License-Identifier: BSD-2-Clause */
/* What part of a stack people look for. */
#ifndef EVENT_STACK_H
#define EVENT_STACK_H

#include "event/event.h"
#include "event/names.h"

/*
 * The stack from the program's own code on: without the runtime's frames that
 * lead to the probe (a map grows below runtime.mapassign). All of it if there
 * is nothing else.
 */
struct event_stack stack_of_program(const struct names *names, struct event_stack stack);

#endif
