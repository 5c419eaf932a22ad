// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ACPI tables: walked from the RSDP like a guest does, and read by the
 * reference compiler where it is installed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "boot/acpi.h"
#include "boot/acpi_tables.h"
#include "boot/aml.h"
#include "boot/boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW (LAYOUT_TABLES_END - LAYOUT_TABLES)

static unsigned char buf[WINDOW];

static struct machine_desc machine(unsigned cpus)
{
    return (struct machine_desc){
        .n_cpus = cpus,
        .n_devs = 6,
        .devs = {{DEV_UART16550, LAYOUT_COM1, 8, LAYOUT_COM1_GSI},
                 {DEV_GED, LAYOUT_GED, 16, LAYOUT_GED_GSI},
                 {DEV_ACPI_SLEEP, LAYOUT_SLEEP_CTL, 2, DEV_NO_GSI},
                 {DEV_ACPI_RESET, LAYOUT_RESET, 1, DEV_NO_GSI},
                 {DEV_IOAPIC, LAYOUT_IOAPIC, 4096, 0},
                 {DEV_VIRTIO_MMIO, LAYOUT_VIRTIO_MMIO, 4096, 8}},
    };
}

/* The same with a PCI bus of two devices. */
static struct machine_desc machine_pci(unsigned cpus)
{
    struct machine_desc m = machine(cpus);

    m.devs[m.n_devs++] = (struct dev_desc){DEV_PCI_HOST, LAYOUT_ECAM,
                                           LAYOUT_ECAM_SIZE, LAYOUT_PCI_GSI};
    m.pci_slots = 3;
    return m;
}

static unsigned sum(const void *p, size_t n)
{
    const unsigned char *b = p;
    unsigned s = 0;

    while (n--)
        s += *b++;
    return s & 0xff;
}

/* The table at a guest address: inside what was built, and sound. */
static const void *table_at(uint64_t gpa, size_t used)
{
    const size_t off = gpa - LAYOUT_TABLES;
    struct acpi_header h;

    assert_true(gpa >= LAYOUT_TABLES && off + sizeof(h) <= used);
    assert_int_equal(gpa % 16, 0);
    memcpy(&h, buf + off, sizeof(h));
    assert_in_range(h.length, sizeof(h), used - off);
    assert_int_equal(sum(buf + off, h.length), 0);
    return buf + off;
}

/* RSDP, then XSDT; the table with this signature, or NULL. */
static const void *find(const char *signature, size_t used)
{
    struct acpi_rsdp r;
    struct acpi_header x;
    const unsigned char *xsdt, *t;
    uint64_t gpa;

    memcpy(&r, buf, sizeof(r));
    assert_memory_equal(r.signature, "RSD PTR ", 8);
    assert_int_equal(r.revision, 2);
    assert_int_equal(sum(&r, ACPI_RSDP_V1), 0);
    assert_int_equal(sum(&r, r.length), 0);
    xsdt = table_at(r.xsdt, used);
    memcpy(&x, xsdt, sizeof(x));
    assert_memory_equal(x.signature, "XSDT", 4);
    assert_int_equal((x.length - sizeof(x)) % 8, 0);
    for (size_t i = sizeof(x); i < x.length; i += 8) {
        memcpy(&gpa, xsdt + i, 8);
        t = table_at(gpa, used);
        if (memcmp(t, signature, 4) == 0)
            return t;
    }
    return NULL;
}

static size_t build(const struct machine_desc *m)
{
    int64_t n;

    memset(buf, 0xa5, sizeof(buf));
    n = acpi_build(m, GPA(LAYOUT_TABLES), buf, sizeof(buf));
    assert_true(n > 0);
    return (size_t)n;
}

static void fadt_is_reduced_hardware(void **state)
{
    const struct machine_desc m = machine(1);
    const size_t used = build(&m);
    const void *table = find("FACP", used);
    struct acpi_fadt f;
    struct acpi_header d;

    (void)state;
    assert_non_null(table);
    memcpy(&f, table, sizeof(f));
    assert_int_equal(f.header.length, 276);
    assert_int_equal(f.header.revision, 6);
    assert_true(f.flags & ACPI_FADT_HW_REDUCED);
    assert_true(f.flags & ACPI_FADT_RESET_REG);
    assert_int_equal(f.boot_arch, ACPI_BOOT_NO_VGA | ACPI_BOOT_NO_CMOS_RTC);
    assert_int_equal(f.reset.space, ACPI_SPACE_IO);
    assert_int_equal(f.reset.bit_width, 8);
    assert_int_equal(f.reset.address, LAYOUT_RESET);
    assert_int_equal(f.reset_value, LAYOUT_RESET_VALUE);
    assert_int_equal(f.sleep_control.space, ACPI_SPACE_IO);
    assert_int_equal(f.sleep_control.address, LAYOUT_SLEEP_CTL);
    assert_int_equal(f.sleep_status.address, LAYOUT_SLEEP_STS);
    assert_int_equal(f.x_dsdt, f.dsdt);
    memcpy(&d, table_at(f.x_dsdt, used), sizeof(d));
    assert_memory_equal(d.signature, "DSDT", 4);
}

static void fadt_without_registers(void **state)
{
    const struct machine_desc m = {.n_cpus = 1};
    struct acpi_fadt f;

    (void)state;
    memcpy(&f, find("FACP", build(&m)), sizeof(f));
    assert_false(f.flags & ACPI_FADT_RESET_REG);
    assert_int_equal(f.reset.address, 0);
    assert_int_equal(f.sleep_control.address, 0);
}

/* Entries of the MADT, counted by type; APIC ids in order. */
static void count_madt(const struct machine_desc *m, unsigned count[5])
{
    const unsigned char *t = find("APIC", build(m));
    struct acpi_madt h;
    size_t at = sizeof(h);

    assert_non_null(t);
    memcpy(&h, t, sizeof(h));
    assert_int_equal(h.lapic_address, LAYOUT_LAPIC);
    assert_int_equal(h.flags, 0);
    memset(count, 0, 5 * sizeof(*count));
    while (at < h.header.length) {
        const unsigned char *e = t + at;

        assert_in_range(e[0], 0, 4);
        assert_in_range(e[1], 2, h.header.length - at);
        if (e[0] == ACPI_MADT_LAPIC) {
            assert_int_equal(e[2], count[0]); /* processor UID */
            assert_int_equal(e[3], count[0]); /* APIC id */
            assert_int_equal(e[4], 1);        /* enabled */
        }
        count[e[0]]++;
        at += e[1];
    }
}

static void madt_has_every_cpu(void **state)
{
    static const unsigned sizes[] = {1, 2, 64, 255};
    unsigned count[5];

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        const struct machine_desc m = machine(sizes[i]);

        count_madt(&m, count);
        assert_int_equal(count[ACPI_MADT_LAPIC], sizes[i]);
        assert_int_equal(count[ACPI_MADT_IOAPIC], 1);
        assert_int_equal(count[ACPI_MADT_LAPIC_NMI], 1);
    }
}

static void madt_without_ioapic(void **state)
{
    struct machine_desc m = machine(1);
    unsigned count[5];

    (void)state;
    m.n_devs -= 2; /* the last but one */
    count_madt(&m, count);
    assert_int_equal(count[ACPI_MADT_IOAPIC], 0);
}

/* Tables stay small: a guest reads every byte of them. */
static void size_is_bounded(void **state)
{
    const struct machine_desc one = machine(1), all = machine(255);
    const struct machine_desc pci = machine_pci(1);

    (void)state;
    assert_in_range(build(&one), 500, 1024);
    assert_in_range(build(&pci), 500, 1280);
    assert_in_range(build(&all), 8 * KIB, 16 * KIB);
}

/* Every size too small is refused, and nothing is written beyond it. */
static void no_room_is_said(void **state)
{
    const struct machine_desc m = machine(3);
    const size_t used = build(&m);

    (void)state;
    for (size_t n = 0; n < used; n++) {
        unsigned char *exact = malloc(n ? n : 1);

        assert_int_equal(acpi_build(&m, GPA(LAYOUT_TABLES), exact, n), -ENOSPC);
        free(exact);
    }
    assert_int_equal(acpi_build(&m, GPA(LAYOUT_TABLES), buf, used), used);
}

/* Decode a PkgLength (ACPI 6.5, 20.2.4); *n: the bytes it takes. */
static size_t pkg_length(const unsigned char *p, size_t *n)
{
    const unsigned more = p[0] >> 6;
    size_t v = more ? p[0] & 0xf : p[0] & 0x3f;

    for (unsigned i = 0; i < more; i++)
        v |= (size_t)p[1 + i] << (4 + 8 * i);
    *n = 1 + more;
    return v;
}

static void package_lengths(void **state)
{
    static const size_t sizes[] = {0,    1,    62,      63,      64,     4092,
                                   4093, 4094, 1048571, 1048572, 1048573};
    unsigned char *big = calloc(1, 2 * MIB);

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        struct writer w;
        size_t mark, length, n;

        writer_init(&w, big, 2 * MIB);
        mark = aml_open(&w, AML_SCOPE);
        for (size_t b = 0; b < sizes[i]; b++)
            writer_byte(&w, 0xc3);
        aml_close(&w, mark);
        length = pkg_length(big + 1, &n);
        assert_int_equal(length, sizes[i] + n);
        assert_int_equal(writer_size(&w), 1 + n + sizes[i]);
        assert_int_equal(n, 1 + (sizes[i] > 62) + (sizes[i] > 4093) +
                                (sizes[i] > 1048572));
        if (sizes[i]) {
            assert_int_equal(big[1 + n], 0xc3);
            assert_int_equal(big[n + sizes[i]], 0xc3);
        }
    }
    free(big);
}

static void integers_are_shortest(void **state)
{
    static const struct {
        uint64_t value;
        unsigned char first;
        size_t size;
    } rows[] = {
        {0, 0x00, 1},          {1, 0x01, 1},
        {2, 0x0a, 2},          {0xff, 0x0a, 2},
        {0x100, 0x0b, 3},      {0x10000, 0x0c, 5},
        {UINT32_MAX, 0x0c, 5}, {(uint64_t)UINT32_MAX + 1, 0x0e, 9},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct writer w;

        writer_init(&w, buf, sizeof(buf));
        aml_int(&w, rows[i].value);
        assert_int_equal(writer_size(&w), rows[i].size);
        assert_int_equal(buf[0], rows[i].first);
    }
}

/* How often the DSDT names a virtio-mmio device. */
static unsigned count_virtio(const struct machine_desc *m)
{
    static const char id[] = "LNRO0005";
    struct acpi_fadt f;
    struct acpi_header d;
    const unsigned char *dsdt;
    const size_t used = build(m);
    unsigned n = 0;

    memcpy(&f, find("FACP", used), sizeof(f));
    dsdt = table_at(f.x_dsdt, used);
    memcpy(&d, dsdt, sizeof(d));
    for (size_t i = 0; i + sizeof(id) <= d.length; i++)
        n += memcmp(dsdt + i, id, sizeof(id)) == 0;
    return n;
}

static void virtio_is_told_once(void **state)
{
    struct machine_desc m = machine(1);

    (void)state;
    assert_int_equal(count_virtio(&m), 1);
    m.devs[m.n_devs] = m.devs[m.n_devs - 1];
    m.devs[m.n_devs++].base += LAYOUT_VIRTIO_STRIDE;
    assert_int_equal(count_virtio(&m), 2);
    /* The kernel would find a device twice. */
    m.virtio_by_cmdline = true;
    assert_int_equal(count_virtio(&m), 0);
}

static void mcfg_says_where_the_ecam_is(void **state)
{
    const struct machine_desc none = machine(1), m = machine_pci(1);
    struct acpi_header h;
    struct acpi_mcfg_body body;
    const unsigned char *t;

    (void)state;
    assert_null(find("MCFG", build(&none)));
    t = find("MCFG", build(&m));
    assert_non_null(t);
    memcpy(&h, t, sizeof(h));
    memcpy(&body, t + sizeof(h), sizeof(body));
    assert_int_equal(h.length, 60);
    assert_int_equal(body.base, LAYOUT_ECAM);
    assert_int_equal(body.segment, 0);
    assert_int_equal(body.first_bus, 0);
    assert_int_equal(body.last_bus, 0);
}

/* ---- against iasl ---- */

static bool have_iasl(void)
{
    return system("iasl -v >/dev/null 2>&1") == 0;
}

/* Run a shell command in dir; its output must hold want, if given. */
static void run(const char *dir, const char *command, const char *want)
{
    char line[1024], out[16384];
    FILE *p;
    size_t n;

    snprintf(line, sizeof(line), "cd '%s' && %s 2>&1", dir, command);
    p = popen(line, "r");
    assert_non_null(p);
    n = fread(out, 1, sizeof(out) - 1, p);
    out[n] = 0;
    if (pclose(p) != 0 || (want && !strstr(out, want)))
        fail_msg("%s:\n%s", command, out);
}

static size_t slurp(const char *dir, const char *name, unsigned char *to,
                    size_t size)
{
    char path[512];
    FILE *f;
    size_t n;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("%s is missing", path);
    n = fread(to, 1, size, f);
    fclose(f);
    return n;
}

/*
 * A recompiled table must be the same bytes, but for the checksum and the
 * compiler's own id and revision.
 */
static void same_table(const char *dir, const char *dat, const char *again)
{
    static unsigned char a[WINDOW], b[WINDOW];
    const size_t n = slurp(dir, dat, a, sizeof(a));
    const size_t creator = offsetof(struct acpi_header, creator_id);

    assert_int_equal(slurp(dir, again, b, sizeof(b)), n);
    b[offsetof(struct acpi_header, checksum)] =
        a[offsetof(struct acpi_header, checksum)];
    memcpy(b + creator, a + creator, 8);
    assert_memory_equal(a, b, n);
}

/* Disassemble and compile again: no errors, no warnings, same bytes. */
static void round_trip(unsigned cpus)
{
    const struct machine_desc m = machine(cpus);
    char dir[] = "/tmp/vmm-test-acpi-XXXXXX";

    assert_non_null(mkdtemp(dir));
    assert_int_equal(boot_dump_acpi(&m, dir), 0);
    run(dir, "iasl -d facp.dat apic.dat xsdt.dat dsdt.dat", NULL);
    run(dir, "iasl -p again-facp facp.dsl", "0 Errors, 0 Warnings");
    run(dir, "iasl -p again-apic apic.dsl", "0 Errors, 0 Warnings");
    run(dir, "iasl -p again-dsdt dsdt.dsl", "0 Errors, 0 Warnings");
    same_table(dir, "facp.dat", "again-facp.aml");
    same_table(dir, "apic.dat", "again-apic.aml");
    same_table(dir, "dsdt.dat", "again-dsdt.aml");
    run(dir, "grep -q 'Name (_S5' dsdt.dsl", NULL);
    run(dir, "grep -q 'Notify (PWRB, 0x80)' dsdt.dsl", NULL);
    run(dir, "rm -r \"$PWD\"", NULL);
}

static void round_trip_pci(void)
{
    static const char *const lines[] = {
        "Name (_HID, EisaId (\"PNP0A08\")",
        "Name (_CID, EisaId (\"PNP0A03\")",
        "0x0001FFFF",
        "0x0002FFFF",
        "0xC0000000, // Range Minimum",
        "0xDFFFFFFF, // Range Maximum",
        "0x0CF8, // Range Minimum",
        "0xC000, // Range Minimum",
        "0xFFFF, // Range Maximum",
        "0xE0000000, // Address Base",
    };
    const struct machine_desc m = machine_pci(2);
    char dir[] = "/tmp/vmm-test-acpi-XXXXXX";

    assert_non_null(mkdtemp(dir));
    assert_int_equal(boot_dump_acpi(&m, dir), 0);
    run(dir, "iasl -d mcfg.dat dsdt.dat", NULL);
    run(dir, "iasl -p again-mcfg mcfg.dsl", "0 Errors, 0 Warnings");
    run(dir, "iasl -p again-dsdt dsdt.dsl", "0 Errors, 0 Warnings");
    same_table(dir, "mcfg.dat", "again-mcfg.aml");
    same_table(dir, "dsdt.dat", "again-dsdt.aml");
    run(dir, "tr -s ' ' <dsdt.dsl >squeezed", NULL);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        char command[128];

        snprintf(command, sizeof(command), "grep -qF '%s' squeezed", lines[i]);
        run(dir, command, NULL);
    }
    run(dir, "rm -r \"$PWD\"", NULL);
}

static void iasl_agrees(void **state)
{
    (void)state;
    if (!have_iasl())
        skip();
    round_trip(1);
    round_trip(255);
    round_trip_pci();
}

static void dump_says_where_it_cannot(void **state)
{
    const struct machine_desc m = machine(1);

    (void)state;
    assert_int_equal(boot_dump_acpi(&m, "/proc/none/here"), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fadt_is_reduced_hardware),
        cmocka_unit_test(fadt_without_registers),
        cmocka_unit_test(madt_has_every_cpu),
        cmocka_unit_test(madt_without_ioapic),
        cmocka_unit_test(size_is_bounded),
        cmocka_unit_test(no_room_is_said),
        cmocka_unit_test(package_lengths),
        cmocka_unit_test(integers_are_shortest),
        cmocka_unit_test(virtio_is_told_once),
        cmocka_unit_test(mcfg_says_where_the_ecam_is),
        cmocka_unit_test(iasl_agrees),
        cmocka_unit_test(dump_says_where_it_cannot),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
