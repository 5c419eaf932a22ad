/* SPDX-License-Identifier: MIT */
/*
 * trap.c: the interrupt descriptor table and what its entries lead to.
 */
#include "trap.h"

#include "report.h"

#include <stddef.h>

#define TRAP_STUB_SIZE 16u
#define TRAP_VECTORS   256u

struct extable_row {
    uint32_t insn;
    uint32_t resume;
};

extern const struct extable_row extable_start[], extable_end[];
extern const char trap_stubs[];

void trap_dispatch(struct trap_frame *frame); /* trap.S */

static struct idt_gate idt[TRAP_VECTORS];
static trap_handler *handlers[TRAP_VECTORS];

/* A jump in progress (trap_jump); one CPU at a time. */
static uintptr_t jump_target;
static struct extable_row jump;

static void set_gate(unsigned vector)
{
    uintptr_t stub = (uintptr_t)trap_stubs + vector * TRAP_STUB_SIZE;

    idt[vector] = idt_gate(stub);
}

void trap_load(void)
{
    struct {
        uint16_t limit;
        uintptr_t base;
    } __attribute__((packed)) idtr = {sizeof(idt) - 1, (uintptr_t)idt};

    __asm__ volatile("lidt %0" ::"m"(idtr));
}

void trap_init(void)
{
    for (unsigned vector = 0; vector < VECTOR_FIRST_IRQ; vector++)
        set_gate(vector);
    trap_load();
}

void trap_set_handler(unsigned vector, trap_handler *handler)
{
    handlers[vector] = handler;
    set_gate(vector);
}

static uintptr_t fault_address(void)
{
    uintptr_t addr;

    __asm__ volatile("mov %%cr2, %0" : "=r"(addr));
    return addr;
}

static const struct extable_row *extable_find(uintptr_t ip)
{
    if (jump_target && ip == jump_target)
        return &jump;
    for (const struct extable_row *r = extable_start; r < extable_end; r++)
        if (r->insn == ip)
            return r;
    return NULL;
}

/* Callers: the stubs, on any CPU, interrupts off. */
void trap_dispatch(struct trap_frame *frame)
{
    const struct extable_row *row;

    if (handlers[frame->vector & 0xff]) {
        handlers[frame->vector & 0xff](frame);
        return;
    }
    row = extable_find(frame->ip);
    if (!row)
        test_error("unexpected trap %u, error 0x%x, at 0x%lx, address 0x%lx",
                   (unsigned)frame->vector, (unsigned)frame->error,
                   (unsigned long)frame->ip, (unsigned long)fault_address());
    *(struct trap *)frame->di = (struct trap){
        .vector = (int)frame->vector,
        .error = (uint32_t)frame->error,
        .addr = frame->vector == VECTOR_PF ? fault_address() : 0,
    };
    frame->ip = row->resume;
}

struct trap trap_jump(uintptr_t target)
{
    struct trap t = TRAP_NONE;
    uint32_t scratch;

    jump_target = target;
    __asm__ volatile("movl $1f, %0\n"
                     "movl %0, %1\n"
                     "jmp *%2\n"
                     "1:\n"
                     : "=&S"(scratch), "=m"(jump.resume)
                     : "r"(target), "D"(&t)
                     : "memory");
    jump_target = 0;
    return t;
}
