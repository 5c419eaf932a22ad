// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_nbd.c: an NBD server that says anything.
 *
 * The first byte chooses: the negotiation, from the greeting on, or, on an
 * export already agreed, the answers to a handful of requests that wait for
 * them. After the last byte the server hangs up. What must hold, beyond
 * memory safety: an export that was taken has possible sizes; every request
 * is answered, once, and no byte outside a request's memory changes.
 *
 * Run with -close_fd_mask=2: each breach logs a line.
 */
#include "devices/backend/blk_nbd.h"
#include "vmm/log.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define N_REQS     8
#define MAX_INPUT  65536
#define DISK_BYTES (1 * MIB)
#define CANARY     0xa5

static struct loop *loop;
static unsigned answers[N_REQS];

/* Room for each request with a canary behind it. */
static unsigned char memory[N_REQS][4096 + 64];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_done(struct blk_req *req)
{
    unsigned *answer = req->owner;

    BUG_ON(req->result > 0);
    ++*answer;
}

/* All at once into the socket: what does not fit is not sent. */
static void feed(int fd, const uint8_t *data, size_t size)
{
    if (send(fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
}

static void fuzz_handshake(const uint8_t *data, size_t size)
{
    struct nbd_export e;
    int fds[2];

    BUG_ON(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0);
    feed(fds[1], data, size);
    shutdown(fds[1], SHUT_WR);
    if (nbd_handshake(fds[0], "fuzz", "name", &e) == 0) {
        BUG_ON(e.min_block < 512 || (e.min_block & (e.min_block - 1)));
        BUG_ON(!e.max_block || e.max_block % e.min_block);
        BUG_ON(!e.size || e.size % e.min_block || e.size > INT64_MAX);
    }
    close(fds[0]);
    close(fds[1]);
}

static void submit(struct blk *blk, struct blk_req *reqs, struct iovec *iov)
{
    static const enum blk_op ops[N_REQS] = {
        BLK_READ,  BLK_WRITE, BLK_FLUSH,   BLK_READ,
        BLK_WRITE, BLK_ZERO,  BLK_DISCARD, BLK_READ,
    };

    memset(memory, CANARY, sizeof(memory));
    memset(answers, 0, sizeof(answers));
    for (unsigned i = 0; i < N_REQS; i++) {
        iov[2 * i] = (struct iovec){memory[i], 1000};
        iov[2 * i + 1] = (struct iovec){memory[i] + 1000, 3096};
        reqs[i] = (struct blk_req){.op = ops[i],
                                   .offset = 4096 * i,
                                   .len = 4096,
                                   .iov = &iov[2 * i],
                                   .n_iov = 2,
                                   .done = on_done,
                                   .owner = &answers[i]};
        blk_submit(blk, &reqs[i]);
    }
}

/* Let all requests go out: an answer before that is a breach. */
static void swallow(struct blk *blk, int fd)
{
    char buf[65536];

    while (loop_turn_of(loop, blk, 0))
        while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
            continue;
}

static void check_memory(const struct blk_req *reqs)
{
    for (unsigned i = 0; i < N_REQS; i++) {
        const size_t from = reqs[i].op == BLK_READ ? 4096 : 0;

        BUG_ON(answers[i] != 1);
        for (size_t at = from; at < sizeof(memory[i]); at++)
            BUG_ON(memory[i][at] != CANARY);
    }
}

static void fuzz_answers(const uint8_t *data, size_t size)
{
    const struct blk_config cfg = {.path = "fuzz"};
    const struct nbd_export e = {
        .size = DISK_BYTES,
        .flags = NBD_SEND_FLUSH | NBD_SEND_TRIM | NBD_SEND_WRITE_ZEROES,
        .min_block = 512,
        .max_block = 2048,
    };
    struct iovec iov[2 * N_REQS];
    struct blk_req reqs[N_REQS];
    struct blk *blk;
    int fds[2];

    BUG_ON(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0);
    blk = nbd_open_export(&cfg, fds[0], &e);
    BUG_ON(!blk || blk_start(blk, loop) < 0);
    submit(blk, reqs, iov);
    swallow(blk, fds[1]);
    feed(fds[1], data, size);
    shutdown(fds[1], SHUT_WR);
    swallow(blk, fds[1]);
    blk_drain(blk);
    check_memory(reqs);
    blk_close(blk);
    close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!loop)
        BUG_ON(loop_create(&loop, NULL) < 0);
    if (size == 0 || size > MAX_INPUT)
        return 0;
    if (data[0] & 1)
        fuzz_handshake(data + 1, size - 1);
    else
        fuzz_answers(data + 1, size - 1);
    return 0;
}
