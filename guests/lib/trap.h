/* SPDX-License-Identifier: MIT */
/*
 * trap.h: exceptions as values, and interrupt handlers.
 *
 * An instruction wrapped in TRAP_CATCH has a row in the exception table; if
 * it faults, what happened is written to the struct trap whose address is in
 * DI and execution goes on after it. A fault anywhere else ends the test
 * with an ERROR. Handlers run with interrupts off, on the interrupted stack.
 */
#ifndef GUEST_TRAP_H
#define GUEST_TRAP_H

#include "frame.h"

#include <stdint.h>

enum vector {
    VECTOR_DE = 0,
    VECTOR_UD = 6,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_FIRST_IRQ = 32,
    VECTOR_SPURIOUS = 255,
};

struct trap {
    int vector; /* -1: the instruction completed */
    uint32_t error;
    uintptr_t addr; /* CR2, for VECTOR_PF */
};

#define TRAP_NONE    \
    {                \
        .vector = -1 \
    }

/* The address of a struct trap must be an input in DI; clobbers memory. */
#define TRAP_CATCH(insn)             \
    "1: " insn "\n2:\n"              \
    ".pushsection .extable, \"a\"\n" \
    ".long 1b, 2b\n"                 \
    ".popsection\n"

/* Called with interrupts off; must acknowledge the interrupt itself. */
typedef void trap_handler(struct trap_frame *frame);

/* Make the table and load it on this (the boot) CPU. */
void trap_init(void);

/* Load the table on another CPU. */
void trap_load(void);

/* Set the handler of an interrupt vector (VECTOR_FIRST_IRQ and up). */
void trap_set_handler(unsigned vector, trap_handler *handler);

/*
 * Jump to an address that is expected to fault when executed. The fault is
 * returned. Code there that does run comes back by jumping to SI.
 */
struct trap trap_jump(uintptr_t target);

#endif
