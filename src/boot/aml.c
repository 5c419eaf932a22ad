// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * aml.c: see aml.h. ACPI 6.5, 20.2 (grammar) and 5.2.4 (PkgLength).
 *
 * A length is not known until its object is closed, and takes one to four
 * bytes depending on itself: aml_close moves the contents up by what the
 * length needs. Tables are a few KiB, built once per boot.
 */
#include "boot/aml.h"

#include "vmm/log.h"

#include <string.h>

#define NAME_SEG      4
#define ROOT_CHAR     '\\'
#define DUAL_PREFIX   0x2e
#define MULTI_PREFIX  0x2f
#define BYTE_PREFIX   0x0a
#define WORD_PREFIX   0x0b
#define DWORD_PREFIX  0x0c
#define STRING_PREFIX 0x0d
#define QWORD_PREFIX  0x0e

void aml_op(struct writer *w, enum aml_op op)
{
    if (op > 0xff)
        writer_byte(w, (uint8_t)((unsigned)op >> 8));
    writer_byte(w, (uint8_t)((unsigned)op & 0xff));
}

void aml_name(struct writer *w, const char *name)
{
    const size_t n = strlen(name);

    BUG_ON(n == 0 || n > NAME_SEG);
    writer_bytes(w, name, n);
    writer_bytes(w, "____", NAME_SEG - n);
}

void aml_path(struct writer *w, const char *segs)
{
    const size_t n = strlen(segs);

    BUG_ON(n == 0 || n % NAME_SEG);
    writer_byte(w, ROOT_CHAR);
    if (n == 2 * NAME_SEG)
        writer_byte(w, DUAL_PREFIX);
    if (n > 2 * NAME_SEG) {
        writer_byte(w, MULTI_PREFIX);
        writer_byte(w, (uint8_t)(n / NAME_SEG));
    }
    writer_bytes(w, segs, n);
}

/* n bytes of an integer constant, little-endian, after its prefix. */
static void put_const(struct writer *w, uint8_t prefix, uint64_t value,
                      size_t n)
{
    writer_byte(w, prefix);
    writer_bytes(w, &value, n);
}

void aml_int(struct writer *w, uint64_t value)
{
    if (value <= 1)
        writer_byte(w, (uint8_t)value); /* ZeroOp and OneOp */
    else if (value <= UINT8_MAX)
        put_const(w, BYTE_PREFIX, value, 1);
    else if (value <= UINT16_MAX)
        put_const(w, WORD_PREFIX, value, 2);
    else if (value <= UINT32_MAX)
        put_const(w, DWORD_PREFIX, value, 4);
    else
        put_const(w, QWORD_PREFIX, value, 8);
}

void aml_string(struct writer *w, const char *text)
{
    writer_byte(w, STRING_PREFIX);
    writer_bytes(w, text, strlen(text) + 1);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/*
 * ACPI 6.5, 19.3.4 (EISAID): three letters of five bits, four hex digits,
 * stored most significant byte first.
 */
void aml_eisa_id(struct writer *w, const char *id)
{
    uint32_t packed = 0;

    BUG_ON(strlen(id) != 7);
    for (unsigned i = 0; i < 3; i++)
        packed = packed << 5 | ((unsigned)(id[i] - 'A' + 1) & 0x1f);
    for (unsigned i = 3; i < 7; i++)
        packed = packed << 4 | hex_digit(id[i]);
    aml_int(w, __builtin_bswap32(packed));
}

size_t aml_open(struct writer *w, enum aml_op op)
{
    aml_op(w, op);
    return w->len;
}

/*
 * 20.2.4: the length counts its own bytes. One byte holds 6 bits; otherwise
 * the first holds 4 bits and, on top, how many follow with 8 each.
 */
static size_t encode_length(size_t contents, unsigned char out[4])
{
    size_t n = 1, total;

    if (contents + 1 < 1u << 6) {
        out[0] = (unsigned char)(contents + 1);
        return 1;
    }
    while (contents + n >= (size_t)1 << (4 + 8 * (n - 1)) || n == 1)
        n++;
    total = contents + n;
    out[0] = (unsigned char)((n - 1) << 6 | (total & 0xf));
    for (size_t i = 1; i < n; i++)
        out[i] = (unsigned char)(total >> (4 + 8 * (i - 1)));
    return n;
}

void aml_close(struct writer *w, size_t mark)
{
    const size_t contents = w->len - mark;
    unsigned char length[4] = {0};
    const size_t n = encode_length(contents, length);

    /* Append the room first, so that an overflow is noticed here too. */
    writer_bytes(w, length, n);
    if (writer_size(w) < 0)
        return;
    memmove(w->buf + mark + n, w->buf + mark, contents);
    memcpy(w->buf + mark, length, n);
}

void aml_buffer(struct writer *w, const void *src, size_t n)
{
    const size_t buffer = aml_open(w, AML_BUFFER);

    aml_int(w, n);
    writer_bytes(w, src, n);
    aml_close(w, buffer);
}
