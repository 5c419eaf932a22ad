// SPDX-License-Identifier: GPL-2.0-or-later
/* Finding room for modules, by cases and against a brute-force search. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "boot/place.h"
#include "vmm/checked.h"

#include <stdlib.h>

static const struct machine_desc small = {
    .n_ranges = 3,
    .map = {{GPA(0), LAYOUT_LOW_END, MEM_RAM},
            {GPA(LAYOUT_TABLES), 128 * KIB, MEM_RESERVED},
            {GPA(MIB), 15 * MIB, MEM_RAM}},
};

static const struct machine_desc big = {
    .n_ranges = 4,
    .map = {{GPA(0), LAYOUT_LOW_END, MEM_RAM},
            {GPA(LAYOUT_TABLES), 128 * KIB, MEM_RESERVED},
            {GPA(MIB), LAYOUT_HOLE - MIB, MEM_RAM},
            {GPA(LAYOUT_HOLE_END), 8 * GIB, MEM_RAM}},
};

/* Two abutting ranges, as a map with a split would have. */
static const struct machine_desc split = {
    .n_ranges = 2,
    .map = {{GPA(0), 4 * MIB, MEM_RAM}, {GPA(4 * MIB), 4 * MIB, MEM_RAM}},
};

static void is_ram_by_the_map(void **state)
{
    (void)state;
    assert_true(place_is_ram(&small, GPA(MIB), 15 * MIB));
    assert_false(place_is_ram(&small, GPA(MIB), 15 * MIB + 1));
    assert_false(place_is_ram(&small, GPA(MIB - 1), 2));
    assert_false(place_is_ram(&small, GPA(LAYOUT_TABLES), 1));
    assert_false(place_is_ram(&small, GPA(LAYOUT_LOW_END - 1), 2));
    assert_false(place_is_ram(&small, GPA(MIB), 0));
    assert_false(place_is_ram(&small, GPA(UINT64_MAX), 1));
    assert_false(place_is_ram(&small, GPA(MIB), UINT64_MAX));
    assert_true(place_is_ram(&split, GPA(4 * MIB - 1), 2));
    assert_true(place_is_ram(&big, GPA(LAYOUT_HOLE_END), 8 * GIB));
    assert_false(place_is_ram(&big, GPA(LAYOUT_HOLE - 1), 2));
}

static void highest_below_the_hole(void **state)
{
    gpa_t at;

    (void)state;
    assert_true(place_high(&small, NULL, 0, 1, &at));
    assert_int_equal(at.v, 16 * MIB - 4096);
    assert_true(place_high(&big, NULL, 0, 5000, &at));
    assert_int_equal(at.v, LAYOUT_HOLE - 8192);
    assert_true(place_high(&small, NULL, 0, 15 * MIB, &at));
    assert_int_equal(at.v, MIB);
    assert_false(place_high(&small, NULL, 0, 15 * MIB + 1, &at));
    assert_false(place_high(&big, NULL, 0, 4 * GIB, &at));
    assert_false(place_high(&big, NULL, 0, UINT64_MAX, &at));
}

static void clear_of_what_is_taken(void **state)
{
    const struct span taken[] = {{15 * MIB, MIB}, {2 * MIB, 12 * MIB}};
    gpa_t at;

    (void)state;
    assert_true(place_high(&small, taken, 2, MIB, &at));
    assert_int_equal(at.v, 14 * MIB);
    assert_true(place_high(&small, taken, 1, MIB + 1, &at));
    assert_int_equal(at.v, 14 * MIB - 4096);
    assert_false(place_high(&small, taken, 2, MIB + 1, &at));
    assert_int_equal(place_room(&small, taken, 2), MIB);
    assert_int_equal(place_room(&small, NULL, 0), 15 * MIB);
}

/* Is it the highest? Try every page above. */
static void check_highest(const struct span *taken, unsigned n, uint64_t size)
{
    uint64_t want = 0;
    gpa_t at = {0};

    for (uint64_t p = 16 * MIB; p > MIB && !want; p -= GUEST_PAGE) {
        const uint64_t try = p - GUEST_PAGE;
        bool ok = place_is_ram(&small, GPA(try), size);

        for (unsigned i = 0; ok && i < n; i++)
            ok = !ranges_overlap(try, size, taken[i].base, taken[i].size);
        want = ok ?
        try:
            0;
    }
    assert_int_equal(place_high(&small, taken, n, size, &at), want != 0);
    assert_int_equal(at.v, want);
    assert_int_equal(size <= place_room(&small, taken, n), want != 0);
}

static void agrees_with_brute_force(void **state)
{
    struct span taken[8];
    unsigned seed = 1;

    (void)state;
    for (unsigned round = 0; round < 300; round++) {
        const unsigned n = (unsigned)rand_r(&seed) % 8;

        for (unsigned i = 0; i < n; i++) {
            taken[i].base = (uint64_t)(unsigned)rand_r(&seed) % (17 * MIB);
            taken[i].size = (uint64_t)(unsigned)rand_r(&seed) % (3 * MIB);
        }
        check_highest(taken, n,
                      1 + (uint64_t)(unsigned)rand_r(&seed) % (6 * MIB));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_ram_by_the_map),
        cmocka_unit_test(highest_below_the_hole),
        cmocka_unit_test(clear_of_what_is_taken),
        cmocka_unit_test(agrees_with_brute_force),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
