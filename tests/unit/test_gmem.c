// SPDX-License-Identifier: GPL-2.0-or-later
/* gmem's doors: bounds, holes, wrap-around, crossing, all or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "mmu/gmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BIG (LAYOUT_HOLE + 16 * MIB) /* one slot below, one above the hole */

static int setup(void **state)
{
    *state = gmem_create(BIG, GMEM_ANON);
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    gmem_destroy(*state);
    return 0;
}

static void slots_leave_the_hole(void **state)
{
    const struct gmem *m = *state;
    unsigned n;
    const struct gmem_slot *s = gmem_slots(m, &n);

    assert_int_equal(n, 2);
    assert_int_equal(s[0].base.v, 0);
    assert_int_equal(s[0].size, LAYOUT_HOLE);
    assert_int_equal(s[1].base.v, LAYOUT_HOLE_END);
    assert_int_equal(s[1].size, 16 * MIB);
    assert_int_equal((uintptr_t)s[0].host % (2 * MIB), 0);
    assert_int_equal(gmem_size(m), BIG);
}

/* A PC: nothing at the display, and a slot apart up to 1 MiB. */
static void a_pc_has_a_window(void **state)
{
    struct gmem *m = gmem_create(4 * GIB, GMEM_ANON);
    unsigned char b[4] = {1, 2, 3, 4}, got[4];
    const struct gmem_slot *s;
    unsigned n, shadows = 0;

    (void)state;
    gmem_lay_out_pc(m);
    s = gmem_slots(m, &n);
    assert_int_equal(n, 4);
    for (unsigned i = 0; i < n; i++)
        shadows += s[i].shadow;
    assert_int_equal(shadows, 1);
    assert_true(s[1].shadow);
    assert_int_equal(s[1].base.v, 0xc0000);
    assert_int_equal(s[1].size, 0x40000);
    assert_true(gmem_size(m) == 4 * GIB);
    assert_false(gmem_is_ram(m, GPA(0xa0000), 1));
    assert_false(gmem_is_ram(m, GPA(0xbffff), 1));
    assert_int_equal(gmem_write(m, GPA(0x9fffe), b, 4), -EFAULT);
    /* From the shadow into what follows it. */
    assert_int_equal(gmem_write(m, GPA(0xffffe), b, 4), 0);
    assert_int_equal(gmem_read(m, GPA(0xffffe), got, 4), 0);
    assert_memory_equal(got, b, 4);
    assert_true(gmem_is_ram(m, GPA(5 * GIB - 1), 1));
    assert_int_equal(gmem_discard_all(m), 0);
    gmem_destroy(m);
}

static void is_ram_knows_edges(void **state)
{
    const struct gmem *m = *state;

    assert_true(gmem_is_ram(m, GPA(0), 1));
    assert_true(gmem_is_ram(m, GPA(LAYOUT_HOLE - 1), 1));
    assert_false(gmem_is_ram(m, GPA(LAYOUT_HOLE - 1), 2));
    assert_false(gmem_is_ram(m, GPA(LAYOUT_HOLE), 1));
    assert_false(gmem_is_ram(m, GPA(LAYOUT_HOLE_END - 1), 1));
    assert_true(gmem_is_ram(m, GPA(LAYOUT_HOLE_END), 16 * MIB));
    assert_false(gmem_is_ram(m, GPA(LAYOUT_HOLE_END), 16 * MIB + 1));
    assert_false(gmem_is_ram(m, GPA(LAYOUT_HOLE_END), UINT64_MAX));
    assert_false(gmem_is_ram(m, GPA(UINT64_MAX), 1));
    assert_false(gmem_is_ram(m, GPA(0), 0));
}

static void write_then_read(void **state)
{
    struct gmem *m = *state;
    char buf[300], back[300];

    for (size_t i = 0; i < sizeof(buf); i++)
        buf[i] = (char)i;
    for (uint64_t off = 0; off < 9; off++) {
        assert_int_equal(gmem_write(m, GPA(5 * MIB + off), buf, 300), 0);
        assert_int_equal(gmem_read(m, GPA(5 * MIB + off), back, 300), 0);
        assert_memory_equal(buf, back, 300);
    }
}

static void doors_refuse_all_or_nothing(void **state)
{
    struct gmem *m = *state;
    char buf[16];

    memset(buf, 0x5a, sizeof(buf));
    assert_int_equal(gmem_write(m, GPA(LAYOUT_HOLE - 8), buf, 16), -EFAULT);
    assert_int_equal(gmem_read(m, GPA(LAYOUT_HOLE - 8), buf, 16), -EFAULT);
    assert_int_equal(gmem_read(m, GPA(LAYOUT_HOLE - 8), buf, 8), 0);
    assert_int_equal(buf[0], 0);
    assert_int_equal(gmem_read(m, GPA(UINT64_MAX - 3), buf, 8), -EFAULT);
}

static void iov_and_window(void **state)
{
    struct gmem *m = *state;
    struct iovec iov[2];
    struct gwin win;

    assert_int_equal(gmem_iov(m, GPA(4096), 8192, iov, 2), 1);
    assert_int_equal(iov[0].iov_len, 8192);
    assert_int_equal(gmem_iov(m, GPA(4096), 8192, iov, 0), -E2BIG);
    assert_int_equal(gmem_iov(m, GPA(LAYOUT_HOLE), 1, iov, 2), -EFAULT);
    assert_int_equal(gmem_win(m, GPA(LAYOUT_HOLE - 64), 64, &win), 0);
    assert_int_equal(win.size, 64);
    assert_int_equal(gmem_win(m, GPA(LAYOUT_HOLE - 64), 65, &win), -EFAULT);
    assert_int_equal(gmem_win(m, GPA(0), 0, &win), -EFAULT);
}

static void load_and_discard(void **state)
{
    struct gmem *m = *state;
    char name[] = "/tmp/vmm-gmem-XXXXXX", back[6] = "";
    int fd = mkstemp(name);

    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(write(fd, "abcdef", 6), 6);
    assert_int_equal(gmem_load(m, GPA(MIB), fd, 2, 4), 0);
    assert_int_equal(gmem_read(m, GPA(MIB), back, 5), 0);
    assert_memory_equal(back, "cdef", 5);
    assert_int_equal(gmem_load(m, GPA(MIB), fd, 2, 5), -EIO);
    assert_int_equal(gmem_load(m, GPA(LAYOUT_HOLE), fd, 0, 4), -EFAULT);
    assert_int_equal(gmem_discard_all(m), 0);
    assert_int_equal(gmem_read(m, GPA(MIB), back, 4), 0);
    assert_memory_equal(back, "\0\0\0\0", 4);
    close(fd);
}

static bool is_resident(const struct gmem *m, uint64_t gpa)
{
    unsigned n;
    unsigned char *host = gmem_slots(m, &n)[0].host;
    unsigned char there = 0;

    assert_int_equal(mincore(host + gpa, GUEST_PAGE, &there), 0);
    return there & 1;
}

static void fill(struct gmem *m, uint64_t gpa, uint64_t n)
{
    static const char byte = 'x';

    for (uint64_t i = 0; i < n; i++)
        assert_int_equal(gmem_write(m, GPA(gpa + i), &byte, 1), 0);
}

static char byte_at(const struct gmem *m, uint64_t gpa)
{
    char byte = 0;

    assert_int_equal(gmem_read(m, GPA(gpa), &byte, 1), 0);
    return byte;
}

/* Whole pages go, the bytes beside them stay. Below 2 MiB pages are small. */
static void pages_are_given_back(void **state)
{
    struct gmem *m = *state;
    const uint64_t at = 64 * KIB;

    fill(m, at, 4 * GUEST_PAGE);
    assert_int_equal(gmem_discard(m, GPA(at + 1), 3 * GUEST_PAGE),
                     2 * GUEST_PAGE);
    assert_true(is_resident(m, at));
    assert_false(is_resident(m, at + GUEST_PAGE));
    assert_false(is_resident(m, at + 2 * GUEST_PAGE));
    assert_true(is_resident(m, at + 3 * GUEST_PAGE));
    assert_int_equal(byte_at(m, at + GUEST_PAGE - 1), 'x');
    assert_int_equal(byte_at(m, at + GUEST_PAGE), 0);
    assert_int_equal(byte_at(m, at + 3 * GUEST_PAGE), 'x');
    /* Less than a page is none. */
    assert_int_equal(gmem_discard(m, GPA(at), GUEST_PAGE - 1), 0);
    assert_int_equal(gmem_discard(m, GPA(at + 1), GUEST_PAGE), 0);
    assert_int_equal(gmem_discard(m, GPA(at), 0), 0);
    assert_int_equal(byte_at(m, at), 'x');
}

static void an_iovec_is_given_back(void **state)
{
    struct gmem *m = *state;
    const uint64_t at = 128 * KIB;
    struct iovec iov;

    fill(m, at, 2 * GUEST_PAGE);
    assert_int_equal(gmem_iov(m, GPA(at), GUEST_PAGE + 9, &iov, 1), 1);
    assert_int_equal(gmem_discard_iov(m, &iov), GUEST_PAGE);
    assert_int_equal(byte_at(m, at), 0);
    assert_int_equal(byte_at(m, at + GUEST_PAGE), 'x');
}

/* The file has no page there either: whoever else maps it reads zeroes. */
static void pages_of_a_shared_file(void **state)
{
    const int fd = gmem_make_file(4 * MIB, false);
    struct gmem *m = gmem_create_on(4 * MIB, fd);
    const uint64_t at = 3 * MIB;
    struct stat before, after;
    char byte = 'y';

    (void)state;
    assert_non_null(m);
    fill(m, at, 2 * GUEST_PAGE);
    assert_int_equal(fstat(fd, &before), 0);
    assert_int_equal(gmem_discard(m, GPA(at), GUEST_PAGE), GUEST_PAGE);
    assert_int_equal(fstat(fd, &after), 0);
    assert_int_equal((before.st_blocks - after.st_blocks) * 512, GUEST_PAGE);
    assert_int_equal(pread(fd, &byte, 1, (off_t)at), 1);
    assert_int_equal(byte, 0);
    assert_int_equal(byte_at(m, at + GUEST_PAGE), 'x');
    gmem_destroy(m);
    close(fd);
}

static void what_is_not_ram_is_not_given_back(void **state)
{
    struct gmem *m = *state;

    fill(m, LAYOUT_HOLE - GUEST_PAGE, 1);
    assert_int_equal(gmem_discard(m, GPA(LAYOUT_HOLE), 4096), -EFAULT);
    assert_int_equal(
        gmem_discard(m, GPA(LAYOUT_HOLE - GUEST_PAGE), 2 * GUEST_PAGE),
        -EFAULT);
    assert_int_equal(byte_at(m, LAYOUT_HOLE - GUEST_PAGE), 'x');
    assert_int_equal(gmem_discard(m, GPA(UINT64_MAX - 4095), 4096), -EFAULT);
    assert_int_equal(gmem_discard(m, GPA(4096), UINT64_MAX), -EFAULT);
}

static void a_tebibyte_is_only_reserved(void **state)
{
    struct gmem *m = gmem_create(1024 * GIB, GMEM_ANON);
    char c = 7;

    (void)state;
    assert_non_null(m);
    assert_int_equal(gmem_write(m, GPA(1024 * GIB), &c, 1), 0);
    assert_int_equal(gmem_read(m, GPA(1024 * GIB), &c, 1), 0);
    assert_int_equal(c, 7);
    gmem_destroy(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_leave_the_hole),
        cmocka_unit_test(is_ram_knows_edges),
        cmocka_unit_test(a_pc_has_a_window),
        cmocka_unit_test(write_then_read),
        cmocka_unit_test(doors_refuse_all_or_nothing),
        cmocka_unit_test(iov_and_window),
        cmocka_unit_test(load_and_discard),
        cmocka_unit_test(pages_are_given_back),
        cmocka_unit_test(an_iovec_is_given_back),
        cmocka_unit_test(pages_of_a_shared_file),
        cmocka_unit_test(what_is_not_ram_is_not_given_back),
        cmocka_unit_test(a_tebibyte_is_only_reserved),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
