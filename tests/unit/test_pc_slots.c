// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which slot a PC's devices are in, and what their firmware is told: read from
 * fw_cfg's ports as the firmware does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/pc.h"
#include "config.h"
#include "pc_fw.h"
#include "pc_slots.h"
#include "platform.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

static void parse(struct config *cfg, const char *text)
{
    static char copy[512];
    char *argv[32], *save = NULL;
    int argc = 0;

    snprintf(copy, sizeof(copy), "%s", text);
    for (char *w = strtok_r(copy, " ", &save); w;
         w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    assert_int_equal(config_parse(cfg, argc, argv), CONFIG_OK);
}

static void every_device_has_its_slot(void **state)
{
    struct config cfg;
    struct machine_desc m = {.n_cpus = 1};
    unsigned first;

    (void)state;
    parse(&cfg, "--mode=hvm-pv --disk=a --disk=b,if=ide --disk=c --rng");
    first = pc_slot(&cfg, PC_KIND_VIRTIO, 0);
    assert_in_range(first, PC_SLOT_FIRST, 31);
    assert_int_equal(pc_slot(&cfg, PC_KIND_VIRTIO, 2), first + 2);
    assert_true(pc_slot_count(&cfg) >= first + 3);
    platform_pc.describe(&cfg, &m);
    assert_int_equal(m.pci_slots, pc_slot_count(&cfg));
    assert_int_equal(platform_pc.first_slot(&cfg), first);
    config_free(&cfg);
}

static void paths(void **state)
{
    struct config cfg;
    char path[PC_PATH_MAX], want[PC_PATH_MAX];

    (void)state;
    parse(&cfg, "--mode=hvm --disk=a --disk=b,if=virtio --disk=c "
                "--disk=d,media=cdrom");
    assert_true(pc_disk_path(&cfg, 0, path));
    assert_string_equal(path, "/pci@i0cf8/ide@2/drive@0/disk@0");
    assert_true(pc_disk_path(&cfg, 1, path));
    snprintf(want, sizeof(want), "/pci@i0cf8/scsi@%x/disk@0,0",
             pc_slot(&cfg, PC_KIND_VIRTIO, 0));
    assert_string_equal(path, want);
    assert_true(pc_disk_path(&cfg, 2, path));
    assert_string_equal(path, "/pci@i0cf8/ide@2/drive@0/disk@1");
    assert_true(pc_disk_path(&cfg, 3, path));
    assert_string_equal(path, "/pci@i0cf8/ide@2/drive@1/disk@0");
    config_free(&cfg);
}

/* Xen's disks and links are on the PC's own controllers too. */
static void doubles(void **state)
{
    struct config cfg;
    char path[PC_PATH_MAX];

    (void)state;
    parse(&cfg, "--mode=pvhvm --disk=a --disk=b,if=ide --disk=c,if=virtio "
                "--disk=d --disk=e --disk=f --net=tap,ifname=t");
    assert_int_equal(pc_ide_place(&cfg, 0), 0);
    assert_int_equal(pc_ide_place(&cfg, 1), 1);
    assert_int_equal(pc_ide_place(&cfg, 2), PC_NO_PLACE);
    assert_int_equal(pc_ide_place(&cfg, 3), 2);
    assert_int_equal(pc_ide_place(&cfg, 4), 3);
    /* As many as there are places. */
    assert_int_equal(pc_ide_place(&cfg, 5), PC_NO_PLACE);
    assert_false(pc_disk_path(&cfg, 5, path));
    assert_true(pc_disk_path(&cfg, 3, path));
    assert_string_equal(path, "/pci@i0cf8/ide@2/drive@1/disk@0");
    assert_true(pc_is_card(&cfg, 0));
    assert_int_equal(pc_slot(&cfg, PC_KIND_XEN, 0), PC_SLOT_FIRST);
    assert_int_equal(pc_slot(&cfg, PC_KIND_NIC, 0), PC_SLOT_FIRST + 1);
    assert_int_equal(pc_slot_count(&cfg), PC_SLOT_FIRST + 3);
    config_free(&cfg);
    /* IDE's own come first, however late they are named. */
    parse(&cfg, "--mode=pvhvm --disk=a --disk=b --disk=c,if=ide "
                "--disk=d,if=ide --disk=e,if=ide");
    assert_int_equal(pc_ide_place(&cfg, 0), 0);
    assert_int_equal(pc_ide_place(&cfg, 1), PC_NO_PLACE);
    assert_int_equal(pc_ide_place(&cfg, 4), 3);
    config_free(&cfg);
    parse(&cfg, "--mode=pvhvm --unplug=at-boot --disk=a --net=tap,ifname=t");
    assert_int_equal(pc_ide_place(&cfg, 0), PC_NO_PLACE);
    assert_false(pc_is_card(&cfg, 0));
    config_free(&cfg);
    /* Where there is no PC there is nothing to be a double. */
    parse(&cfg, "--abi=xen --disk=a --net=tap,ifname=t kernel");
    assert_int_equal(pc_ide_place(&cfg, 0), PC_NO_PLACE);
    assert_false(pc_is_card(&cfg, 0));
    config_free(&cfg);
}

/* ---- what the firmware reads ---- */

static void select_item(struct fw_cfg *f, uint16_t selector)
{
    fw_cfg_ops.write(f, 0, &selector, sizeof(selector));
}

static void read_item(struct fw_cfg *f, void *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        fw_cfg_ops.read(f, 1, (char *)out + i, 1);
}

/* A file by its name; its size, 0 if there is none. */
static uint32_t read_file(struct fw_cfg *f, const char *name, void *out,
                          size_t n)
{
    struct {
        uint32_t size;
        uint16_t selector;
        uint16_t reserved;
        char name[56];
    } e;
    uint32_t files;

    select_item(f, FW_CFG_DIRECTORY);
    read_item(f, &files, sizeof(files));
    for (files = be32toh(files); files; files--) {
        read_item(f, &e, sizeof(e));
        if (strcmp(e.name, name) != 0)
            continue;
        assert_true(be32toh(e.size) <= n);
        select_item(f, be16toh(e.selector));
        read_item(f, out, be32toh(e.size));
        return be32toh(e.size);
    }
    return 0;
}

/* What --memory, --cpus and --boot come to. */
static struct pc_fw *firmware(struct config *cfg, struct gmem *mem)
{
    static struct machine_desc m;
    struct pc_fw *fw;

    m = (struct machine_desc){.n_cpus = cfg->cpus};
    platform_pc.describe(cfg, &m);
    fw = pc_fw_create(cfg, &m, NULL, mem);
    assert_non_null(fw);
    return fw;
}

static void numbers(void **state)
{
    struct gmem *mem = gmem_create(16 * MIB, GMEM_ANON);
    struct config cfg;
    struct pc_fw *fw;
    uint64_t size = 0;
    uint16_t cpus = 0;
    /* S0 and S5: asleep is nobody. */
    static const char states[] = {(char)0x80, 0, 0, 1, 0, (char)0x80};
    char found[16] = "";

    (void)state;
    parse(&cfg, "--mode=hvm --cpus=3 --memory=4G");
    fw = firmware(&cfg, mem);
    select_item(pc_fw_device(fw), FW_CFG_NB_CPUS);
    read_item(pc_fw_device(fw), &cpus, sizeof(cpus));
    assert_int_equal(cpus, 3);
    select_item(pc_fw_device(fw), FW_CFG_RAM_SIZE);
    read_item(pc_fw_device(fw), &size, sizeof(size));
    assert_true(size == 4 * GIB);
    assert_int_equal(
        read_file(pc_fw_device(fw), "etc/system-states", found, sizeof(found)),
        sizeof(states));
    assert_memory_equal(found, states, sizeof(states));
    pc_fw_destroy(fw);
    config_free(&cfg);
    gmem_destroy(mem);
}

static void memory_below_and_above(void **state)
{
    struct gmem *mem = gmem_create(16 * MIB, GMEM_ANON);
    struct config cfg;
    struct pc_fw *fw;
    unsigned char e820[64] = {0};
    uint64_t v;

    (void)state;
    parse(&cfg, "--mode=hvm --memory=4G");
    fw = firmware(&cfg, mem);
    assert_int_equal(
        read_file(pc_fw_device(fw), "etc/e820", e820, sizeof(e820)), 40);
    memcpy(&v, e820 + 8, sizeof(v));
    assert_true(v == 3 * GIB);
    memcpy(&v, e820 + 20, sizeof(v));
    assert_true(v == 4 * GIB);
    memcpy(&v, e820 + 28, sizeof(v));
    assert_true(v == GIB);
    pc_fw_destroy(fw);
    config_free(&cfg);
    gmem_destroy(mem);
}

static void the_order(void **state)
{
    static const struct {
        const char *options;
        const char *order; /* NULL: nothing is said */
        bool menu;
    } rows[] = {
        {"--mode=hvm --disk=a", NULL, false},
        {"--mode=hvm --disk=a --boot=menu=on", NULL, true},
        {"--mode=hvm --disk=a --disk=b,media=cdrom --boot=order=d",
         "/pci@i0cf8/ide@2/drive@0/disk@1\n", false},
        {"--mode=hvm --disk=a --disk=b,media=cdrom --boot=order=dc,menu=on",
         "/pci@i0cf8/ide@2/drive@0/disk@1\n/pci@i0cf8/ide@2/drive@0/disk@0\n",
         true},
        {"--mode=hvm --disk=a --boot=order=n", NULL, false},
    };
    struct gmem *mem = gmem_create(16 * MIB, GMEM_ANON);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct config cfg;
        struct pc_fw *fw;
        char order[256] = "";
        uint16_t menu = 7;
        uint32_t n;

        parse(&cfg, rows[i].options);
        fw = firmware(&cfg, mem);
        n = read_file(pc_fw_device(fw), "bootorder", order, sizeof(order));
        assert_string_equal(order, rows[i].order ? rows[i].order : "");
        assert_int_equal(n, rows[i].order ? strlen(order) + 1 : 0);
        select_item(pc_fw_device(fw), FW_CFG_BOOT_MENU);
        read_item(pc_fw_device(fw), &menu, sizeof(menu));
        assert_int_equal(menu, rows[i].menu);
        pc_fw_destroy(fw);
        config_free(&cfg);
    }
    gmem_destroy(mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_device_has_its_slot),
        cmocka_unit_test(doubles),
        cmocka_unit_test(paths),
        cmocka_unit_test(numbers),
        cmocka_unit_test(memory_below_and_above),
        cmocka_unit_test(the_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
