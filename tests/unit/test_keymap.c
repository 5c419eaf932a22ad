// SPDX-License-Identifier: GPL-2.0-or-later
/* Keys by name, character and keysym; chords; and the pace of typing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/platform/ps2.h"
#include "keymap.h"
#include "typist.h"

#include <errno.h>
#include <string.h>

static void by_name(void **state)
{
    static const struct {
        const char *name;
        unsigned key;
    } rows[] = {
        {"a", 0x1e},
        {"esc", 0x01},
        {"f1", 0x3b},
        {"f12", 0x58},
        {"enter", 0x1c},
        {"kp-enter", 0xe01c},
        {"delete", 0xe053},
        {"pause", PS2_KEY_PAUSE},
        {"print", PS2_KEY_PRINT},
        {"-", 0x0c},
        {"minus", 0x0c},
        {"0", 0x0b},
        {"space", 0x39},
        {"A", 0},
        {"!", 0},
        {" ", 0},
        {"", 0},
        {"f13", 0},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(keymap_name(rows[i].name, strlen(rows[i].name)),
                         rows[i].key);
}

/* Printable ASCII is all there, each key once plain and once shifted. */
static void by_character(void **state)
{
    bool seen[2][0x80] = {{false}};
    bool shift;

    (void)state;
    for (unsigned c = ' '; c < 0x7f; c++) {
        const unsigned key = keymap_char((unsigned char)c, &shift);

        assert_in_range(key, 0x02, 0x39);
        assert_false(seen[shift][key]);
        seen[shift][key] = true;
        assert_int_equal(keymap_keysym(c), key);
    }
    assert_int_equal(keymap_char('\n', &shift), 0x1c);
    assert_int_equal(keymap_char('\t', &shift), 0x0f);
    assert_int_equal(keymap_char(0, &shift), 0);
    assert_int_equal(keymap_char(0x1b, &shift), 0);
    assert_int_equal(keymap_char(0xe9, &shift), 0);
}

/* What has a keysym is a key that the keyboard knows. */
static void by_keysym(void **state)
{
    (void)state;
    assert_int_equal(keymap_keysym(0xff0d), 0x1c);
    assert_int_equal(keymap_keysym(0xffff), 0xe053);
    assert_int_equal(keymap_keysym(0xffe1), 0x2a);
    assert_int_equal(keymap_keysym(0xffbe), 0x3b);
    assert_int_equal(keymap_keysym(0xe9), 0);
    assert_int_equal(keymap_keysym(0xfffffff), 0);
    for (uint32_t sym = 0xfe00; sym <= 0xffff; sym++) {
        struct ps2_kbd k;
        const unsigned key = keymap_keysym(sym);

        ps2_kbd_init(&k);
        ps2_kbd_write(&k, 0xf4);
        if (!key)
            continue;
        ps2_kbd_key(&k, key, true);
        assert_true(k.keys.n > 0);
    }
}

static void chords(void **state)
{
    static const struct {
        const char *name;
        int n;
        uint16_t keys[3];
    } rows[] = {
        {"x", 2, {0x2d}},
        {"ctrl-alt-delete", 6, {0x1d, 0x38, 0xe053}},
        {"alt-kp-7", 4, {0x38, 0x47}},
        {"ctrl--", 4, {0x1d, 0x0c}},
        {"shift-right", 4, {0x2a, 0xe04d}},
        {"", -EINVAL, {0}},
        {"ctrl-", -EINVAL, {0}},
        {"-ctrl", -EINVAL, {0}},
        {"ctrl+c", -EINVAL, {0}},
        {"a-b-c-d-e-f-g-h-i", -EINVAL, {0}},
    };
    struct key_stroke out[2 * KEYMAP_CHORD];

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(keymap_chord(rows[i].name, out), rows[i].n);
        for (int k = 0; k < rows[i].n / 2; k++) {
            assert_int_equal(out[k].key, rows[i].keys[k]);
            assert_true(out[k].down);
            assert_int_equal(out[rows[i].n - 1 - k].key, rows[i].keys[k]);
            assert_false(out[rows[i].n - 1 - k].down);
        }
    }
    assert_int_equal(keymap_chord("a-b-c-d-e-f-g-h", out), 16);
}

/* ---- typing ---- */

struct guest {
    struct loop *loop;
    struct typist typist;
    struct loop_op end;
    struct key_stroke got[16];
    unsigned n;
    unsigned busy; /* looks at the keyboard before it has read it */
};

static void on_stroke(void *ctx, unsigned key, bool down)
{
    struct guest *g = ctx;

    assert_true(g->n < ARRAY_LEN(g->got));
    g->got[g->n++] = (struct key_stroke){(uint16_t)key, down};
}

static bool on_idle(void *ctx)
{
    struct guest *g = ctx;

    if (!g->busy)
        return true;
    g->busy--;
    return false;
}

static void on_end(struct loop_op *op, int res)
{
    struct guest *g = op->owner;

    (void)res;
    loop_stop(g->loop, 0);
}

static void run_ms(struct guest *g, uint64_t ms)
{
    g->end = (struct loop_op){.fn = on_end, .owner = g};
    loop_timer(g->loop, &g->end, ms * 1000000);
    assert_int_equal(loop_run(g->loop), 0);
}

static void start(struct guest *g)
{
    const struct typist_ops ops = {on_stroke, on_idle, g};

    *g = (struct guest){0};
    assert_int_equal(loop_create(&g->loop, NULL), 0);
    typist_init(&g->typist, g->loop, &ops);
}

static void finish(struct guest *g)
{
    typist_end(&g->typist);
    loop_destroy(g->loop);
}

static void types_in_order(void **state)
{
    static struct guest g;
    struct key_stroke s[4];
    int n = keymap_type('A', s);

    (void)state;
    start(&g);
    g.busy = 2;
    assert_int_equal(typist_add(&g.typist, s, (unsigned)n), 0);
    for (unsigned i = 0; i < 100 && g.n < 4; i++)
        run_ms(&g, 20);
    assert_int_equal(g.n, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(g.got[i].key, s[i].key);
        assert_int_equal(g.got[i].down, s[i].down);
    }
    /* And again, after it had come to rest. */
    assert_int_equal(typist_add(&g.typist, s, 1), 0);
    for (unsigned i = 0; i < 100 && g.n < 5; i++)
        run_ms(&g, 20);
    assert_int_equal(g.n, 5);
    finish(&g);
}

static void there_is_an_end_to_room(void **state)
{
    static struct guest g;
    static struct key_stroke many[TYPIST_STROKES];

    (void)state;
    start(&g);
    assert_int_equal(typist_add(&g.typist, many, TYPIST_STROKES - 1), 0);
    assert_int_equal(typist_add(&g.typist, many, 2), -ENOBUFS);
    assert_int_equal(typist_add(&g.typist, many, 1), 0);
    finish(&g);
    assert_int_equal(g.n, 0);
}

/* A guest that never reads: what was for it is forgotten. */
static void nobody_reads(void **state)
{
    static struct guest g;
    static const struct key_stroke s[4];

    (void)state;
    start(&g);
    g.busy = UINT32_MAX;
    assert_int_equal(typist_add(&g.typist, s, 4), 0);
    run_ms(&g, 50);
    assert_int_equal(g.typist.n, 4);
    /* Half a minute later. */
    g.typist.waited = TYPIST_WAIT - 2;
    for (unsigned i = 0; i < 100 && g.typist.n; i++)
        run_ms(&g, 100);
    assert_int_equal(g.typist.n, 0);
    assert_int_equal(g.n, 0);
    finish(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_name),
        cmocka_unit_test(by_character),
        cmocka_unit_test(by_keysym),
        cmocka_unit_test(chords),
        cmocka_unit_test(types_in_order),
        cmocka_unit_test(there_is_an_end_to_room),
        cmocka_unit_test(nobody_reads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
