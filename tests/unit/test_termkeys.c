// SPDX-License-Identifier: GPL-2.0-or-later
/* What a terminal sends, as keys; and any bytes at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "termkeys.h"

#include <string.h>

static void one_key(void **state)
{
    static const struct {
        const char *in;
        size_t len; /* what is taken of it */
        unsigned n; /* strokes */
        uint16_t keys[3];
    } rows[] = {
        {"a", 1, 2, {0x1e}},
        {"A", 1, 4, {0x2a, 0x1e}},
        {"\r", 1, 2, {0x1c}},
        {"\t", 1, 2, {0x0f}},
        {"\x7f", 1, 2, {0x0e}},
        {"\x03", 1, 4, {0x1d, 0x2e}}, /* ctrl-c */
        {"\x1c", 1, 4, {0x1d, 0x2b}}, /* ctrl-\ */
        {"\x1b", 1, 2, {0x01}},
        {"\x1b\x1b", 1, 2, {0x01}},
        {"\x1b[A", 3, 2, {0xe048}},
        {"\x1bOB", 3, 2, {0xe050}},
        {"\x1b[3~x", 4, 2, {0xe053}},
        {"\x1bOP", 3, 2, {0x3b}},
        {"\x1b[24~", 5, 2, {0x58}},
        {"\x1bx", 2, 4, {0x38, 0x2d}},       /* alt-x */
        {"\x1bX", 2, 6, {0x38, 0x2a, 0x2d}}, /* alt-shift-x */
        {"\x1b[200~z", 6, 0, {0}},
        {"\x1b[1;5Cz", 6, 0, {0}},
        {"\x1b[", 2, 4, {0x38, 0x1a}},
        {"\xc3\xa9", 1, 0, {0}},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct key_stroke s[TERMKEYS_MAX];
        unsigned n;

        assert_int_equal(termkeys_take(rows[i].in, strlen(rows[i].in), s, &n),
                         rows[i].len);
        assert_int_equal(n, rows[i].n);
        for (unsigned k = 0; k < n / 2; k++) {
            assert_int_equal(s[k].key, rows[i].keys[k]);
            assert_true(s[k].down);
            assert_int_equal(s[n - 1 - k].key, rows[i].keys[k]);
            assert_false(s[n - 1 - k].down);
        }
    }
}

/* It always goes on, and stays within the bytes (ASan). */
static void any_bytes(void **state)
{
    static const char bytes[] = "\x1b[O~;19A\x80\x01";

    (void)state;
    for (unsigned seed = 0; seed < 20000; seed++) {
        char in[5];
        unsigned v = seed * 2654435761u, n;
        struct key_stroke s[TERMKEYS_MAX];

        for (unsigned i = 0; i < sizeof(in); i++, v /= 11)
            in[i] = bytes[v % (sizeof(bytes) - 1)];
        for (size_t at = 0; at < sizeof(in);) {
            const size_t len = termkeys_take(in + at, sizeof(in) - at, s, &n);

            assert_in_range(len, 1, sizeof(in) - at);
            assert_true(n <= TERMKEYS_MAX);
            at += len;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_key),
        cmocka_unit_test(any_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
