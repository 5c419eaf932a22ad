// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Flash memory by the 28F640J5's datasheet and CFI: each command, what reads
 * find after it, what it does to the array and to the status; and how UEFI's
 * driver tells it from a ROM and from RAM.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/platform/pflash.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define BLOCKS 33u /* as OVMF's 132: no power of two */
#define SIZE   (BLOCKS * PFLASH_BLOCK)

#define READY    0x80u
#define SEQUENCE 0xb0u

struct rig {
    unsigned char data[SIZE];
    struct pflash *chip;
    bool array;
    unsigned shown, changes;
    uint32_t first, end; /* of what changed */
};

static void on_shown(void *ctx, bool array)
{
    struct rig *r = ctx;

    assert_int_not_equal(r->array, array);
    r->array = array;
    r->shown++;
}

static void on_changed(void *ctx, uint32_t off, uint32_t n)
{
    struct rig *r = ctx;

    assert_true(n && off < SIZE && n <= SIZE - off);
    r->first = r->changes++ && r->first < off ? r->first : off;
    r->end = off + n;
}

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    const struct pflash_hooks hooks = {
        .shown = on_shown, .changed = on_changed, .ctx = r};

    log_set_level(LOG_ERROR);
    for (unsigned i = 0; i < SIZE; i++)
        r->data[i] = (unsigned char)(i * 7 + i / PFLASH_BLOCK);
    r->array = true;
    r->chip = pflash_create(r->data, SIZE, &hooks);
    *state = r;
    return r->chip ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    pflash_destroy(r->chip);
    free(r);
    return 0;
}

static uint8_t get(struct rig *r, uint32_t off)
{
    uint8_t v;

    pflash_ops.read(r->chip, off, &v, 1);
    return v;
}

static void put(struct rig *r, uint32_t off, uint8_t v)
{
    pflash_ops.write(r->chip, off, &v, 1);
}

static void commands_and_reads(void **state)
{
    struct rig *r = *state;
    uint8_t wide[4];

    assert_int_equal(get(r, 5), r->data[5]);
    pflash_ops.read(r->chip, 8, wide, 4);
    assert_memory_equal(wide, r->data + 8, 4);
    put(r, 9, 0x70);
    assert_false(r->array);
    assert_int_equal(get(r, SIZE - 1), READY);
    put(r, 9, 0x90);
    assert_int_equal(get(r, 3 * PFLASH_BLOCK), 0x89);
    assert_int_equal(get(r, 3 * PFLASH_BLOCK + 1), 0x17);
    assert_int_equal(get(r, 2), 0); /* no lock */
    put(r, 9, 0xff);
    assert_true(r->array);
    assert_int_equal(get(r, 1), r->data[1]);
    put(r, 9, 0x33); /* there is no such command */
    assert_int_equal(get(r, 1), r->data[1]);
    assert_int_equal(r->shown, 2);
    assert_int_equal(r->changes, 0);
}

static void query(void **state)
{
    struct rig *r = *state;
    unsigned blocks, size;

    put(r, 0x55, 0x98);
    assert_int_equal(get(r, 0x10), 'Q');
    assert_int_equal(get(r, 0x11), 'R');
    assert_int_equal(get(r, 0x12), 'Y');
    assert_int_equal(get(r, 0x13), 1);
    assert_int_equal(1u << get(r, 0x27), 64 * PFLASH_BLOCK);
    assert_int_equal(get(r, 0x2c), 1);
    blocks = get(r, 0x2d) + 256u * get(r, 0x2e) + 1;
    size = (get(r, 0x2f) + 256u * get(r, 0x30)) * 256;
    assert_int_equal(blocks, BLOCKS);
    assert_int_equal(size, PFLASH_BLOCK);
    assert_int_equal(get(r, get(r, 0x15)), 'P');
    assert_int_equal(get(r, SIZE - 1), 0);
}

/* Bits go from one to zero, and only the block's erase brings them back. */
static void program_and_erase(void **state)
{
    struct rig *r = *state;
    const uint32_t at = 2 * PFLASH_BLOCK + 17;
    const uint8_t was = r->data[at], before = r->data[2 * PFLASH_BLOCK - 1],
                  behind = r->data[3 * PFLASH_BLOCK];

    put(r, at, 0x10);
    put(r, at, 0x5a);
    assert_int_equal(r->data[at], was & 0x5a);
    assert_int_equal(get(r, 0), READY);
    assert_int_equal(r->first, at);
    assert_int_equal(r->end, at + 1);
    put(r, at, 0x20);
    put(r, at, 0xd0);
    assert_int_equal(get(r, 0), READY);
    assert_int_equal(r->first, 2 * PFLASH_BLOCK);
    assert_int_equal(r->end, 3 * PFLASH_BLOCK);
    for (uint32_t i = 2 * PFLASH_BLOCK; i < 3 * PFLASH_BLOCK; i++)
        assert_int_equal(r->data[i], 0xff);
    assert_int_equal(r->data[2 * PFLASH_BLOCK - 1], before);
    assert_int_equal(r->data[3 * PFLASH_BLOCK], behind);
    /* The other number of the same command; then what was written. */
    put(r, at, 0x40);
    put(r, at, 0x5a);
    put(r, at, 0xff);
    assert_int_equal(get(r, at), 0x5a);
}

/* An erase that is not confirmed does nothing, and the status says so. */
static void an_erase_not_confirmed(void **state)
{
    struct rig *r = *state;

    put(r, 0, 0x20);
    put(r, 0, 0xff);
    assert_int_equal(get(r, 0), SEQUENCE);
    assert_int_equal(r->changes, 0);
    /* It stays until it is cleared. */
    put(r, 0, 0x40);
    put(r, 0, 0xff);
    assert_int_equal(get(r, 0), SEQUENCE);
    put(r, 0, 0x50);
    put(r, 0, 0x40);
    put(r, 0, 0xff);
    assert_int_equal(get(r, 0), READY);
}

static void the_buffer(void **state)
{
    struct rig *r = *state;
    const uint32_t at = PFLASH_BLOCK;

    put(r, at, 0x20);
    put(r, at, 0xd0);
    put(r, at, 0xe8);
    assert_int_equal(get(r, at) & READY, READY);
    put(r, at, 255); /* 256 bytes */
    for (unsigned i = 0; i < 256; i++)
        put(r, at + i, (uint8_t)(255 - i));
    assert_int_equal(r->data[at], 0xff);
    put(r, at, 0xd0);
    assert_int_equal(get(r, 0), READY);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(r->data[at + i], 255 - i);
    /* Not confirmed; and out of the buffer's window. */
    put(r, at + 256, 0xe8);
    put(r, at + 256, 0);
    put(r, at + 256, 0x11);
    put(r, at + 256, 0x22);
    assert_int_equal(get(r, 0), SEQUENCE);
    put(r, 0, 0x50);
    put(r, at + 511, 0xe8);
    put(r, at + 511, 1);
    put(r, at + 511, 0x11);
    put(r, at + 512, 0x11);
    assert_int_equal(get(r, 0), SEQUENCE);
    for (unsigned i = 256; i < 600; i++)
        assert_int_equal(r->data[at + i], 0xff);
}

/* A wide write is a byte after the other; none is behind the end. */
static void wide_and_at_the_end(void **state)
{
    struct rig *r = *state;
    const uint8_t word[8] = {0x40, 0x00, 0x40, 0x00, 0x40, 0x00, 0x40, 0x00};
    uint8_t back[8];

    pflash_ops.write(r->chip, SIZE - 4, word, sizeof(word));
    assert_int_equal(r->changes, 2);
    assert_int_equal(r->data[SIZE - 3], 0);
    assert_int_equal(r->data[SIZE - 1], 0);
    put(r, 0, 0xff);
    pflash_ops.read(r->chip, SIZE - 4, back, sizeof(back));
    assert_memory_equal(back, r->data + SIZE - 4, 4);
    assert_int_equal(back[4], 0xff);
}

/* Clear status, and look; read status, and look: RAM, a ROM, or this. */
static void as_uefi_finds_it(void **state)
{
    struct rig *r = *state;
    const uint8_t was = get(r, 0);

    put(r, 0, 0x50);
    assert_int_equal(get(r, 0), was);
    put(r, 0, 0x70);
    assert_int_equal(get(r, 0), 0);
    put(r, 0, 0xff);
    assert_int_equal(get(r, 0), was);
    /* It writes so: a command for each byte, and the array at the end. */
    put(r, 0, 0x20);
    put(r, 0, 0xd0);
    for (unsigned i = 0; i < 16; i++) {
        put(r, i, 0x10);
        put(r, i, (uint8_t)(i ^ 0xa5));
    }
    put(r, 15, 0xff);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(get(r, i), i ^ 0xa5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(commands_and_reads), TEST(query),
        TEST(program_and_erase),  TEST(an_erase_not_confirmed),
        TEST(the_buffer),         TEST(wide_and_at_the_end),
        TEST(as_uefi_finds_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
