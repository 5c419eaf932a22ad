// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pflash.c: see pflash.h. A chip of two states: what reads find, and which
 * write of a command comes next. A write of several bytes is as many of the
 * bus's, the lowest first.
 *
 * Clear Status Register clears the ready bit too, which says so again with
 * the end of the next command: by that UEFI's driver for this flash tells it
 * from a ROM, whose reads stay as they are.
 */
#include "devices/platform/pflash.h"

#include "vmm/checked.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

enum {
    CMD_ARRAY = 0xff,
    CMD_PROGRAM = 0x40,
    CMD_PROGRAM_ALSO = 0x10,
    CMD_BUFFER = 0xe8,
    CMD_ERASE = 0x20,
    CMD_CONFIRM = 0xd0,
    CMD_CLEAR = 0x50,
    CMD_STATUS = 0x70,
    CMD_ID = 0x90,
    CMD_QUERY = 0x98,
    CMD_LOCK = 0x60,
};

#define SR_READY    0x80u
#define SR_ERASE    0x20u
#define SR_PROGRAM  0x10u
#define SR_SEQUENCE (SR_ERASE | SR_PROGRAM)

#define ID_INTEL 0x89u
#define ID_CHIP  0x17u

#define BUFFER 256u
#define QUERY  0x40u

/* What reads find. */
enum reads {
    READS_ARRAY,
    READS_STATUS,
    READS_ID,
    READS_QUERY,
};

/* What the next write is. */
enum writes {
    WRITES_COMMAND,
    WRITES_BYTE,
    WRITES_ERASE,
    WRITES_COUNT,
    WRITES_BUFFER,
    WRITES_CONFIRM,
    WRITES_LOCK,
};

struct pflash {
    unsigned char *data; /* borrowed */
    uint32_t size;
    struct pflash_hooks hooks;
    enum reads reads;
    enum writes writes;
    uint8_t status;
    /* the buffer: count bytes of one window of BUFFER bytes */
    unsigned count, filled;
    uint32_t at[BUFFER];
    uint8_t value[BUFFER];
};

struct pflash *pflash_create(unsigned char *data, uint32_t size,
                             const struct pflash_hooks *hooks)
{
    struct pflash *f = calloc(1, sizeof(*f));

    BUG_ON(!size || size % PFLASH_BLOCK || size > PFLASH_MAX);
    if (!f) {
        log_error("pflash: out of memory");
        return NULL;
    }
    f->data = data;
    f->size = size;
    f->hooks = *hooks;
    f->status = SR_READY;
    return f;
}

void pflash_destroy(struct pflash *f)
{
    free(f);
}

/* ---- reading ---- */

static uint8_t log2_up(uint32_t n)
{
    uint8_t bits = 0;

    while (1u << bits < n)
        bits++;
    return bits;
}

static uint8_t query(const struct pflash *f, uint32_t off)
{
    const uint32_t last = f->size / PFLASH_BLOCK - 1;
    const uint8_t table[QUERY] = {
        [0x10] = 'Q',
        'R',
        'Y',
        [0x13] = 0x01,
        0x00,
        0x31,
        0x00, /* command set, its own table */
        [0x1b] = 0x45,
        0x55, /* 4.5 to 5.5 V */
        [0x1f] = 0x04,
        0x08,
        0x0a,
        0x00, /* 2^n us; ms for a block */
        [0x23] = 0x01,
        0x01,
        0x01,
        0x00, /* at most twice that */
        [0x27] = log2_up(f->size),
        [0x28] = 0x00,
        0x00, /* eight bits */
        [0x2a] = 0x08,
        0x00,       /* 2^n bytes of buffer */
        [0x2c] = 1, /* kind of blocks */
        [0x2d] = (uint8_t)last,
        (uint8_t)(last >> 8),
        [0x2f] = PFLASH_BLOCK / 256 & 0xff,
        PFLASH_BLOCK / 256 >> 8,
        [0x31] = 'P',
        'R',
        'I',
        '1',
        '0',
    };

    return off < QUERY ? table[off] : 0;
}

static uint8_t identify(uint32_t off)
{
    return off == 0 ? ID_INTEL : off == 1 ? ID_CHIP : 0;
}

static uint8_t read_byte(const struct pflash *f, uint32_t off)
{
    switch (f->reads) {
    case READS_STATUS:
        return f->status;
    case READS_ID:
        return identify(off % PFLASH_BLOCK);
    case READS_QUERY:
        return query(f, off);
    case READS_ARRAY:
        break;
    }
    return f->data[off];
}

static void find(struct pflash *f, enum reads what)
{
    const bool was = f->reads == READS_ARRAY, is = what == READS_ARRAY;

    f->reads = what;
    if (was != is)
        f->hooks.shown(f->hooks.ctx, is);
}

/* ---- writing ---- */

static void program(struct pflash *f, uint32_t off, uint8_t v)
{
    f->data[off] &= v;
    f->hooks.changed(f->hooks.ctx, off, 1);
}

static void end(struct pflash *f, uint8_t errors)
{
    f->writes = WRITES_COMMAND;
    f->status |= (uint8_t)(SR_READY | errors);
    find(f, READS_STATUS);
}

static void command(struct pflash *f, uint8_t v)
{
    static const struct {
        uint8_t command;
        enum reads reads;
        enum writes writes;
    } rows[] = {
        {CMD_ARRAY, READS_ARRAY, WRITES_COMMAND},
        {CMD_STATUS, READS_STATUS, WRITES_COMMAND},
        {CMD_ID, READS_ID, WRITES_COMMAND},
        {CMD_QUERY, READS_QUERY, WRITES_COMMAND},
        {CMD_PROGRAM, READS_STATUS, WRITES_BYTE},
        {CMD_PROGRAM_ALSO, READS_STATUS, WRITES_BYTE},
        {CMD_ERASE, READS_STATUS, WRITES_ERASE},
        {CMD_BUFFER, READS_STATUS, WRITES_COUNT},
        {CMD_LOCK, READS_STATUS, WRITES_LOCK},
        /* Suspended is nothing, so there is nothing to go on with. */
        {CMD_CONFIRM, READS_STATUS, WRITES_COMMAND},
    };

    if (v == CMD_CLEAR) {
        f->status = 0;
        find(f, READS_ARRAY);
        return;
    }
    if (v == CMD_BUFFER)
        f->status |= SR_READY; /* there is room */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].command != v)
            continue;
        f->writes = rows[i].writes;
        find(f, rows[i].reads);
        return;
    }
    find(f, READS_ARRAY); /* what it does not know */
}

static void erase(struct pflash *f, uint32_t off, uint8_t v)
{
    const uint32_t block = off & ~(PFLASH_BLOCK - 1);

    if (v == CMD_CONFIRM) {
        memset(f->data + block, 0xff, PFLASH_BLOCK);
        f->hooks.changed(f->hooks.ctx, block, PFLASH_BLOCK);
    }
    end(f, v == CMD_CONFIRM ? 0 : SR_SEQUENCE);
}

/* All bytes are in the window of the first. */
static void fill(struct pflash *f, uint32_t off, uint8_t v)
{
    f->at[f->filled] = off;
    f->value[f->filled++] = v;
    if (off / BUFFER != f->at[0] / BUFFER)
        end(f, SR_SEQUENCE);
    else if (f->filled == f->count)
        f->writes = WRITES_CONFIRM;
}

static void confirm(struct pflash *f, uint8_t v)
{
    for (unsigned i = 0; v == CMD_CONFIRM && i < f->count; i++)
        program(f, f->at[i], f->value[i]);
    end(f, v == CMD_CONFIRM ? 0 : SR_SEQUENCE);
}

static void write_byte(struct pflash *f, uint32_t off, uint8_t v)
{
    switch (f->writes) {
    case WRITES_COMMAND:
        command(f, v);
        break;
    case WRITES_BYTE:
        program(f, off, v);
        end(f, 0);
        break;
    case WRITES_ERASE:
        erase(f, off, v);
        break;
    case WRITES_COUNT:
        f->count = v + 1u;
        f->filled = 0;
        f->writes = WRITES_BUFFER;
        break;
    case WRITES_BUFFER:
        fill(f, off, v);
        break;
    case WRITES_CONFIRM:
        confirm(f, v);
        break;
    case WRITES_LOCK: /* blocks have no locks */
        end(f, 0);
        break;
    }
}

static void flash_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct pflash *f = dev;
    uint8_t *out = data;

    for (unsigned i = 0; i < n; i++)
        out[i] = range_ok(off, i + 1u, f->size)
                     ? read_byte(f, (uint32_t)off + i)
                     : 0xff;
}

static void flash_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct pflash *f = dev;
    const uint8_t *in = data;

    for (unsigned i = 0; i < n && range_ok(off, i + 1u, f->size); i++)
        write_byte(f, (uint32_t)off + i, in[i]);
}

const struct io_ops pflash_ops = {
    .name = "pflash",
    .read = flash_read,
    .write = flash_write,
};
