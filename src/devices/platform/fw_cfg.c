// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fw_cfg.c: the firmware configuration device; see fw_cfg.h.
 *
 * Ports, from 0x510: a 16-bit selector, at its second port the data register
 * (a byte at a time), then from 0x514 the 64-bit big-endian address of a
 * command in guest memory; writing its last byte runs the command. Behind
 * the end of an item there are zeroes.
 *
 * A command is copied once, carried out, and its first word becomes 0 or
 * CTL_ERROR. A guest can name any memory and any length: what is not RAM is
 * an error, and of the zeroes behind an item no more than ZEROES_MAX are
 * written, so that the lock is not held for gigabytes of nothing.
 *
 * Called by vCPU threads.
 */
#include "devices/platform/fw_cfg.h"
#include "vmm/checked.h"
#include "vmm/log.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

/* Offsets from the first port. */
#define PORT_SELECTOR 0u
#define PORT_DATA     1u
#define PORT_DMA      4u
#define DMA_BYTES     8u

#define SELECTOR_MASK 0xbfffu /* bit 14 once meant writing */

#define ID_TRADITIONAL 0x1u
#define ID_DMA         0x2u

/* A command's first word; its upper half is a selector. */
#define CTL_ERROR          0x01u
#define CTL_READ           0x02u
#define CTL_SKIP           0x04u
#define CTL_SELECT         0x08u
#define CTL_WRITE          0x10u
#define CTL_SELECTOR_SHIFT 16

#define ZEROES_MAX ((uint32_t)MIB)

/* Big-endian, in guest memory. */
struct command {
    uint32_t control;
    uint32_t length;
    uint64_t address;
};

_Static_assert(sizeof(struct command) == 16, "as the guest writes it");

/* An entry of the directory; the count before them is a big-endian word. */
struct dir_entry {
    uint32_t size;
    uint16_t selector;
    uint16_t reserved;
    char name[FW_CFG_NAME_SIZE];
};

_Static_assert(sizeof(struct dir_entry) == 64, "as the guest reads it");

struct directory {
    uint32_t n;
    struct dir_entry entry[];
};

struct fw_cfg {
    struct gmem *mem;            /* borrowed */
    struct directory *directory; /* owned */
    uint32_t id;                 /* little-endian */
    uint16_t selector;
    uint32_t offset;        /* in the selected item, at most its size */
    uint8_t dma[DMA_BYTES]; /* the address, as written so far */
    struct log_limit limit;
    unsigned n;
    struct fw_cfg_item items[];
};

static const char signature[4] = {'Q', 'E', 'M', 'U'};
static const char dma_signature[DMA_BYTES] = {'Q', 'E', 'M', 'U',
                                              ' ', 'C', 'F', 'G'};

static unsigned count_files(const struct fw_cfg_item *items, unsigned n)
{
    unsigned files = 0;

    for (unsigned i = 0; i < n; i++)
        files += items[i].name != NULL;
    return files;
}

static const struct fw_cfg_item *find(const struct fw_cfg *f, unsigned selector)
{
    for (unsigned i = 0; i < f->n; i++)
        if (f->items[i].selector == selector)
            return &f->items[i];
    return NULL;
}

static void add(struct fw_cfg *f, const struct fw_cfg_item *item)
{
    BUG_ON(find(f, item->selector) || item->selector & ~SELECTOR_MASK);
    f->items[f->n++] = *item;
}

static void add_file(struct fw_cfg *f, const struct fw_cfg_item *item)
{
    const unsigned i = be32toh(f->directory->n);
    struct dir_entry *e = &f->directory->entry[i];
    struct fw_cfg_item file = *item;

    BUG_ON(strlen(item->name) >= sizeof(e->name));
    file.selector = (uint16_t)(FW_CFG_FILE_FIRST + i);
    e->size = htobe32(item->size);
    e->selector = htobe16(file.selector);
    memcpy(e->name, item->name, strlen(item->name));
    f->directory->n = htobe32(i + 1);
    add(f, &file);
}

static void add_own(struct fw_cfg *f, size_t directory_size)
{
    f->id = htole32(ID_TRADITIONAL | ID_DMA);
    add(f, &(struct fw_cfg_item){.data = signature,
                                 .size = sizeof(signature),
                                 .selector = FW_CFG_SIGNATURE});
    add(f, &(struct fw_cfg_item){
               .data = &f->id, .size = sizeof(f->id), .selector = FW_CFG_ID});
    add(f, &(struct fw_cfg_item){.data = f->directory,
                                 .size = (uint32_t)directory_size,
                                 .selector = FW_CFG_DIRECTORY});
}

#define OWN_ITEMS 3u

struct fw_cfg *fw_cfg_create(struct gmem *mem, const struct fw_cfg_item *items,
                             unsigned n)
{
    const size_t directory_size =
        sizeof(struct directory) +
        count_files(items, n) * sizeof(struct dir_entry);
    struct fw_cfg *f =
        calloc(1, sizeof(*f) + (n + OWN_ITEMS) * sizeof(f->items[0]));

    if (!f || !(f->directory = calloc(1, directory_size))) {
        log_error("fw_cfg: out of memory");
        free(f);
        return NULL;
    }
    f->mem = mem;
    add_own(f, directory_size);
    for (unsigned i = 0; i < n; i++) {
        if (items[i].name)
            add_file(f, &items[i]);
        else
            add(f, &items[i]);
    }
    return f;
}

void fw_cfg_destroy(struct fw_cfg *f)
{
    if (!f)
        return;
    free(f->directory);
    free(f);
}

static void select_item(struct fw_cfg *f, unsigned selector)
{
    f->selector = selector & SELECTOR_MASK;
    f->offset = 0;
}

/* What is left of the selected item; nothing of one that does not exist. */
static uint32_t rest(const struct fw_cfg *f, const uint8_t **data)
{
    const struct fw_cfg_item *item = find(f, f->selector);

    if (!item)
        return 0;
    *data = (const uint8_t *)item->data + f->offset;
    return item->size - f->offset;
}

static uint8_t read_byte(struct fw_cfg *f)
{
    const uint8_t *data = NULL;

    if (rest(f, &data) == 0)
        return 0;
    f->offset++;
    return *data;
}

/* Zeroes behind an item. */
static int write_zeroes(struct fw_cfg *f, uint64_t to, uint32_t n)
{
    static const uint8_t zeroes[GUEST_PAGE];

    if (n > ZEROES_MAX)
        return -1;
    while (n) {
        const uint32_t step = n < sizeof(zeroes) ? n : sizeof(zeroes);

        if (gmem_write(f->mem, GPA(to), zeroes, step) < 0)
            return -1;
        to += step; /* cannot wrap: it was RAM */
        n -= step;
    }
    return 0;
}

static int dma_read(struct fw_cfg *f, uint64_t to, uint32_t n)
{
    const uint8_t *data = NULL;
    uint32_t have = rest(f, &data);
    uint64_t behind;

    if (have > n)
        have = n;
    if (!checked_add(to, have, &behind))
        return -1;
    if (have && gmem_write(f->mem, GPA(to), data, have) < 0)
        return -1;
    f->offset += have;
    return write_zeroes(f, behind, n - have);
}

static int dma_skip(struct fw_cfg *f, uint32_t n)
{
    const uint8_t *data = NULL;
    const uint32_t have = rest(f, &data);

    f->offset += n < have ? n : have;
    return 0;
}

static int carry_out(struct fw_cfg *f, const struct command *c)
{
    const uint32_t control = be32toh(c->control);
    const uint32_t n = be32toh(c->length);

    if (control & CTL_SELECT)
        select_item(f, control >> CTL_SELECTOR_SHIFT);
    if (control & CTL_READ)
        return dma_read(f, be64toh(c->address), n);
    if (control & CTL_WRITE)
        return -1; /* nothing here can be written */
    if (control & CTL_SKIP)
        return dma_skip(f, n);
    return 0;
}

static void run_command(struct fw_cfg *f)
{
    struct command c;
    uint64_t at;
    uint32_t result;

    memcpy(&at, f->dma, sizeof(at));
    memset(f->dma, 0, sizeof(f->dma));
    at = be64toh(at);
    if (gmem_read(f->mem, GPA(at), &c, sizeof(c)) < 0) {
        log_guest(&f->limit,
                  "fw_cfg: the guest's command at 0x%llx is not in RAM; "
                  "ignored",
                  (unsigned long long)at);
        return;
    }
    result = htobe32(carry_out(f, &c) < 0 ? CTL_ERROR : 0);
    if (gmem_write(f->mem, GPA(at), &result, sizeof(result)) < 0)
        log_guest(&f->limit, "fw_cfg: the guest's command at 0x%llx went away",
                  (unsigned long long)at);
}

static uint8_t port_byte(struct fw_cfg *f, uint64_t off)
{
    if (off == PORT_DATA)
        return read_byte(f);
    if (off >= PORT_DMA)
        return (uint8_t)dma_signature[off - PORT_DMA];
    return 0; /* the selector is write only */
}

static void ports_read(void *dev, uint64_t off, void *data, unsigned n)
{
    uint8_t *bytes = data;

    for (unsigned i = 0; i < n; i++)
        bytes[i] = port_byte(dev, off + i);
}

/* The selector is a word; the data register is read only. */
static void ports_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct fw_cfg *f = dev;
    uint16_t selector;

    if (off == PORT_SELECTOR && n == sizeof(selector)) {
        memcpy(&selector, data, sizeof(selector));
        select_item(f, le16toh(selector));
    }
    if (off < PORT_DMA)
        return;
    memcpy(f->dma + (off - PORT_DMA), data, n);
    if (off + n == FW_CFG_PORTS)
        run_command(f);
}

const struct io_ops fw_cfg_ops = {
    .name = "fw_cfg",
    .read = ports_read,
    .write = ports_write,
};
