/* SPDX-License-Identifier: MIT */
/*
 * uart.c: COM1, by polling.
 */
#include "uart.h"

#include "abi/layout.h"
#include "cpu.h"

#define UART_DIVISOR_115200 1u

uint8_t uart_read(enum uart_register reg)
{
    return inb((uint16_t)(LAYOUT_COM1 + reg));
}

void uart_write(enum uart_register reg, uint8_t value)
{
    outb((uint16_t)(LAYOUT_COM1 + reg), value);
}

bool uart_present(void)
{
    uart_write(UART_SCR, 0x5a);
    return uart_read(UART_SCR) == 0x5a;
}

void uart_init(void)
{
    uart_write(UART_IER, 0);
    uart_write(UART_LCR, UART_LCR_DLAB | UART_LCR_8N1);
    uart_write(UART_DLL, UART_DIVISOR_115200);
    uart_write(UART_DLM, 0);
    uart_write(UART_LCR, UART_LCR_8N1);
    uart_write(UART_FCR, UART_FCR_ENABLE);
    uart_write(UART_MCR, UART_MCR_DTR | UART_MCR_RTS | UART_MCR_OUT2);
}

void uart_put(uint8_t byte)
{
    while (!(uart_read(UART_LSR) & UART_LSR_THRE))
        cpu_pause();
    uart_write(UART_THR, byte);
}

void uart_drain(void)
{
    while (!(uart_read(UART_LSR) & UART_LSR_TEMT))
        cpu_pause();
}
