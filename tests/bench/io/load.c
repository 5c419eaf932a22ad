// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * load.c: reads and writes of a disk, in the guest.
 *
 *   bench_load DEVICE OP:BYTES:DEPTH:COUNT...
 *
 * Each phase does COUNT direct requests (OP r or w) of BYTES each, DEPTH at
 * once, by Linux AIO: at random places where BYTES is less than 64 KiB, else
 * one behind the other. What has completed is replaced by as many new ones in
 * one submission. Before and after a phase a line "MARK" is printed and
 * nothing is done for a while, for whoever counts to read the counters. A
 * phase of OP n does nothing between its marks: what the marks cost.
 */
#include "mark.h"

#include <err.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_DEPTH  64u
#define SEQUENTIAL (64u * 1024)
#define WARM_UP    32u
#define ALIGN      4096u

struct disk {
    int fd;
    uint64_t bytes;
};

struct phase {
    char op; /* r, w, n */
    unsigned bytes;
    unsigned depth;
    unsigned count;
};

/* A phase under way. */
struct run {
    const struct disk *disk;
    const struct phase *phase;
    aio_context_t aio;
    unsigned char *memory; /* depth buffers */
    struct iocb cbs[MAX_DEPTH];
    struct iocb *idle[MAX_DEPTH];
    unsigned n_idle;
    unsigned submitted;
    unsigned done;
    uint64_t place;
    uint32_t seed;
};

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static uint64_t next_place(struct run *r)
{
    const uint64_t places = r->disk->bytes / r->phase->bytes;
    const uint64_t n =
        r->phase->bytes < SEQUENTIAL ? next_random(&r->seed) : r->place++;

    return n % places * r->phase->bytes;
}

static void fill(struct run *r, struct iocb *cb)
{
    const size_t slot = (size_t)(cb - r->cbs);
    const unsigned char *buffer = r->memory + slot * r->phase->bytes;

    *cb = (struct iocb){
        .aio_data = slot,
        .aio_lio_opcode =
            r->phase->op == 'w' ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
        .aio_fildes = (uint32_t)r->disk->fd,
        .aio_buf = (uintptr_t)buffer,
        .aio_nbytes = r->phase->bytes,
        .aio_offset = (int64_t)next_place(r),
    };
}

/* All that may be in flight, in one call. */
static void submit(struct run *r, unsigned count)
{
    struct iocb *batch[MAX_DEPTH];
    long n = 0;

    while (r->n_idle && r->submitted < count) {
        batch[n] = r->idle[--r->n_idle];
        fill(r, batch[n++]);
        r->submitted++;
    }
    if (n && syscall(SYS_io_submit, r->aio, n, batch) != n)
        err(1, "io_submit");
}

static void reap(struct run *r)
{
    struct io_event events[MAX_DEPTH];
    const long n =
        syscall(SYS_io_getevents, r->aio, 1, MAX_DEPTH, events, NULL);

    if (n < 1)
        err(1, "io_getevents");
    for (long i = 0; i < n; i++) {
        if (events[i].res != r->phase->bytes)
            errx(1, "a request ended with %lld", (long long)events[i].res);
        r->idle[r->n_idle++] = &r->cbs[events[i].data];
    }
    r->done += (unsigned)n;
}

static void transfer(struct run *r, unsigned count)
{
    r->submitted = 0;
    r->done = 0;
    while (r->done < count) {
        submit(r, count);
        reap(r);
    }
}

static void run_phase(const struct disk *disk, const struct phase *phase)
{
    struct run r = {.disk = disk, .phase = phase, .seed = 12345};
    const size_t bytes = (size_t)phase->depth * phase->bytes;
    const bool works = phase->op != 'n';

    r.memory = aligned_alloc(ALIGN, bytes);
    if (!r.memory || syscall(SYS_io_setup, MAX_DEPTH, &r.aio) < 0)
        err(1, "set-up");
    memset(r.memory, 0x5a, bytes);
    for (unsigned i = 0; i < phase->depth; i++)
        r.idle[r.n_idle++] = &r.cbs[i];
    if (works)
        transfer(&r, WARM_UP);
    mark();
    if (works)
        transfer(&r, phase->count);
    mark();
    syscall(SYS_io_destroy, r.aio);
    free(r.memory);
}

static bool parse(const char *text, struct phase *p)
{
    return sscanf(text, "%c:%u:%u:%u", &p->op, &p->bytes, &p->depth,
                  &p->count) == 4 &&
           strchr("rwn", p->op) && p->bytes && p->bytes % ALIGN == 0 &&
           p->depth && p->depth <= MAX_DEPTH;
}

int main(int argc, char **argv)
{
    struct disk disk = {.fd = -1};
    struct phase phase;

    if (argc < 3)
        errx(2, "usage: bench_load DEVICE OP:BYTES:DEPTH:COUNT...");
    disk.fd = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC);
    if (disk.fd < 0 || ioctl(disk.fd, BLKGETSIZE64, &disk.bytes) < 0)
        err(1, "%s", argv[1]);
    for (int i = 2; i < argc; i++) {
        if (!parse(argv[i], &phase) || disk.bytes < phase.bytes)
            errx(2, "%s: no phase", argv[i]);
        run_phase(&disk, &phase);
    }
    return 0;
}
