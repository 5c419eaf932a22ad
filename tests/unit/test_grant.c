// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The grant table: pins, frames, versions, and the guest's operations. Facts
 * from Xen's public grant_table.h.
 */
#include "grant_rig.h"

static int setup(void **state)
{
    *state = rig_open();
    return 0;
}

static int teardown(void **state)
{
    rig_close(*state);
    return 0;
}

/* Each wish a grant does not grant, and its answer. */
static void test_refused(void **state)
{
    struct rig *r = *state;
    struct iovec iov;

    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EACCES);
    grant(r, 20, 3, GTF_permit_access, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EACCES);
    grant(r, 20, 0, GTF_accept_transfer, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EACCES);
    grant(r, 20, 0, GTF_transitive, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EACCES);
    grant(r, 20, 0, GTF_permit_access | GTF_sub_page, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EACCES);
    grant(r, 20, 0, GTF_permit_access | GTF_readonly, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, true, &iov), -EPERM);
    grant(r, 20, 0, GTF_permit_access, RAM / GUEST_PAGE);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EFAULT);
    assert_int_equal(flags(r, 20), GTF_permit_access);
    grant(r, 20, 0, GTF_permit_access, UINT32_MAX);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EFAULT);
    assert_int_equal(gnttab_iov(r->gt, 512, 0, 8, false, &iov), -EINVAL);
    assert_int_equal(gnttab_iov(r->gt, UINT32_MAX, 0, 8, false, &iov), -EINVAL);
    grant(r, 20, 0, GTF_permit_access, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 4096, 1, false, &iov), -EINVAL);
    assert_int_equal(gnttab_iov(r->gt, 20, 1, 4096, false, &iov), -EINVAL);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 0, false, &iov), -EINVAL);
    assert_int_equal(gnttab_iov(r->gt, 20, UINT32_MAX, 2, false, &iov),
                     -EINVAL);
    assert_int_equal(flags(r, 20), GTF_permit_access);
    assert_int_equal(gnttab_pins(r->gt), 0);
}

static void test_pin(void **state)
{
    struct rig *r = *state;
    struct iovec iov;

    grant(r, 20, 0, GTF_permit_access, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 100, 8, false, &iov), 0);
    assert_ptr_equal(iov.iov_base, r->ram + 9 * GUEST_PAGE + 100);
    assert_int_equal(iov.iov_len, 8);
    assert_int_equal(flags(r, 20), GTF_permit_access | GTF_reading);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 4096, true, &iov), 0);
    assert_int_equal(flags(r, 20),
                     GTF_permit_access | GTF_reading | GTF_writing);
    assert_int_equal(gnttab_pins(r->gt), 2);
    gnttab_release(r->gt, 20, false);
    assert_int_equal(flags(r, 20),
                     GTF_permit_access | GTF_reading | GTF_writing);
    gnttab_release(r->gt, 20, true);
    assert_int_equal(flags(r, 20), GTF_permit_access);
}

/* The other way round: the last writer goes, a reader stays. */
static void test_pin_reader_stays(void **state)
{
    struct rig *r = *state;
    struct gwin win;

    grant(r, 20, 0, GTF_permit_access, 9);
    assert_int_equal(gnttab_win(r->gt, 20, true, &win), 0);
    assert_int_equal(win.size, GUEST_PAGE);
    assert_int_equal(gnttab_win(r->gt, 20, false, &win), 0);
    gnttab_release(r->gt, 20, true);
    assert_int_equal(flags(r, 20), GTF_permit_access | GTF_reading);
    gnttab_release(r->gt, 20, false);
    assert_int_equal(flags(r, 20), GTF_permit_access);
}

/* What the entry says later does not matter to who has pinned it. */
static void test_pinned_holds(void **state)
{
    struct rig *r = *state;
    struct iovec iov;

    grant(r, 20, 0, GTF_permit_access, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), 0);
    grant(r, 20, 5, GTF_invalid, 77);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), 0);
    assert_ptr_equal(iov.iov_base, r->ram + 9 * GUEST_PAGE);
    /* But a right it did not ask for yet is asked for. */
    grant(r, 20, 0, GTF_permit_access | GTF_readonly, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, true, &iov), -EPERM);
    gnttab_release(r->gt, 20, false);
    gnttab_release(r->gt, 20, false);
    assert_int_equal(gnttab_pins(r->gt), 0);
}

static void test_pin_limit(void **state)
{
    struct rig *r = *state;
    struct iovec iov;

    grant(r, 20, 0, GTF_permit_access, 9);
    for (unsigned i = 0; i < UINT16_MAX; i++)
        assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), 0);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EBUSY);
    for (unsigned i = 0; i < UINT16_MAX; i++)
        gnttab_release(r->gt, 20, false);
    assert_int_equal(flags(r, 20), GTF_permit_access);
}

/* ---- frames ---- */

static void test_place(void **state)
{
    struct rig *r = *state;
    struct iovec iov;

    assert_int_equal(gnttab_frame(r->gt, 0), TABLE);
    assert_int_equal(gnttab_frame(r->gt, 1), GNTTAB_NO_FRAME);
    assert_int_equal(gnttab_place(r->gt, 0, GFN(RAM / GUEST_PAGE)), -EFAULT);
    assert_int_equal(gnttab_place(r->gt, 0, GFN(UINT64_MAX)), -EFAULT);
    assert_int_equal(gnttab_place(r->gt, FRAMES, GFN(40)), -EINVAL);
    assert_int_equal(gnttab_place(r->gt, UINT64_MAX, GFN(40)), -EINVAL);
    assert_int_equal(gnttab_place(r->gt, XENMAPIDX_grant_table_status, GFN(40)),
                     -EINVAL);
    /* High to low, as Linux does; the table is as long at once. */
    assert_int_equal(gnttab_place(r->gt, 3, GFN(43)), 0);
    assert_int_equal(gnttab_frame(r->gt, 3), 43);
    assert_int_equal(gnttab_frame(r->gt, 2), GNTTAB_NO_FRAME);
    entry_v1(r, 43, 5)->frame = 9;
    entry_v1(r, 43, 5)->flags = GTF_permit_access;
    assert_int_equal(gnttab_iov(r->gt, 3 * 512 + 5, 0, 8, true, &iov), 0);
    /* It moves, content and bits with it. */
    assert_int_equal(gnttab_place(r->gt, 3, GFN(50)), 0);
    assert_int_equal(entry_v1(r, 50, 5)->flags,
                     GTF_permit_access | GTF_reading | GTF_writing);
    gnttab_release(r->gt, 3 * 512 + 5, true);
    assert_int_equal(entry_v1(r, 50, 5)->flags, GTF_permit_access);
    gnttab_unplace(r->gt, GFN(50));
    assert_int_equal(gnttab_frame(r->gt, 3), GNTTAB_NO_FRAME);
    assert_int_equal(gnttab_iov(r->gt, 3 * 512 + 5, 0, 8, true, &iov), 0);
    gnttab_release(r->gt, 3 * 512 + 5, true);
}

/* A builder's entries are there when the guest looks. */
static void test_seed(void **state)
{
    struct rig *r = *state;
    struct gwin win;

    gnttab_destroy(r->gt);
    r->gt = gnttab_create(r->mem, GUEST, FRAMES);
    gnttab_seed(r->gt, GNTTAB_RESERVED_XENSTORE, GFN(7));
    assert_int_equal(gnttab_win(r->gt, GNTTAB_RESERVED_XENSTORE, true, &win),
                     0);
    gnttab_release(r->gt, GNTTAB_RESERVED_XENSTORE, true);
    assert_int_equal(gnttab_place(r->gt, 0, GFN(TABLE)), 0);
    assert_int_equal(entry_v1(r, TABLE, 1)->frame, 7);
    assert_int_equal(entry_v1(r, TABLE, 1)->flags, GTF_permit_access);
}

/* Nothing is left of what was there. */
static void test_reset(void **state)
{
    struct rig *r = *state;
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    struct iovec iov;

    use_v2(r);
    assert_int_equal(gnttab_place(r->gt, 3, GFN(43)), 0);
    grant_v2(r, 20, 0, GTF_permit_access, 9);
    gnttab_reset(r->gt);
    gnttab_op_query_size(r->gt, &q);
    assert_int_equal(q.nr_frames, 1);
    assert_int_equal(gnttab_frame(r->gt, 0), GNTTAB_NO_FRAME);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EACCES);
    assert_int_equal(gnttab_place(r->gt, 0, GFN(TABLE)), 0);
    assert_int_equal(flags(r, 20), 0);
    grant(r, 20, 0, GTF_permit_access, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), 0);
    gnttab_release(r->gt, 20, false);
}

/* ---- version 2 ---- */

static void test_version(void **state)
{
    struct rig *r = *state;
    struct gnttab_set_version set = {3};
    struct gnttab_get_version get = {.dom = DOMID_SELF};
    struct iovec iov;

    assert_int_equal(gnttab_op_set_version(r->gt, &set), -EINVAL);
    assert_int_equal(set.version, 1);
    grant(r, 3, 0, GTF_permit_access | GTF_readonly, 33);
    grant(r, 20, 0, GTF_permit_access, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), 0);
    set.version = 2;
    assert_int_equal(gnttab_op_set_version(r->gt, &set), -EBUSY);
    assert_int_equal(set.version, 1);
    gnttab_release(r->gt, 20, false);
    use_v2(r);
    assert_int_equal(gnttab_op_get_version(r->gt, &get), 0);
    assert_int_equal(get.version, 2);
    /* The reserved entries went along, the others did not. */
    assert_int_equal(entry_v2(r, 3)->full_page.frame, 33);
    assert_int_equal(entry_v2(r, 3)->hdr.flags,
                     GTF_permit_access | GTF_readonly);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), -EACCES);
    entry_v2(r, 4)->full_page.frame = (uint64_t)1 << 32;
    set.version = 1;
    assert_int_equal(gnttab_op_set_version(r->gt, &set), -ERANGE);
    entry_v2(r, 4)->full_page.frame = 0;
    set.version = 1;
    assert_int_equal(gnttab_op_set_version(r->gt, &set), 0);
    assert_int_equal(entry_v1(r, TABLE, 3)->frame, 33);
    assert_int_equal(gnttab_frame(r->gt, XENMAPIDX_grant_table_status),
                     GNTTAB_NO_FRAME);
    get.dom = 0;
    assert_int_equal(gnttab_op_get_version(r->gt, &get), -EPERM);
    get.dom = 99;
    assert_int_equal(gnttab_op_get_version(r->gt, &get), -ESRCH);
}

static void test_v2_pin(void **state)
{
    struct rig *r = *state;
    struct iovec iov;

    use_v2(r);
    grant_v2(r, 20, 0, GTF_permit_access, 9);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, false, &iov), 0);
    /* The entry is the guest's alone; the bits are in the status. */
    assert_int_equal(entry_v2(r, 20)->hdr.flags, GTF_permit_access);
    assert_int_equal(*status(r, 20), GTF_reading);
    assert_int_equal(gnttab_iov(r->gt, 20, 0, 8, true, &iov), 0);
    assert_int_equal(*status(r, 20), GTF_reading | GTF_writing);
    assert_int_equal(*status(r, 21), 0);
    gnttab_release(r->gt, 20, true);
    assert_int_equal(*status(r, 20), GTF_reading);
    gnttab_release(r->gt, 20, false);
    assert_int_equal(*status(r, 20), 0);
    grant_v2(r, 21, 0, GTF_permit_access | GTF_readonly, 9);
    assert_int_equal(gnttab_iov(r->gt, 21, 0, 8, true, &iov), -EPERM);
    grant_v2(r, 21, 0, GTF_transitive, 9);
    assert_int_equal(gnttab_iov(r->gt, 21, 0, 8, false, &iov), -EACCES);
    grant_v2(r, 21, 1, GTF_permit_access, 9);
    assert_int_equal(gnttab_iov(r->gt, 21, 0, 8, false, &iov), -EACCES);
    grant_v2(r, 21, 0, GTF_permit_access, UINT64_MAX);
    assert_int_equal(gnttab_iov(r->gt, 21, 0, 8, false, &iov), -EFAULT);
    grant_v2(r, 21, 0, GTF_permit_access, UINT64_MAX / GUEST_PAGE);
    assert_int_equal(gnttab_iov(r->gt, 21, 0, 8, false, &iov), -EFAULT);
    assert_int_equal(*status(r, 21), 0);
}

static void test_v2_sub_page(void **state)
{
    struct rig *r = *state;
    struct iovec iov;
    struct gwin win;

    use_v2(r);
    grant_v2(r, 20, 0, GTF_permit_access | GTF_sub_page, 9);
    entry_v2(r, 20)->sub_page.page_off = 100;
    entry_v2(r, 20)->sub_page.length = 50;
    assert_int_equal(gnttab_win(r->gt, 20, false, &win), -EACCES);
    assert_int_equal(gnttab_iov(r->gt, 20, 99, 8, false, &iov), -EINVAL);
    assert_int_equal(gnttab_iov(r->gt, 20, 100, 51, false, &iov), -EINVAL);
    assert_int_equal(gnttab_iov(r->gt, 20, 149, 2, false, &iov), -EINVAL);
    assert_int_equal(gnttab_iov(r->gt, 20, 100, 50, false, &iov), 0);
    /* Pinned in part is not pinned whole. */
    assert_int_equal(gnttab_win(r->gt, 20, false, &win), -EACCES);
    gnttab_release(r->gt, 20, false);
    entry_v2(r, 20)->sub_page.page_off = 4000;
    entry_v2(r, 20)->sub_page.length = 97;
    assert_int_equal(gnttab_iov(r->gt, 20, 4000, 8, false, &iov), -EINVAL);
    assert_int_equal(*status(r, 20), 0);
}

/* ---- operations ---- */

static void test_sizes(void **state)
{
    struct rig *r = *state;
    struct gnttab_query_size q = {.dom = DOMID_SELF};
    struct gnttab_setup_table s = {.dom = GUEST, .nr_frames = 3};
    struct gnttab_get_status_frames st = {.dom = DOMID_SELF, .nr_frames = 1};
    uint64_t frames[GNTTAB_MAX_FRAMES] = {0};

    assert_int_equal(gnttab_op_query_size(r->gt, &q), 0);
    assert_int_equal(q.status, GNTST_okay);
    assert_int_equal(q.nr_frames, 1);
    assert_int_equal(q.max_nr_frames, FRAMES);
    assert_int_equal(gnttab_op_setup_table(r->gt, &s, frames), 0);
    assert_int_equal(s.status, GNTST_okay);
    assert_int_equal(frames[0], TABLE);
    assert_int_equal(frames[2], GNTTAB_NO_FRAME);
    gnttab_op_query_size(r->gt, &q);
    assert_int_equal(q.nr_frames, 3);
    s.nr_frames = FRAMES + 1;
    gnttab_op_setup_table(r->gt, &s, frames);
    assert_int_equal(s.status, GNTST_general_error);
    gnttab_op_get_status_frames(r->gt, &st, frames);
    assert_int_equal(st.status, GNTST_general_error);
    use_v2(r);
    gnttab_op_get_status_frames(r->gt, &st, frames);
    assert_int_equal(st.status, GNTST_okay);
    assert_int_equal(frames[0], STATUS);
    st.nr_frames = 2;
    gnttab_op_get_status_frames(r->gt, &st, frames);
    assert_int_equal(st.status, GNTST_general_error);
    q.dom = s.dom = st.dom = 0;
    gnttab_op_query_size(r->gt, &q);
    gnttab_op_setup_table(r->gt, &s, frames);
    gnttab_op_get_status_frames(r->gt, &st, frames);
    assert_int_equal(q.status, GNTST_permission_denied);
    assert_int_equal(s.status, GNTST_permission_denied);
    assert_int_equal(st.status, GNTST_permission_denied);
    q.dom = 99;
    gnttab_op_query_size(r->gt, &q);
    assert_int_equal(q.status, GNTST_bad_domain);
}

static int16_t copy(struct rig *r, struct gnttab_copy c)
{
    c.status = 1;
    assert_int_equal(gnttab_op_copy(r->gt, &c), 0);
    assert_int_equal(gnttab_pins(r->gt), 0);
    return c.status;
}

#define BY_FRAME(n, o)                                    \
    {                                                     \
        .u.gmfn = (n), .domid = DOMID_SELF, .offset = (o) \
    }
#define BY_REF(n, d, o)                           \
    {                                             \
        .u.ref = (n), .domid = (d), .offset = (o) \
    }
#define COPY(...) ((struct gnttab_copy){__VA_ARGS__})

static void test_copy(void **state)
{
    struct rig *r = *state;
    unsigned char *from = r->ram + 30 * GUEST_PAGE;
    unsigned char *to = r->ram + 31 * GUEST_PAGE;

    memcpy(from + 10, "hello", 5);
    assert_int_equal(copy(r, COPY(.source = BY_FRAME(30, 10),
                                  .dest = BY_FRAME(31, 20), .len = 5)),
                     GNTST_okay);
    assert_memory_equal(to + 20, "hello", 5);
    grant(r, 20, GUEST, GTF_permit_access | GTF_readonly, 31);
    assert_int_equal(
        copy(r, COPY(.source = BY_REF(20, GUEST, 20), .dest = BY_FRAME(30, 0),
                     .len = 5, .flags = GNTCOPY_source_gref)),
        GNTST_okay);
    assert_memory_equal(from, "hello", 5);
    /* Read-only; in pieces too long; not granted; nobody's. */
    assert_int_equal(
        copy(r, COPY(.source = BY_FRAME(30, 0), .dest = BY_REF(20, GUEST, 0),
                     .len = 5, .flags = GNTCOPY_dest_gref)),
        GNTST_general_error);
    assert_int_equal(copy(r, COPY(.source = BY_FRAME(30, 4000),
                                  .dest = BY_FRAME(31, 0), .len = 97)),
                     GNTST_bad_copy_arg);
    assert_int_equal(copy(r, COPY(.source = BY_FRAME(30, 0),
                                  .dest = BY_FRAME(31, 5000), .len = 1)),
                     GNTST_bad_copy_arg);
    assert_int_equal(
        copy(r, COPY(.source = BY_REF(21, GUEST, 0), .dest = BY_FRAME(31, 0),
                     .len = 1, .flags = GNTCOPY_source_gref)),
        GNTST_general_error);
    assert_int_equal(
        copy(r, COPY(.source = BY_REF(5000, GUEST, 0), .dest = BY_FRAME(31, 0),
                     .len = 1, .flags = GNTCOPY_source_gref)),
        GNTST_bad_gntref);
    assert_int_equal(
        copy(r, COPY(.source = BY_REF(20, 0, 0), .dest = BY_FRAME(31, 0),
                     .len = 1, .flags = GNTCOPY_source_gref)),
        GNTST_bad_gntref);
    assert_int_equal(
        copy(r, COPY(.source = BY_REF(20, 99, 0), .dest = BY_FRAME(31, 0),
                     .len = 1, .flags = GNTCOPY_source_gref)),
        GNTST_bad_domain);
    assert_int_equal(copy(r, COPY(.source = {.u.gmfn = 30, .domid = 0},
                                  .dest = BY_FRAME(31, 0), .len = 1)),
                     GNTST_permission_denied);
    assert_int_equal(copy(r, COPY(.source = BY_FRAME(RAM / GUEST_PAGE, 0),
                                  .dest = BY_FRAME(31, 0), .len = 1)),
                     GNTST_bad_page);
    assert_int_equal(copy(r, COPY(.source = BY_FRAME(30, 0),
                                  .dest = BY_FRAME(UINT64_MAX, 0), .len = 1)),
                     GNTST_bad_page);
}

static void test_swap(void **state)
{
    struct rig *r = *state;
    struct gnttab_swap_grant_ref op = {20, 21, 1};
    struct iovec iov;

    grant(r, 20, 0, GTF_permit_access, 9);
    grant(r, 21, 4, GTF_invalid, 11);
    assert_int_equal(gnttab_op_swap_grant_ref(r->gt, &op), 0);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(entry_v1(r, TABLE, 21)->frame, 9);
    assert_int_equal(entry_v1(r, TABLE, 20)->domid, 4);
    assert_int_equal(gnttab_iov(r->gt, 21, 0, 8, false, &iov), 0);
    gnttab_op_swap_grant_ref(r->gt, &op);
    assert_int_equal(op.status, GNTST_eagain);
    gnttab_release(r->gt, 21, false);
    op.ref_b = 5000;
    gnttab_op_swap_grant_ref(r->gt, &op);
    assert_int_equal(op.status, GNTST_bad_gntref);
}

static void test_others(void **state)
{
    struct rig *r = *state;
    struct gnttab_cache_flush f = {.length = 8, .op = GNTTAB_CACHE_CLEAN};
    struct gnttab_map_grant_ref m = {
        .dom = GUEST, .ref = 20, .flags = GNTMAP_host_map};
    struct gnttab_unmap_grant_ref u = {.handle = 0};

    assert_int_equal(gnttab_op_cache_flush(r->gt, &f), 0);
    f.a.dev_bus_addr = RAM;
    assert_int_equal(gnttab_op_cache_flush(r->gt, &f), -EPERM);
    f.offset = 4090;
    assert_int_equal(gnttab_op_cache_flush(r->gt, &f), -EINVAL);
    f.offset = 0;
    f.op = GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_SOURCE_GREF;
    assert_int_equal(gnttab_op_cache_flush(r->gt, &f), -EOPNOTSUPP);
    f.op = 4;
    assert_int_equal(gnttab_op_cache_flush(r->gt, &f), -EINVAL);
    f.op = 0;
    assert_int_equal(gnttab_op_cache_flush(r->gt, &f), 0);

    assert_int_equal(gnttab_op_map_grant_ref(r->gt, &m), 0);
    assert_int_equal(m.status, GNTST_general_error);
    m.dom = 0;
    gnttab_op_map_grant_ref(r->gt, &m);
    assert_int_equal(m.status, GNTST_bad_gntref);
    m.dom = 99;
    gnttab_op_map_grant_ref(r->gt, &m);
    assert_int_equal(m.status, GNTST_bad_domain);
    m.dom = GUEST;
    m.flags = 0;
    gnttab_op_map_grant_ref(r->gt, &m);
    assert_int_equal(m.status, GNTST_bad_gntref);
    assert_int_equal(gnttab_op_unmap_grant_ref(r->gt, &u), 0);
    assert_int_equal(u.status, GNTST_bad_handle);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
        T(test_refused),      T(test_pin),         T(test_pin_reader_stays),
        T(test_pinned_holds), T(test_pin_limit),   T(test_place),
        T(test_seed),         T(test_reset),       T(test_version),
        T(test_v2_pin),       T(test_v2_sub_page), T(test_sizes),
        T(test_copy),         T(test_swap),        T(test_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
