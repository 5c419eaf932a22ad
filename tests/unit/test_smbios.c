// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SMBIOS: walked as a guest does, each structure by its length and strings,
 * and the entry point's sums and counts compared with what is found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boot/smbios.h"

#include <errno.h>
#include <string.h>

static unsigned char buf[32 * 1024];
static unsigned char anchor[SMBIOS_ANCHOR_BYTES];

static struct machine_desc machine(unsigned cpus)
{
    return (struct machine_desc){
        .n_cpus = cpus,
        .n_ranges = 3,
        .map = {{GPA(0), 0xa0000, MEM_RAM},
                {GPA(0xa0000), 0x60000, MEM_RESERVED},
                {GPA(MIB), 3 * GIB - MIB, MEM_RAM}},
    };
}

static unsigned sum(const unsigned char *b, size_t n)
{
    unsigned s = 0;

    while (n--)
        s += *b++;
    return s & 0xff;
}

static unsigned get16(const unsigned char *p)
{
    return p[0] | (unsigned)p[1] << 8;
}

/* Count the structures by type; returns all. */
static unsigned walk(size_t used, unsigned count[128])
{
    size_t at = 0;
    unsigned n = 0, largest = 0;

    memset(count, 0, 128 * sizeof(*count));
    while (at < used) {
        const size_t begin = at;

        assert_in_range(buf[at], 0, 127);
        assert_in_range(buf[at + 1], 4, used - at);
        count[buf[at]]++;
        at += buf[at + 1];
        while (buf[at] || buf[at + 1]) {
            at++;
            assert_true(at + 1 < used);
        }
        at += 2;
        n++;
        if (at - begin > largest)
            largest = (unsigned)(at - begin);
    }
    assert_int_equal(at, used);
    assert_int_equal(largest, get16(anchor + 8));
    return n;
}

static void the_structures(void **state)
{
    static const unsigned cpus[] = {1, 2, 255};
    unsigned count[128];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cpus); i++) {
        const struct machine_desc m = machine(cpus[i]);
        const int64_t used =
            smbios_build(&m, 3 * GIB, buf, sizeof(buf), anchor);

        assert_true(used > 0);
        assert_int_equal(walk((size_t)used, count), get16(anchor + 28));
        assert_int_equal(get16(anchor + 22), used);
        assert_int_equal(count[0], 0); /* the firmware's */
        assert_int_equal(count[1], 1);
        assert_int_equal(count[3], 1);
        assert_int_equal(count[4], cpus[i]);
        assert_int_equal(count[16], 1);
        assert_int_equal(count[17], 1);
        assert_int_equal(count[19], 2);
        assert_int_equal(count[127], 1);
    }
}

static void the_anchor(void **state)
{
    const struct machine_desc m = machine(1);

    (void)state;
    assert_true(smbios_build(&m, GIB, buf, sizeof(buf), anchor) > 0);
    assert_memory_equal(anchor, "_SM_", 4);
    assert_memory_equal(anchor + 16, "_DMI_", 5);
    assert_int_equal(anchor[5], SMBIOS_ANCHOR_BYTES);
    assert_int_equal(sum(anchor, SMBIOS_ANCHOR_BYTES), 0);
    assert_int_equal(sum(anchor + 16, 15), 0);
    assert_int_equal(anchor[6], 2);
    assert_int_equal(anchor[7], 8);
}

static void no_room_is_said(void **state)
{
    const struct machine_desc m = machine(4);
    const int64_t used = smbios_build(&m, GIB, buf, sizeof(buf), anchor);

    (void)state;
    for (size_t n = 0; n < (size_t)used; n++)
        assert_int_equal(smbios_build(&m, GIB, buf, n, anchor), -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_structures),
        cmocka_unit_test(the_anchor),
        cmocka_unit_test(no_room_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
