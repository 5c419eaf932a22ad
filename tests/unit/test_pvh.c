// SPDX-License-Identifier: GPL-2.0-or-later
/* start_info and what it points to, read as a guest would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "abi/pvh.h"
#include "boot/pvh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BASE (LAYOUT_TABLES + 0x800)

static const struct machine_desc machine = {
    .n_cpus = 1,
    .n_ranges = 3,
    .map = {{GPA(0), LAYOUT_LOW_END, MEM_RAM},
            {GPA(LAYOUT_TABLES), 128 * KIB, MEM_ACPI},
            {GPA(MIB), 127 * MIB, MEM_RAM}},
};

static const struct placed_module modules[] = {
    {GPA(0x7000000), 0x123456, NULL},
    {GPA(0x6000000), 4096, "second of two"},
    {GPA(0x5000000), 1, "third"},
};

static unsigned char buf[4096];
static size_t used;

static struct pvh_info info(unsigned n_modules)
{
    return (struct pvh_info){
        .machine = &machine,
        .cmdline = "console=ttyS0 quiet",
        .modules = modules,
        .n_modules = n_modules,
        .rsdp = GPA(LAYOUT_TABLES),
    };
}

static void build(const struct pvh_info *i)
{
    int64_t n;

    memset(buf, 0xa5, sizeof(buf));
    n = pvh_build(i, GPA(BASE), buf, sizeof(buf));
    assert_true(n > 0);
    used = (size_t)n;
}

/* n bytes at a guest address, all inside what was built. */
static const void *at(uint64_t gpa, size_t n)
{
    assert_in_range(gpa, BASE, BASE + used - 1);
    assert_in_range(n, 1, BASE + used - gpa);
    return buf + (gpa - BASE);
}

static const char *text_at(uint64_t gpa)
{
    const char *s = at(gpa, 1);

    assert_non_null(memchr(s, 0, used - (gpa - BASE)));
    return s;
}

static struct pvh_start_info start(void)
{
    struct pvh_start_info s;

    memcpy(&s, at(BASE, sizeof(s)), sizeof(s));
    return s;
}

static void start_info_is_version_1(void **state)
{
    const struct pvh_info i = info(0);
    struct pvh_start_info s;

    (void)state;
    build(&i);
    s = start();
    assert_int_equal(s.magic, 0x336ec578);
    assert_int_equal(s.version, 1);
    assert_int_equal(s.flags, 0);
    assert_int_equal(s.nr_modules, 0);
    assert_int_equal(s.modlist_paddr, 0);
    assert_int_equal(s.rsdp_paddr, LAYOUT_TABLES);
    assert_string_equal(text_at(s.cmdline_paddr), i.cmdline);
}

static void memory_map_is_the_machines(void **state)
{
    const struct pvh_info i = info(0);
    struct pvh_start_info s;

    (void)state;
    build(&i);
    s = start();
    assert_int_equal(s.memmap_entries, machine.n_ranges);
    assert_int_equal(s.memmap_paddr % 8, 0);
    for (unsigned k = 0; k < machine.n_ranges; k++) {
        struct pvh_memmap_entry e;

        memcpy(&e, at(s.memmap_paddr + k * sizeof(e), sizeof(e)), sizeof(e));
        assert_int_equal(e.addr, machine.map[k].base.v);
        assert_int_equal(e.size, machine.map[k].size);
        assert_int_equal(e.type, machine.map[k].type);
        assert_int_equal(e.reserved, 0);
    }
}

static void modules_have_their_own_text(void **state)
{
    const struct pvh_info i = info(3);
    struct pvh_start_info s;

    (void)state;
    build(&i);
    s = start();
    assert_int_equal(s.nr_modules, 3);
    for (unsigned k = 0; k < 3; k++) {
        struct pvh_modlist_entry e;

        memcpy(&e, at(s.modlist_paddr + k * sizeof(e), sizeof(e)), sizeof(e));
        assert_int_equal(e.paddr, modules[k].base.v);
        assert_int_equal(e.size, modules[k].size);
        if (modules[k].cmdline)
            assert_string_equal(text_at(e.cmdline_paddr), modules[k].cmdline);
        else
            assert_int_equal(e.cmdline_paddr, 0);
    }
    assert_string_equal(text_at(s.cmdline_paddr), i.cmdline);
}

static void empty_command_line_is_a_string(void **state)
{
    struct pvh_info i = info(0);

    (void)state;
    i.cmdline = "";
    build(&i);
    assert_string_equal(text_at(start().cmdline_paddr), "");
}

static void no_room_is_said(void **state)
{
    const struct pvh_info i = info(3);

    (void)state;
    build(&i);
    for (size_t n = 0; n < used; n++) {
        unsigned char *exact = malloc(n ? n : 1);

        assert_int_equal(pvh_build(&i, GPA(BASE), exact, n), -ENOSPC);
        free(exact);
    }
    assert_int_equal(pvh_build(&i, GPA(BASE), buf, used), used);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_info_is_version_1),
        cmocka_unit_test(memory_map_is_the_machines),
        cmocka_unit_test(modules_have_their_own_text),
        cmocka_unit_test(empty_command_line_is_a_string),
        cmocka_unit_test(no_room_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
