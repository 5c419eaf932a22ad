// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * smbios.c: see smbios.h. A structure is a formatted part, whose length is in
 * its header, and behind it the strings its numbers refer to, from 1 on, each
 * ended by a NUL and all of them by one more. Where a guest could make nothing
 * of a field it says "unknown", as 7.x of the specification numbers that.
 */
#include "boot/smbios.h"

#include "boot/writer.h"
#include "vmm/log.h"

#include <string.h>

#define PACKED __attribute__((packed))

#define MAJOR 2
#define MINOR 8

#define HANDLE(type, n) ((uint16_t)((type) << 8 | (n)))
#define HANDLE_NONE     0xfffeu
#define UNKNOWN         2u
#define OTHER           1u

struct header {
    uint8_t type;
    uint8_t length;
    uint16_t handle;
} PACKED;

/* 7.2 */
struct system {
    struct header h;
    uint8_t manufacturer;
    uint8_t product;
    uint8_t version;
    uint8_t serial;
    uint8_t uuid[16]; /* zeroes: not present */
    uint8_t wake_up;
    uint8_t sku;
    uint8_t family;
} PACKED;

/* 7.4 */
struct chassis {
    struct header h;
    uint8_t manufacturer;
    uint8_t kind;
    uint8_t version;
    uint8_t serial;
    uint8_t asset;
    uint8_t states[3]; /* boot-up, power supply, thermal */
    uint8_t security;
    uint32_t oem;
    uint8_t height;
    uint8_t cords;
    uint8_t n_contained;
    uint8_t contained_length;
    uint8_t sku;
} PACKED;

/* 7.5 */
struct processor {
    struct header h;
    uint8_t socket;
    uint8_t kind;
    uint8_t family;
    uint8_t manufacturer;
    uint8_t id[8];
    uint8_t version;
    uint8_t voltage;
    uint16_t clock;
    uint16_t max_mhz;
    uint16_t mhz;
    uint8_t status;
    uint8_t upgrade;
    uint16_t caches[3];
    uint8_t serial;
    uint8_t asset;
    uint8_t part;
    uint8_t cores;
    uint8_t enabled_cores;
    uint8_t threads;
    uint16_t characteristics;
    uint16_t family2;
} PACKED;

/* 7.17 */
struct memory_array {
    struct header h;
    uint8_t location;
    uint8_t use;
    uint8_t correction;
    uint32_t kib; /* 0x80000000: see the extended one */
    uint16_t error;
    uint16_t n_devices;
    uint64_t bytes;
} PACKED;

/* 7.18 */
struct memory_device {
    struct header h;
    uint16_t array;
    uint16_t error;
    uint16_t total_width;
    uint16_t data_width;
    uint16_t size; /* 0x7fff: see the extended one */
    uint8_t form;
    uint8_t set;
    uint8_t locator;
    uint8_t bank;
    uint8_t type;
    uint16_t detail;
    uint16_t speed;
    uint8_t manufacturer;
    uint8_t serial;
    uint8_t asset;
    uint8_t part;
    uint8_t attributes;
    uint32_t mib;
    uint16_t configured_speed;
    uint16_t volts[3];
} PACKED;

/* 7.20 */
struct mapped {
    struct header h;
    uint32_t first_kib; /* 0xffffffff: see the extended ones */
    uint32_t last_kib;
    uint16_t array;
    uint8_t width;
    uint64_t first;
    uint64_t last;
} PACKED;

/* 7.33 */
struct boot_status {
    struct header h;
    uint8_t reserved[6];
    uint8_t status;
} PACKED;

struct anchor {
    char name[4];
    uint8_t sum;
    uint8_t length;
    uint8_t major;
    uint8_t minor;
    uint16_t largest; /* structure, bytes */
    uint8_t revision;
    uint8_t formatted[5];
    char dmi[5];
    uint8_t dmi_sum; /* of what begins with dmi */
    uint16_t tables_length;
    uint32_t tables;
    uint16_t n_tables;
    uint8_t bcd;
} PACKED;

_Static_assert(sizeof(struct anchor) == SMBIOS_ANCHOR_BYTES, "entry point");
_Static_assert(sizeof(struct system) == 0x1b, "type 1");
_Static_assert(sizeof(struct chassis) == 0x16, "type 3");
_Static_assert(sizeof(struct processor) == 0x2a, "type 4");
_Static_assert(sizeof(struct memory_array) == 0x17, "type 16");
_Static_assert(sizeof(struct memory_device) == 0x28, "type 17");
_Static_assert(sizeof(struct mapped) == 0x1f, "type 19");
_Static_assert(sizeof(struct boot_status) == 0x0b, "type 32");

struct tables {
    struct writer w;
    unsigned n;
    size_t largest;
};

/* strings: each ended by a NUL, the last by two; "" if there are none. */
static void put(struct tables *t, const void *structure, size_t n,
                const char *strings)
{
    const size_t begin = t->w.len;

    writer_bytes(&t->w, structure, n);
    while (*strings) {
        writer_bytes(&t->w, strings, strlen(strings) + 1);
        strings += strlen(strings) + 1;
    }
    if (t->w.len == begin + n)
        writer_byte(&t->w, 0);
    writer_byte(&t->w, 0);
    if (t->w.len - begin > t->largest)
        t->largest = t->w.len - begin;
    t->n++;
}

static void put_system(struct tables *t)
{
    const struct system s = {
        .h = {1, sizeof(s), HANDLE(1, 0)},
        .manufacturer = 1,
        .product = 2,
        .wake_up = 6, /* power switch */
    };
    const struct chassis c = {
        .h = {3, sizeof(c), HANDLE(3, 0)},
        .manufacturer = 1,
        .kind = OTHER,
        .states = {3, 3, 3}, /* safe */
        .security = UNKNOWN,
    };

    put(t, &s, sizeof(s), "vmm\0PC (440FX, PIIX)\0");
    put(t, &c, sizeof(c), "vmm\0");
}

static void put_processors(struct tables *t, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct processor p = {
            .h = {4, sizeof(p), HANDLE(4, i)},
            .socket = 1,
            .kind = 3, /* central processor */
            .family = UNKNOWN,
            .manufacturer = 2,
            .status = 0x41, /* there, enabled */
            .upgrade = OTHER,
            .caches = {0xffff, 0xffff, 0xffff},
            .cores = 1,
            .enabled_cores = 1,
            .threads = 1,
            .characteristics = 1u << UNKNOWN,
            .family2 = UNKNOWN,
        };

        put(t, &p, sizeof(p), "CPU\0vmm\0");
    }
}

static void put_memory(struct tables *t, uint64_t memory)
{
    const struct memory_array a = {
        .h = {16, sizeof(a), HANDLE(16, 0)},
        .location = OTHER,
        .use = 3,        /* system memory */
        .correction = 3, /* none */
        .kib = 0x80000000u,
        .error = HANDLE_NONE,
        .n_devices = 1,
        .bytes = memory,
    };
    const struct memory_device d = {
        .h = {17, sizeof(d), HANDLE(17, 0)},
        .array = HANDLE(16, 0),
        .error = HANDLE_NONE,
        .total_width = 0xffff,
        .data_width = 0xffff,
        .size = 0x7fff,
        .form = 9, /* DIMM */
        .locator = 1,
        .type = 7, /* RAM */
        .detail = 1u << UNKNOWN,
        .mib = (uint32_t)(memory / MIB),
    };

    put(t, &a, sizeof(a), "");
    put(t, &d, sizeof(d), "RAM\0");
}

static void put_mapped(struct tables *t, const struct machine_desc *m)
{
    unsigned n = 0;

    for (unsigned i = 0; i < m->n_ranges; i++) {
        const struct mem_range *r = &m->map[i];
        const struct mapped e = {
            .h = {19, sizeof(e), HANDLE(19, n)},
            .first_kib = UINT32_MAX,
            .last_kib = UINT32_MAX,
            .array = HANDLE(16, 0),
            .width = 1,
            .first = r->base.v,
            .last = r->base.v + r->size - 1,
        };

        if (r->type != MEM_RAM)
            continue;
        put(t, &e, sizeof(e), "");
        n++;
    }
}

static uint8_t sum(const void *p, size_t n)
{
    const unsigned char *b = p;
    unsigned s = 0;

    while (n--)
        s += *b++;
    return (uint8_t)(0u - s);
}

static void write_anchor(const struct tables *t,
                         unsigned char out[SMBIOS_ANCHOR_BYTES])
{
    struct anchor a = {
        .name = {'_', 'S', 'M', '_'},
        .length = sizeof(a),
        .major = MAJOR,
        .minor = MINOR,
        .largest = (uint16_t)t->largest,
        .dmi = {'_', 'D', 'M', 'I', '_'},
        .tables_length = (uint16_t)t->w.len,
        .n_tables = (uint16_t)t->n,
        .bcd = MAJOR << 4 | MINOR,
    };

    a.dmi_sum = sum(a.dmi, sizeof(a) - offsetof(struct anchor, dmi));
    a.sum = sum(&a, sizeof(a));
    memcpy(out, &a, sizeof(a));
}

int64_t smbios_build(const struct machine_desc *m, uint64_t memory, void *buf,
                     size_t size, unsigned char anchor[SMBIOS_ANCHOR_BYTES])
{
    const struct boot_status s = {.h = {32, sizeof(s), HANDLE(32, 0)}};
    const struct header end = {127, sizeof(end), HANDLE(127, 0)};
    struct tables t = {0};

    BUG_ON(size > UINT16_MAX);
    writer_init(&t.w, buf, size);
    put_system(&t);
    put_processors(&t, m->n_cpus);
    put_memory(&t, memory);
    put_mapped(&t, m);
    put(&t, &s, sizeof(s), "");
    put(&t, &end, sizeof(end), "");
    write_anchor(&t, anchor);
    return writer_size(&t.w);
}
