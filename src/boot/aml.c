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

#include <errno.h>
#include <string.h>

#define NAME_SEG      4
#define BYTE_PREFIX   0x0a
#define WORD_PREFIX   0x0b
#define DWORD_PREFIX  0x0c
#define STRING_PREFIX 0x0d
#define QWORD_PREFIX  0x0e

void aml_init(struct aml *a, void *buf, size_t size)
{
    *a = (struct aml){.buf = buf, .size = size};
}

int64_t aml_size(const struct aml *a)
{
    return a->len <= a->size ? (int64_t)a->len : -ENOSPC;
}

void aml_bytes(struct aml *a, const void *src, size_t n)
{
    if (a->len <= a->size && n <= a->size - a->len)
        memcpy(a->buf + a->len, src, n);
    else
        a->size = 0; /* all or nothing: later short writes must not land */
    a->len += n;
}

void aml_byte(struct aml *a, uint8_t value)
{
    aml_bytes(a, &value, 1);
}

void aml_align(struct aml *a, size_t align)
{
    while (a->len & (align - 1))
        aml_byte(a, 0);
}

void aml_patch(struct aml *a, size_t at, const void *src, size_t n)
{
    if (aml_size(a) < 0)
        return;
    BUG_ON(at > a->len || n > a->len - at);
    memcpy(a->buf + at, src, n);
}

void aml_op(struct aml *a, enum aml_op op)
{
    if (op > 0xff)
        aml_byte(a, (uint8_t)((unsigned)op >> 8));
    aml_byte(a, (uint8_t)((unsigned)op & 0xff));
}

void aml_name(struct aml *a, const char *name)
{
    char seg[NAME_SEG] = {'_', '_', '_', '_'};
    const size_t n = strlen(name);

    BUG_ON(n == 0 || n > NAME_SEG);
    memcpy(seg, name, n);
    aml_bytes(a, seg, sizeof(seg));
}

/* n bytes of an integer constant, little-endian, after its prefix. */
static void put_const(struct aml *a, uint8_t prefix, uint64_t value, size_t n)
{
    aml_byte(a, prefix);
    aml_bytes(a, &value, n);
}

void aml_int(struct aml *a, uint64_t value)
{
    if (value <= 1)
        aml_byte(a, (uint8_t)value); /* ZeroOp and OneOp */
    else if (value <= UINT8_MAX)
        put_const(a, BYTE_PREFIX, value, 1);
    else if (value <= UINT16_MAX)
        put_const(a, WORD_PREFIX, value, 2);
    else if (value <= UINT32_MAX)
        put_const(a, DWORD_PREFIX, value, 4);
    else
        put_const(a, QWORD_PREFIX, value, 8);
}

void aml_string(struct aml *a, const char *text)
{
    aml_byte(a, STRING_PREFIX);
    aml_bytes(a, text, strlen(text) + 1);
}

static unsigned hex_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'A' + 10);
}

/*
 * ACPI 6.5, 19.3.4 (EISAID): three letters of five bits, four hex digits,
 * stored most significant byte first.
 */
void aml_eisa_id(struct aml *a, const char *id)
{
    uint32_t packed = 0;

    BUG_ON(strlen(id) != 7);
    for (unsigned i = 0; i < 3; i++)
        packed = packed << 5 | ((unsigned)(id[i] - 'A' + 1) & 0x1f);
    for (unsigned i = 3; i < 7; i++)
        packed = packed << 4 | hex_digit(id[i]);
    aml_int(a, __builtin_bswap32(packed));
}

size_t aml_open(struct aml *a, enum aml_op op)
{
    aml_op(a, op);
    return a->len;
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

void aml_close(struct aml *a, size_t mark)
{
    const size_t contents = a->len - mark;
    unsigned char length[4] = {0};
    const size_t n = encode_length(contents, length);

    /* Append the room first, so that an overflow is noticed here too. */
    aml_bytes(a, length, n);
    if (aml_size(a) < 0)
        return;
    memmove(a->buf + mark + n, a->buf + mark, contents);
    memcpy(a->buf + mark, length, n);
}

void aml_buffer(struct aml *a, const void *src, size_t n)
{
    const size_t buffer = aml_open(a, AML_BUFFER);

    aml_int(a, n);
    aml_bytes(a, src, n);
    aml_close(a, buffer);
}
