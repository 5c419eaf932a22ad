// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * i440fx.c: the 440FX host bridge; see i440fx.h. Source: the 82441FX
 * datasheet (order number 290549), 3.2.
 *
 * Of its registers those are there that a PC's firmware sets for a reason:
 * PAM says for thirteen segments whether reads and writes go to RAM. SMRAM
 * keeps what is written, until its lock is set; there is no SMM. DRAM timing
 * and the like keep what is written, too.
 *
 * Who maps memory is the owner: he is told of each segment that changed.
 */
#include "devices/pci/i440fx.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>

#define REG_CONFIG     0x50u /* PMCCFG to DRAMT */
#define REG_CONFIG_END 0x59u
#define REG_PAM        0x59u /* seven of them */
#define REG_PAM_END    0x60u
#define REG_DRB        0x60u /* DRAM row boundaries, eight */
#define REG_DRB_END    0x68u
#define REG_SMRAM      0x72u

#define PAM_READ  0x1u
#define PAM_WRITE 0x2u
#define PAM_MASK  0x33u

#define SMRAM_BASE 0x02u /* A0000, the only one */
#define SMRAM_OPEN 0x40u
#define SMRAM_LOCK 0x10u
#define SMRAM_MASK 0x78u

static const struct pci_ids ids = {
    .vendor = 0x8086,
    .device = 0x1237,
    .class = 0x060000,
    .revision = 0x02,
};

struct i440fx {
    struct pci_func func;
    struct i440fx_hooks hooks;
    struct i440fx_segment segments[I440FX_SEGMENTS];
};

/*
 * Segments in the order of their bits: the upper half of the first register
 * is the BIOS's 64 KiB; then come 16 KiB each, lower half first.
 */
static unsigned pam_bits(const struct i440fx *b, unsigned i)
{
    const uint8_t reg = b->func.config[REG_PAM + (i + 1) / 2];

    return i % 2 ? reg & 0x0fu : reg >> 4u;
}

/* Returns whether it is another now. */
static bool update_segment(struct i440fx *b, unsigned i)
{
    struct i440fx_segment *s = &b->segments[i];
    const bool read_ram = pam_bits(b, i) & PAM_READ;
    const bool write_ram = pam_bits(b, i) & PAM_WRITE;

    if (s->read_ram == read_ram && s->write_ram == write_ram)
        return false;
    s->read_ram = read_ram;
    s->write_ram = write_ram;
    b->hooks.pam(b->hooks.ctx, s);
    return true;
}

static void update_segments(struct i440fx *b)
{
    bool changed = false;

    for (unsigned i = 0; i < I440FX_SEGMENTS; i++)
        changed |= update_segment(b, i);
    if (changed && b->hooks.pam_settled)
        b->hooks.pam_settled(b->hooks.ctx);
}

/* Locked, SMRAM cannot be opened, nor its register be written. */
static void update_smram(struct i440fx *b)
{
    uint8_t *smram = &b->func.config[REG_SMRAM];

    if (!(*smram & SMRAM_LOCK))
        return;
    *smram &= (uint8_t)~SMRAM_OPEN;
    b->func.mask[REG_SMRAM] = 0;
}

static void after_write(void *dev, unsigned off, unsigned n)
{
    struct i440fx *b = dev;

    if (off < REG_PAM_END && off + n > REG_PAM)
        update_segments(b);
    update_smram(b);
}

static const struct pci_func_ops func_ops = {.after_write = after_write};

static void init_segments(struct i440fx *b)
{
    const uint32_t step = 16 * KIB;

    b->segments[0] =
        (struct i440fx_segment){.base = GPA(0xf0000), .size = 64 * KIB};
    for (unsigned i = 1; i < I440FX_SEGMENTS; i++)
        b->segments[i] = (struct i440fx_segment){
            .base = GPA(0xc0000 + (i - 1) * step), .size = step};
}

struct i440fx *i440fx_create(const struct i440fx_hooks *hooks)
{
    struct i440fx *b = calloc(1, sizeof(*b));

    if (!b) {
        log_error("i440fx: out of memory");
        return NULL;
    }
    b->hooks = *hooks;
    pci_func_init(&b->func, &func_ops, b, &ids);
    memset(b->func.mask + REG_CONFIG, 0xff, REG_CONFIG_END - REG_CONFIG);
    memset(b->func.mask + REG_PAM, PAM_MASK, REG_PAM_END - REG_PAM);
    b->func.mask[REG_PAM] = PAM_MASK & 0xf0;
    memset(b->func.mask + REG_DRB, 0xff, REG_DRB_END - REG_DRB);
    b->func.mask[REG_SMRAM] = SMRAM_MASK;
    b->func.config[REG_SMRAM] = SMRAM_BASE;
    init_segments(b);
    return b;
}

void i440fx_destroy(struct i440fx *b)
{
    free(b);
}

struct pci_func *i440fx_func(struct i440fx *b)
{
    return &b->func;
}

const struct i440fx_segment *i440fx_segment(const struct i440fx *b, unsigned i)
{
    BUG_ON(i >= I440FX_SEGMENTS);
    return &b->segments[i];
}
