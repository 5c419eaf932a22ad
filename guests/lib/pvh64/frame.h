/* SPDX-License-Identifier: MIT */
/*
 * frame.h: what a trap leaves on the stack in long mode (trap.S).
 */
#ifndef GUEST_FRAME_H
#define GUEST_FRAME_H

#include <stdint.h>

#define ARCH_BITS 64

struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t di, si, bp, bx, dx, cx, ax;
    uint64_t vector, error;
    uint64_t ip, cs, flags, sp, ss;
};

/* Intel SDM volume 3, 6.14.1: a 64-bit interrupt gate. */
struct idt_gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t zero;
};

#define IDT_SELECTOR 0x18

static inline struct idt_gate idt_gate(uintptr_t entry)
{
    return (struct idt_gate){
        .offset_low = (uint16_t)entry,
        .selector = IDT_SELECTOR,
        .type = 0x8e,
        .offset_middle = (uint16_t)(entry >> 16),
        .offset_high = (uint32_t)(entry >> 32),
    };
}

#endif
