// SPDX-License-Identifier: GPL-2.0-or-later
/* The image of an expansion ROM: found or not, and of a size for a BAR. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boot/option_rom.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/test_option_rom.XXXXXX";

static void write_file(size_t n)
{
    const int fd = open(path, O_WRONLY | O_TRUNC);
    char *data = malloc(n);

    assert_true(fd >= 0 && data);
    memset(data, 0x5a, n);
    assert_int_equal(write(fd, data, n), (ssize_t)n);
    free(data);
    close(fd);
}

static int setup(void **state)
{
    const int fd = mkstemp(path);

    (void)state;
    close(fd);
    return fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void rounded_up(void **state)
{
    static const struct {
        size_t file;
        uint64_t rom;
    } rows[] = {
        {1, 4096},      {4096, 4096},       {4097, 8192},
        {39936, 65536}, {1 << 20, 1 << 20},
    };
    const char *const places[] = {"/nowhere/at/all", path, NULL};

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct rom rom;

        write_file(rows[i].file);
        option_rom_open(places, "test", &rom);
        assert_int_equal(rom.size, rows[i].rom);
        for (uint64_t n = 0; n < rom.size; n++)
            assert_int_equal(((unsigned char *)rom.host)[n],
                             n < rows[i].file ? 0x5a : 0xff);
        rom_free(&rom);
    }
}

/* No error: the machine is without it. */
static void without(void **state)
{
    const char *const none[] = {"/nowhere/at/all", NULL};
    const char *const folder[] = {"/tmp", path, NULL};
    const char *const file[] = {path, NULL};
    struct rom rom;

    (void)state;
    option_rom_open(none, "test", &rom);
    assert_int_equal(rom.size, 0);
    option_rom_open(folder, "test", &rom);
    assert_int_equal(rom.size, 0);
    write_file(0);
    option_rom_open(file, "test", &rom);
    assert_int_equal(rom.size, 0);
    write_file((1 << 20) + 1);
    option_rom_open(file, "test", &rom);
    assert_int_equal(rom.size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounded_up),
        cmocka_unit_test(without),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
