/* SPDX-License-Identifier: MIT */
/*
 * console.h: text to whatever is listening: the 16550 at COM1, and the debug
 * port 0xE9 where it answers as one. Polling only, any CPU, one at a time.
 */
#ifndef GUEST_CONSOLE_H
#define GUEST_CONSOLE_H

#include <stdarg.h>
#include <stdbool.h>

/* Find out what is there. */
void console_init(void);

void console_putc(char c);

/* The next byte typed, waiting for it. */
char console_getc(void);

/* True if a byte has been typed. */
bool console_ready(void);

/*
 * As in C, of it: %s %c %% %d %u %x, with l or ll before the last three and
 * 0 and a width before that.
 */
void printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vprintf(const char *format, va_list args)
    __attribute__((format(printf, 1, 0)));

#endif
