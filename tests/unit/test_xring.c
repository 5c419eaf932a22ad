// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The back-end's view of a Xen ring, against a front-end in process that
 * keeps the rules and breaks them. The number is that of the hostile case.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetch_count.h"
#include "xring_driver.h"

#include <errno.h>
#include <stdlib.h>

#define SLOT 112u /* as blkif's: pages end inside slots */

struct rig {
    unsigned char *ram; /* pages in reverse order: nothing is contiguous */
    struct xfront f;
    struct xring r;
};

static void begin(struct rig *rig, unsigned n)
{
    struct gwin wins[XRING_MAX_PAGES];

    for (unsigned i = 0; i < n; i++) {
        rig->f.pages[i] = rig->ram + (n - 1 - i) * 2 * GUEST_PAGE;
        wins[i] = (struct gwin){rig->f.pages[i], GUEST_PAGE};
    }
    xfront_init(&rig->f, n, SLOT);
    xring_start(&rig->r, wins, n, SLOT);
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    rig->ram = calloc(2 * XRING_MAX_PAGES, GUEST_PAGE);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *rig = *state;

    memset(&fetches, 0, sizeof(fetches));
    free(rig->ram);
    free(rig);
    return 0;
}

static void put(struct rig *rig, uint8_t tag)
{
    unsigned char req[SLOT];

    memset(req, tag, sizeof(req));
    xfront_put(&rig->f, req, sizeof(req));
}

static void pop_tag(struct rig *rig, uint8_t tag)
{
    unsigned char req[SLOT];

    assert_int_equal(xring_pop(&rig->r, req, sizeof(req)), 1);
    for (unsigned i = 0; i < SLOT; i++)
        assert_int_equal(req[i], tag);
}

static void push_tag(struct rig *rig, uint8_t tag)
{
    unsigned char rsp[16];

    memset(rsp, tag, sizeof(rsp));
    xring_push(&rig->r, rsp, sizeof(rsp));
}

static void sizes(void **state)
{
    (void)state;
    assert_int_equal(xring_slots(1, 112), 32);
    assert_int_equal(xring_slots(1, 108), 32);
    assert_int_equal(xring_slots(16, 112), 512);
    assert_int_equal(xring_slots(1, 12), 256);
    assert_int_equal(xring_slots(1, 8), 256);
    assert_int_equal(xring_slots(1, 5000), 0);
}

/* Every slot of every size of ring, those across two pages too. */
static void round_trips(void **state)
{
    struct rig *rig = *state;
    unsigned char rsp[16];

    for (unsigned n = 1; n <= XRING_MAX_PAGES; n *= 2) {
        begin(rig, n);
        for (uint32_t i = 0; i < 3 * rig->f.size; i++) {
            put(rig, (uint8_t)i);
            assert_true(xfront_show(&rig->f));
            pop_tag(rig, (uint8_t)i);
            assert_int_equal(xring_in_flight(&rig->r), 1);
            push_tag(rig, (uint8_t)~i);
            assert_true(xring_publish(&rig->r));
            assert_false(xring_publish(&rig->r));
            assert_false(xring_listen(&rig->r));
            assert_true(xfront_take(&rig->f, rsp, sizeof(rsp)));
            assert_int_equal(rsp[0], (uint8_t)~i);
            assert_int_equal(rsp[15], (uint8_t)~i);
        }
    }
}

static void full_ring(void **state)
{
    struct rig *rig = *state;
    unsigned char req[SLOT];

    begin(rig, 2);
    for (uint32_t i = 0; i < rig->f.size; i++)
        put(rig, (uint8_t)i);
    assert_true(xfront_show(&rig->f));
    for (uint32_t i = 0; i < rig->f.size; i++)
        pop_tag(rig, (uint8_t)i);
    assert_int_equal(xring_pop(&rig->r, req, sizeof(req)), 0);
    assert_int_equal(xring_in_flight(&rig->r), rig->f.size);
}

/*
 * By rows: as many as there are and as were asked for, at most to the end of
 * a page or of the ring; a slot across two pages comes by itself.
 */
static void rows_of_slots(void **state)
{
    struct rig *rig = *state;
    unsigned char slots[8 * SLOT], rsp[16];

    for (unsigned n = 1; n <= XRING_MAX_PAGES; n *= 2) {
        uint8_t seen = 0;

        begin(rig, n);
        for (uint32_t i = 0; i < rig->f.size; i++) {
            unsigned left = 7;

            for (uint8_t k = 0; k < 7; k++)
                put(rig, (uint8_t)(seen + k));
            xfront_show(&rig->f);
            while (left) {
                const int got = xring_pop_some(&rig->r, slots, left);

                assert_in_range(got, 1, left);
                for (int k = 0; k < got; k++, seen++, left--) {
                    assert_int_equal(slots[(unsigned)k * SLOT], seen);
                    assert_int_equal(slots[(unsigned)k * SLOT + SLOT - 1],
                                     seen);
                }
            }
            assert_int_equal(xring_pop_some(&rig->r, slots, 8), 0);
            for (unsigned k = 0; k < 7; k++)
                memset(slots + (size_t)k * SLOT, (int)(i + k), SLOT);
            xring_push_some(&rig->r, slots, 7);
            assert_int_equal(xring_in_flight(&rig->r), 0);
            assert_true(xring_publish(&rig->r));
            for (unsigned k = 0; k < 7; k++) {
                assert_true(xfront_take(&rig->f, rsp, sizeof(rsp)));
                assert_int_equal(rsp[0], (uint8_t)(i + k));
                assert_int_equal(rsp[15], (uint8_t)(i + k));
            }
            assert_false(xring_listen(&rig->r));
        }
    }
}

/* A front-end is asked for no event while we are at it anyway. */
static void requests_without_events(void **state)
{
    struct rig *rig = *state;

    begin(rig, 1);
    put(rig, 1);
    assert_true(xfront_show(&rig->f));
    pop_tag(rig, 1);
    put(rig, 2);
    assert_false(xfront_show(&rig->f));
    /* Meant to sleep, found another one. */
    assert_true(xring_listen(&rig->r));
    pop_tag(rig, 2);
    assert_false(xring_listen(&rig->r));
    put(rig, 3);
    assert_true(xfront_show(&rig->f));
}

static void responses_without_events(void **state)
{
    struct rig *rig = *state;
    unsigned char rsp[16];

    begin(rig, 1);
    for (uint8_t i = 0; i < 8; i++)
        put(rig, i);
    assert_true(xfront_show(&rig->f));
    for (uint8_t i = 0; i < 8; i++)
        pop_tag(rig, i);
    *xfront_word(&rig->f, X_RSP_EVENT) = 4;
    for (uint8_t i = 0; i < 3; i++)
        push_tag(rig, i);
    assert_false(xring_publish(&rig->r));
    assert_true(xfront_take(&rig->f, rsp, sizeof(rsp)));
    *xfront_word(&rig->f, X_RSP_EVENT) = 4;
    push_tag(rig, 3);
    /* Seen, and the event is still due. */
    xring_show(&rig->r);
    assert_int_equal(*xfront_word(&rig->f, X_RSP_PROD), 4);
    assert_true(xring_publish(&rig->r));
    push_tag(rig, 4);
    assert_false(xring_publish(&rig->r));
}

static void goes_on_where_another_stopped(void **state)
{
    struct rig *rig = *state;
    struct gwin win;

    begin(rig, 1);
    win = rig->r.pages[0];
    put(rig, 1);
    put(rig, 2);
    xfront_show(&rig->f);
    pop_tag(rig, 1);
    push_tag(rig, 1);
    assert_true(xring_publish(&rig->r));
    xring_start(&rig->r, &win, 1, SLOT);
    pop_tag(rig, 2);
    push_tag(rig, 2);
    assert_false(xring_publish(&rig->r)); /* it was never asked for */
    assert_int_equal(*xfront_word(&rig->f, X_RSP_PROD), 2);
}

static void indices_wrap(void **state)
{
    struct rig *rig = *state;
    unsigned char rsp[16];
    struct gwin win;

    begin(rig, 1);
    win = rig->r.pages[0];
    rig->f.req_prod = rig->f.rsp_cons = UINT32_MAX - 3;
    for (unsigned w = 0; w < 4; w++)
        *xfront_word(&rig->f, w) = UINT32_MAX - 3 + w % 2;
    xring_start(&rig->r, &win, 1, SLOT);
    for (uint8_t i = 0; i < 8; i++) {
        put(rig, i);
        assert_true(xfront_show(&rig->f));
        pop_tag(rig, i);
        push_tag(rig, i);
        assert_true(xring_publish(&rig->r));
        assert_false(xring_listen(&rig->r));
        assert_true(xfront_take(&rig->f, rsp, sizeof(rsp)));
    }
    assert_int_equal(rig->f.req_prod, 4);
}

static void index_jumps(void **state) /* 41, 43 */
{
    static const uint32_t bad[] = {33, 34, 1000, 0x80000000, UINT32_MAX};
    struct rig *rig = *state;
    unsigned char req[SLOT];

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        begin(rig, 1);
        __atomic_store_n(xfront_word(&rig->f, X_REQ_PROD), bad[i],
                         __ATOMIC_RELAXED);
        assert_int_equal(xring_pop(&rig->r, req, sizeof(req)), -EPROTO);
        assert_true(rig->r.broken);
        assert_non_null(rig->r.why);
        /* For good, whatever it says now. */
        __atomic_store_n(xfront_word(&rig->f, X_REQ_PROD), 1, __ATOMIC_RELAXED);
        assert_int_equal(xring_pop(&rig->r, req, sizeof(req)), -EPROTO);
        assert_false(xring_listen(&rig->r));
    }
}

/* Behind what was popped, though not behind what was answered. */
static void index_goes_back(void **state) /* 43 */
{
    struct rig *rig = *state;
    unsigned char req[SLOT];

    begin(rig, 1);
    for (uint8_t i = 0; i < 4; i++)
        put(rig, i);
    xfront_show(&rig->f);
    for (uint8_t i = 0; i < 4; i++)
        pop_tag(rig, i);
    *xfront_word(&rig->f, X_REQ_PROD) = 2;
    assert_int_equal(xring_pop(&rig->r, req, sizeof(req)), -EPROTO);
}

/* What was in flight when the ring broke ends without touching it. */
static void a_broken_ring_is_left_alone(void **state) /* 41 */
{
    struct rig *rig = *state;
    unsigned char page[GUEST_PAGE], req[SLOT];

    begin(rig, 1);
    put(rig, 1);
    xfront_show(&rig->f);
    pop_tag(rig, 1);
    assert_int_equal(xring_break(&rig->r, "a test"), -EPROTO);
    memcpy(page, rig->f.pages[0], sizeof(page));
    push_tag(rig, 1);
    assert_int_equal(xring_in_flight(&rig->r), 0);
    assert_int_equal(xring_pop_some(&rig->r, req, 1), -EPROTO);
    xring_show(&rig->r);
    assert_false(xring_publish(&rig->r));
    assert_memory_equal(page, rig->f.pages[0], sizeof(page));
}

static void change_after(unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] = (unsigned char)~at[i];
}

/* Each byte is fetched once, and what changes then changes nothing. */
static void fetched_once(void **state) /* 41 */
{
    struct rig *rig = *state;
    unsigned char req[SLOT];
    struct gwin wins[2];

    begin(rig, 2);
    for (unsigned i = 0; i < 2; i++)
        wins[i] = rig->r.pages[i];
    xring_start(&rig->r, wins, 2, SLOT);
    for (uint32_t i = 0; i < rig->f.size; i++)
        put(rig, (uint8_t)i);
    xfront_show(&rig->f);
    fetches.ram = rig->ram;
    fetches.after = change_after;
    for (uint32_t i = 0; i < rig->f.size; i++)
        pop_tag(rig, (uint8_t)i);
    for (size_t i = 0; i < 4 * GUEST_PAGE; i++)
        assert_true(fetches.counts[i] <= 1);
    /* The index was fetched, and changed: it is looked at again now. */
    assert_int_equal(xring_pop(&rig->r, req, sizeof(req)), -EPROTO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sizes),
        TEST(round_trips),
        TEST(full_ring),
        TEST(rows_of_slots),
        TEST(requests_without_events),
        TEST(responses_without_events),
        TEST(goes_on_where_another_stopped),
        TEST(indices_wrap),
        TEST(index_jumps),
        TEST(index_goes_back),
        TEST(a_broken_ring_is_left_alone),
        TEST(fetched_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
