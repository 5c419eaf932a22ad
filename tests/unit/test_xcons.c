// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The Xen console over a byte stream in memory: both ways, a reader that
 * stalls, and indices that are none. Numbers are those of the hostile cases.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "xen_rig.h"

#include "fake_chr.h"
#include "pvabi/xcons.h"

#include <xen/io/console.h>

struct rig {
    struct xen_rig x;
    struct chr chr;
    struct xcons *dev;
    uint32_t port;
    struct xencons_interface *page;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    const uint64_t gfn = 0x40;
    struct xcons_config cfg;
    void *at;

    rig_open(&r->x);
    r->chr.room = CHR_BUF;
    r->port = (uint32_t)evtchn_builder_alloc(r->x.events);
    cfg = (struct xcons_config){
        .xs = r->x.xs,
        .events = r->x.events,
        .chr = &r->chr,
        .frame = gfn,
        .port = r->port,
    };
    assert_int_equal(
        gmem_win(r->x.mem, GPA(gfn * GUEST_PAGE), GUEST_PAGE, &cfg.page), 0);
    r->dev = xcons_create(&cfg);
    assert_non_null(r->dev);
    at = page_at(&r->x, gfn);
    r->page = at;
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    xcons_destroy(r->dev);
    assert_null(r->chr.front.owner);
    assert_int_equal(r->chr.lost, 0);
    rig_close(&r->x);
    free(r);
    return 0;
}

/* What fits into the ring, as a guest writes it. */
static size_t print(struct rig *r, const char *text, size_t n)
{
    struct xencons_interface *p = r->page;
    size_t done = 0;

    while (done < n && p->out_prod - p->out_cons < sizeof(p->out))
        p->out[p->out_prod++ % sizeof(p->out)] = text[done++];
    send_event(&r->x, r->port);
    spin(&r->x);
    return done;
}

static size_t scan(struct rig *r, char *to, size_t n)
{
    struct xencons_interface *p = r->page;
    size_t done = 0;

    while (done < n && p->in_cons != p->in_prod)
        to[done++] = p->in[p->in_cons++ % sizeof(p->in)];
    send_event(&r->x, r->port);
    spin(&r->x);
    return done;
}

static void prints(void **state)
{
    struct rig *r = *state;
    static const char text[] = "Hello, Xen\r\n";

    for (unsigned i = 0; i < 500; i++) {
        assert_int_equal(print(r, text, 12), 12);
        assert_memory_equal(r->chr.out + 12 * i, text, 12);
        assert_true(was_told(&r->x, r->port));
    }
    assert_int_equal(r->chr.n_out, 6000);
}

static void reads(void **state)
{
    struct rig *r = *state;
    char text[2000], got[2000];
    size_t n;

    for (unsigned i = 0; i < sizeof(text); i++)
        text[i] = (char)(i * 3);
    for (unsigned round = 0; round < 5; round++) {
        fake_type(&r->chr, text, sizeof(text));
        assert_true(was_told(&r->x, r->port));
        assert_int_equal(r->page->in_prod - r->page->in_cons, 1024);
        for (n = 0; n < sizeof(got);)
            n +=
                scan(r, got + n, 300 < sizeof(got) - n ? 300 : sizeof(got) - n);
        assert_memory_equal(got, text, sizeof(text));
    }
}

/* The reader takes its time: the guest finds the ring full, and goes on. */
static void a_slow_reader(void **state) /* 33 */
{
    struct rig *r = *state;
    char text[5000];

    memset(text, 'x', sizeof(text));
    r->chr.room = 100;
    assert_int_equal(print(r, text, 5000), 2048);
    assert_int_equal(r->chr.n_out, 100);
    assert_int_equal(print(r, text, 5000), 100);
    assert_int_equal(r->chr.n_out, 100);
    fake_drain(&r->chr, 10000);
    assert_int_equal(r->chr.n_out, 100 + 2048);
    assert_true(was_told(&r->x, r->port));
    assert_int_equal(r->page->out_prod, r->page->out_cons);
}

static void indices_that_are_none(void **state) /* 44 */
{
    static const uint32_t bad[] = {2049, 5000, 0x80000000, UINT32_MAX};
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        r->page->out_prod = bad[i];
        r->page->out_cons = 0;
        r->page->in_cons = bad[i] - 2000;
        r->page->in_prod = 0;
        fake_type(&r->chr, "x", 1);
        send_event(&r->x, r->port);
        spin(&r->x);
        assert_int_equal(r->chr.n_out, 0);
        assert_int_equal(r->page->in_prod, 0);
        assert_int_equal(r->page->out_cons, 0);
    }
    memset(r->page, 0, sizeof(*r->page)); /* begun anew */
    assert_int_equal(print(r, "ok", 2), 2);
    assert_memory_equal(r->chr.out, "ok", 2);
    assert_int_equal(r->page->in_prod, 4);
}

static void indices_wrap(void **state)
{
    struct rig *r = *state;

    r->page->out_prod = r->page->out_cons = UINT32_MAX - 2;
    r->page->in_prod = r->page->in_cons = UINT32_MAX - 2;
    assert_int_equal(print(r, "0123456789", 10), 10);
    assert_memory_equal(r->chr.out, "0123456789", 10);
    assert_int_equal(r->page->out_cons, 7);
    fake_type(&r->chr, "abcdefgh", 8);
    assert_int_equal(r->page->in_prod, 5);
}

static void nodes(void **state)
{
    struct rig *r = *state;
    uint64_t v;

    assert_int_equal(
        xs_read_uint(r->x.xs, "/local/domain/1/console/port", 9999, &v), 0);
    assert_int_equal(v, r->port);
    xcons_resize(r->dev, 132, 50);
    assert_int_equal(
        xs_read_uint(r->x.xs, "/local/domain/1/console/cols", 9999, &v), 0);
    assert_int_equal(v, 132);
    xcons_write(r->dev, "early", 5);
    assert_memory_equal(r->chr.out, "early", 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(prints),        TEST(reads),
        TEST(a_slow_reader), TEST(indices_that_are_none),
        TEST(indices_wrap),  TEST(nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
