/* SPDX-License-Identifier: MIT */
/*
 * frame.h: what a trap leaves on the stack in 32-bit mode (trap.S).
 */
#ifndef GUEST_FRAME_H
#define GUEST_FRAME_H

#include <stdint.h>

#define ARCH_BITS 32

struct trap_frame {
    uint32_t di, si, bp, sp, bx, dx, cx, ax; /* PUSHAL */
    uint32_t vector, error;
    uint32_t ip, cs, flags;
};

/* Intel SDM volume 3, 6.11: a 32-bit interrupt gate. */
struct idt_gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t zero;
    uint8_t type;
    uint16_t offset_high;
};

#define IDT_SELECTOR 0x08

static inline struct idt_gate idt_gate(uintptr_t entry)
{
    return (struct idt_gate){
        .offset_low = (uint16_t)entry,
        .selector = IDT_SELECTOR,
        .type = 0x8e,
        .offset_high = (uint16_t)(entry >> 16),
    };
}

#endif
