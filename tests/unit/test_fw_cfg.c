// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The firmware configuration device as firmware uses it: signature, items,
 * files, bytes and DMA; and commands that firmware would never give.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "chip_rig.h"
#include "devices/platform/fw_cfg.h"
#include "vmm/log.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define RAM     (4 * MIB)
#define COMMAND 0x1000u
#define BUFFER  0x10000u

#define ERROR  0x01u
#define READ   0x02u
#define SKIP   0x04u
#define SELECT 0x08u
#define WRITE  0x10u

static const char small_file[] = "hello, firmware";
static const uint32_t ncpus = 3;
static uint8_t big_file[70000];

static const struct fw_cfg_item items[] = {
    {.data = &ncpus, .size = 2, .selector = FW_CFG_NB_CPUS},
    {.name = "etc/hello", .data = small_file, .size = 15},
    {.name = "etc/e820", .data = big_file, .size = sizeof(big_file)},
    {.data = &ncpus, .size = 4, .selector = FW_CFG_X86 + 3},
    {.name = "genroms/a-name-of-fifty-five-characters-that-is-the-mos",
     .data = NULL,
     .size = 0},
};

struct rig {
    struct gmem *mem;
    struct fw_cfg *cfg;
};

static int setup(void **state)
{
    static struct rig r;

    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < sizeof(big_file); i++)
        big_file[i] = (uint8_t)(i * 7 + i / 256);
    r.mem = gmem_create(RAM, GMEM_ANON);
    r.cfg = fw_cfg_create(r.mem, items, ARRAY_LEN(items));
    *state = &r;
    return r.mem && r.cfg ? 0 : -1;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    fw_cfg_destroy(r->cfg);
    gmem_destroy(r->mem);
    return 0;
}

static void choose(struct rig *r, unsigned selector)
{
    chip_write(&fw_cfg_ops, r->cfg, 0, selector, 2);
}

static uint8_t get(struct rig *r)
{
    return (uint8_t)chip_read(&fw_cfg_ops, r->cfg, 1, 1);
}

static void get_n(struct rig *r, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        ((uint8_t *)out)[i] = get(r);
}

/* Give a command at COMMAND; returns what became of its first word. */
static uint32_t dma(struct rig *r, uint32_t control, uint32_t length,
                    uint64_t address)
{
    const struct {
        uint32_t control;
        uint32_t length;
        uint64_t address;
    } c = {htobe32(control), htobe32(length), htobe64(address)};
    uint32_t result;

    assert_int_equal(gmem_write(r->mem, GPA(COMMAND), &c, sizeof(c)), 0);
    chip_write(&fw_cfg_ops, r->cfg, 4, 0, 4);
    chip_write(&fw_cfg_ops, r->cfg, 8, htobe32(COMMAND), 4);
    assert_int_equal(gmem_read(r->mem, GPA(COMMAND), &result, 4), 0);
    return be32toh(result);
}

static void check_memory(struct rig *r, uint64_t at, const void *data, size_t n)
{
    void *is = malloc(n);

    assert_non_null(is);
    assert_int_equal(gmem_read(r->mem, GPA(at), is, n), 0);
    assert_memory_equal(is, data, n);
    free(is);
}

static void signature_and_id(void **state)
{
    struct rig *r = *state;
    uint8_t bytes[6];

    get_n(r, bytes, 6); /* the signature is what is selected first */
    assert_memory_equal(bytes, "QEMU\0\0", 6);
    choose(r, FW_CFG_SIGNATURE);
    get_n(r, bytes, 6);
    assert_memory_equal(bytes, "QEMU\0\0", 6);
    choose(r, FW_CFG_ID);
    get_n(r, bytes, 5);
    assert_memory_equal(bytes, "\x03\0\0\0\0", 5);
    /* The DMA register says who it is, in any width. */
    assert_int_equal(chip_read(&fw_cfg_ops, r->cfg, 4, 8),
                     htobe64(0x51454d5520434647ull));
    assert_int_equal(chip_read(&fw_cfg_ops, r->cfg, 8, 4), htobe32(0x20434647));
}

static void items_by_number(void **state)
{
    struct rig *r = *state;

    choose(r, FW_CFG_NB_CPUS);
    assert_int_equal(get(r), 3);
    assert_int_equal(get(r), 0);
    assert_int_equal(get(r), 0);
    choose(r, FW_CFG_NB_CPUS);
    assert_int_equal(get(r), 3);
    choose(r, FW_CFG_X86 + 3);
    assert_int_equal(get(r), 3);
    /* The bit that once meant writing is no part of the number. */
    choose(r, 0x4000 | FW_CFG_NB_CPUS);
    assert_int_equal(get(r), 3);
    choose(r, 0x1234);
    assert_int_equal(get(r), 0);
}

static void the_directory(void **state)
{
    struct rig *r = *state;
    uint8_t dir[4 + 3 * 64];

    choose(r, FW_CFG_DIRECTORY);
    get_n(r, dir, sizeof(dir));
    assert_memory_equal(dir, "\0\0\0\x03", 4);
    assert_memory_equal(dir + 4, "\0\0\0\x0f\0\x20\0\0etc/hello\0", 18);
    assert_memory_equal(dir + 68, "\0\x01\x11\x70\0\x21\0\0etc/e820\0", 17);
    assert_memory_equal(dir + 132, "\0\0\0\0\0\x22\0\0genroms/a-name", 22);
    assert_int_equal(dir[132 + 63], 0);
    assert_int_equal(get(r), 0);
    choose(r, 0x20);
    for (unsigned i = 0; i < 15; i++)
        assert_int_equal(get(r), small_file[i]);
    assert_int_equal(get(r), 0);
    choose(r, 0x22);
    assert_int_equal(get(r), 0);
}

static void dma_reads(void **state)
{
    struct rig *r = *state;

    assert_int_equal(
        dma(r, 0x21u << 16 | SELECT | READ, sizeof(big_file), BUFFER), 0);
    check_memory(r, BUFFER, big_file, sizeof(big_file));
    /* In pieces, and skipping; bytes go on where DMA stopped. */
    assert_int_equal(dma(r, 0x21u << 16 | SELECT | READ, 100, BUFFER), 0);
    assert_int_equal(dma(r, SKIP, 1000, 0), 0);
    assert_int_equal(dma(r, READ, 50, BUFFER + 3), 0);
    check_memory(r, BUFFER, big_file, 3);
    check_memory(r, BUFFER + 3, big_file + 1100, 50);
    assert_int_equal(get(r), big_file[1150]);
    /* Selecting alone. */
    assert_int_equal(dma(r, 0x20u << 16 | SELECT, 0, 0), 0);
    assert_int_equal(get(r), 'h');
    /* The address as one qword. */
    assert_int_equal(dma(r, 0, 0, 0), 0);
    chip_write(&fw_cfg_ops, r->cfg, 4, htobe64(COMMAND), 8);
}

static void zeroes_behind_an_item(void **state)
{
    struct rig *r = *state;
    uint8_t ones[64];
    uint8_t want[64] = {0};

    memset(ones, 0xff, sizeof(ones));
    memcpy(want, small_file, 15);
    assert_int_equal(gmem_write(r->mem, GPA(BUFFER), ones, 64), 0);
    assert_int_equal(dma(r, 0x20u << 16 | SELECT | READ, 60, BUFFER), 0);
    memset(want + 60, 0xff, 4);
    check_memory(r, BUFFER, want, 64);
    /* Of an item that is not there, all of it. */
    assert_int_equal(dma(r, 0x777u << 16 | SELECT | READ, 64, BUFFER), 0);
    memset(want, 0, sizeof(want));
    check_memory(r, BUFFER, want, 64);
    assert_int_equal(dma(r, READ, MIB, BUFFER), 0);
    assert_int_equal(dma(r, READ, MIB + 1, BUFFER), ERROR);
    assert_int_equal(dma(r, READ, UINT32_MAX, BUFFER), ERROR);
    assert_int_equal(dma(r, SKIP, UINT32_MAX, 0), 0);
}

static void commands_into_nowhere(void **state)
{
    static const uint64_t nowhere[] = {
        RAM, RAM - 8, 0xfee00000, UINT64_MAX, UINT64_MAX - 7, 1ull << 63,
    };
    struct rig *r = *state;

    for (unsigned i = 0; i < ARRAY_LEN(nowhere); i++) {
        assert_int_equal(dma(r, 0x20u << 16 | SELECT | READ, 15, nowhere[i]),
                         ERROR);
        assert_int_equal(get(r), 'h'); /* nothing was read */
        assert_int_equal(dma(r, 0x777u << 16 | SELECT | READ, 15, nowhere[i]),
                         ERROR);
        /* The command itself is nowhere: nothing happens. */
        choose(r, FW_CFG_SIGNATURE);
        chip_write(&fw_cfg_ops, r->cfg, 4, htobe64(nowhere[i]), 8);
        assert_int_equal(get(r), 'Q');
    }
}

static void nothing_can_be_written(void **state)
{
    struct rig *r = *state;

    assert_int_equal(dma(r, 0x20u << 16 | SELECT | WRITE, 4, BUFFER), ERROR);
    choose(r, 0x20);
    chip_write(&fw_cfg_ops, r->cfg, 1, 0x55, 1);
    assert_int_equal(get(r), 'h');
    /* A byte is no selector, and neither is a dword. */
    chip_write(&fw_cfg_ops, r->cfg, 0, 0x00, 1);
    chip_write(&fw_cfg_ops, r->cfg, 0, 0x00, 4);
    assert_int_equal(get(r), 'e');
    assert_int_equal(chip_read(&fw_cfg_ops, r->cfg, 0, 1), 0);
}

/* The command is copied before the item lies over it. */
static void a_command_that_overwrites_itself(void **state)
{
    struct rig *r = *state;

    assert_int_equal(dma(r, 0x21u << 16 | SELECT | READ, 4096, COMMAND - 100),
                     0);
    check_memory(r, COMMAND - 100, big_file, 100);
    check_memory(r, COMMAND, "\0\0\0\0", 4);
    check_memory(r, COMMAND + 4, big_file + 104, 4096 - 104);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(signature_and_id),       ROW(items_by_number),
        ROW(the_directory),          ROW(dma_reads),
        ROW(zeroes_behind_an_item),  ROW(commands_into_nowhere),
        ROW(nothing_can_be_written), ROW(a_command_that_overwrites_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
