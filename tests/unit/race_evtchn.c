// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * 2-level events against CPUs that do not wait: two threads are a guest's
 * vCPUs, which clear, mask and unmask at any time, by the rules of Xen's
 * event_channel.h, while back-ends raise events.
 *
 * An event carries a number that its sender wrote plainly and its taker reads
 * plainly; the sender waits for the answer before the next. An event that gets
 * lost stands still, and is told; one that comes without what was written
 * before it is a report of TSan's.
 */
#include "evtchn_rig.h"

#include <pthread.h>
#include <time.h>

#define CPUS     2u
#define PORTS    8u /* the nth is the nth CPU's, in turn */
#define ROUNDS   400u
#define PATIENCE 20 /* seconds */

/* One end for each word that both sides write. */
struct baton {
    uint32_t port;
    uint32_t sent; /* plain: whose turn it is has it */
    uint32_t answered;
};

struct guest {
    struct rig r;
    pthread_mutex_t lock; /* the board's */
    struct baton batons[PORTS];
    unsigned stop;
};

static struct guest g;

static uint32_t *word_at(size_t off)
{
    unsigned n;
    unsigned char *ram = gmem_slots(g.r.mem, &n)[0].host;
    void *at = ram + SHINFO + off;

    return at;
}

static uint8_t *upcall_of(unsigned cpu)
{
    void *at = word_at(cpu * SHINFO_VCPU_SIZE);

    return at;
}

static uint32_t *selector_of(unsigned cpu)
{
    return word_at(cpu * SHINFO_VCPU_SIZE +
                   offsetof(struct vcpu_info, evtchn_pending_sel));
}

static uint32_t *pending_of(uint32_t port)
{
    return word_at(offsetof(struct shared_info, evtchn_pending) +
                   port / 32 * 4);
}

static uint32_t *mask_of(uint32_t port)
{
    return word_at(offsetof(struct shared_info, evtchn_mask) + port / 32 * 4);
}

static uint32_t bit(uint32_t port)
{
    return UINT32_C(1) << port % 32;
}

/* ---- a vCPU ---- */

static void mask(uint32_t port)
{
    __atomic_fetch_or(mask_of(port), bit(port), __ATOMIC_SEQ_CST);
}

static void unmask(uint32_t port)
{
    pthread_mutex_lock(&g.lock);
    assert_int_equal(rig_op(&g.r, EVTCHNOP_unmask,
                            (union evtchn_arg){.unmask = {.port = port}}),
                     0);
    pthread_mutex_unlock(&g.lock);
}

/* Masked while it is answered, so that the next one waits for unmask. */
static void take(struct baton *b)
{
    if (__atomic_load_n(mask_of(b->port), __ATOMIC_SEQ_CST) & bit(b->port))
        return;
    mask(b->port);
    if (__atomic_fetch_and(pending_of(b->port), ~bit(b->port),
                           __ATOMIC_SEQ_CST) &
        bit(b->port))
        __atomic_store_n(&b->answered, b->sent, __ATOMIC_RELEASE);
    unmask(b->port);
}

static void look(unsigned cpu)
{
    if (!__atomic_exchange_n(upcall_of(cpu), 0, __ATOMIC_SEQ_CST))
        return;
    if (!__atomic_exchange_n(selector_of(cpu), 0, __ATOMIC_SEQ_CST))
        return;
    for (unsigned i = cpu; i < PORTS; i += CPUS)
        if (__atomic_load_n(pending_of(g.batons[i].port), __ATOMIC_SEQ_CST) &
            bit(g.batons[i].port))
            take(&g.batons[i]);
}

/* Now and then a port is masked for no reason, as by a driver. */
static void *run_cpu(void *arg)
{
    const unsigned cpu = *(const unsigned *)arg;

    for (unsigned n = 0; !__atomic_load_n(&g.stop, __ATOMIC_RELAXED); n++) {
        const uint32_t port =
            g.batons[cpu + n / 8 % (PORTS / CPUS) * CPUS].port;

        if (n % 8 == 0) {
            mask(port);
            look(cpu);
            unmask(port);
        }
        look(cpu);
    }
    return NULL;
}

/* ---- the back-ends ---- */

static bool is_answered(const struct baton *b)
{
    return __atomic_load_n(&b->answered, __ATOMIC_ACQUIRE) == b->sent;
}

static void send_next(struct baton *b)
{
    b->sent++;
    pthread_mutex_lock(&g.lock);
    evtchn_backend_notify(g.r.e, b->port);
    pthread_mutex_unlock(&g.lock);
}

static bool await_answers(void)
{
    const time_t end = time(NULL) + PATIENCE;
    unsigned left = PORTS;

    while (left && time(NULL) < end) {
        left = 0;
        for (unsigned i = 0; i < PORTS; i++)
            left += !is_answered(&g.batons[i]);
    }
    return left == 0;
}

static void on_notify(void *owner)
{
    (void)owner;
}

static void make_ports(void)
{
    for (unsigned i = 0; i < PORTS; i++) {
        const uint32_t port = rig_alloc(&g.r, XEN_BACKEND_DOMID);

        g.batons[i] = (struct baton){.port = port};
        assert_int_equal(
            evtchn_backend_bind(g.r.e, port, on_notify, &g.batons[i]), 0);
        assert_int_equal(
            rig_op(&g.r, EVTCHNOP_bind_vcpu,
                   (union evtchn_arg){
                       .bind_vcpu = {.port = port, .vcpu = i % CPUS}}),
            0);
    }
}

static void test_none_is_lost(void **state)
{
    unsigned numbers[CPUS];
    pthread_t cpus[CPUS];
    bool good = true;

    (void)state;
    pthread_mutex_init(&g.lock, NULL);
    rig_make(&g.r);
    make_ports();
    for (unsigned i = 0; i < CPUS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&cpus[i], NULL, run_cpu, &numbers[i]),
                         0);
    }
    for (unsigned n = 0; good && n < ROUNDS * PORTS; n++) {
        struct baton *b = &g.batons[n * 5 % PORTS];

        if (is_answered(b))
            send_next(b);
        else if (n % 64 == 0)
            good = await_answers();
    }
    good = good && await_answers();
    __atomic_store_n(&g.stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < CPUS; i++)
        pthread_join(cpus[i], NULL);
    assert_true(good);
    for (unsigned i = 0; i < PORTS; i++)
        assert_true(g.batons[i].sent > ROUNDS / 40);
    rig_free(&g.r);
    pthread_mutex_destroy(&g.lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_is_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
