// SPDX-License-Identifier: GPL-2.0-or-later
/* The bus: claims, lookup at every edge, and what nobody answers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A device that remembers the last access and answers with its own tag. */
struct probe {
    uint8_t tag;
    unsigned reads;
    unsigned writes;
    uint64_t off;
    unsigned n;
    uint64_t value;
};

static void probe_read(void *dev, uint64_t off, void *data, unsigned n)
{
    struct probe *p = dev;

    p->reads++;
    p->off = off;
    p->n = n;
    memset(data, p->tag, n);
}

static void probe_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct probe *p = dev;

    p->writes++;
    p->off = off;
    p->n = n;
    p->value = 0;
    memcpy(&p->value, data, n);
}

static const struct io_ops probe_ops = {
    .name = "probe", .read = probe_read, .write = probe_write};

static int setup(void **state)
{
    *state = bus_create();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    bus_destroy(*state);
    return 0;
}

static uint64_t get(struct bus *bus, enum space space, uint64_t addr,
                    unsigned n)
{
    uint64_t v = 0;

    bus_access(bus, space, addr, &v, n, false);
    return v;
}

static void put(struct bus *bus, enum space space, uint64_t addr, uint64_t v,
                unsigned n)
{
    bus_access(bus, space, addr, &v, n, true);
}

static void claims_that_cannot_be(void **state)
{
    struct probe p = {0};
    const struct {
        enum space space;
        uint64_t base, len;
        int want;
    } cases[] = {
        {SPACE_PIO, 0x3f8, 8, 0},
        {SPACE_PIO, 0x3f8, 8, -EEXIST},
        {SPACE_PIO, 0x3f0, 9, -EEXIST},
        {SPACE_PIO, 0x3ff, 1, -EEXIST},
        {SPACE_PIO, 0x300, 0x200, -EEXIST},
        {SPACE_PIO, 0x3f0, 8, 0},
        {SPACE_PIO, 0x400, 1, 0},
        {SPACE_PIO, 0x500, 0, -EINVAL},
        {SPACE_PIO, 0xffff, 1, 0},
        {SPACE_PIO, 0xfffe, 3, -EINVAL},
        {SPACE_MMIO, 0x3f8, 8, 0}, /* another space */
        {SPACE_MMIO, UINT64_MAX, 1, -EINVAL},
        {SPACE_MMIO, UINT64_MAX - 8, 16, -EINVAL},
        {SPACE_MMIO, UINT64_MAX - 8, 8, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(bus_claim(*state, cases[i].space, cases[i].base,
                                   cases[i].len, &probe_ops, &p),
                         cases[i].want);
}

static void each_range_answers_at_its_edges(void **state)
{
    struct probe probes[40];

    /* Claimed from both ends, so that the order of claims says nothing. */
    for (unsigned i = 0; i < ARRAY_LEN(probes); i++) {
        const unsigned k = i % 2 ? i : (unsigned)ARRAY_LEN(probes) - 2 - i;

        probes[k] = (struct probe){.tag = (uint8_t)(k + 1)};
        assert_int_equal(bus_claim(*state, SPACE_MMIO, 0x1000 + k * 0x20, 0x10,
                                   &probe_ops, &probes[k]),
                         0);
    }
    for (unsigned i = 0; i < ARRAY_LEN(probes); i++) {
        const uint64_t base = 0x1000 + i * 0x20;

        assert_int_equal(get(*state, SPACE_MMIO, base, 1), i + 1);
        assert_int_equal(probes[i].off, 0);
        assert_int_equal(get(*state, SPACE_MMIO, base + 0xf, 1), i + 1);
        assert_int_equal(probes[i].off, 0xf);
        assert_int_equal(get(*state, SPACE_MMIO, base + 0x10, 1), 0xff);
        assert_int_equal(get(*state, SPACE_MMIO, base - 1, 1), 0xff);
        assert_int_equal(probes[i].reads, 2);
    }
    assert_int_equal(bus_unclaimed(*state, SPACE_MMIO), 80);
    assert_int_equal(bus_unclaimed(*state, SPACE_PIO), 0);
}

static void all_widths_pass(void **state)
{
    struct probe p = {.tag = 0x5a};

    assert_int_equal(bus_claim(*state, SPACE_MMIO, 0x2000, 64, &probe_ops, &p),
                     0);
    for (unsigned n = 1; n <= 8; n *= 2) {
        put(*state, SPACE_MMIO, 0x2000 + n, 0x1122334455667788, n);
        assert_int_equal(p.n, n);
        assert_int_equal(p.off, n);
        assert_int_equal(p.value,
                         0x1122334455667788 & (UINT64_MAX >> (64 - 8 * n)));
        assert_int_equal(get(*state, SPACE_MMIO, 0x2000, n),
                         0x5a5a5a5a5a5a5a5a & (UINT64_MAX >> (64 - 8 * n)));
    }
    assert_int_equal(p.writes, 4);
}

static void a_straddling_access_is_nobodys(void **state)
{
    struct probe a = {.tag = 1};
    struct probe b = {.tag = 2};

    assert_int_equal(bus_claim(*state, SPACE_PIO, 0x10, 4, &probe_ops, &a), 0);
    assert_int_equal(bus_claim(*state, SPACE_PIO, 0x14, 4, &probe_ops, &b), 0);
    assert_int_equal(get(*state, SPACE_PIO, 0x10, 4), 0x01010101);
    assert_int_equal(get(*state, SPACE_PIO, 0x12, 4), 0xffffffff);
    assert_int_equal(get(*state, SPACE_PIO, 0x0e, 4), 0xffffffff);
    put(*state, SPACE_PIO, 0x16, 0, 4);
    assert_int_equal(get(*state, SPACE_MMIO, UINT64_MAX, 8), UINT64_MAX);
    assert_int_equal(a.reads + b.reads, 1);
    assert_int_equal(a.writes + b.writes, 0);
    assert_int_equal(bus_unclaimed(*state, SPACE_PIO), 3);
    assert_int_equal(bus_unclaimed(*state, SPACE_MMIO), 1);
}

static char *report(const struct bus *bus)
{
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    bus_report(bus, f);
    fclose(f);
    return text;
}

static void the_report_names_what_was_asked_most(void **state)
{
    char *text = report(*state);

    assert_string_equal(text, "");
    free(text);
    /* 0x70 is polled among so many other ports that the table overflows. */
    for (unsigned i = 0; i < 1000; i++) {
        get(*state, SPACE_PIO, 0x70, 1);
        get(*state, SPACE_PIO, 0x1000 + i, 1);
    }
    text = report(*state);
    assert_non_null(strstr(text, "unclaimed port accesses: 2000, most of them "
                                 "at:\n  0x70: 1000\n"));
    assert_null(strstr(text, "memory"));
    free(text);
}

static void must_claim(struct bus *bus, enum space space, uint64_t base,
                       uint64_t len, struct probe *p)
{
    assert_int_equal(bus_claim(bus, space, base, len, &probe_ops, p), 0);
}

/* As a BAR that the guest moves about. */
static void what_is_unclaimed_is_free(void **state)
{
    struct probe a = {.tag = 0xaa}, b = {.tag = 0xbb}, c = {.tag = 0xcc};

    must_claim(*state, SPACE_MMIO, 0x1000, 0x1000, &a);
    must_claim(*state, SPACE_MMIO, 0x2000, 0x1000, &b);
    must_claim(*state, SPACE_MMIO, 0x3000, 0x1000, &c);
    assert_int_equal(get(*state, SPACE_MMIO, 0x3000, 1), 0xcc);
    bus_unclaim(*state, SPACE_MMIO, 0x2000);
    assert_int_equal(get(*state, SPACE_MMIO, 0x2000, 1), 0xff);
    assert_int_equal(get(*state, SPACE_MMIO, 0x1fff, 1), 0xaa);
    assert_int_equal(get(*state, SPACE_MMIO, 0x3000, 1), 0xcc);
    must_claim(*state, SPACE_MMIO, 0x2800, 0x800, &b);
    assert_int_equal(get(*state, SPACE_MMIO, 0x2800, 1), 0xbb);
    bus_unclaim(*state, SPACE_MMIO, 0x3000);
    bus_unclaim(*state, SPACE_MMIO, 0x1000);
    assert_int_equal(get(*state, SPACE_MMIO, 0x3000, 1), 0xff);
    assert_int_equal(get(*state, SPACE_MMIO, 0x2fff, 1), 0xbb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(claims_that_cannot_be, setup, teardown),
        cmocka_unit_test_setup_teardown(each_range_answers_at_its_edges, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(all_widths_pass, setup, teardown),
        cmocka_unit_test_setup_teardown(a_straddling_access_is_nobodys, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_unclaimed_is_free, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_report_names_what_was_asked_most,
                                        setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
