// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The xenstore with all who share it in the product, each on a thread of its
 * own: the loop, which alone works on the ring and calls who watches; a vCPU
 * that asks; one that takes the answers; and a caller with the board lock. The
 * vCPUs share the ring's page with the loop, which nothing locks, and send
 * events with the lock held.
 *
 * The one that takes waits for the event's bit and not for the ring: a
 * notification that gets lost stands still, and is told. Built with TSan: an
 * answer that can be seen before it is whole, or a store touched without the
 * lock, is a report of TSan's. What the guest wrote is read in fetch.c, which
 * is built without: that it is read in order shows in the answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mmu/gwin.h"
#include "pvabi/xs_domain.h"
#include "vmm/log.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xen/io/xs_wire.h>

#define HOME     "/local/domain/1/"
#define SHINFO   0x2000u
#define STORE    0x3000u
#define BURST    12u /* requests on their way at once */
#define ROUNDS   300u
#define WILD     6000u
#define PATIENCE 30 /* seconds */

struct message {
    struct xsd_sockmsg head;
    char data[XENSTORE_PAYLOAD_MAX + 1];
};

struct machine {
    pthread_mutex_t lock; /* the board's */
    struct loop *loop;
    struct gmem *mem;
    struct shinfo *shinfo;
    struct evtchn *events;
    struct xs_domain *domain;
    struct loop_op dispatch, end;
    struct xs_watch watch;
    uint64_t watched; /* the last number the watch saw */
    struct xenstore_domain_interface *ring;
    uint32_t port;
    /* between the vCPUs */
    uint32_t sent;     /* the asker's */
    uint32_t answered; /* the taker's, told with a release */
    struct message answers[BURST];
    uint32_t events_taken;
    unsigned quiet; /* the caller with the lock shall wait */
    unsigned wild;  /* nobody takes answers */
    unsigned stop;
};

static struct machine m;

static unsigned is_set(const unsigned *flag)
{
    return __atomic_load_n(flag, __ATOMIC_ACQUIRE);
}

static void set(unsigned *flag, unsigned v)
{
    __atomic_store_n(flag, v, __ATOMIC_RELEASE);
}

/* A condition that comes true, or the test is over. */
#define AWAIT(condition)                                \
    do {                                                \
        const time_t end_ = time(NULL) + PATIENCE;      \
        while (!(condition)) {                          \
            if (time(NULL) >= end_) {                   \
                fprintf(stderr, "no " #condition "\n"); \
                abort();                                \
            }                                           \
            sched_yield();                              \
        }                                               \
    } while (0)

/* ---- a vCPU: the ring's two halves ---- */

static void kick(void)
{
    union evtchn_arg a = {.send = {.port = m.port}};

    pthread_mutex_lock(&m.lock);
    BUG_ON(evtchn_op(m.events, EVTCHNOP_send, &a) != 0);
    pthread_mutex_unlock(&m.lock);
}

/* A burst always fits. */
static void put_bytes(const void *data, size_t n)
{
    const uint32_t prod = m.ring->req_prod;

    for (size_t i = 0; i < n; i++)
        m.ring->req[MASK_XENSTORE_IDX(prod + i)] = ((const char *)data)[i];
    __atomic_store_n(&m.ring->req_prod, prod + (uint32_t)n, __ATOMIC_RELEASE);
}

static void put(uint32_t type, uint32_t tx, const void *data, size_t n)
{
    const struct xsd_sockmsg head = {type, ++m.sent, tx, (uint32_t)n};

    put_bytes(&head, sizeof(head));
    put_bytes(data, n);
    kick();
}

static bool is_told(void)
{
    return shinfo_clear_pending(m.shinfo, m.port);
}

/*
 * Only when the event came is the ring looked at again; who waits for room in
 * it is told that there is. False: the end.
 */
static bool take_bytes(void *to, size_t n)
{
    const uint32_t cons = m.ring->rsp_cons;
    const uint32_t prod = __atomic_load_n(&m.ring->rsp_prod, __ATOMIC_ACQUIRE);

    for (size_t i = 0; i < n; i++) {
        const uint32_t at = cons + (uint32_t)i;

        while (__atomic_load_n(&m.ring->rsp_prod, __ATOMIC_ACQUIRE) == at) {
            AWAIT(is_told() || is_set(&m.stop));
            if (is_set(&m.stop))
                return false;
        }
        ((char *)to)[i] = m.ring->rsp[MASK_XENSTORE_IDX(at)];
    }
    __atomic_store_n(&m.ring->rsp_cons, cons + (uint32_t)n, __ATOMIC_RELEASE);
    if (prod - cons == XENSTORE_RING_SIZE)
        kick();
    return true;
}

static void *take(void *arg)
{
    struct message in;

    AWAIT(!is_set(&m.wild));
    while (take_bytes(&in.head, sizeof(in.head))) {
        BUG_ON(in.head.len > XENSTORE_PAYLOAD_MAX);
        if (!take_bytes(in.data, in.head.len))
            break;
        in.data[in.head.len] = '\0';
        if (in.head.type == XS_WATCH_EVENT) {
            BUG_ON(strcmp(in.data, "data/op") != 0);
            m.events_taken++;
            continue;
        }
        BUG_ON(in.head.req_id != m.answered + 1);
        m.answers[m.answered % BURST] = in;
        __atomic_store_n(&m.answered, m.answered + 1, __ATOMIC_RELEASE);
    }
    return arg;
}

/* ---- a vCPU: what is asked ---- */

static const struct message *await_answers(void)
{
    AWAIT(__atomic_load_n(&m.answered, __ATOMIC_ACQUIRE) == m.sent);
    return &m.answers[(m.sent - 1) % BURST];
}

/* One request, whose text ends with its NUL or is a path and a value. */
static const struct message *ask(uint32_t type, uint32_t tx, const char *path,
                                 const char *value)
{
    char text[64];
    const size_t n = strlen(path) + 1, more = value ? strlen(value) : 0;

    BUG_ON(n + more > sizeof(text));
    memcpy(text, path, n);
    if (more)
        memcpy(text + n, value, more);
    put(type, tx, text, n + more);
    return await_answers();
}

/* Many on their way at once, and what the first did shows in the others. */
static void write_and_read(uint32_t n)
{
    char text[32], number[16];
    int len;

    snprintf(number, sizeof(number), "%u", n);
    len = snprintf(text, sizeof(text), "data/n %s", number);
    text[strlen("data/n")] = '\0';
    put(XS_WRITE, 0, text, (size_t)len);
    for (unsigned i = 1; i < BURST; i++)
        put(XS_READ, 0, "data/n", sizeof("data/n"));
    (void)await_answers();
    for (unsigned i = 1; i < BURST; i++) {
        const struct message *got = &m.answers[(m.sent - i) % BURST];

        BUG_ON(got->head.type != XS_READ || strcmp(got->data, number) != 0);
    }
}

/* True if it was committed. */
static bool try_transaction(uint32_t n)
{
    const struct message *got = ask(XS_TRANSACTION_START, 0, "", NULL);
    const uint32_t tx = (uint32_t)strtoul(got->data, NULL, 10);
    char number[16];

    BUG_ON(got->head.type != XS_TRANSACTION_START || !tx);
    snprintf(number, sizeof(number), "%u", n);
    BUG_ON(ask(XS_WRITE, tx, "data/t", number)->head.type != XS_WRITE);
    got = ask(XS_READ, tx, "data/t", NULL);
    BUG_ON(strcmp(got->data, number) != 0);
    got = ask(XS_TRANSACTION_END, tx, "T", NULL);
    BUG_ON(got->head.type == XS_ERROR && strcmp(got->data, "EAGAIN") != 0);
    return got->head.type == XS_TRANSACTION_END;
}

/* What is lost to somebody's write is tried again, in the end without any. */
static unsigned transact(uint32_t n)
{
    unsigned lost = 0;

    while (!try_transaction(n))
        set(&m.quiet, ++lost > 2);
    set(&m.quiet, 0);
    return lost;
}

/* ---- who has the lock ---- */

static bool count_node(void *ctx, const struct xs_entry *e)
{
    *(unsigned *)ctx += e->path[0] == '/';
    return true;
}

static void use_store(struct xs *xs, unsigned n)
{
    unsigned seen = 0;
    uint64_t v = 0;

    BUG_ON(xs_printf(xs, HOME "data/op", "%u", n) < 0);
    BUG_ON(xs_read_uint(xs, HOME "data/op", UINT32_MAX, &v) < 0 || v != n);
    BUG_ON(xs_walk(xs, "/", NULL, count_node, &seen) < 0 || seen < 20);
    if (n % 2)
        (void)xs_mkdir(xs, HOME "data/dir/below");
    else
        (void)xs_rm(xs, HOME "data/dir");
}

static void *run_caller(void *arg)
{
    for (unsigned n = 1; !is_set(&m.stop); n++) {
        pthread_mutex_lock(&m.lock);
        if (!is_set(&m.quiet))
            use_store(xs_domain_store(m.domain), n);
        pthread_mutex_unlock(&m.lock);
        sched_yield();
    }
    return arg;
}

/* On the loop: numbers only grow. */
static void on_change(void *owner, const char *path)
{
    uint64_t v = 0;

    (void)owner;
    (void)path;
    if (xs_read_uint(xs_domain_store(m.domain), HOME "data/n", UINT32_MAX, &v) <
        0)
        return;
    BUG_ON(v < m.watched);
    m.watched = v;
}

/* ---- the machine ---- */

static void on_upcall(void *ctx, unsigned vcpu)
{
    (void)ctx;
    (void)vcpu;
}

static void on_post(void *ctx)
{
    (void)ctx;
    loop_post(m.loop, &m.dispatch);
}

static void on_dispatch(struct loop_op *op, int res)
{
    (void)op;
    (void)res;
    evtchn_dispatch(m.events);
}

static void on_end(struct loop_op *op, int res)
{
    (void)op;
    (void)res;
    loop_stop(m.loop, 0);
}

static void make_guest(void)
{
    struct evtchn_config events = {
        .domid = XEN_GUEST_DOMID,
        .ops = {.upcall = on_upcall, .post = on_post},
    };
    struct xs_domain_config cfg = {
        .name = "race", .cpus = 2, .memory = MIB, .frame = STORE / GUEST_PAGE};
    struct gwin page;

    events.mem = m.mem = gmem_create(MIB, GMEM_ANON);
    events.shinfo = m.shinfo = shinfo_create(2);
    assert_non_null(m.shinfo);
    cfg.events = m.events = evtchn_create(&events);
    assert_non_null(m.events);
    assert_int_equal(gmem_win(m.mem, GPA(SHINFO), GUEST_PAGE, &page), 0);
    shinfo_map(m.shinfo, &page);
    assert_int_equal(gmem_win(m.mem, GPA(STORE), GUEST_PAGE, &cfg.page), 0);
    cfg.loop = m.loop;
    m.domain = xs_domain_create(&cfg);
    assert_non_null(m.domain);
    m.port = xs_domain_port(m.domain);
    m.ring = (void *)cfg.page.host;
}

static int setup(void **state)
{
    (void)state;
    memset(&m, 0, sizeof(m));
    log_set_level(LOG_ERROR);
    pthread_mutex_init(&m.lock, NULL);
    assert_int_equal(loop_create(&m.loop, &m.lock), 0);
    m.dispatch = (struct loop_op){.fn = on_dispatch};
    m.end = (struct loop_op){.fn = on_end};
    make_guest();
    m.watch = (struct xs_watch){.fn = on_change};
    assert_int_equal(
        xs_watch(xs_domain_store(m.domain), &m.watch, HOME "data/n"), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    xs_unwatch(&m.watch);
    xs_domain_destroy(m.domain);
    loop_drain(m.loop, &m.dispatch);
    evtchn_destroy(m.events);
    shinfo_destroy(m.shinfo);
    gmem_destroy(m.mem);
    loop_destroy(m.loop);
    pthread_mutex_destroy(&m.lock);
    return 0;
}

/* The loop, here, until the vCPU that asks is through; all others end too. */
static void run(void *(*vcpu)(void *arg))
{
    void *(*const others[])(void *arg) = {take, run_caller};
    pthread_t first, threads[ARRAY_LEN(others)];

    for (unsigned i = 0; i < ARRAY_LEN(others); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, others[i], NULL), 0);
    assert_int_equal(pthread_create(&first, NULL, vcpu, NULL), 0);
    assert_int_equal(loop_run(m.loop), 0);
    pthread_join(first, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(others); i++)
        pthread_join(threads[i], NULL);
}

static void stop_all(void)
{
    set(&m.stop, 1);
    pthread_mutex_lock(&m.lock);
    loop_post(m.loop, &m.end);
    pthread_mutex_unlock(&m.lock);
}

static void *ask_well(void *arg)
{
    static const char watch[] = "data/op\0token";
    unsigned lost = 0;

    put(XS_WATCH, 0, watch, sizeof(watch));
    BUG_ON(await_answers()->head.type != XS_WATCH);
    for (uint32_t n = 1; n <= ROUNDS || !lost; n++) {
        write_and_read(n);
        if (n % 4 == 0)
            lost += transact(n);
    }
    stop_all();
    return arg;
}

static void test_all_at_once(void **state)
{
    (void)state;
    run(ask_well);
    assert_true(m.watched > 0);
    assert_true(m.events_taken > 0);
    assert_int_equal(m.answered, m.sent);
}

/* ---- a guest that keeps no rule ---- */

static uint32_t any(void)
{
    static uint32_t seed = 4711; /* of the one thread there is */

    seed = seed * 1664525u + 1013904223u;
    return seed >> 7;
}

/* Nearly a request, or bytes: in the ring, whatever is there. */
static void scribble(void)
{
    const uint32_t head[] = {any() % 24, any(), any() % 4, any() % 24};
    const uint32_t at = any() % (XENSTORE_RING_SIZE / 4);
    uint32_t *words = (void *)m.ring->req;

    for (unsigned i = 0; i < ARRAY_LEN(head); i++)
        __atomic_store_n(&words[(at + i) % (XENSTORE_RING_SIZE / 4)], head[i],
                         __ATOMIC_RELAXED);
}

static void move_index(void)
{
    uint32_t *at = any() % 2 ? &m.ring->req_prod : &m.ring->rsp_cons;
    const uint32_t step = any() % 8 ? any() % 64 : any();

    __atomic_store_n(at, __atomic_load_n(at, __ATOMIC_RELAXED) + step,
                     __ATOMIC_RELEASE);
}

static void reconnect(void)
{
    AWAIT(__atomic_load_n(&m.ring->connection, __ATOMIC_ACQUIRE) ==
          XENSTORE_CONNECTED);
    __atomic_store_n(&m.ring->connection, XENSTORE_RECONNECT, __ATOMIC_RELEASE);
    kick();
}

/* In the end it is served as any. */
static void *ask_wildly(void *arg)
{
    for (unsigned n = 0; n < WILD; n++) {
        scribble();
        move_index();
        if (n % 4 == 0)
            kick();
        if (n % 64 == 0)
            reconnect();
    }
    reconnect();
    AWAIT(__atomic_load_n(&m.ring->connection, __ATOMIC_ACQUIRE) ==
          XENSTORE_CONNECTED);
    set(&m.wild, 0);
    BUG_ON(strcmp(ask(XS_READ, 0, "domid", NULL)->data, "1") != 0);
    stop_all();
    return arg;
}

static void test_wild(void **state)
{
    struct xs_usage usage;

    (void)state;
    m.wild = 1;
    run(ask_wildly);
    xs_usage(xs_domain_store(m.domain), &usage);
    assert_true(usage.bytes <= xs_default_limits.total_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wild, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
