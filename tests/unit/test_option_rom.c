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

static void write_bytes(const void *data, size_t n)
{
    const int fd = open(path, O_WRONLY | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, n), (ssize_t)n);
    close(fd);
}

static void write_file(size_t n)
{
    char *data = malloc(n);

    assert_true(n == 0 || data);
    memset(data, 0x5a, n);
    write_bytes(data, n);
    free(data);
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

/* One image for two devices: it names another, and its bytes still sum to 0. */
static void for_another_device(void **state)
{
    const char *const places[] = {path, NULL};
    unsigned char image[1024] = {0x55, 0xaa, 2, 0xe9, 0x10, 0x00};
    unsigned char sum = 0;
    const unsigned char *p;
    struct rom rom;

    (void)state;
    image[0x18] = 0x40;
    memcpy(image + 0x40, "PCIR\xf4\x1a\x41\x10", 8);
    for (size_t i = 0; i < sizeof(image); i++)
        sum = (unsigned char)(sum - image[i]);
    image[6] = sum;
    for (unsigned step = 0; step < 4; step++) {
        const bool good = step == 0;

        if (step == 1)
            image[0x18] = 0xff; /* to where nothing is */
        if (step == 2)
            image[0x19] = 0xff; /* out of the image */
        if (step == 3)
            image[0] = 0;
        write_bytes(image, sizeof(image));
        option_rom_open(places, "test", &rom);
        assert_int_equal(rom.size, GUEST_PAGE);
        option_rom_adopt(&rom, 0x1234, 0x5678);
        p = rom.host;
        sum = 0;
        for (size_t i = 0; good && i < sizeof(image); i++)
            sum = (unsigned char)(sum + p[i]);
        assert_int_equal(sum, 0);
        assert_memory_equal(
            p + 0x40, good ? "PCIR\x34\x12\x78\x56" : "PCIR\xf4\x1a\x41\x10",
            8);
        rom_free(&rom);
    }
    /* Without one there is nothing to do. */
    option_rom_adopt(&rom, 0x1234, 0x5678);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounded_up),
        cmocka_unit_test(without),
        cmocka_unit_test(for_another_device),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
