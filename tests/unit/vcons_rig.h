/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vcons_rig.h: the console device over registers and rings, with one port or
 * two, and byte streams in memory behind them.
 */
#ifndef TESTS_VCONS_RIG_H
#define TESTS_VCONS_RIG_H

#include "mmio_rig.h"

#include "devices/virtio/vcons.h"
#include "fake_chr.h"

#include <linux/virtio_console.h>
#include <stdlib.h>

#define F_MUST  BIT(VIRTIO_F_VERSION_1)
#define F_SIZE  BIT(VIRTIO_CONSOLE_F_SIZE)
#define F_MULTI BIT(VIRTIO_CONSOLE_F_MULTIPORT)

#define RX     0 /* of port 0 */
#define TX     1
#define CTL_RX 2
#define CTL_TX 3
#define RX1    4 /* of port 1 */
#define TX1    5
#define QUEUES 6

#define RX_SIZE 16
#define TX_SIZE 64
#define CTL(i)  (0x200000u + (i)*0x100u) /* buffers for messages */

struct rig {
    struct mmio_rig m;
    struct chr chrs[2];
    struct vcons *dev;
};

static inline void plug(struct rig *r, bool multiport)
{
    const struct vcons_config cfg = {
        .ports = {{.chr = &r->chrs[0], .console = true},
                  {.chr = &r->chrs[1], .name = "agent"}},
        .n_ports = multiport ? 2 : 1,
        .multiport = multiport,
        .sized = true,
    };

    r->dev = vcons_create(r->m.loop, &cfg);
    assert_non_null(r->dev);
    rig_plug(&r->m, &vcons_ops, r->dev);
}

static inline struct rig *open_rig(void)
{
    struct rig *r = calloc(1, sizeof(*r));

    log_set_level(LOG_ERROR);
    rig_open(&r->m);
    r->chrs[0].room = r->chrs[1].room = CHR_BUF;
    return r;
}

static inline int setup(void **state)
{
    struct rig *r = open_rig();

    plug(r, false);
    *state = r;
    return 0;
}

static inline int setup_ports(void **state)
{
    struct rig *r = open_rig();

    plug(r, true);
    *state = r;
    return 0;
}

static inline int teardown(void **state)
{
    struct rig *r = *state;

    virtio_mmio_destroy(r->m.t);
    r->m.t = NULL;
    vcons_destroy(r->dev);
    assert_null(r->chrs[0].front.owner);
    assert_int_equal(r->chrs[0].lost + r->chrs[1].lost, 0);
    rig_close(&r->m);
    free(r);
    return 0;
}

static inline unsigned char *guest(struct rig *r, uint64_t gpa)
{
    return r->m.rings[0].ram + gpa;
}

/* ---- the guest's side ---- */

static inline void offer(struct rig *r, unsigned q, uint16_t head, uint64_t gpa,
                         uint32_t len)
{
    const bool in = q % 2 == 0;

    ring_desc(&r->m.rings[q], head, gpa, len, in ? WRITABLE : 0, 0);
    ring_offer(&r->m.rings[q], head);
}

static inline void go_on(struct rig *r, unsigned q)
{
    kick(&r->m, q);
    spin(&r->m);
}

static inline void print(struct rig *r, unsigned q, const char *text)
{
    memcpy(guest(r, DATA), text, strlen(text));
    offer(r, q, 0, DATA, (uint32_t)strlen(text));
    go_on(r, q);
}

static inline void assert_out(const struct chr *c, const char *text)
{
    assert_int_equal(c->n_out, strlen(text));
    assert_memory_equal(c->out, text, c->n_out);
}

/* The next used element of q; its length. */
static inline uint32_t taken(struct rig *r, unsigned q, uint16_t head)
{
    struct vring_used_elem e = {0};

    assert_true(ring_take(&r->m.rings[q], &e));
    assert_int_equal(e.id, head);
    return e.len;
}

static inline bool is_taken(struct rig *r, unsigned q)
{
    struct vring_used_elem e;

    return ring_take(&r->m.rings[q], &e);
}

#endif
