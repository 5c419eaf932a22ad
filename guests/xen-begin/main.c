/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * xen-begin: a kernel that the guest put into memory by itself, as a boot
 * loader or kexec does, begins: it reads EFER in the map of the kernel, and
 * from then on its hypercall instructions are hypercalls, on a host whose KVM
 * knows nothing of Xen too. What only looks like them stays. Once for a kernel,
 * and anew after a soft reset.
 */
#include "console.h"
#include "cpu.h"
#include "report.h"
#include "string.h"
#include "xen.h"

#define KERNEL    0xffffffff81000000u
#define PRESENT   3u /* and writable */
#define MSR_EFER  0xc0000080u
#define SITES     4096u          /* where they are in the kernel */
#define LONE      (SITES + 512u) /* one that has no other beside it */
#define VERSION   (4u << 16 | 17u)
#define SIZE      (2 * 4096u)
#define SOME_BITS 0x500u /* EFER: long mode is on */

static uint64_t upper[512] __attribute__((aligned(4096)));
static uint64_t middle[512] __attribute__((aligned(4096)));
static uint64_t lower[512] __attribute__((aligned(4096)));
static unsigned char kernel[SIZE] __attribute__((aligned(4096)));

/* mov $MSR_EFER, %ecx; rdmsr; ret */
static const unsigned char start[] = {0xb9, 0x80, 0x00, 0x00,
                                      0xc0, 0x0f, 0x32, 0xc3};
static const unsigned char intel[] = {0x0f, 0x01, 0xc1, 0xc3};
static const unsigned char amd[] = {0x0f, 0x01, 0xd9, 0xc3};

static void map(void)
{
    uint64_t cr3, *top;

    __asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
    top = (uint64_t *)(uintptr_t)(cr3 & ~0xfffull);
    top[511] = (uintptr_t)upper | PRESENT;
    upper[510] = (uintptr_t)middle | PRESENT;
    middle[8] = (uintptr_t)lower | PRESENT;
    for (unsigned i = 0; i < SIZE / 4096; i++)
        lower[i] = ((uintptr_t)kernel + i * 4096) | PRESENT;
    __asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

static void load(void)
{
    memset(kernel, 0x90, sizeof(kernel));
    memcpy(kernel, start, sizeof(start));
    memcpy(kernel + SITES, amd, sizeof(amd));
    memcpy(kernel + SITES + 16, intel, sizeof(intel));
    memcpy(kernel + LONE, intel, sizeof(intel));
}

static void begin(void)
{
    uint32_t efer;

    __asm__ volatile("call *%[code]"
                     : "=a"(efer)
                     : [code] "r"((uint64_t)KERNEL)
                     : "rcx", "rdx", "memory");
    CHECK_EQ("EFER", efer & SOME_BITS, SOME_BITS);
}

static bool is_there(unsigned at, const unsigned char *code)
{
    return memcmp(kernel + at, code, sizeof(intel)) == 0;
}

static long call_at(unsigned site)
{
    long ret = __HYPERVISOR_xen_version;

    __asm__ volatile("call *%[code]"
                     : "+a"(ret)
                     : [code] "r"(KERNEL + (uint64_t)site),
                       "D"((uint64_t)XENVER_version), "S"(0ul)
                     : "memory");
    return ret;
}

static void check_kernel(void)
{
    load();
    begin();
    CHECK_EQ("AMD's is as it was", is_there(SITES, amd), false);
    CHECK_EQ("Intel's is as it was", is_there(SITES + 16, intel), false);
    CHECK_EQ("the lone one is as it was", is_there(LONE, intel), true);
    CHECK_EQ("AMD's", (uint64_t)call_at(SITES), VERSION);
    CHECK_EQ("Intel's", (uint64_t)call_at(SITES + 16), VERSION);
    /* Another CPU of it, as it seems: nobody looks at it. */
    load();
    begin();
    CHECK_EQ("a second time", is_there(SITES, amd), true);
}

void test_main(void)
{
    const struct sched_shutdown reset = {SHUTDOWN_soft_reset};

    xen_init();
    map();
    for (unsigned i = 0; i < 3; i++) {
        check_kernel();
        CHECK_EQ("a soft reset",
                 (uint64_t)xen_call2(__HYPERVISOR_sched_op, SCHEDOP_shutdown,
                                     &reset),
                 0);
    }
}
