// SPDX-License-Identifier: GPL-2.0-or-later
/* The images of expansion ROMs: sizes, what is no ROM, what is not there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boot/option_rom.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/option-rom-XXXXXX";

static int make(void **state)
{
    const int fd = mkstemp(path);

    (void)state;
    log_set_level(LOG_ERROR);
    return fd < 0 ? -1 : close(fd);
}

static int forget(void **state)
{
    (void)state;
    return unlink(path);
}

/* n bytes that say they are so many units of 512. */
static void put(off_t n, unsigned units)
{
    const unsigned char head[3] = {0x55, 0xaa, (unsigned char)units};
    const int fd = open(path, O_WRONLY | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
    assert_int_equal(ftruncate(fd, n), 0);
    close(fd);
}

static void test_sizes_are_rounded_up(void **state)
{
    static const struct {
        off_t bytes;
        uint64_t size;
    } sizes[] = {
        {512, 4096},     {4096, 4096},       {4097, 8192},
        {75264, 131072}, {1 << 20, 1 << 20},
    };
    struct rom rom;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const unsigned char *p;

        put(sizes[i].bytes, 1);
        assert_int_equal(option_rom_open_file(path, "rom", &rom), 0);
        assert_int_equal(rom.size, sizes[i].size);
        p = rom.host;
        assert_int_equal(p[0], 0x55);
        if (rom.size > (uint64_t)sizes[i].bytes)
            assert_int_equal(p[rom.size - 1], 0xff);
        rom_free(&rom);
    }
}

static void test_what_is_no_rom(void **state)
{
    struct rom rom;

    (void)state;
    put(0, 1);
    assert_int_equal(option_rom_open_file(path, "rom", &rom), -EINVAL);
    put((1 << 20) + 1, 1);
    assert_int_equal(option_rom_open_file(path, "rom", &rom), -EINVAL);
    put(4096, 0);
    assert_int_equal(option_rom_open_file(path, "rom", &rom), -EINVAL);
    put(4096, 9); /* longer than the file, and than what it is rounded to */
    assert_int_equal(option_rom_open_file(path, "rom", &rom), -EINVAL);
    assert_int_equal(option_rom_open_file("/dev/zero", "rom", &rom), -EINVAL);
    assert_int_equal(option_rom_open_file("/", "rom", &rom), -EINVAL);
    assert_int_equal(option_rom_open_file("/nowhere/at/all", "rom", &rom),
                     -ENOENT);
    assert_int_equal(rom.size, 0);
}

static void test_the_first_that_is_there(void **state)
{
    const char *const places[] = {"/nowhere/at/all", path, "/", NULL};
    struct rom rom;

    (void)state;
    put(1024, 2);
    option_rom_open(places, NULL, &rom);
    assert_int_equal(rom.size, 4096);
    rom_free(&rom);
    option_rom_open(&places[3], NULL, &rom);
    assert_int_equal(rom.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes_are_rounded_up),
        cmocka_unit_test(test_what_is_no_rom),
        cmocka_unit_test(test_the_first_that_is_there),
    };

    return cmocka_run_group_tests(tests, make, forget);
}
