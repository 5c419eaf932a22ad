/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-calls: this is a guest of Xen by CPUID; each hypercall of the table
 * answers as Xen's public headers say, an unknown one -ENOSYS, a bad pointer
 * -EFAULT; several come in one; text by console_io and port 0xE9 comes out.
 */
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "xen.h"

#include <xen/physdev.h>

static void leaves(void)
{
    CHECK_GE("highest leaf", cpuid(xen_leaf(0), 0).eax, xen_leaf(4));
    CHECK_EQ("version", cpuid(xen_leaf(1), 0).eax, 4u << 16 | 17u);
    CHECK_EQ("hypercall pages", cpuid(xen_leaf(2), 0).eax, 1);
    CHECK_EQ("TSC mode: never emulated", cpuid(xen_leaf(3), 0).ebx, 2);
    CHECK_EQ("vCPU id is told", cpuid(xen_leaf(4), 0).eax & 8, 8);
    CHECK_EQ("upcall vectors are told", cpuid(xen_leaf(4), 0).eax & 64, 64);
    CHECK_EQ("vCPU id", cpuid(xen_leaf(4), 0).ebx, 0);
}

static long version(unsigned cmd, void *arg)
{
    return xen_call2(__HYPERVISOR_xen_version, cmd, arg);
}

static void versions(void)
{
    static xen_capabilities_info_t caps;
    xen_extraversion_t extra;
    struct xen_feature_info f = {.submap_idx = 0};
    struct xen_platform_parameters p = {.virt_start = 1};
    xen_domain_handle_t handle;
    unsigned char id[64] = {60, 0, 0, 0};
    struct xen_compile_info info;

    CHECK_EQ("version", (uint64_t)version(XENVER_version, NULL),
             4u << 16 | 17u);
    CHECK_EQ("page size", (uint64_t)version(XENVER_pagesize, NULL), 4096);
    CHECK_EQ("extraversion", (uint64_t)version(XENVER_extraversion, extra), 0);
    CHECK_EQ("extraversion's end", (unsigned char)extra[15], 0);
    CHECK_EQ("capabilities", (uint64_t)version(XENVER_capabilities, caps), 0);
    CHECK_EQ("capabilities begin", (unsigned char)caps[0], 'h');
    CHECK_EQ("compile info", (uint64_t)version(XENVER_compile_info, &info), 0);
    CHECK_EQ("platform", (uint64_t)version(XENVER_platform_parameters, &p), 0);
    CHECK_EQ("virt_start", p.virt_start, 0);
    CHECK_EQ("handle", (uint64_t)version(XENVER_guest_handle, handle), 0);
    CHECK_EQ("features", (uint64_t)version(XENVER_get_features, &f), 0);
    CHECK_EQ("auto-translated", f.submap >> XENFEAT_auto_translated_physmap & 1,
             1);
    CHECK_EQ("callback vector", f.submap >> XENFEAT_hvm_callback_vector & 1, 1);
    CHECK_EQ("safe pvclock", f.submap >> XENFEAT_hvm_safe_pvclock & 1, 1);
    f.submap_idx = 1;
    CHECK_EQ("another submap", (uint64_t)version(XENVER_get_features, &f),
             (uint64_t)(int64_t)XEN_EINVAL);
    CHECK_GE("build id", (uint64_t)version(XENVER_build_id, id), 1);
    CHECK_EQ("no such part", (uint64_t)version(77, id),
             (uint64_t)(int64_t)XEN_ENOSYS);
}

#define IS(what, call, result) \
    CHECK_EQ(what, (uint64_t)(int64_t)(call), (uint64_t)(int64_t)(result))

/* Numbers that Xen does not give to a guest of hardware, or to nobody. */
static void unknown(void)
{
    static const unsigned numbers[] = {0,  1,  2,  3,  4,  5,   7,  11,
                                       14, 22, 23, 25, 26, 30,  35, 36,
                                       39, 42, 48, 63, 64, 100, 127};

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        if (numbers[i] != __HYPERVISOR_iret)
            IS("a hypercall that is none", xen_call(numbers[i], 0, 0, 0, 0, 0),
               XEN_ENOSYS);
}

static void pointers(void)
{
    const unsigned long none = 0xd0000000ul; /* no RAM is there */

    IS("features into no RAM", version(XENVER_get_features, (void *)none),
       XEN_EFAULT);
    IS("an event from no RAM", xen_event(EVTCHNOP_send, (void *)none),
       XEN_EFAULT);
    IS("a parameter from no RAM",
       xen_call(__HYPERVISOR_hvm_op, HVMOP_get_param, none, 0, 0, 0),
       XEN_EFAULT);
    IS("a multicall from no RAM",
       xen_call(__HYPERVISOR_multicall, none, 1, 0, 0, 0), XEN_EFAULT);
    IS("text from no RAM",
       xen_call(__HYPERVISOR_console_io, CONSOLEIO_write, 1, none, 0, 0),
       XEN_EFAULT);
}

static void multicalls(void)
{
    struct multicall_entry e[3] = {
        {.op = __HYPERVISOR_xen_version, .args = {XENVER_version}},
        {.op = 63},
        {.op = __HYPERVISOR_multicall},
    };

    IS("multicall", xen_call(__HYPERVISOR_multicall, XEN_PTR(e), 3, 0, 0, 0),
       0);
    CHECK_EQ("its version", e[0].result, 4u << 16 | 17u);
    IS("its unknown one", (long)e[1].result, XEN_ENOSYS);
    IS("a multicall in it", (long)e[2].result, XEN_EINVAL);
    IS("too many",
       xen_call(__HYPERVISOR_multicall, XEN_PTR(e), 100000, 0, 0, 0), -7);
}

static long param(unsigned op, uint32_t index, uint64_t *value)
{
    struct xen_hvm_param p = {
        .domid = DOMID_SELF, .index = index, .value = *value};
    const long ret = xen_call2(__HYPERVISOR_hvm_op, op, &p);

    *value = p.value;
    return ret;
}

static void params(void)
{
    uint64_t v = 0;

    IS("store's port", param(HVMOP_get_param, HVM_PARAM_STORE_EVTCHN, &v), 0);
    CHECK_GE("a port", v, 1);
    IS("store's page", param(HVMOP_get_param, HVM_PARAM_STORE_PFN, &v), 0);
    CHECK_GE("a page", v, 1);
    IS("set the store's", param(HVMOP_set_param, HVM_PARAM_STORE_PFN, &v),
       XEN_EPERM);
    v = 1;
    IS("set the callback", param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v),
       0);
    v = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0xf3;
    IS("one vector for all", param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v),
       0);
    v = 0;
    IS("none", param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v), 0);
    IS("no such parameter", param(HVMOP_get_param, 1000, &v), XEN_EINVAL);
}

static void others(void)
{
    struct xen_hvm_get_mem_type t = {.domid = DOMID_SELF, .pfn = 0x100};
    struct xen_hvm_evtchn_upcall_vector u = {.vcpu = 0, .vector = 3};
    struct physdev_eoi eoi = {.irq = 1};

    IS("type of RAM", xen_call2(__HYPERVISOR_hvm_op, HVMOP_get_mem_type, &t),
       0);
    CHECK_EQ("it is RAM", t.mem_type, HVMMEM_ram_rw);
    t.pfn = 0xd0000;
    IS("type of a hole", xen_call2(__HYPERVISOR_hvm_op, HVMOP_get_mem_type, &t),
       0);
    CHECK_EQ("it is none", t.mem_type, HVMMEM_mmio_dm);
    IS("flush", xen_call2(__HYPERVISOR_hvm_op, HVMOP_flush_tlbs, NULL), 0);
    IS("a vector of exceptions",
       xen_call2(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &u),
       XEN_EINVAL);
    u = (struct xen_hvm_evtchn_upcall_vector){.vcpu = 99, .vector = 0x50};
    IS("a vector of no vCPU",
       xen_call2(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &u),
       XEN_ENOENT);
    IS("an interrupt where there are none",
       xen_call2(__HYPERVISOR_physdev_op, PHYSDEVOP_eoi, &eoi), XEN_ENOSYS);
    IS("assist",
       xen_call(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
                VMASST_TYPE_runstate_update_flag, 0, 0, 0),
       0);
    IS("assist for PV",
       xen_call(__HYPERVISOR_vm_assist, VMASST_CMD_enable,
                VMASST_TYPE_writable_pagetables, 0, 0, 0),
       XEN_EINVAL);
}

static void text(void)
{
    static const char line[] = "hello by console_io\n";

    IS("console_io",
       xen_call(__HYPERVISOR_console_io, CONSOLEIO_write, sizeof(line) - 1,
                XEN_PTR(line), 0, 0),
       0);
    IS("too much",
       xen_call(__HYPERVISOR_console_io, CONSOLEIO_write, 1u << 20,
                XEN_PTR(line), 0, 0),
       -7);
    CHECK_EQ("port 0xE9", inb(0xe9), 0xe9);
}

/* A page by the MSR: only whole pages, and only in RAM. */
static void page(void)
{
    CHECK_EQ("a page that is not aligned",
             (unsigned)wrmsr_safe(xen_page_msr(), XEN_PTR(xen_page) + 8).vector,
             VECTOR_GP);
    CHECK_EQ("a page that is no RAM",
             (unsigned)wrmsr_safe(xen_page_msr(), 0xd0000000u).vector,
             VECTOR_GP);
}

void test_main(void)
{
    xen_init();
    leaves();
    versions();
    unknown();
    pointers();
    multicalls();
    params();
    others();
    text();
    page();
}
