// SPDX-License-Identifier: GPL-2.0-or-later
/* Every packing comes out as it went in; bombs, cuts and damage do not. */
#include "packers.h"

#include "boot/unpack.h"

/* More than one 8 MiB block of the legacy lz4 format. */
#define PLAIN_SIZE (8 * MIB + 12345)

/* Enough for any other format to have several blocks or windows. */
#define SOME ((size_t)1000000)

/* Text-like bytes: half of them from a generator, so that they pack badly. */
static uint8_t *make_plain(void)
{
    uint8_t *plain = malloc(PLAIN_SIZE);
    uint32_t x = 1;

    assert_non_null(plain);
    for (size_t i = 0; i < PLAIN_SIZE; i++) {
        x = x * 1664525u + 1013904223u;
        plain[i] = (i / 64) % 2 ? (uint8_t)(x >> 24) : (uint8_t)(i / 4096);
    }
    return plain;
}

static int setup(void **state)
{
    *state = make_plain();
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static void assert_unpacks(const struct bytes *b, const void *plain, size_t n)
{
    struct unpacked u;

    assert_int_equal(unpack("test", b->data, b->size, UNPACK_MAX, &u), 0);
    assert_int_equal(u.size, n);
    assert_memory_equal(u.base, plain, n);
    assert_true(u.mapped < u.size + GUEST_PAGE);
    unpacked_free(&u);
    assert_null(u.base);
}

static void assert_fails(const void *data, size_t n, size_t max,
                         const char *part)
{
    void *copy = malloc(n ? n : 1);
    struct capture c;
    struct unpacked u;
    int err;

    assert_non_null(copy);
    memcpy(copy, data, n);
    capture_begin(&c);
    err = unpack("test", copy, n, max, &u);
    capture_end(&c);
    assert_int_equal(err, -EINVAL);
    assert_null(u.base);
    assert_one_line(&c, part);
    free(copy);
}

static void every_format_round_trips(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes b = packers[i].pack(*state, SOME);

        assert_int_equal(unpack_identify(b.data, b.size), packers[i].packing);
        assert_string_equal(unpack_name(packers[i].packing), packers[i].name);
        assert_unpacks(&b, *state, SOME);
        free(b.data);
    }
}

/* The kernel's build appends the unpacked size as a 32-bit word. */
static void appended_size_is_ignored(void **state)
{
    const uint32_t size = SOME;

    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes b = packers[i].pack(*state, SOME);

        b.data = realloc(b.data, b.size + 4);
        assert_non_null(b.data);
        memcpy(b.data + b.size, &size, 4);
        b.size += 4;
        assert_unpacks(&b, *state, SOME);
        free(b.data);
    }
}

static void legacy_lz4_blocks_are_joined(void **state)
{
    struct bytes b = pack_lz4_legacy(*state, PLAIN_SIZE);

    assert_unpacks(&b, *state, PLAIN_SIZE);
    free(b.data);
}

/* `cat a.gz b.gz` is a gzip file, and likewise for the others. */
static void streams_in_a_row_are_one(void **state)
{
    const uint8_t *plain = *state;
    const size_t first = 100000, second = 5000;

    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes a = packers[i].pack(plain, first);
        struct bytes b = packers[i].pack(plain + first, second);

        a.data = realloc(a.data, a.size + b.size);
        assert_non_null(a.data);
        memcpy(a.data + a.size, b.data, b.size);
        a.size += b.size;
        assert_unpacks(&a, plain, first + second);
        free(a.data);
        free(b.data);
    }
}

static void what_fits_exactly_is_taken(void **state)
{
    const size_t n = 8192;

    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes b = packers[i].pack(*state, n);
        struct unpacked u;

        assert_int_equal(unpack("test", b.data, b.size, n, &u), 0);
        assert_int_equal(u.size, n);
        unpacked_free(&u);
        assert_fails(b.data, b.size, n - 1, "more than 0 MiB: not a kernel");
        free(b.data);
    }
}

/* Zeroes pack a thousandfold and more. */
static void bombs_are_refused(void **state)
{
    uint8_t *zeroes = calloc(1, 4 * MIB);

    (void)state;
    assert_non_null(zeroes);
    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes b = packers[i].pack(zeroes, 4 * MIB);

        assert_fails(b.data, b.size, 2 * MIB, "more than 2 MiB");
        free(b.data);
    }
    free(zeroes);
}

/*
 * Cut at any length. A legacy lz4 stream may end after any block, or with a
 * word of rubbish after it, so there only less than what went in is promised.
 */
static void cut_streams_are_refused(void **state)
{
    const size_t n = 500;

    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes b = packers[i].pack(*state, n);

        for (size_t cut = 6; cut < b.size; cut++) {
            if (packers[i].pack == pack_lz4_legacy && cut <= 8)
                continue;
            assert_fails(b.data, cut, MIB, "truncated");
        }
        free(b.data);
    }
}

/* Without a checksum, damage may pass. */
static void damage_is_noticed(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes b = packers[i].pack(*state, 100000);

        b.data[b.size / 2] ^= 0x40;
        if (packers[i].checked)
            assert_fails(b.data, b.size, MIB, "corrupt");
        free(b.data);
    }
}

/* No damage of one byte may do more than fail or come out different. */
static void any_flipped_byte_is_survived(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(packers); i++) {
        struct bytes b = packers[i].pack(*state, 300);
        struct capture c;
        struct unpacked u;

        for (size_t at = 0; at < b.size; at++) {
            b.data[at] ^= 0xff;
            capture_begin(&c);
            if (unpack("test", b.data, b.size, MIB, &u) == 0) {
                assert_true(u.size <= MIB);
                unpacked_free(&u);
            }
            capture_end(&c);
            b.data[at] ^= 0xff;
        }
        free(b.data);
    }
}

/* A dictionary of 1 GiB announced by 13 bytes. */
static void greedy_dictionaries_are_refused(void **state)
{
    const uint8_t lzma[32] = {0x5d, 0,    0,    0,    0x40, 0xff, 0xff,
                              0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

    (void)state;
    assert_fails(lzma, sizeof(lzma), MIB, "smaller dictionary");
}

static void unknown_formats_are_refused(void **state)
{
    (void)state;
    assert_int_equal(unpack_identify("\x89LZO\0\r", 6), PACK_NONE);
    assert_int_equal(unpack_identify("\x1f\x8b", 2), PACK_NONE);
    assert_int_equal(unpack_identify("", 0), PACK_NONE);
    assert_fails("\x89LZO\0\r\n\x1a\n", 9, MIB, "no known format");
    assert_fails("", 0, MIB, "no known format");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_round_trips),
        cmocka_unit_test(appended_size_is_ignored),
        cmocka_unit_test(legacy_lz4_blocks_are_joined),
        cmocka_unit_test(streams_in_a_row_are_one),
        cmocka_unit_test(what_fits_exactly_is_taken),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(cut_streams_are_refused),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(any_flipped_byte_is_survived),
        cmocka_unit_test(greedy_dictionaries_are_refused),
        cmocka_unit_test(unknown_formats_are_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
