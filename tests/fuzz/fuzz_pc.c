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
 * acknowledge gives a vector, the 8259's output ends with its last request.
 */
#include "devices/platform/i8259.h"
#include "vmm/log.h"

#include <string.h>

#define STEP_BYTES 8
#define WIDTHS     4u

struct place {
    const struct io_ops *ops;
    void *dev;
    unsigned len;
};

struct machine {
    struct i8259 *pics;
    struct intr intr; /* of the CPU */
    struct place places[16];
    unsigned n_places;
};

struct step {
    uint8_t what;
    uint8_t chip;
    uint16_t off;
    uint32_t value;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_line(void *ctx, unsigned line, bool level)
{
    (void)ctx;
    (void)line;
    (void)level;
}

static void place(struct machine *m, const struct io_ops *ops, void *dev,
                  unsigned len)
{
    BUG_ON(m->n_places == ARRAY_LEN(m->places));
    m->places[m->n_places++] = (struct place){ops, dev, len};
}

static void build_pics(struct machine *m)
{
    m->intr = (struct intr){.set = on_line};
    m->pics = i8259_create(&m->intr, NULL);
    BUG_ON(!m->pics);
    place(m, &i8259_master_ops, m->pics, I8259_PORTS);
    place(m, &i8259_slave_ops, m->pics, I8259_PORTS);
    place(m, &i8259_elcr_ops, m->pics, I8259_PORTS);
}

static void machine_build(struct machine *m)
{
    build_pics(m);
}

static void machine_destroy(struct machine *m)
{
    i8259_destroy(m->pics);
}

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

static void move_line(struct machine *m, const struct step *s)
{
    const unsigned irq = s->off % I8259_LINES;

    if (irq != I8259_CASCADE)
        i8259_set_line(m->pics, irq, s->value & 1);
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
    case 1:
        acknowledge(m);
        break;
    case 2:
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

/* With every input low and acknowledged by EOI there is nothing to ask. */
static void check(struct machine *m)
{
    for (unsigned irq = 0; irq < I8259_LINES; irq++)
        if (irq != I8259_CASCADE)
            i8259_set_line(m->pics, irq, false);
    BUG_ON(m->intr.level);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine m = {0};

    log_set_level(LOG_ERROR);
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
