/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uart-irq: COM1's interrupts arrive through its IOAPIC pin: transmitter
 * empty, byte received (in loopback), and bytes from the host, which wake a
 * halted CPU. The harness types a line after READY.
 */
#include "abi/layout.h"
#include "apic.h"
#include "clock.h"
#include "console.h"
#include "cpu.h"
#include "ioapic.h"
#include "report.h"
#include "string.h"
#include "uart.h"

#define VECTOR_UART (VECTOR_FIRST_IRQ + 2)
#define PATIENCE    (5 * CLOCK_S)
#define QUIET       (20 * CLOCK_MS)
#define LINE_MAX    64u

static volatile unsigned transmit, receive;
static char line[LINE_MAX];
static volatile unsigned line_length;

static void on_receive(void)
{
    while (uart_read(UART_LSR) & UART_LSR_DR) {
        char c = (char)uart_read(UART_RBR);

        receive = receive + 1;
        if (line_length < LINE_MAX) {
            line[line_length] = c;
            line_length = line_length + 1;
        }
    }
}

/* Until no cause is left: the pin is edge triggered. */
static void on_uart(struct trap_frame *frame)
{
    (void)frame;
    for (;;) {
        uint8_t cause = uart_read(UART_IIR) & UART_IIR_ID;

        if (cause & UART_IIR_NONE)
            break;
        if (cause == UART_IIR_THRE)
            transmit = transmit + 1;
        else
            on_receive();
    }
    apic_eoi();
}

static void wait_quietly(const volatile unsigned *count, unsigned n,
                         uint64_t ns)
{
    irq_enable();
    (void)clock_wait(*count >= n, ns);
    irq_disable();
}

static void transmitter(void)
{
    uart_drain();
    uart_write(UART_IER, UART_IER_THRE);
    wait_quietly(&transmit, 1, PATIENCE);
    CHECK_EQ("interrupts, THRE enabled while empty", transmit, 1);
    wait_quietly(&transmit, 2, QUIET);
    CHECK_EQ("interrupts, nothing sent since", transmit, 1);
    uart_write(UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2);
    uart_write(UART_THR, 'a');
    wait_quietly(&transmit, 2, PATIENCE);
    CHECK_EQ("interrupts, one byte sent", transmit, 2);
    uart_write(UART_IER, 0);
}

static void receiver(void)
{
    uart_write(UART_FCR, UART_FCR_ENABLE | UART_FCR_CLEAR_RX);
    receive = 0;
    line_length = 0;
    uart_write(UART_IER, UART_IER_RX);
    uart_put('b');
    wait_quietly(&receive, 1, PATIENCE);
    CHECK_EQ("bytes received in loopback", receive, 1);
    CHECK_EQ("byte", (uint8_t)line[0], 'b');
}

static void from_host(void)
{
    static const char expected[] = "wake up\n";

    receive = 0;
    line_length = 0;
    uart_write(UART_IER, UART_IER_RX);
    test_ready();
    while (receive < strlen(expected))
        irq_wait();
    CHECK_EQ("line from the host",
             memcmp(line, expected, strlen(expected)) == 0, 1);
    uart_write(UART_IER, 0);
}

void test_main(void)
{
    apic_init();
    ioapic_init();
    trap_set_handler(VECTOR_UART, on_uart);
    uart_drain();
    ioapic_route(LAYOUT_COM1_GSI, VECTOR_UART);
    (void)clock_ns();
    test_hold();
    transmitter();
    receiver();
    uart_init();
    test_release();
    from_host();
}
