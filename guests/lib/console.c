/* SPDX-License-Identifier: MIT */
/*
 * console.c: the console and the formatted print on it.
 */
#include "console.h"

#include "cpu.h"
#include "uart.h"

#include <stdint.h>

#define DEBUG_PORT 0xe9

static bool has_uart, has_debug_port;

void console_init(void)
{
    has_uart = uart_present();
    has_debug_port = inb(DEBUG_PORT) == DEBUG_PORT;
    if (has_uart)
        uart_init();
}

/* Where there are both, they end at the same place: each byte once. */
void console_putc(char c)
{
    if (has_debug_port && !has_uart)
        outb(DEBUG_PORT, (uint8_t)c);
    if (has_uart)
        uart_put((uint8_t)c);
}

bool console_ready(void)
{
    return has_uart && (uart_read(UART_LSR) & UART_LSR_DR);
}

char console_getc(void)
{
    while (!console_ready())
        cpu_pause();
    return (char)uart_read(UART_RBR);
}

static void put_padded(const char *s, unsigned n, unsigned width, char pad)
{
    for (; width > n; width--)
        console_putc(pad);
    while (n--)
        console_putc(*s++);
}

/* 16 bits at a time: there is no 64-bit division in 32-bit mode. */
static unsigned divide(uint64_t *value, unsigned base)
{
    unsigned rest = 0;
    uint64_t quotient = 0;

    for (int shift = 48; shift >= 0; shift -= 16) {
        unsigned part = rest << 16 | (unsigned)(*value >> shift & 0xffff);

        quotient |= (uint64_t)(part / base) << shift;
        rest = part % base;
    }
    *value = quotient;
    return rest;
}

static void put_number(uint64_t value, bool negative, unsigned base,
                       unsigned width, char pad)
{
    char text[24];
    unsigned at = sizeof(text);

    do
        text[--at] = "0123456789abcdef"[divide(&value, base)];
    while (value);
    if (negative)
        text[--at] = '-';
    put_padded(&text[at], (unsigned)sizeof(text) - at, width, pad);
}

static uint64_t next_unsigned(va_list *args, unsigned longs)
{
    if (longs == 0)
        return va_arg(*args, unsigned);
    if (longs == 1)
        return va_arg(*args, unsigned long);
    return va_arg(*args, unsigned long long);
}

static int64_t next_signed(va_list *args, unsigned longs)
{
    if (longs == 0)
        return va_arg(*args, int);
    if (longs == 1)
        return va_arg(*args, long);
    return va_arg(*args, long long);
}

static void put_string(const char *s)
{
    while (*s)
        console_putc(*s++);
}

/* One conversion; format is after the '%'. Returns what is after it. */
static const char *convert(const char *format, va_list *args)
{
    char pad = *format == '0' ? '0' : ' ';
    unsigned width = 0, longs = 0;
    int64_t number;

    for (; *format >= '0' && *format <= '9'; format++)
        width = width * 10 + (unsigned)(*format - '0');
    for (; *format == 'l'; format++)
        longs++;
    switch (*format) {
    case 'c':
        console_putc((char)va_arg(*args, int));
        break;
    case 's':
        put_string(va_arg(*args, const char *));
        break;
    case 'd':
        number = next_signed(args, longs);
        put_number(number < 0 ? -(uint64_t)number : (uint64_t)number,
                   number < 0, 10, width, pad);
        break;
    case 'u':
        put_number(next_unsigned(args, longs), false, 10, width, pad);
        break;
    case 'x':
        put_number(next_unsigned(args, longs), false, 16, width, pad);
        break;
    default:
        console_putc(*format);
        break;
    }
    return format + 1;
}

void vprintf(const char *format, va_list args)
{
    va_list copy;

    va_copy(copy, args);
    while (*format) {
        if (*format != '%') {
            console_putc(*format++);
            continue;
        }
        format = convert(format + 1, &copy);
    }
    va_end(copy);
}

void printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(format, args);
    va_end(args);
}
