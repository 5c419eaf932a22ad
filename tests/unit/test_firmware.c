// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PC's firmware: which files can be one, and that what was read cannot be
 * written any more.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "boot/firmware.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "/tmp/test_firmware.XXXXXX");
    close(mkstemp(path));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static void sizes(void **state)
{
    static const struct {
        uint64_t size;
        int answer;
    } rows[] = {
        {0, -EINVAL},      {1, -EINVAL},
        {4096, 0},         {64 * KIB - 1, -EINVAL},
        {64 * KIB, 0},     {64 * KIB + 512, -EINVAL},
        {128 * KIB, 0},    {4 * MIB, 0},
        {FIRMWARE_MAX, 0}, {FIRMWARE_MAX + 64 * KIB, -EINVAL},
        {GIB, -EINVAL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rom rom = {0};

        assert_int_equal(truncate(path, (off_t)rows[i].size), 0);
        assert_int_equal(firmware_open(path, &rom), rows[i].answer);
        assert_int_equal(rom.size, rows[i].answer ? 0 : rows[i].size);
        rom_free(&rom);
    }
}

static void no_files(void **state)
{
    struct rom rom = {0};
    char dir[] = "/tmp/test_firmware_dir.XXXXXX", pipe[80];

    (void)state;
    assert_int_equal(firmware_open("/nonexistent/bios", &rom), -ENOENT);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(firmware_open(dir, &rom), -EINVAL);
    snprintf(pipe, sizeof(pipe), "%s/pipe", dir);
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_int_equal(firmware_open(pipe, &rom), -EINVAL);
    unlink(pipe);
    rmdir(dir);
}

static void contents(void **state)
{
    const int fd = open(path, O_WRONLY);
    struct rom rom = {0};

    (void)state;
    assert_int_equal(ftruncate(fd, 64 * 1024), 0);
    assert_int_equal(pwrite(fd, "reset", 5, 0xfff0), 5);
    close(fd);
    assert_int_equal(firmware_open(path, &rom), 0);
    /* The file's later life is not the ROM's. */
    assert_int_equal(truncate(path, 0), 0);
    assert_memory_equal((char *)rom.host + 0xfff0, "reset", 5);
    rom_free(&rom);
}

static void nobody_writes(void **state)
{
    struct rom rom = {0};
    int status;
    pid_t pid;

    (void)state;
    assert_int_equal(truncate(path, 64 * 1024), 0);
    assert_int_equal(firmware_open(path, &rom), 0);
    pid = fork();
    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile char *)rom.host = 1;
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSEGV);
    rom_free(&rom);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sizes),
        TEST(no_files),
        TEST(contents),
        TEST(nobody_writes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
