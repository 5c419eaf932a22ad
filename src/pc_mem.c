// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * pc_mem.c: see pc_mem.h.
 *
 * The window is twelve segments of 16 KiB and one of 64. Neighbours that are
 * alike are one piece: what is shown is the list of the longest such runs, and
 * of a change only what differs is told to KVM, for each step makes it wait
 * until no vCPU uses the map of before.
 */
#include "pc_mem.h"

#include "abi/pc.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define STEP    0x4000u /* bytes; the last four steps are one segment */
#define N_STEPS ((PC_SHADOW_END - PC_SHADOW) / STEP)

/* The first piece is the ROM at the end of 4 GiB. */
#define PIECE_ROM   0u
#define PIECE_FIRST 1u

_Static_assert(PIECE_FIRST + N_STEPS == PC_FLASH_PIECE, "a piece for each");

/* What a vCPU finds without leaving the guest. */
enum shown {
    SHOWN_NOTHING,
    SHOWN_RAM,
    SHOWN_RAM_READ_ONLY,
    SHOWN_ROM,
};

/* A stretch shown alike: steps [first, first + n). */
struct run {
    unsigned first;
    unsigned n; /* 0: not in use */
    enum shown what;
};

struct step {
    bool read_ram;
    bool write_ram;
};

struct pc_mem {
    struct vm *vm;         /* borrowed */
    struct gmem *mem;      /* borrowed */
    const struct rom *rom; /* borrowed */
    unsigned char *ram;    /* of the window; for KVM only */
    struct step steps[N_STEPS];
    struct run shown[N_STEPS]; /* piece PIECE_FIRST + i */
};

/* The bytes of the ROM that are seen at gpa, or NULL; *run: how many. */
static const unsigned char *rom_at(const struct pc_mem *m, uint64_t gpa,
                                   uint64_t *run)
{
    const uint64_t size =
        m->rom->size < PC_BIOS_SIZE ? m->rom->size : PC_BIOS_SIZE;

    if (gpa < PC_SHADOW_END - size)
        return NULL;
    *run = PC_SHADOW_END - gpa;
    return (unsigned char *)m->rom->host + m->rom->size - *run;
}

static enum shown wanted(const struct pc_mem *m, unsigned i)
{
    const struct step *s = &m->steps[i];
    uint64_t run;

    if (s->read_ram)
        return s->write_ram ? SHOWN_RAM : SHOWN_RAM_READ_ONLY;
    return rom_at(m, PC_SHADOW + i * STEP, &run) ? SHOWN_ROM : SHOWN_NOTHING;
}

static unsigned list_runs(const struct pc_mem *m, struct run runs[N_STEPS])
{
    unsigned n = 0;

    for (unsigned i = 0; i < N_STEPS; i++) {
        const enum shown what = wanted(m, i);

        if (n && runs[n - 1].what == what)
            runs[n - 1].n++;
        else
            runs[n++] = (struct run){i, 1, what};
    }
    return n;
}

static bool same(const struct run *a, const struct run *b)
{
    return a->n == b->n && a->first == b->first && a->what == b->what;
}

/* Put a run in the place of piece i's; one of n 0 takes it away. */
static int show(struct pc_mem *m, unsigned i, const struct run *r)
{
    const uint64_t base = PC_SHADOW + r->first * (uint64_t)STEP;
    uint64_t run;
    struct vm_piece p = {
        .base = GPA(base),
        .size = r->n * (uint64_t)STEP,
        .host = m->ram + (base - PC_SHADOW),
        .read_only = r->what != SHOWN_RAM,
    };

    m->shown[i] = *r;
    if (r->what == SHOWN_NOTHING)
        p.size = 0;
    /* KVM does not write to a read-only piece. */
    if (r->what == SHOWN_ROM)
        p.host = (void *)(uintptr_t)rom_at(m, base, &run);
    return vm_put_piece(m->vm, PIECE_FIRST + i, &p);
}

/* First what goes, then what comes: no two pieces overlap in between. */
static int show_all(struct pc_mem *m)
{
    static const struct run none;
    struct run runs[N_STEPS] = {{0, 0, SHOWN_NOTHING}};
    const unsigned n = list_runs(m, runs);
    int ret = 0;

    for (unsigned i = 0; i < N_STEPS && ret == 0; i++) {
        bool stays = false;

        for (unsigned j = 0; j < n && !stays; j++)
            if (same(&m->shown[i], &runs[j])) {
                runs[j].n = 0;
                stays = true;
            }
        if (!stays && m->shown[i].n)
            ret = show(m, i, &none);
    }
    for (unsigned i = 0, j = 0; i < N_STEPS && ret == 0; i++) {
        if (m->shown[i].n)
            continue;
        while (j < n && !runs[j].n)
            j++;
        if (j == n)
            break;
        ret = show(m, i, &runs[j++]);
    }
    return ret;
}

void pc_mem_pam(void *pc_mem, const struct i440fx_segment *s)
{
    struct pc_mem *m = pc_mem;
    const unsigned first = (unsigned)(s->base.v - PC_SHADOW) / STEP;

    for (unsigned i = 0; i < s->size / STEP; i++)
        m->steps[first + i] = (struct step){s->read_ram, s->write_ram};
}

/* What fails leaves holes that are still answered, one exit an access. */
void pc_mem_pam_settled(void *pc_mem)
{
    (void)show_all(pc_mem);
}

static void mem_read(void *dev, uint64_t off, void *data, unsigned n)
{
    const struct pc_mem *m = dev;
    const unsigned char *rom;
    uint64_t run = 0;

    if (m->steps[off / STEP].read_ram) {
        const int ret = gmem_read(m->mem, GPA(PC_SHADOW + off), data, n);

        BUG_ON(ret < 0); /* every PC has RAM there */
        return;
    }
    memset(data, 0xff, n);
    rom = rom_at(m, PC_SHADOW + off, &run);
    if (rom && run >= n)
        memcpy(data, rom, n);
}

static void mem_write(void *dev, uint64_t off, const void *data, unsigned n)
{
    struct pc_mem *m = dev;
    int ret = 0;

    if (m->steps[off / STEP].write_ram)
        ret = gmem_write(m->mem, GPA(PC_SHADOW + off), data, n);
    BUG_ON(ret < 0);
}

const struct io_ops pc_mem_ops = {
    .name = "shadow",
    .read = mem_read,
    .write = mem_write,
};

static int show_rom(struct pc_mem *m)
{
    const struct vm_piece p = {
        .base = GPA(4 * GIB - m->rom->size),
        .size = m->rom->size,
        .host = m->rom->host,
        .read_only = true,
    };

    return p.size ? vm_put_piece(m->vm, PIECE_ROM, &p) : 0;
}

static unsigned char *find_ram(const struct gmem *mem)
{
    unsigned n;
    const struct gmem_slot *slots = gmem_slots(mem, &n);

    for (unsigned i = 0; i < n; i++)
        if (slots[i].shadow)
            return slots[i].host;
    return NULL;
}

struct pc_mem *pc_mem_create(struct vm *vm, struct gmem *mem,
                             const struct rom *rom)
{
    struct pc_mem *m = calloc(1, sizeof(*m));

    if (!m) {
        log_error("machine: out of memory");
        return NULL;
    }
    m->vm = vm;
    m->mem = mem;
    m->rom = rom;
    m->ram = find_ram(mem);
    BUG_ON(!m->ram);
    if (show_rom(m) < 0 || show_all(m) < 0) {
        free(m);
        return NULL;
    }
    return m;
}

/* The pieces go with the VM. */
void pc_mem_destroy(struct pc_mem *m)
{
    free(m);
}
