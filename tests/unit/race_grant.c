// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Grants against a guest that does not wait: a second thread gives entries,
 * takes them back and makes them read-only, by the rules of Xen's
 * grant_table.h, while the back-end pins and releases.
 *
 * Whoever has the frame writes to it, plainly. Built with TSan: two writers at
 * once, or one without the other's writes before it, is a report of TSan's.
 */
#include "grant_rig.h"

#include <pthread.h>

#define REFS   4u
#define FIRST  16u /* the first of them */
#define ROUNDS 60000u

static struct rig *rig;
static bool version_2;
static unsigned stop;

static uint64_t *page_of(unsigned i)
{
    void *at = rig->ram + (30 + i) * GUEST_PAGE;

    return at;
}

/* ---- the guest ---- */

static uint16_t *flags_of(unsigned ref)
{
    return version_2 ? &entry_v2(rig, ref)->hdr.flags
                     : &entry_v1(rig, TABLE, ref)->flags;
}

static void give(unsigned i, unsigned how)
{
    const unsigned ref = FIRST + i;

    if (version_2)
        __atomic_store_n(&entry_v2(rig, ref)->full_page.frame, 30 + i,
                         __ATOMIC_RELAXED);
    else
        __atomic_store_n(&entry_v1(rig, TABLE, ref)->frame, 30 + i,
                         __ATOMIC_RELAXED);
    __atomic_store_n(flags_of(ref), (uint16_t)how, __ATOMIC_RELEASE);
}

/* Version 1: gone in one step, or not at all. */
static bool take_back_v1(unsigned i)
{
    uint16_t *at = flags_of(FIRST + i);
    uint16_t old = __atomic_load_n(at, __ATOMIC_RELAXED);

    if (old & (GTF_reading | GTF_writing))
        return false;
    return __atomic_compare_exchange_n(at, &old, 0, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_RELAXED);
}

/*
 * Version 2: invalid first; then it is the guest's once nobody shows. The
 * status is looked at by the word, as TSan knows atomics by their address.
 */
static bool take_back_v2(unsigned i)
{
    const unsigned ref = FIRST + i;
    void *at = status(rig, ref & ~1u);
    uint32_t word;

    __atomic_store_n(flags_of(ref), 0, __ATOMIC_SEQ_CST);
    word = __atomic_load_n((uint32_t *)at, __ATOMIC_SEQ_CST);
    return !(word >> ref % 2 * 16 & (GTF_reading | GTF_writing));
}

static bool take_back(unsigned i)
{
    return version_2 ? take_back_v2(i) : take_back_v1(i);
}

static void *guest_main(void *arg)
{
    unsigned *revoked = arg;
    bool given[REFS] = {false};

    for (unsigned n = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); n++) {
        const unsigned i = n % REFS;

        if (!given[i]) {
            (*page_of(i))++;
            give(i, GTF_permit_access | (n % 3 ? 0 : GTF_readonly));
            given[i] = true;
        } else if (take_back(i)) {
            (*page_of(i))++;
            (*revoked)++;
            given[i] = false;
        }
    }
    return NULL;
}

/* ---- the back-end ---- */

static bool use(unsigned i)
{
    const bool write = i % 2;
    struct iovec iov;
    uint64_t *at;
    const int ret = gnttab_iov(rig->gt, FIRST + i, 0, 8, write, &iov);

    if (ret < 0) {
        assert_true(ret == -EACCES || ret == -EPERM || ret == -EAGAIN);
        return false;
    }
    assert_ptr_equal(iov.iov_base, page_of(i));
    at = iov.iov_base;
    if (write)
        (*at)++;
    else
        assert_true(*at);
    gnttab_release(rig->gt, FIRST + i, write);
    return true;
}

static void run(void)
{
    unsigned revoked = 0, used = 0;
    pthread_t guest;

    stop = 0;
    assert_int_equal(pthread_create(&guest, NULL, guest_main, &revoked), 0);
    for (unsigned n = 0; n < ROUNDS || !used; n++)
        used += use(n % REFS);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(guest, NULL);
    assert_true(used > 0);
    assert_true(revoked > 0);
    assert_int_equal(gnttab_pins(rig->gt), 0);
}

static void test_v1(void **state)
{
    (void)state;
    rig = rig_open();
    version_2 = false;
    run();
    rig_close(rig);
}

static void test_v2(void **state)
{
    (void)state;
    rig = rig_open();
    version_2 = true;
    use_v2(rig);
    run();
    rig_close(rig);
}

/* An entry that never holds still is given up, not waited for. */
static void *restless(void *arg)
{
    uint32_t *word = arg;
    const uint32_t flip = (uint32_t)1 << 15; /* a bit of no meaning */

    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
        __atomic_fetch_xor(word, flip, __ATOMIC_RELAXED);
    return NULL;
}

static void test_restless(void **state)
{
    struct iovec iov;
    pthread_t guest;
    void *word;

    (void)state;
    rig = rig_open();
    version_2 = false;
    give(0, GTF_permit_access);
    stop = 0;
    word = flags_of(FIRST);
    assert_int_equal(pthread_create(&guest, NULL, restless, word), 0);
    for (unsigned n = 0; n < ROUNDS; n++) {
        const int ret = gnttab_iov(rig->gt, FIRST, 0, 8, true, &iov);

        assert_true(ret == 0 || ret == -EAGAIN);
        if (ret == 0)
            gnttab_release(rig->gt, FIRST, true);
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    pthread_join(guest, NULL);
    rig_close(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v1),
        cmocka_unit_test(test_v2),
        cmocka_unit_test(test_restless),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
