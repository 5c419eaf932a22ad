/* SPDX-License-Identifier: MIT */
/*
 * prompt.c: see prompt.h.
 */
#include "prompt.h"

#include "apic.h"
#include "console.h"
#include "cpu.h"

#define VECTOR_TICK (VECTOR_FIRST_IRQ + 31)
#define TICK        20000000u /* 20 ms at a bus clock of 1 GHz */

static void on_tick(struct trap_frame *frame)
{
    (void)frame;
    apic_eoi();
}

void prompt_wait(void)
{
    if (console_ready())
        return;
    apic_init();
    trap_set_handler(VECTOR_TICK, on_tick);
    apic_timer(APIC_PERIODIC, VECTOR_TICK, TICK);
    while (!console_ready())
        irq_wait();
    apic_timer_stop();
}

void prompt_line(char *line, unsigned size)
{
    unsigned n = 0;
    char c;

    for (;;) {
        prompt_wait();
        c = console_getc();
        if (c == '\n' || c == '\r')
            break;
        if (n + 1 < size)
            line[n++] = c;
    }
    line[n] = '\0';
}

uint64_t prompt_number(const char **at)
{
    uint64_t value = 0;

    for (; **at >= '0' && **at <= '9'; (*at)++)
        value = value * 10 + (uint64_t)(**at - '0');
    while (**at == ' ')
        (*at)++;
    return value;
}
