// SPDX-License-Identifier: GPL-2.0-or-later
/* hc_version.c: HYPERVISOR_xen_version: what this hypervisor says of itself. */
#include "pvabi/xen_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FEATURES                                                          \
    (1u << XENFEAT_writable_page_tables |                                 \
     1u << XENFEAT_writable_descriptor_tables |                           \
     1u << XENFEAT_auto_translated_physmap |                              \
     1u << XENFEAT_hvm_callback_vector | 1u << XENFEAT_hvm_safe_pvclock | \
     1u << XENFEAT_memory_op_vnode_supported |                            \
     1u << XENFEAT_not_direct_mapped)

/* A text in a buffer of fixed size, the rest of it zeroes. */
static int64_t text_out(const struct xcall *c, size_t size, const char *text)
{
    char buf[1024] = {0};

    BUG_ON(size > sizeof(buf));
    snprintf(buf, size, "%s", text);
    return xcall_out(c, c->arg[1], buf, size);
}

static int64_t compile_info(const struct xcall *c)
{
    struct xen_compile_info info = {0};

    snprintf(info.compiler, sizeof(info.compiler), "%s", __VERSION__);
    snprintf(info.compile_by, sizeof(info.compile_by), "vmm");
    snprintf(info.compile_domain, sizeof(info.compile_domain), "vmm");
    return xcall_out(c, c->arg[1], &info, sizeof(info));
}

static int64_t get_features(const struct xcall *c)
{
    struct xen_feature_info info;

    if (xcall_in(c, c->arg[1], &info, sizeof(info)) < 0)
        return -EFAULT;
    if (info.submap_idx >= XENFEAT_NR_SUBMAPS)
        return -EINVAL;
    info.submap = FEATURES;
    if (c->x->n_gsis)
        info.submap |= 1u << XENFEAT_hvm_pirqs;
    if (c->x->drivers_only)
        info.submap &= ~(1u << XENFEAT_hvm_safe_pvclock);
    return xcall_out(c, c->arg[1], &info, sizeof(info));
}

static int64_t capabilities(const struct xcall *c)
{
    const unsigned major = c->x->version >> 16, minor = c->x->version & 0xffff;
    char text[128];

    snprintf(text, sizeof(text),
             "hvm-%u.%u-x86_32 hvm-%u.%u-x86_32p hvm-%u.%u-x86_64", major,
             minor, major, minor, major, minor);
    return text_out(c, sizeof(xen_capabilities_info_t), text);
}

/* The guest's handle is a UUID; ours has none but its domain id. */
static int64_t guest_handle(const struct xcall *c)
{
    const xen_domain_handle_t handle = {[15] = XEN_GUEST_DOMID};

    return xcall_out(c, c->arg[1], handle, sizeof(handle));
}

static int64_t extraversion(const struct xcall *c)
{
    return text_out(c, sizeof(xen_extraversion_t), "-vmm");
}

static int64_t changeset(const struct xcall *c)
{
    return text_out(c, sizeof(xen_changeset_info_t), "vmm " VMM_VERSION);
}

static int64_t platform(const struct xcall *c)
{
    /* No address is the hypervisor's: a guest of hardware has them all. */
    return xcall_word_out(c, c->arg[1], 0, 0);
}

static int64_t commandline(const struct xcall *c)
{
    return text_out(c, sizeof(xen_commandline_t), "");
}

/* Length, then as many bytes; no buffer: how many there are. */
static int64_t build_id(const struct xcall *c)
{
    static const char id[] = VMM_VERSION;
    const uint32_t n = sizeof(id) - 1;
    uint32_t len;

    if (c->arg[1] == 0)
        return n;
    if (xcall_in(c, c->arg[1], &len, sizeof(len)) < 0)
        return -EFAULT;
    if (len < n)
        return -ENOBUFS;
    if (xcall_out(c, c->arg[1] + sizeof(len), id, n) < 0)
        return -EFAULT;
    return n;
}

int64_t hc_xen_version(struct xcall *c)
{
    static int64_t (*const parts[])(const struct xcall *c) = {
        [XENVER_extraversion] = extraversion,
        [XENVER_compile_info] = compile_info,
        [XENVER_capabilities] = capabilities,
        [XENVER_changeset] = changeset,
        [XENVER_platform_parameters] = platform,
        [XENVER_get_features] = get_features,
        [XENVER_guest_handle] = guest_handle,
        [XENVER_commandline] = commandline,
        [XENVER_build_id] = build_id,
    };
    const uint32_t cmd = (uint32_t)c->arg[0];

    if (cmd == XENVER_version)
        return c->x->version;
    if (cmd == XENVER_pagesize)
        return GUEST_PAGE;
    if (cmd >= ARRAY_LEN(parts) || !parts[cmd])
        return -ENOSYS;
    return parts[cmd](c);
}
