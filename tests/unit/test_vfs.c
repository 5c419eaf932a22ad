// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file system device and the vhost-user protocol: the test is the guest
 * on one side and the other process on the other.
 *
 * Answers are put into the socket before they are asked for, since who asks
 * waits; what was asked is read afterwards.
 */
#include "mmio_rig.h"

#include "devices/virtio/vfs.h"

#include <errno.h>
#include <linux/virtio_fs.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>

#define SIZE 16
#define FEATURES                                                  \
    (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_INDIRECT_DESC) | \
     BIT(VIRTIO_RING_F_EVENT_IDX) | BIT(30))
#define REPLY_FLAGS 5u

enum {
    GET_FEATURES = 1,
    SET_FEATURES = 2,
    SET_OWNER = 3,
    SET_MEM_TABLE = 5,
    SET_VRING_NUM = 8,
    SET_VRING_ADDR = 9,
    SET_VRING_BASE = 10,
    GET_VRING_BASE = 11,
    SET_VRING_KICK = 12,
    SET_VRING_CALL = 13,
    GET_PROTOCOL_FEATURES = 15,
    SET_PROTOCOL_FEATURES = 16,
    SET_VRING_ENABLE = 18,
};

struct message {
    uint32_t request, flags, size;
    union {
        uint64_t u64;
        uint32_t u32[64];
        uint64_t words[32];
    } u;
    int fds[8];
    unsigned n_fds;
};

/* The share, without a program behind it. */
static struct {
    struct vhost_user device;
    void (*gone)(void *owner);
    void *owner;
    unsigned kills;
    const char *tag;
} fake;

struct rig {
    struct mmio_rig m;
    int ram_fd;
    int other; /* the other process's end */
    struct vfs *f;
};

struct vhost_user *__wrap_share_device(struct share *s);
void __wrap_share_attach(struct share *s, void (*gone)(void *owner),
                         void *owner);
void __wrap_share_kill(struct share *s);
const char *__wrap_share_tag(const struct share *s);

struct vhost_user *__wrap_share_device(struct share *s)
{
    (void)s;
    return &fake.device;
}

void __wrap_share_attach(struct share *s, void (*gone)(void *owner),
                         void *owner)
{
    (void)s;
    fake.gone = gone;
    fake.owner = owner;
}

void __wrap_share_kill(struct share *s)
{
    (void)s;
    fake.kills++;
    fake.device.lost = true;
}

const char *__wrap_share_tag(const struct share *s)
{
    (void)s;
    return fake.tag;
}

/* ---- the other process ---- */

static void answer(struct rig *r, uint32_t request, uint32_t size, uint64_t v)
{
    const uint32_t header[3] = {request, REPLY_FLAGS, size};

    assert_int_equal(write(r->other, header, sizeof(header)), sizeof(header));
    assert_int_equal(write(r->other, &v, size), size);
}

/* The next message; fails the test if there is none. */
static struct message next(struct rig *r)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct message m = {.request = 0};
    struct iovec iov = {.iov_base = &m, .iov_len = 12};
    struct msghdr msg = {
        .msg_iov = &iov,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof(control.bytes),
    };
    const struct cmsghdr *c;

    assert_int_equal(recvmsg(r->other, &msg, MSG_DONTWAIT), 12);
    assert_int_equal(m.flags, 1);
    assert_true(m.size <= sizeof(m.u));
    if (m.size)
        assert_int_equal(recv(r->other, &m.u, m.size, MSG_DONTWAIT), m.size);
    c = CMSG_FIRSTHDR(&msg);
    if (c) {
        m.n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(m.fds, CMSG_DATA(c), m.n_fds * sizeof(int));
    }
    return m;
}

static struct message expect(struct rig *r, uint32_t request)
{
    const struct message m = next(r);

    assert_int_equal(m.request, request);
    return m;
}

static void expect_nothing(struct rig *r)
{
    char c;

    assert_int_equal(recv(r->other, &c, 1, MSG_DONTWAIT), -1);
    assert_int_equal(errno, EAGAIN);
}

/* ---- the rig ---- */

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));
    int fds[2];

    log_set_level(LOG_ERROR);
    memset(&fake, 0, sizeof(fake));
    fake.tag = "tag";
    rig_open(&r->m);
    gmem_destroy(r->m.mem);
    r->ram_fd = gmem_make_file(RAM, false);
    assert_true(r->ram_fd >= 0);
    r->m.mem = gmem_create_on(RAM, r->ram_fd);
    assert_non_null(r->m.mem);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    r->other = fds[1];
    answer(r, GET_FEATURES, 8, FEATURES);
    answer(r, GET_PROTOCOL_FEATURES, 8, 0xffff);
    assert_int_equal(vhost_user_open(&fake.device, fds[0], "other"), 0);
    expect(r, GET_FEATURES);
    expect(r, GET_PROTOCOL_FEATURES);
    assert_int_equal(expect(r, SET_PROTOCOL_FEATURES).u.u64, 0);
    expect(r, SET_OWNER);
    r->f = vfs_create(NULL, r->m.loop, r->m.mem);
    assert_non_null(r->f);
    rig_plug(&r->m, &vfs_ops, r->f);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    if (!fake.device.lost) {
        answer(r, GET_VRING_BASE, 8, 0);
        answer(r, GET_VRING_BASE, 8, 0);
    }
    virtio_mmio_destroy(r->m.t);
    r->m.t = NULL;
    vfs_destroy(r->f);
    assert_null(fake.gone);
    rig_close(&r->m);
    close(fake.device.fd);
    if (r->other >= 0)
        close(r->other);
    close(r->ram_fd);
    free(r);
    return 0;
}

/* A queue's six messages; the kick's and the call's descriptors. */
static void expect_ring(struct rig *r, unsigned q, int *kick_fd, int *call_fd)
{
    const struct virtq_config *c = &r->m.rings[q].cfg;
    struct message m = expect(r, SET_VRING_NUM);

    assert_int_equal(m.u.u32[0], q);
    assert_int_equal(m.u.u32[1], SIZE);
    m = expect(r, SET_VRING_BASE);
    assert_int_equal(m.u.u32[0], q);
    assert_int_equal(m.u.u32[1], 0);
    m = expect(r, SET_VRING_ADDR);
    assert_int_equal(m.size, 40);
    assert_int_equal(m.u.u32[0], q);
    assert_int_equal(m.u.words[1], c->desc.v);
    assert_int_equal(m.u.words[2], c->used.v);
    assert_int_equal(m.u.words[3], c->avail.v);
    m = expect(r, SET_VRING_CALL);
    assert_int_equal(m.u.u64, q);
    assert_int_equal(m.n_fds, 1);
    *call_fd = m.fds[0];
    m = expect(r, SET_VRING_KICK);
    assert_int_equal(m.u.u64, q);
    assert_int_equal(m.n_fds, 1);
    *kick_fd = m.fds[0];
    m = expect(r, SET_VRING_ENABLE);
    assert_int_equal(m.u.u32[0], q);
    assert_int_equal(m.u.u32[1], 1);
}

/* Up to DRIVER_OK; what was said of it is read and checked. */
static void go(struct rig *r, int kicks[2], int calls[2])
{
    const uint64_t accepted = BIT(VIRTIO_F_VERSION_1) |
                              BIT(VIRTIO_RING_F_EVENT_IDX) |
                              BIT(VIRTIO_F_RING_RESET);
    struct message m;

    drive(&r->m, accepted, 2, SIZE);
    /* Of the driver's, those that the other process knows. */
    assert_int_equal(expect(r, SET_FEATURES).u.u64,
                     BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_RING_F_EVENT_IDX) |
                         BIT(30));
    m = expect(r, SET_MEM_TABLE);
    assert_int_equal(m.u.u32[0], 1);
    assert_int_equal(m.u.words[1], 0);   /* guest address */
    assert_int_equal(m.u.words[2], RAM); /* size */
    assert_int_equal(m.u.words[3], 0);   /* user address: the same */
    assert_int_equal(m.u.words[4], 0);   /* offset */
    assert_int_equal(m.n_fds, 1);
    close(m.fds[0]);
    for (unsigned q = 0; q < 2; q++)
        expect_ring(r, q, &kicks[q], &calls[q]);
    expect_nothing(r);
}

static void close_all(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static uint64_t count(int fd)
{
    uint64_t n = 0;

    return read(fd, &n, sizeof(n)) == sizeof(n) ? n : 0;
}

/* ---- tests ---- */

static void identity(void **state)
{
    struct rig *r = *state;
    char tag[37] = "";

    assert_int_equal(rd(&r->m, VIRTIO_MMIO_DEVICE_ID), 26);
    reg_get(&r->m, VIRTIO_MMIO_CONFIG, tag, 8);
    assert_string_equal(tag, "tag");
    fake.tag = "012345678901234567890123456789abcdef";
    for (unsigned i = 0; i < 36; i++)
        reg_get(&r->m, VIRTIO_MMIO_CONFIG + i, tag + i, 1);
    assert_string_equal(tag, fake.tag);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_CONFIG + 36), 1);
}

/* Its kicks and interrupts pass us by; only the latter come through. */
static void hands_over(void **state)
{
    struct rig *r = *state;
    int kicks[2], calls[2];

    go(r, kicks, calls);
    /* It is told to look, for what was there already. */
    assert_true(count(kicks[0]) > 0 && count(kicks[1]) > 0);
    kick(&r->m, 1);
    spin(&r->m);
    assert_int_equal(count(kicks[1]), 1);
    assert_int_equal(interrupts(&r->m), 0);
    assert_int_equal(eventfd_write(calls[1], 1), 0);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 1);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
    expect_nothing(r);
    close_all(kicks);
    close_all(calls);
}

/* The file is the guest's RAM, and stays as large as it is. */
static void memory_is_shared(void **state)
{
    struct rig *r = *state;
    unsigned char *seen =
        mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_SHARED, r->ram_fd, 0);
    const char text[] = "hello";
    uint64_t offset = 1;
    char back[8] = "";

    assert_true(seen != MAP_FAILED);
    assert_int_equal(gmem_file(r->m.mem, 0, &offset), r->ram_fd);
    assert_int_equal(offset, 0);
    assert_int_equal(gmem_write(r->m.mem, GPA(0x3000), text, sizeof(text)), 0);
    assert_string_equal((char *)seen + 0x3000, text);
    memcpy(seen + 0x5000, "there", 6);
    assert_int_equal(gmem_read(r->m.mem, GPA(0x5000), back, 6), 0);
    assert_string_equal(back, "there");
    assert_int_equal(ftruncate(r->ram_fd, 4096), -1);
    assert_int_equal(ftruncate(r->ram_fd, 2 * RAM), -1);
    /* The next machine finds nothing of this one. */
    gmem_destroy(r->m.mem);
    r->m.mem = gmem_create_on(RAM, r->ram_fd);
    assert_non_null(r->m.mem);
    assert_int_equal(seen[0x3000], 0);
    assert_int_equal(seen[0x5000], 0);
    munmap(seen, RAM);
}

static void reset_takes_back(void **state)
{
    struct rig *r = *state;
    int kicks[2], calls[2], again[2];

    go(r, kicks, calls);
    answer(r, GET_VRING_BASE, 8, 0);
    answer(r, GET_VRING_BASE, 8, (uint64_t)7 << 32 | 1);
    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    spin(&r->m);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_STATUS), 0);
    assert_int_equal(expect(r, GET_VRING_BASE).u.u32[0], 0);
    assert_int_equal(expect(r, GET_VRING_BASE).u.u32[0], 1);
    assert_int_equal(fake.kills, 0);
    /* A late signal is nobody's interrupt. */
    (void)interrupts(&r->m);
    assert_int_equal(eventfd_write(calls[1], 1), 0);
    spin(&r->m);
    assert_int_equal(interrupts(&r->m), 0);
    /* The next driver: memory is known, queues are handed over anew. */
    drive(&r->m, BIT(VIRTIO_F_VERSION_1), 2, SIZE);
    expect(r, SET_FEATURES);
    for (unsigned q = 0; q < 2; q++) {
        expect_ring(r, q, &again[0], &again[1]);
        close_all(again);
    }
    close_all(kicks);
    close_all(calls);
}

static void one_queue_resets(void **state)
{
    struct rig *r = *state;
    int kicks[2], calls[2], again[2];

    go(r, kicks, calls);
    answer(r, GET_VRING_BASE, 8, 1);
    wr(&r->m, VIRTIO_MMIO_QUEUE_SEL, 1);
    wr(&r->m, REG_QUEUE_RESET, 1);
    spin(&r->m);
    assert_int_equal(expect(r, GET_VRING_BASE).u.u32[0], 1);
    expect_nothing(r);
    make_ring(&r->m, 1, SIZE);
    set_queue(&r->m, 1, &r->m.rings[1].cfg);
    wr(&r->m, VIRTIO_MMIO_QUEUE_READY, 1);
    spin(&r->m);
    expect_ring(r, 1, &again[0], &again[1]);
    close_all(again);
    close_all(kicks);
    close_all(calls);
}

/* It dies: the device says so, and resetting it neither waits nor helps. */
static void it_dies(void **state)
{
    struct rig *r = *state;
    int kicks[2], calls[2];

    go(r, kicks, calls);
    close(r->other);
    r->other = -1;
    assert_false(vhost_user_check(&fake.device));
    fake.gone(fake.owner);
    assert_true(needs_reset(&r->m));
    wr(&r->m, VIRTIO_MMIO_STATUS, 0);
    spin(&r->m);
    assert_int_equal(rd(&r->m, VIRTIO_MMIO_STATUS), 0);
    assert_true(fake.kills > 0);
    negotiate(&r->m, BIT(VIRTIO_F_VERSION_1));
    wr(&r->m, VIRTIO_MMIO_STATUS, S_LIVE);
    spin(&r->m);
    assert_true(needs_reset(&r->m));
    close_all(kicks);
    close_all(calls);
}

/* It does not give a queue back: it is ended, so that memory is at rest. */
static void wrong_answers(void **state)
{
    static const struct {
        uint32_t request, size;
    } wrong[] = {{GET_FEATURES, 8}, {GET_VRING_BASE, 4}, {GET_VRING_BASE, 200}};
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct vhost_user u;
        int fds[2];
        const uint32_t bytes[64] = {wrong[i].request, REPLY_FLAGS,
                                    wrong[i].size};

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
        u = (struct vhost_user){.fd = fds[0], .who = "other"};
        assert_int_equal(write(fds[1], bytes, sizeof(bytes)), sizeof(bytes));
        assert_int_equal(vhost_user_stop(&u, 0), -EPROTO);
        assert_true(u.lost);
        assert_true(vhost_user_set_features(&u, 0) < 0);
        close_all(fds);
    }
    /* A request where an answer should be. */
    answer(r, GET_VRING_BASE, 8, 0);
    answer(r, GET_VRING_BASE, 8, 0);
}

/* It speaks without being asked. */
static void unasked(void **state)
{
    struct rig *r = *state;

    assert_true(vhost_user_check(&fake.device));
    answer(r, GET_FEATURES, 8, 0);
    assert_false(vhost_user_check(&fake.device));
    assert_true(fake.device.lost);
}

static void it_lacks_features(void **state)
{
    struct rig *r = *state;

    fake.device.features = BIT(VIRTIO_F_VERSION_1) | BIT(30);
    assert_null(vfs_create(NULL, r->m.loop, r->m.mem));
    fake.device.features = FEATURES;
    share_attach(NULL, NULL, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(identity),         TEST(hands_over),       TEST(memory_is_shared),
        TEST(reset_takes_back), TEST(one_queue_resets), TEST(it_dies),
        TEST(wrong_answers),    TEST(unasked),          TEST(it_lacks_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
