// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_virtq.c: a driver that does anything to a split ring.
 *
 * The first bytes choose size and features; then come steps of eight bytes:
 * write a descriptor, a ring entry, an index; pop, push, publish, listen. One
 * step chooses a value that every word of guest memory is changed by right
 * after it was fetched, so that a second look at it would see another. What
 * must hold is checked after each pop: segments in RAM, sums right, no more
 * in flight than the queue has entries.
 */
#include "fetch_count.h"
#include "ring_driver.h"

#include <stdlib.h>

#define RAM   (128 * KIB)
#define RING  0x1000u
#define TABLE 0x8000u
#define STEP  8

struct fuzz {
    struct gmem *mem;
    struct ring ring;
    struct virtq q;
    struct iovec iov[VIRTQ_MAX_IOV];
    uint16_t heads[VIRTQ_MAX_SIZE];
    unsigned n_heads;
};

static uint8_t poison;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void change(unsigned char *at, size_t n)
{
    for (size_t i = 0; i < n; i++)
        at[i] ^= poison;
}

static void check(const struct fuzz *f, const struct vchain *c)
{
    uint64_t sum = 0;

    BUG_ON(c->head >= f->ring.cfg.size);
    BUG_ON(c->n_out + c->n_in > f->ring.cfg.size);
    for (int i = 0; i < c->n_out + c->n_in; i++) {
        const unsigned char *at = f->iov[i].iov_base;

        BUG_ON(!f->iov[i].iov_len);
        BUG_ON(at < f->ring.ram || at + f->iov[i].iov_len > f->ring.ram + RAM);
        sum += f->iov[i].iov_len;
    }
    BUG_ON(sum != c->out_bytes + c->in_bytes);
    for (unsigned i = 0; i < f->n_heads; i++)
        BUG_ON(f->heads[i] == c->head);
}

static void pop(struct fuzz *f)
{
    struct vchain c = {.iov = f->iov, .max = VIRTQ_MAX_IOV};
    unsigned char bytes[64];

    if (virtq_pop(&f->q, &c) != 1)
        return;
    check(f, &c);
    f->heads[f->n_heads++] = c.head;
    BUG_ON(f->n_heads != f->q.in_flight);
    BUG_ON(f->n_heads > f->ring.cfg.size);
    BUG_ON(vchain_read(&c, c.out_bytes / 2, bytes, sizeof(bytes)) >
           c.out_bytes);
    BUG_ON(vchain_write(&c, c.in_bytes / 2, bytes, 8) > c.in_bytes);
}

static void push(struct fuzz *f, unsigned which)
{
    if (!f->n_heads)
        return;
    which %= f->n_heads;
    virtq_push(&f->q, f->heads[which], which);
    f->heads[which] = f->heads[--f->n_heads];
}

/* Addresses mostly in RAM; the rest at its ends and beyond. */
static uint64_t address(uint16_t v)
{
    return v & 0x8000 ? (uint64_t)(int64_t)(int16_t)v * 2 + RAM : v * 4ull;
}

static void publish_and_listen(struct fuzz *f)
{
    const uint16_t before = f->q.signalled;
    const bool wanted = virtq_publish(&f->q);

    BUG_ON(wanted && f->q.signalled == before);
    if (virtq_listen(&f->q))
        pop(f);
}

static void step(struct fuzz *f, const uint8_t *s)
{
    const uint16_t a = (uint16_t)(s[2] | s[3] << 8);
    const uint16_t b = (uint16_t)(s[4] | s[5] << 8);
    const uint16_t c = (uint16_t)(s[6] | s[7] << 8);
    struct ring *r = &f->ring;

    switch (s[0] % 10) {
    case 0:
        put_desc(r, RING, s[1] % r->cfg.size, address(a), b, c >> 13, c & 63);
        break;
    case 1:
        put_desc(r, TABLE, s[1] % 64, address(a), b, c >> 13, c & 63);
        break;
    case 2:
        put_desc(r, RING, s[1] % r->cfg.size, TABLE, b, INDIRECT | (c & 7),
                 s[1]);
        break;
    case 3:
        ring_offer(r, s[1] % r->cfg.size);
        break;
    case 4:
        *ring_word(r, (r->cfg.avail.v + (a % 512)) & ~1ull) = b;
        break;
    case 5:
        *ring_word(r, (RING + (a % 0x2000)) & ~1ull) = b;
        break;
    case 6:
        push(f, a);
        break;
    case 7:
        publish_and_listen(f);
        break;
    case 8:
        poison = s[1];
        break;
    default:
        pop(f);
        break;
    }
}

static struct fuzz *fuzz_once(void)
{
    static struct fuzz f;

    if (f.mem)
        return &f;
    log_set_level(LOG_ERROR);
    f.mem = gmem_create(RAM, GMEM_ANON);
    BUG_ON(!f.mem);
    fetches.ram = ram_of(f.mem);
    fetches.after = change;
    return &f;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz *f = fuzz_once();

    if (size < 2)
        return 0;
    memset(fetches.ram, 0, RAM);
    poison = 0;
    f->n_heads = 0;
    f->ring = ring_at(f->mem, RING, (uint16_t)(1u << data[0] % 8));
    if (virtq_start(&f->q, f->mem, &f->ring.cfg, data[1] & 1, data[1] & 2) < 0)
        abort();
    for (data += 2, size -= 2; size >= STEP; data += STEP, size -= STEP)
        step(f, data);
    while (f->n_heads)
        push(f, 0);
    BUG_ON(f->q.in_flight);
    return 0;
}
