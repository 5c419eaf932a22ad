// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A PC's ACPI tables: walked from the RSDP as a guest does, read by the
 * reference compiler where it is installed, and placed by the script in the
 * way a firmware follows it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/layout.h"
#include "abi/pc.h"
#include "boot/acpi.h"
#include "boot/acpi_loader.h"
#include "boot/acpi_tables.h"
#include "boot/boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY (128 * KIB)

/* Guest memory from BASE on. */
#define BASE 0x7fe0000u

static unsigned char memory[MEMORY];

static struct machine_desc machine(unsigned cpus)
{
    return (struct machine_desc){
        .n_cpus = cpus,
        .n_pins = 24,
        .pci_slots = 6,
        .n_devs = 9,
        .devs = {{DEV_IOAPIC, LAYOUT_IOAPIC, 4096, 0},
                 {DEV_UART16550, PC_COM1, 8, PC_IRQ_COM1},
                 {DEV_LPT, PC_LPT1, 3, PC_IRQ_LPT1},
                 {DEV_PC_PCI, 0x80000000, 0x7ec00000, PC_PIN_PIRQ},
                 {DEV_PIIX4, PC_PM, 64, PC_IRQ_SCI},
                 {DEV_HPET, PC_HPET, 1024, DEV_NO_GSI},
                 {DEV_RTC, PC_CMOS, 2, PC_IRQ_RTC},
                 {DEV_KBD, PC_KBD_DATA, 1, PC_IRQ_KBD},
                 {DEV_MOUSE, PC_KBD_DATA, 1, PC_IRQ_MOUSE}},
    };
}

static unsigned sum(const void *p, size_t n)
{
    const unsigned char *b = p;
    unsigned s = 0;

    while (n--)
        s += *b++;
    return s & 0xff;
}

/* A sound table at a guest address; FACS has no sum. */
static const unsigned char *table_at(uint64_t gpa, const char *signature)
{
    const uint64_t off = gpa - BASE;
    const unsigned char *t = memory + off;
    struct acpi_header h;

    assert_true(gpa >= BASE && off + sizeof(h) <= MEMORY);
    memcpy(&h, t, sizeof(h));
    assert_memory_equal(h.signature, signature, 4);
    assert_in_range(h.length, 36, MEMORY - off);
    if (strcmp(signature, "FACS") != 0)
        assert_int_equal(sum(t, h.length), 0);
    return t;
}

static const unsigned char *find(uint64_t rsdp, const char *signature)
{
    struct acpi_rsdp r;
    struct acpi_header x;
    const unsigned char *rsdt;

    memcpy(&r, memory + (rsdp - BASE), ACPI_RSDP_V1);
    assert_memory_equal(r.signature, "RSD PTR ", 8);
    assert_int_equal(r.revision, 0);
    assert_int_equal(sum(&r, ACPI_RSDP_V1), 0);
    rsdt = table_at(r.rsdt, "RSDT");
    memcpy(&x, rsdt, sizeof(x));
    for (size_t i = sizeof(x); i < x.length; i += 4) {
        uint32_t gpa;

        memcpy(&gpa, rsdt + i, sizeof(gpa));
        if (memcmp(memory + (gpa - BASE), signature, 4) == 0)
            return table_at(gpa, signature);
    }
    return NULL;
}

/* What any way of placing the tables must come to. */
static void check_tables(uint64_t rsdp, unsigned cpus)
{
    struct acpi_fadt f = {0};
    struct acpi_hpet h;
    struct acpi_header d;
    const unsigned char *madt;
    unsigned count[5] = {0};

    memcpy(&f, find(rsdp, "FACP"), ACPI_FADT_V3);
    assert_int_equal(f.header.length, ACPI_FADT_V3);
    assert_int_equal(f.sci, PC_IRQ_SCI);
    assert_int_equal(f.smi_command, PC_SMI);
    assert_int_equal(f.pm1a_event, PC_PM);
    assert_int_equal(f.pm1a_control, PC_PM + 4);
    assert_int_equal(f.pm_timer, PC_PM + 8);
    assert_int_equal(f.gpe0, PC_PM + 12);
    assert_int_equal(f.x_gpe0.address, f.gpe0);
    assert_int_equal(f.century, 0x32);
    assert_int_equal(f.reset.address, 0xcf9);
    assert_false(f.flags & ACPI_FADT_HW_REDUCED);
    /* The button is a fixed feature, and the PM timer has 24 bits. */
    assert_false(f.flags & (ACPI_FADT_NO_FIXED_POWER | 1u << 8));
    assert_int_equal(f.x_dsdt, f.dsdt);
    assert_int_equal(f.facs % 64, 0);
    table_at(f.facs, "FACS");
    memcpy(&d, table_at(f.dsdt, "DSDT"), sizeof(d));
    /* Of the sleep states, soft off. */
    assert_non_null(memmem(table_at(f.dsdt, "DSDT"), d.length, "_S5_", 4));
    for (unsigned n = 1; n < 5; n++) {
        const char name[] = {'_', 'S', (char)('0' + n), '_'};

        assert_null(memmem(table_at(f.dsdt, "DSDT"), d.length, name, 4));
    }
    memcpy(&h, find(rsdp, "HPET"), sizeof(h));
    assert_int_equal(h.base.address, PC_HPET);
    madt = find(rsdp, "APIC");
    memcpy(&d, madt, sizeof(d));
    for (size_t at = sizeof(struct acpi_madt); at < d.length;
         at += madt[at + 1])
        count[madt[at]]++;
    assert_int_equal(count[ACPI_MADT_LAPIC], cpus);
    assert_int_equal(count[ACPI_MADT_IOAPIC], 1);
    assert_int_equal(count[ACPI_MADT_OVERRIDE], 2);
}

static void placed_by_us(void **state)
{
    static const unsigned cpus[] = {1, 2, 255};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cpus); i++) {
        const struct machine_desc m = machine(cpus[i]);

        memset(memory, 0xa5, sizeof(memory));
        assert_true(acpi_build(&m, GPA(BASE), memory, MEMORY) > 0);
        check_tables(BASE, cpus[i]);
    }
}

/* ---- a firmware ---- */

struct placed {
    const char *name;
    const unsigned char *data;
    size_t size;
    uint64_t at;
};

static struct placed *named(struct placed files[2], const unsigned char *name)
{
    for (unsigned i = 0; i < 2; i++)
        if (strcmp(files[i].name, (const char *)name) == 0)
            return &files[i];
    fail_msg("no file %s", (const char *)name);
    return NULL;
}

static uint32_t word(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

static void follow(struct placed files[2], const unsigned char *step)
{
    static uint64_t next;
    struct placed *f = named(files, step + 4);

    if (word(step) == 1) { /* allocate */
        const uint32_t align = word(step + 60);

        next = (f == &files[0] ? 0x1000u : next);
        next = (next + align - 1) & ~(uint64_t)(align - 1);
        f->at = BASE + next;
        memcpy(memory + next, f->data, f->size);
        next += f->size;
    } else if (word(step) == 2) { /* add a pointer */
        const struct placed *to = named(files, step + 60);
        const uint32_t off = word(step + 116);
        unsigned char *at = memory + (f->at - BASE) + off;
        uint64_t v = 0;

        assert_true(off + step[120] <= f->size);
        memcpy(&v, at, step[120]);
        assert_true(v < to->size);
        v += to->at;
        memcpy(at, &v, step[120]);
    } else { /* a sum */
        unsigned char *base = memory + (f->at - BASE);
        const uint32_t off = word(step + 60), start = word(step + 64);
        const uint32_t length = word(step + 68);

        assert_int_equal(word(step), 3);
        assert_true(start + length <= f->size && off < f->size);
        base[off] = (unsigned char)(base[off] - sum(base + start, length));
    }
}

static void placed_by_firmware(void **state)
{
    const struct machine_desc m = machine(2);
    struct acpi_files a;
    struct placed files[2];

    (void)state;
    memset(memory, 0xa5, sizeof(memory));
    assert_int_equal(acpi_files_build(&m, &a), 0);
    files[0] = (struct placed){ACPI_FILE_TABLES, a.tables, a.tables_size, 0};
    files[1] = (struct placed){ACPI_FILE_RSDP, a.rsdp, sizeof(a.rsdp), 0};
    for (unsigned i = 0; i < a.n_steps; i++)
        follow(files, a.script[i]);
    check_tables(files[1].at, 2);
    acpi_files_free(&a);
}

static void no_room_is_said(void **state)
{
    const struct machine_desc m = machine(3);
    const int64_t used = acpi_build(&m, GPA(BASE), memory, MEMORY);

    (void)state;
    assert_true(used > 0);
    for (size_t n = 0; n < (size_t)used; n++) {
        unsigned char *exact = malloc(n ? n : 1);

        assert_int_equal(acpi_build(&m, GPA(BASE), exact, n), -ENOSPC);
        free(exact);
    }
}

/* The reference compiler takes each table apart without a complaint. */
static void iasl_reads_them(void **state)
{
    const struct machine_desc m = machine(2);
    char dir[] = "/tmp/test_acpi_pc.XXXXXX", command[256];

    (void)state;
    if (system("command -v iasl >/dev/null") != 0)
        skip();
    assert_non_null(mkdtemp(dir));
    assert_int_equal(boot_dump_acpi(&m, dir), 0);
    snprintf(command, sizeof(command),
             "cd %s && for t in facp apic hpet dsdt; do iasl -d $t.dat || exit "
             "1; done >log 2>&1 && ! grep -iE 'error|warning' log && iasl -p "
             "again dsdt.dsl >log2 2>&1 && grep -q ' 0 Errors, 0 Warn' log2",
             dir);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof(command), "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(placed_by_us),
        cmocka_unit_test(placed_by_firmware),
        cmocka_unit_test(no_room_is_said),
        cmocka_unit_test(iasl_reads_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
