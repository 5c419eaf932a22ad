/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uart-loopback: COM1 is a PC16550D by its own account: scratch register,
 * divisor latch, FIFO bits, interrupt identification in the order of its
 * priorities, modem lines and data in loopback. Nothing is printed while the
 * registers are not the console's.
 */
#include "report.h"
#include "uart.h"

#define FIFO_SIZE 16u

static void scratch(void)
{
    static const uint8_t patterns[] = {0x00, 0xff, 0x55, 0xaa};

    for (unsigned i = 0; i < sizeof(patterns); i++) {
        uart_write(UART_SCR, patterns[i]);
        CHECK_EQ("scratch", uart_read(UART_SCR), patterns[i]);
    }
}

static void divisor(void)
{
    uint8_t low, high, line;

    uart_write(UART_LCR, UART_LCR_DLAB | UART_LCR_8N1);
    uart_write(UART_DLL, 0x34);
    uart_write(UART_DLM, 0x12);
    low = uart_read(UART_DLL);
    high = uart_read(UART_DLM);
    uart_write(UART_LCR, UART_LCR_8N1);
    line = uart_read(UART_LCR);
    CHECK_EQ("interrupt enable is not the divisor", uart_read(UART_IER), 0);
    uart_init();
    CHECK_EQ("divisor, low", low, 0x34);
    CHECK_EQ("divisor, high", high, 0x12);
    CHECK_EQ("line control", line, UART_LCR_8N1);
}

static void fifo_bits(void)
{
    uart_write(UART_FCR, 0);
    CHECK_EQ("FIFO bits, off", uart_read(UART_IIR) & UART_IIR_FIFO, 0);
    uart_write(UART_FCR, UART_FCR_ENABLE);
    CHECK_EQ("FIFO bits, on", uart_read(UART_IIR) & UART_IIR_FIFO,
             UART_IIR_FIFO);
}

/* Outputs come back as inputs: 8.7 of the data sheet. */
static void modem_lines(void)
{
    static const struct {
        uint8_t out, in;
        const char *name;
    } lines[] = {
        {UART_MCR_RTS, UART_MSR_CTS, "RTS to CTS"},
        {UART_MCR_DTR, UART_MSR_DSR, "DTR to DSR"},
        {UART_MCR_OUT1, UART_MSR_RI, "OUT1 to RI"},
        {UART_MCR_OUT2, UART_MSR_DCD, "OUT2 to DCD"},
    };

    for (unsigned i = 0; i < 4; i++) {
        uint8_t seen;

        uart_write(UART_MCR, (uint8_t)(UART_MCR_LOOP | lines[i].out));
        seen = uart_read(UART_MSR) & 0xf0;
        uart_write(UART_MCR, UART_MCR_LOOP);
        CHECK_EQ(lines[i].name, seen, lines[i].in);
        CHECK_EQ("modem lines, all off", uart_read(UART_MSR) & 0xf0, 0);
    }
}

static void data(void)
{
    uart_write(UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
    CHECK_EQ("data ready, empty", uart_read(UART_LSR) & UART_LSR_DR, 0);
    for (unsigned i = 0; i < FIFO_SIZE; i++)
        uart_put((uint8_t)(i * 17));
    uart_drain();
    CHECK_EQ("data ready, full", uart_read(UART_LSR) & UART_LSR_DR,
             UART_LSR_DR);
    for (unsigned i = 0; i < FIFO_SIZE; i++)
        CHECK_EQ("byte looped back", uart_read(UART_RBR), i * 17);
    CHECK_EQ("data ready, read", uart_read(UART_LSR) & UART_LSR_DR, 0);
}

/* More than the FIFO holds: the overrun is told once; reading clears it. */
static void overrun(void)
{
    for (unsigned i = 0; i < FIFO_SIZE; i++)
        uart_put((uint8_t)i);
    uart_drain();
    uart_write(UART_THR, 0xff);
    CHECK_EQ("overrun", uart_read(UART_LSR) & UART_LSR_OE, UART_LSR_OE);
    CHECK_EQ("overrun, read before", uart_read(UART_LSR) & UART_LSR_OE, 0);
    uart_write(UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
    CHECK_EQ("data ready, FIFO cleared", uart_read(UART_LSR) & UART_LSR_DR, 0);
}

static uint8_t identification(void)
{
    return uart_read(UART_IIR) & UART_IIR_ID;
}

/* Receive is more urgent than transmit; reading each cause clears it. */
static void interrupts(void)
{
    (void)uart_read(UART_MSR);
    uart_write(UART_IER, 0);
    CHECK_EQ("cause, none enabled", identification(), UART_IIR_NONE);
    uart_write(UART_IER, UART_IER_THRE);
    CHECK_EQ("cause, transmitter empty", identification(), UART_IIR_THRE);
    CHECK_EQ("cause, after it was read", identification(), UART_IIR_NONE);
    uart_write(UART_IER, UART_IER_RX | UART_IER_THRE);
    uart_put('x');
    uart_drain();
    CHECK_EQ("cause, byte received", identification() & 0x7, UART_IIR_RX);
    CHECK_EQ("byte", uart_read(UART_RBR), 'x');
    CHECK_EQ("cause, byte read", identification(), UART_IIR_THRE);
    CHECK_EQ("cause, all read", identification(), UART_IIR_NONE);
    uart_write(UART_IER, UART_IER_MODEM);
    uart_write(UART_MCR, UART_MCR_LOOP | UART_MCR_RTS);
    CHECK_EQ("cause, modem status", identification(), 0);
    CHECK_EQ("delta CTS", uart_read(UART_MSR) & 1, 1);
    CHECK_EQ("cause, modem status read", identification(), UART_IIR_NONE);
}

void test_main(void)
{
    uart_drain();
    test_hold();
    scratch();
    divisor();
    fifo_bits();
    uart_write(UART_MCR, UART_MCR_LOOP);
    modem_lines();
    data();
    overrun();
    interrupts();
    uart_init();
    test_release();
}
