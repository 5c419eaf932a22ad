// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest page-table walk in each paging mode, by tables as the Intel SDM
 * (vol. 3A chapter 4) draws them, and by tables that are wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmu/walk.h"

#include <errno.h>
#include <string.h>

#define PG   (1ull << 31)
#define WP   (1ull << 16)
#define PE   1ull
#define PSE  (1ull << 4)
#define PAE  (1ull << 5)
#define LA57 (1ull << 12)
#define LMA  (1ull << 10)

#define P  1ull
#define W  2ull
#define PS 0x80ull

#define MEM (8 * MIB)

static struct gmem *mem;

static void put64(uint64_t at, uint64_t v)
{
    assert_int_equal(gmem_write(mem, GPA(at), &v, 8), 0);
}

static void put32(uint64_t at, uint32_t v)
{
    assert_int_equal(gmem_write(mem, GPA(at), &v, 4), 0);
}

static uint64_t find(const struct paging *p, uint64_t gva, bool write)
{
    uint64_t run = 0;
    gpa_t at;

    if (walk_gva(mem, p, GVA(gva), write, &at, &run) < 0)
        return UINT64_MAX;
    assert_int_equal(run, 4096 - gva % 4096);
    return at.v;
}

#define FAULT UINT64_MAX

static void test_none(void **state)
{
    const struct paging p = {.cr0 = PE, .cr3 = 0x1000};

    (void)state;
    assert_int_equal(find(&p, 0x12345, true), 0x12345);
    assert_int_equal(find(&p, 0x100000000ull, false), FAULT);
}

static void test_32_bit(void **state)
{
    struct paging p = {.cr0 = PG | PE | WP, .cr3 = 0x1000 | 0x18};

    (void)state;
    put32(0x1000 + 4 * 0x300, 0x2000 | P | W); /* 0xc0000000 */
    put32(0x2000 + 4 * 5, 0x7000 | P | W);
    put32(0x2000 + 4 * 6, 0x8000 | P);
    put32(0x1000 + 4 * 0x301, 0x00400000 | P | W | PS);
    assert_int_equal(find(&p, 0xc0005123, true), 0x7123);
    assert_int_equal(find(&p, 0xc0006123, false), 0x8123);
    assert_int_equal(find(&p, 0xc0006123, true), FAULT);
    assert_int_equal(find(&p, 0xc0007000, false), FAULT);
    assert_int_equal(find(&p, 0x1c0005123ull, false), FAULT);
    /* Without PSE the large bit is a table's. */
    assert_int_equal(find(&p, 0xc0400123, false), FAULT);
    p.cr4 = PSE;
    assert_int_equal(find(&p, 0xc0512345, false), 0x512345);
    /* Ring 0 writes what is read-only unless CR0.WP is set. */
    p.cr0 = PG | PE;
    assert_int_equal(find(&p, 0xc0006123, true), 0x8123);
    /* PSE-36. */
    put32(0x1000 + 4 * 0x301, 0x00400000 | 1u << 13 | P | W | PS);
    assert_int_equal(find(&p, 0xc0400001, false), 0x100400001ull);
}

static void test_pae(void **state)
{
    const struct paging p = {.cr0 = PG | PE | WP, .cr3 = 0x1020, .cr4 = PAE};

    (void)state;
    put64(0x1020 + 8 * 3, 0x2000 | P); /* no W: a PDPTE has none */
    put64(0x2000 + 8 * 0x1ff, 0x3000 | P | W);
    put64(0x3000 + 8 * 0x1ff, 0x9000 | P | W | 1ull << 63);
    put64(0x2000 + 8 * 1, 0x200000 | P | W | PS);
    assert_int_equal(find(&p, 0xffffffff, true), 0x9fff);
    assert_int_equal(find(&p, 0xc0200010, true), 0x200010);
    assert_int_equal(find(&p, 0x00000000, false), FAULT);
    assert_int_equal(find(&p, 0x100000000ull, false), FAULT);
}

static void test_4_levels(void **state)
{
    const struct paging p = {
        .cr0 = PG | PE | WP, .cr3 = 0x1000 | 5, .cr4 = PAE, .efer = LMA};

    (void)state;
    put64(0x1000 + 8 * 0x1ff, 0x2000 | P | W);
    put64(0x2000 + 8 * 0x1fe, 0x3000 | P | W); /* 0xffffffff80000000 */
    put64(0x2000 + 8 * 0x1fd, 0x0 | P | W | PS);
    put64(0x3000, 0x4000 | P | W);
    put64(0x3000 + 8, 0x600000 | P | PS);
    put64(0x4000 + 8 * 3, 0xa000 | P | W);
    assert_int_equal(find(&p, 0xffffffff80003008ull, true), 0xa008);
    assert_int_equal(find(&p, 0xffffffff80300000ull, false), 0x700000);
    assert_int_equal(find(&p, 0xffffffff80300000ull, true), FAULT);
    assert_int_equal(find(&p, 0xffffffff40123456ull, true), 0x123456);
    assert_int_equal(find(&p, 0xffff000000000000ull, false), FAULT);
    assert_int_equal(find(&p, 0x0000800000000000ull, false), FAULT);
    assert_int_equal(find(&p, 0, false), FAULT);
}

static void test_5_levels(void **state)
{
    const struct paging p = {
        .cr0 = PG | PE, .cr3 = 0x1000, .cr4 = PAE | LA57, .efer = LMA};

    (void)state;
    put64(0x1000 + 8 * 0x1ff, 0x5000 | P | W);
    put64(0x5000 + 8 * 0x100, 0x2000 | P | W);
    put64(0x2000 + 8 * 2, 0x40000000 | P | W | PS);
    assert_int_equal(find(&p, 0xffff800080000123ull, true), 0x40000123);
    assert_int_equal(find(&p, 0x0100000000000000ull, false), FAULT);
}

/* Tables outside of RAM, tables that name themselves: an end, and a fault. */
static void test_wild_tables(void **state)
{
    struct paging p = {.cr0 = PG | PE, .cr3 = MEM, .cr4 = PAE, .efer = LMA};
    unsigned char byte = 1;

    (void)state;
    assert_int_equal(find(&p, 0, false), FAULT);
    p.cr3 = UINT64_MAX;
    assert_int_equal(find(&p, 0, false), FAULT);
    p.cr3 = 0x1000;
    put64(0x1000, 0x1000 | P | W);
    assert_int_equal(find(&p, 0, false), 0x1000);
    put64(0x1000, 0x000ffffffffff000ull | P | W);
    assert_int_equal(find(&p, 0, false), FAULT);
    /* A page that is mapped, where there is no RAM. */
    put64(0x1000, 0x2000 | P | W);
    put64(0x2000, 0xc0000000 | P | W | PS);
    assert_int_equal(find(&p, 0, false), 0xc0000000);
    assert_int_equal(walk_read(mem, &p, GVA(0), &byte, 1), -EFAULT);
    assert_int_equal(walk_write(mem, &p, GVA(0), &byte, 1), -EFAULT);
}

/* Neighbours in linear memory that are none in physical memory. */
static void test_copies_across_pages(void **state)
{
    const struct paging p = {
        .cr0 = PG | PE | WP, .cr3 = 0x1000, .cr4 = PAE, .efer = LMA};
    unsigned char in[6000], out[6000];

    (void)state;
    for (size_t i = 0; i < sizeof(in); i++)
        in[i] = (unsigned char)(i * 7);
    put64(0x1000, 0x2000 | P | W);
    put64(0x2000, 0x3000 | P | W);
    put64(0x3000, 0x4000 | P | W);
    put64(0x4000, 0x20000 | P | W);
    put64(0x4008, 0x30000 | P | W);
    put64(0x4010, 0x10000 | P);
    assert_int_equal(walk_write(mem, &p, GVA(2000), in, sizeof(in)), 0);
    assert_int_equal(walk_read(mem, &p, GVA(2000), out, sizeof(out)), 0);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(gmem_read(mem, GPA(0x30000), out, 100), 0);
    assert_memory_equal(in + 4096 - 2000, out, 100);
    assert_int_equal(walk_write(mem, &p, GVA(8000), in, sizeof(in)), -EFAULT);
    assert_int_equal(walk_read(mem, &p, GVA(8000), out, 4000), 0);
    assert_int_equal(walk_read(mem, &p, GVA(8000), out, 5000), -EFAULT);
    assert_int_equal(walk_read(mem, &p, GVA(0), out, 0), 0);
}

static int setup(void **state)
{
    (void)state;
    mem = gmem_create(MEM, GMEM_ANON);
    return mem ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    gmem_destroy(mem);
    return 0;
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_none),
        TEST(test_32_bit),
        TEST(test_pae),
        TEST(test_4_levels),
        TEST(test_5_levels),
        TEST(test_wild_tables),
        TEST(test_copies_across_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
