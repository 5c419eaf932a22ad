/* SPDX-License-Identifier: MIT */
/*
 * uart.h: the registers of the 16550 at COM1. Source: National
 * Semiconductor PC16550D data sheet.
 */
#ifndef GUEST_UART_H
#define GUEST_UART_H

#include <stdbool.h>
#include <stdint.h>

enum uart_register {
    UART_RBR = 0, /* read; with DLAB: divisor, low */
    UART_THR = 0, /* write */
    UART_DLL = 0,
    UART_IER = 1, /* with DLAB: divisor, high */
    UART_DLM = 1,
    UART_IIR = 2, /* read */
    UART_FCR = 2, /* write */
    UART_LCR = 3,
    UART_MCR = 4,
    UART_LSR = 5,
    UART_MSR = 6,
    UART_SCR = 7,
};

#define UART_IER_RX       0x01u
#define UART_IER_THRE     0x02u
#define UART_IER_LINE     0x04u
#define UART_IER_MODEM    0x08u
#define UART_IIR_NONE     0x01u
#define UART_IIR_THRE     0x02u
#define UART_IIR_RX       0x04u
#define UART_IIR_LINE     0x06u
#define UART_IIR_TIMEOUT  0x0cu
#define UART_IIR_ID       0x0fu
#define UART_IIR_FIFO     0xc0u
#define UART_FCR_ENABLE   0x01u
#define UART_FCR_CLEAR_RX 0x02u
#define UART_FCR_CLEAR_TX 0x04u
#define UART_LCR_8N1      0x03u
#define UART_LCR_DLAB     0x80u
#define UART_MCR_DTR      0x01u
#define UART_MCR_RTS      0x02u
#define UART_MCR_OUT1     0x04u
#define UART_MCR_OUT2     0x08u
#define UART_MCR_LOOP     0x10u
#define UART_LSR_DR       0x01u
#define UART_LSR_OE       0x02u
#define UART_LSR_THRE     0x20u
#define UART_LSR_TEMT     0x40u
#define UART_MSR_CTS      0x10u
#define UART_MSR_DSR      0x20u
#define UART_MSR_RI       0x40u
#define UART_MSR_DCD      0x80u

uint8_t uart_read(enum uart_register reg);
void uart_write(enum uart_register reg, uint8_t value);

/* True if there is a UART at COM1: its scratch register remembers. */
bool uart_present(void);

/* 115200 8N1, FIFOs on, no interrupts, no loopback. Input is kept. */
void uart_init(void);

/* Wait for room and send one byte. */
void uart_put(uint8_t byte);

/* Wait until all that was sent is out of the chip. */
void uart_drain(void);

#endif
