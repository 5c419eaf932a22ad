// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_vcons.c: a driver that does anything to the console device, at a port
 * or at its control messages, while the reader stalls, types, comes and goes
 * as the input says; see virtio_machine.h. Whatever it did: after a reset a
 * byte gets out and one gets in.
 */
#include "virtio_machine.h"

#include "devices/virtio/vcons.h"
#include "fake_chr.h"

#include <linux/virtio_console.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VERSION_1 ((uint64_t)1 << VIRTIO_F_VERSION_1)

static struct chr chrs[2];

/* A message that is nearly right. */
static void offer_message(struct machine *m, const struct step *s)
{
    const struct virtio_console_control c = {
        .id = s->a & 3, .event = s->b & 15, .value = s->c & 1};
    const uint16_t head = s->where % SIZE;

    memcpy(m->ram + SMALL, &c, sizeof(c));
    ring_desc(&m->rings[1], head, SMALL, sizeof(c), 0, 0);
    ring_offer(&m->rings[1], head);
}

static void console_step(struct machine *m, struct vcons *dev,
                         const struct step *s)
{
    struct chr *c = &chrs[s->where & 1];

    switch (s->what % 16) {
    case 10:
        c->room = s->a;
        break;
    case 11:
        fake_drain(c, s->a);
        break;
    case 12:
        fake_type(c, s, s->a % sizeof(*s));
        break;
    case 13:
        fake_presence(c, s->a & 1);
        break;
    case 14:
        offer_message(m, s);
        break;
    default:
        vcons_resize(dev, s->a, s->b);
        spin(m);
        break;
    }
}

static void check(struct machine *m)
{
    struct chr *c = &chrs[0];
    size_t before;

    poison = 0;
    m->first = 0;
    initialize(m, VERSION_1);
    BUG_ON(rd(m, VIRTIO_MMIO_STATUS) != 0x0f);
    c->room = CHR_BUF;
    before = c->n_out;
    m->ram[SMALL] = 0x5a;
    ring_desc(&m->rings[1], 0, SMALL, 1, 0, 0);
    ring_offer(&m->rings[1], 0);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
    spin(m);
    BUG_ON(c->n_out != before + 1 || ring_used_idx(&m->rings[1]) != 1);
    BUG_ON(c->out[before % FAKE_OUT] != 0x5a);
    c->in_at = c->n_in = 0;
    ring_desc(&m->rings[0], 0, SMALL + 0x100, 1, WRITABLE, 0);
    ring_offer(&m->rings[0], 0);
    wr(m, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
    spin(m);
    BUG_ON(ring_used_idx(&m->rings[0]) != 0);
    fake_type(c, "k", 1);
    BUG_ON(ring_used_idx(&m->rings[0]) != 1 || m->ram[SMALL + 0x100] != 'k');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const bool ports = size && data[0] & 1;
    const struct vcons_config cfg = {
        .ports = {{.chr = &chrs[0], .console = true},
                  {.chr = &chrs[1], .name = "port"}},
        .n_ports = ports ? 2 : 1,
        .multiport = ports,
        .sized = true,
    };
    struct machine *m = machine_once();
    struct vcons *dev = vcons_create(m->loop, &cfg);

    machine_plug(m, &vcons_ops, dev);
    m->first = ports && data[0] & 2 ? 2 : 0;
    initialize(m, VERSION_1 | (ports ? 7 : 5));
    for (; size >= STEP; data += STEP, size -= STEP) {
        const struct step s = step_of(data);

        if (!common_step(m, &s))
            console_step(m, dev, &s);
    }
    check(m);
    virtio_mmio_destroy(m->t);
    vcons_destroy(dev);
    BUG_ON(chrs[0].front.owner);
    return 0;
}
