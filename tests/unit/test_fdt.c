// SPDX-License-Identifier: GPL-2.0-or-later
/* The device tree: read back with libfdt, and by dtc where it is installed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "boot/dump.h"
#include "boot/fdt.h"

#include <errno.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Alignas(8) unsigned char buf[64 * KIB];

static struct machine_desc machine(unsigned cpus)
{
    return (struct machine_desc){
        .n_cpus = cpus,
        .n_ranges = 4,
        .map = {{GPA(0), LAYOUT_LOW_END, MEM_RAM},
                {GPA(LAYOUT_TABLES), 128 * KIB, MEM_ACPI},
                {GPA(MIB), LAYOUT_HOLE - MIB, MEM_RAM},
                {GPA(LAYOUT_HOLE_END), 5 * GIB, MEM_RAM}},
        .n_devs = 7,
        .devs = {{DEV_UART16550, LAYOUT_COM1, 8, LAYOUT_COM1_GSI},
                 {DEV_GED, LAYOUT_GED, 16, LAYOUT_GED_GSI},
                 {DEV_ACPI_SLEEP, LAYOUT_SLEEP_CTL, 2, DEV_NO_GSI},
                 {DEV_ACPI_RESET, LAYOUT_RESET, 1, DEV_NO_GSI},
                 {DEV_IOAPIC, LAYOUT_IOAPIC, 4096, 0},
                 {DEV_VIRTIO_MMIO, LAYOUT_VIRTIO_MMIO, 4096, 8},
                 {DEV_PCI_HOST, LAYOUT_ECAM, LAYOUT_ECAM_SIZE, 6}},
        .pci_slots = 2,
        .tsc_khz = 3000000,
    };
}

static void build(unsigned cpus)
{
    const struct machine_desc m = machine(cpus);
    const int64_t n = fdt_build(&m, "console=ttyS0", GPA(0x7000000),
                                GPA(0x7123456), buf, sizeof(buf));

    assert_true(n > 0);
    assert_int_equal(fdt_check_header(buf), 0);
    assert_int_equal(fdt_totalsize(buf), n);
}

/* Property name of the node at path is exactly these n cells. */
static void assert_cells(const char *path, const char *name,
                         const uint32_t *want, int n)
{
    const int node = fdt_path_offset(buf, path);
    int len;
    const fdt32_t *p = fdt_getprop(buf, node, name, &len);

    assert_true(node >= 0);
    assert_non_null(p);
    assert_int_equal(len, n * 4);
    for (int i = 0; i < n; i++)
        assert_int_equal(fdt32_to_cpu(p[i]), want[i]);
}

#define CELLS(path, name, ...)                                \
    assert_cells(path, name, (const uint32_t[]){__VA_ARGS__}, \
                 (int)(sizeof((const uint32_t[]){__VA_ARGS__}) / 4))

static void assert_text(const char *path, const char *name, const char *want)
{
    const int node = fdt_path_offset(buf, path);

    assert_true(node >= 0);
    assert_int_equal(fdt_stringlist_search(buf, node, name, want), 0);
}

static void chosen_says_how_to_boot(void **state)
{
    (void)state;
    build(1);
    assert_text("/chosen", "bootargs", "console=ttyS0");
    assert_text("/chosen", "stdout-path", "/isa@i0/serial@i3f8");
    assert_true(fdt_path_offset(buf, "/isa@i0/serial@i3f8") > 0);
    CELLS("/chosen", "linux,initrd-start", 0, 0x7000000);
    CELLS("/chosen", "linux,initrd-end", 0, 0x7123456);
}

static void virtio_is_there(void **state)
{
    (void)state;
    build(1);
    assert_text("/virtio@fe000000", "compatible", "virtio,mmio");
    CELLS("/virtio@fe000000", "reg", 0, LAYOUT_VIRTIO_MMIO, 0, 4096);
    CELLS("/virtio@fe000000", "interrupts", 8, 3);
}

static void pci_is_there(void **state)
{
    static const char path[] = "/pci@e0000000";

    (void)state;
    build(1);
    assert_text(path, "compatible", "pci-host-ecam-generic");
    assert_text(path, "device_type", "pci");
    CELLS(path, "reg", 0, LAYOUT_ECAM, 0, 0x100000);
    CELLS(path, "bus-range", 0, 0);
    CELLS(path, "ranges", 0x01000000, 0, 0xc000, 0, 0xc000, 0, 0x4000,
          0x02000000, 0, 0xc0000000, 0, 0xc0000000, 0, 0x20000000);
    /* Slot 1 is on the first line, and slot 4, which shares a row with 0, on
     * the last. */
    CELLS(path, "interrupt-map-mask", 0x1800, 0, 0, 7);
    CELLS(path, "interrupt-map", 0x0000, 0, 0, 1, 1, 9, 2, 0x0800, 0, 0, 1, 1,
          6, 2, 0x1000, 0, 0, 1, 1, 7, 2, 0x1800, 0, 0, 1, 1, 8, 2);
}

static void no_initrd_no_property(void **state)
{
    const struct machine_desc m = machine(1);
    int len;

    (void)state;
    assert_true(fdt_build(&m, "", GPA(0), GPA(0), buf, sizeof(buf)) > 0);
    assert_null(fdt_getprop(buf, fdt_path_offset(buf, "/chosen"),
                            "linux,initrd-start", &len));
    assert_text("/chosen", "bootargs", "");
}

static void every_cpu_is_there(void **state)
{
    static const unsigned sizes[] = {1, 64, 255};

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        unsigned cpus = 0;
        int node;

        build(sizes[i]);
        fdt_for_each_subnode(node, buf, fdt_path_offset(buf, "/cpus"))
        {
            int len;
            const fdt32_t *reg = fdt_getprop(buf, node, "reg", &len);

            assert_int_equal(len, 4);
            assert_int_equal(fdt32_to_cpu(*reg), cpus);
            cpus++;
        }
        assert_int_equal(cpus, sizes[i]);
    }
    CELLS("/cpus", "timebase-frequency", 0, 3000000000u);
}

/* RAM ranges become nodes, nothing else does. */
static void memory_is_ram_only(void **state)
{
    (void)state;
    build(1);
    CELLS("/memory@0", "reg", 0, 0, 0, LAYOUT_LOW_END);
    CELLS("/memory@100000", "reg", 0, MIB, 0, LAYOUT_HOLE - MIB);
    CELLS("/memory@100000000", "reg", 1, 0, 1, 0x40000000);
    assert_int_equal(fdt_path_offset(buf, "/memory@e0000"), -FDT_ERR_NOTFOUND);
}

static void devices_are_where_they_are(void **state)
{
    (void)state;
    build(1);
    assert_text("/isa@i0/serial@i3f8", "compatible", "ns16550a");
    CELLS("/isa@i0/serial@i3f8", "reg", 1, LAYOUT_COM1, 8);
    CELLS("/isa@i0/serial@i3f8", "interrupts", LAYOUT_COM1_GSI, 3);
    CELLS("/isa@i0/poweroff@i600", "reg", 1, LAYOUT_SLEEP_CTL, 1);
    CELLS("/isa@i0/poweroff@i600", "value", 0x34);
    CELLS("/isa@i0/restart@i602", "value", LAYOUT_RESET_VALUE);
    assert_text("/interrupt-controller@fec00000", "compatible",
                "intel,ce4100-ioapic");
    assert_text("/interrupt-controller@fee00000", "compatible",
                "intel,ce4100-lapic");
    CELLS("/events@fed80000", "interrupts", LAYOUT_GED_GSI, 3);
    CELLS("/", "interrupt-parent",
          fdt_get_phandle(
              buf, fdt_path_offset(buf, "/interrupt-controller@fec00000")));
}

/* Every buffer too small is refused; ASan watches the edges. */
static void no_room_is_said(void **state)
{
    const struct machine_desc m = machine(2);
    size_t n, ok = 0;

    (void)state;
    for (n = 0; n < 4096; n += 4) {
        unsigned char *exact = malloc(n ? n : 1);
        const int64_t rc = fdt_build(&m, "x", GPA(0), GPA(0), exact, n);

        if (rc > 0 && !ok)
            ok = n;
        assert_true(ok ? rc > 0 && (size_t)rc <= n : rc == -ENOSPC);
        free(exact);
    }
    assert_in_range(ok, 512, 3000);
}

/* 255 CPUs leave most of the tables window to the rest. */
static void size_is_bounded(void **state)
{
    (void)state;
    build(255);
    assert_in_range(fdt_totalsize(buf), 4 * KIB, 24 * KIB);
}

static void dtc_has_no_complaint(void **state)
{
    char dir[] = "/tmp/vmm-test-fdt-XXXXXX", line[256], out[4096];
    FILE *p;
    size_t n;

    (void)state;
    if (system("dtc -v >/dev/null 2>&1") != 0)
        skip();
    build(2);
    assert_non_null(mkdtemp(dir));
    snprintf(line, sizeof(line), "%s/t.dtb", dir);
    assert_int_equal(dump_file(line, buf, fdt_totalsize(buf)), 0);
    snprintf(line, sizeof(line),
             "dtc -I dtb -O dts -o /dev/null %s/t.dtb 2>&1; rm -r %s", dir,
             dir);
    p = popen(line, "r");
    assert_non_null(p);
    n = fread(out, 1, sizeof(out) - 1, p);
    out[n] = 0;
    assert_int_equal(pclose(p), 0);
    assert_string_equal(out, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chosen_says_how_to_boot),
        cmocka_unit_test(virtio_is_there),
        cmocka_unit_test(pci_is_there),
        cmocka_unit_test(no_initrd_no_property),
        cmocka_unit_test(every_cpu_is_there),
        cmocka_unit_test(memory_is_ram_only),
        cmocka_unit_test(devices_are_where_they_are),
        cmocka_unit_test(no_room_is_said),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(dtc_has_no_complaint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
