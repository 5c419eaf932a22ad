// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_pc.c: a guest that does anything to the PC's chips.
 *
 * The input is a program of eight-byte steps: what to do, with which chip,
 * an offset, a value. Steps read and write every register with all widths,
 * move interrupt inputs and acknowledge them. The chips are wired as on the
 * board, so that an access to one is felt by the others.
 *
 * Besides what the sanitizers see, this holds whatever a guest does: an
 * acknowledge gives a vector; the 8259's output ends with its last request.
 * Time passes from deadline to deadline, and in leaps of up to years.
 */
#include "pc_machine.h"

#include "abi/pc.h"

#include <endian.h>
#include <string.h>

#define STEP_BYTES 8
#define WIDTHS     4u

struct step {
    uint8_t what;
    uint8_t chip;
    uint16_t off;
    uint32_t value;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any width at any offset, as long as it lies inside the chip. */
static void reach(struct machine *m, const struct step *s, bool write)
{
    const struct place *p = &m->places[s->chip % m->n_places];
    const unsigned n = 1u << (s->what >> 4) % WIDTHS;
    uint64_t v = s->value * 0x0000000100000001ull;

    if (n > p->len)
        return;
    if (write)
        p->ops->write(p->dev, s->off % (p->len - n + 1), &v, n);
    else
        p->ops->read(p->dev, s->off % (p->len - n + 1), &v, n);
}

static bool timer_due(struct timer *t)
{
    if (t->deadline > *t->now)
        return false;
    t->deadline = CLOCK_NEVER;
    return true;
}

static void tick_all(struct machine *m)
{
    if (timer_due(&m->pit_timer))
        i8254_tick(m->pit);
    if (timer_due(&m->rtc_timer))
        mc146818_tick(m->rtc);
    if (timer_due(&m->hpet_timer))
        hpet_tick(m->hpet);
    if (timer_due(&m->pm_timer))
        piix4_pm_tick(m->pm);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* From nanoseconds to years pass; chips are called as they asked for it. */
static void pass_time(struct machine *m, const struct step *s)
{
    const uint64_t end = m->now + ((uint64_t)s->value << s->off % 22);

    for (unsigned i = 0; i < 64; i++) {
        uint64_t next = sooner(end, m->pit_timer.deadline);

        next = sooner(next, m->rtc_timer.deadline);
        next = sooner(next, m->hpet_timer.deadline);
        next = sooner(next, m->pm_timer.deadline);
        if (next > m->now)
            m->now = next;
        tick_all(m);
    }
    m->now = end;
    tick_all(m);
}

/* A card's line, or a PIRQ and where it is steered to. */
static void move_line(struct machine *m, const struct step *s)
{
    const unsigned input = s->off % PC_IRQ_INPUTS;

    if (input >= PC_IRQ_PIRQ && (s->value & 2))
        pc_irq_set_route(m->irq, input - PC_IRQ_PIRQ, s->chip);
    else if (input != I8259_CASCADE)
        pc_irq_set(m->irq, input, s->value & 1);
}

/* A configuration register in one step, or a port that may be anywhere. */
static void reach_pci(struct machine *m, const struct step *s)
{
    const uint32_t address = 0x80000000u | (s->off & 0x7fffu);
    uint32_t v = s->value;

    if (s->off & 0x8000u) {
        bus_access(m->bus, SPACE_PIO, s->value >> 16, &v, 2, s->off & 1);
        return;
    }
    bus_access(m->bus, SPACE_PIO, 0xcf8, &(uint32_t){address}, 4, true);
    bus_access(m->bus, SPACE_PIO, 0xcfc, &v, 4, true);
}

/* Somebody reads what was printed. */
static void make_room(struct machine *m, const struct step *s)
{
    const bool full = m->chr.room == 0;

    m->chr.room = s->value % 64;
    if (full && m->chr.room)
        m->chr.front.writable(m->chr.front.owner);
}

/* The guest writes a word to its memory. */
static void poke(struct machine *m, const struct step *s)
{
    if (gmem_write(m->mem, GPA(s->off), &s->value, sizeof(s->value)) < 0)
        BUG_ON(gmem_is_ram(m->mem, GPA(s->off), sizeof(s->value)));
}

/* Run the command at an address, in one step. */
static void fw_cfg_command(struct machine *m, const struct step *s)
{
    const uint64_t at = htobe64(s->off);

    fw_cfg_ops.write(m->cfg, 4, &at, sizeof(at));
}

/* What comes from outside. */
static void push(struct machine *m, const struct step *s)
{
    switch (s->chip % 11) {
    case 0:
        piix4_pm_power_button(m->pm);
        break;
    case 1:
        piix4_pm_event(m->pm, s->off % PIIX4_GPES);
        break;
    case 2:
        mc146818_reset(m->rtc);
        break;
    case 3:
        i8042_key(m->kbc, s->off, s->value & 1);
        break;
    case 4:
        i8042_mouse(m->kbc, (int16_t)s->off, (int8_t)s->value, (int)s->value,
                    s->value >> 8 & 7);
        break;
    case 5:
        poke(m, s);
        break;
    case 6:
        fw_cfg_command(m, s);
        break;
    case 8:
        ioapic_eoi(m->ioapic, (uint8_t)s->value);
        break;
    case 9:
        reach_pci(m, s);
        break;
    case 10:
        make_room(m, s);
        break;
    default:
        pc_misc_keyboard_a20(m->misc, s->value & 1);
        break;
    }
}

static void acknowledge(struct machine *m)
{
    const int vector = i8259_ack(m->pics);

    BUG_ON(vector < 0 || vector > UINT8_MAX);
}

static void do_step(struct machine *m, const struct step *s)
{
    switch (s->what % 16) {
    case 0:
        move_line(m, s);
        break;
    case 15:
        push(m, s);
        break;
    case 1:
        acknowledge(m);
        break;
    case 2:
        pass_time(m, s);
        break;
    case 3:
    case 4:
    case 5:
        reach(m, s, false);
        break;
    default:
        reach(m, s, true);
        break;
    }
}

/*
 * The keyboard controller's bytes come to an end, and so do its interrupts.
 * With every input low there is nothing to ask.
 */
static void check(struct machine *m)
{
    uint8_t byte = 1;

    for (unsigned i = 0; i < 10000 && (byte & 1); i++) {
        i8042_data_ops.read(m->kbc, 0, &byte, 1);
        i8042_command_ops.read(m->kbc, 0, &byte, 1);
    }
    BUG_ON((byte & 1) || m->irq1.level || m->irq12.level);
    for (unsigned i = 0; i < PC_IRQ_INPUTS; i++)
        if (i != I8259_CASCADE)
            pc_irq_set(m->irq, i, false);
    pc_irq_hpet_legacy(m->irq, false);
    BUG_ON(m->intr.level);
}

/* The memory that steps can name is the same for each input. */
static void wipe(struct gmem *mem)
{
    static const uint8_t zeroes[PC_SHADOW_END - PC_SHADOW];

    BUG_ON(gmem_write(mem, GPA(0), zeroes, 0x10000) < 0);
    BUG_ON(gmem_write(mem, GPA(PC_SHADOW), zeroes, sizeof(zeroes)) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gmem *mem;
    struct machine m = {0};

    log_set_level(LOG_ERROR);
    if (!mem) {
        mem = gmem_create(2 * MIB, GMEM_ANON);
        BUG_ON(!mem);
        gmem_lay_out_pc(mem);
    }
    m.mem = mem;
    wipe(mem);
    machine_build(&m);
    for (; size >= STEP_BYTES; data += STEP_BYTES, size -= STEP_BYTES) {
        struct step s = {.what = data[0], .chip = data[1]};

        memcpy(&s.off, data + 2, sizeof(s.off));
        memcpy(&s.value, data + 4, sizeof(s.value));
        do_step(&m, &s);
    }
    check(&m);
    machine_destroy(&m);
    return 0;
}
