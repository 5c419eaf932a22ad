/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pc-ports: what a PC has where the operator asks for it: a second serial
 * port, which interrupts by line 3; a parallel port, whose printer takes each
 * byte and says so by line 7; the two debug ports. Interrupts come by the
 * 8259s.
 */
#include "abi/pc.h"
#include "clock.h"
#include "cpu.h"
#include "report.h"
#include "uart.h"

#define VECTOR_MASTER (VECTOR_FIRST_IRQ + 16)
#define PIC_EOI       0x20
#define PATIENCE      (5 * CLOCK_S)

#define LPT_DATA    PC_LPT1
#define LPT_STATUS  (PC_LPT1 + 1)
#define LPT_CONTROL (PC_LPT1 + 2)
#define LPT_READY   0x80 /* not busy */
#define LPT_SELECT  0x08
#define LPT_INIT    0x04
#define LPT_STROBE  0x01
#define LPT_IRQ     0x10

static volatile unsigned serial, parallel;

static void on_serial(struct trap_frame *frame)
{
    (void)frame;
    (void)inb(PC_COM2 + UART_IIR);
    serial = serial + 1;
    outb(PC_PIC_MASTER, PIC_EOI);
}

static void on_parallel(struct trap_frame *frame)
{
    (void)frame;
    parallel = parallel + 1;
    outb(PC_PIC_MASTER, PIC_EOI);
}

static void init_pic(void)
{
    outb(PC_PIC_MASTER, 0x11);
    outb(PC_PIC_MASTER + 1, VECTOR_MASTER);
    outb(PC_PIC_MASTER + 1, 1 << 2);
    outb(PC_PIC_MASTER + 1, 0x01);
    outb(PC_PIC_MASTER + 1, (uint8_t) ~(1u << PC_IRQ_COM2 | 1u << PC_IRQ_LPT1));
    trap_set_handler(VECTOR_MASTER + PC_IRQ_COM2, on_serial);
    trap_set_handler(VECTOR_MASTER + PC_IRQ_LPT1, on_parallel);
}

static void wait_for(const volatile unsigned *count)
{
    const uint64_t begin = clock_ns();

    irq_enable();
    while (*count == 0 && clock_ns() - begin < PATIENCE)
        cpu_pause();
    irq_disable();
}

static void check_serial(void)
{
    outb(PC_COM2 + UART_SCR, 0x5a);
    CHECK_EQ("COM2's scratch register", inb(PC_COM2 + UART_SCR), 0x5a);
    outb(PC_COM2 + UART_LCR, UART_LCR_8N1);
    outb(PC_COM2 + UART_MCR, UART_MCR_OUT2);
    outb(PC_COM2 + UART_IER, UART_IER_THRE); /* there is room: at once */
    wait_for(&serial);
    CHECK_NE("interrupts of COM2", serial, 0);
    outb(PC_COM2 + UART_IER, 0);
    outb(PC_COM2 + UART_THR, 'x');
}

static void check_parallel(void)
{
    CHECK_EQ("the printer", inb(LPT_STATUS) & LPT_READY, LPT_READY);
    outb(LPT_DATA, 'x');
    CHECK_EQ("data on the wires", inb(LPT_DATA), 'x');
    outb(LPT_CONTROL, LPT_IRQ | LPT_SELECT | LPT_INIT);
    outb(LPT_CONTROL, LPT_IRQ | LPT_SELECT | LPT_INIT | LPT_STROBE);
    outb(LPT_CONTROL, LPT_IRQ | LPT_SELECT | LPT_INIT);
    wait_for(&parallel);
    CHECK_NE("interrupts of the printer", parallel, 0);
}

void test_main(void)
{
    init_pic();
    check_serial();
    check_parallel();
    CHECK_EQ("debug port", inb(PC_DEBUG_402), 0xe9);
    CHECK_EQ("debug port", inb(PC_DEBUG_E9), 0xe9);
}
