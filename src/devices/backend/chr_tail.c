// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * chr_tail.c: the last lines a guest wrote, for the report of its failure.
 *
 * The bytes are kept as they came in a ring of CHR_TAIL_BUF and made
 * harmless when printed: control characters other than tab, and what an
 * 8-bit terminal might take for one, do not reach the operator's terminal.
 */
#include "devices/backend/chr_priv.h"

#include <string.h>

#define LINE_BYTES 512

void chr_tail_add(struct chr *c, const unsigned char *bytes, size_t n)
{
    struct chr_tail *t = &c->tail;

    /* Only the last ring's worth can survive. */
    if (n > CHR_TAIL_BUF) {
        bytes += n - CHR_TAIL_BUF;
        n = CHR_TAIL_BUF;
    }
    while (n) {
        const size_t to_end = CHR_TAIL_BUF - t->at;
        const size_t part = n < to_end ? n : to_end;

        memcpy(c->tail_buf + t->at, bytes, part);
        bytes += part;
        n -= part;
        t->at += part;
        if (t->at == CHR_TAIL_BUF) {
            t->at = 0;
            t->wrapped = true;
        }
    }
}

static size_t tail_length(const struct chr_tail *t)
{
    return t->wrapped ? CHR_TAIL_BUF : t->at;
}

/* Byte i of the tail, counted from the oldest. */
static unsigned char tail_byte(const struct chr *c, size_t i)
{
    const size_t first = c->tail.wrapped ? c->tail.at : 0;

    return c->tail_buf[(first + i) % CHR_TAIL_BUF];
}

/* Where the last CHR_TAIL_LINES lines begin. */
static size_t tail_start(const struct chr *c)
{
    size_t i = tail_length(&c->tail);
    unsigned lines = 0;

    /* The newline that ends the last line begins no other. */
    if (i && tail_byte(c, i - 1) == '\n')
        i--;
    for (; i; i--)
        if (tail_byte(c, i - 1) == '\n' && ++lines == CHR_TAIL_LINES)
            break;
    return i;
}

static bool is_printable(unsigned char byte)
{
    return byte == '\t' || (byte >= 0x20 && byte < 0x7f);
}

static void put_line(const struct chr *c, char *line, size_t n)
{
    /* A terminal in raw mode needs the CR, another does not mind. */
    if (c->stderr_tty)
        line[n++] = '\r';
    line[n++] = '\n';
    log_bytes(line, n);
}

void chr_dump_tail(const struct chr *c)
{
    static const char prefix[] = "console: ";
    const size_t skip = sizeof(prefix) - 1;
    const size_t end = tail_length(&c->tail);
    char line[LINE_BYTES];
    size_t n = skip;

    memcpy(line, prefix, skip);
    for (size_t i = tail_start(c); i < end; i++) {
        const unsigned char byte = tail_byte(c, i);

        if (byte == '\n' || n == LINE_BYTES - 2) {
            put_line(c, line, n);
            n = skip;
        }
        if (is_printable(byte))
            line[n++] = (char)byte;
    }
    if (n > skip)
        put_line(c, line, n);
}
