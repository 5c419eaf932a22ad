// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * floor.c: the ioctls vmm makes before the first guest instruction, and
 * nothing else: no options, no image, no tables, no loop, no sandbox. The
 * guest is the code of first.S, written into memory; its byte goes to
 * standard output. What vmm takes beyond this is vmm's own.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define GUEST_RAM  (256ul << 20)
#define GUEST_CODE 0x100000u

static const unsigned char code[] = {0x66, 0xba, 0xf8, 0x03,
                                     0xb0, '\n', 0xee, 0xf4};

static struct {
    struct kvm_cpuid2 head;
    struct kvm_cpuid_entry2 entries[128];
} cpuid = {.head.nent = 128};

static int must(int ret, const char *what)
{
    if (ret < 0)
        err(1, "%s", what);
    return ret;
}

#define DO(fd, request, arg) must(ioctl((fd), (request), (arg)), #request)

static void enable(int vm, uint32_t cap, uint64_t arg)
{
    const struct kvm_enable_cap c = {.cap = cap, .args = {arg}};

    DO(vm, KVM_ENABLE_CAP, &c);
}

static unsigned char *make_ram(int vm)
{
    unsigned char *ram =
        mmap(NULL, GUEST_RAM, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    const struct kvm_userspace_memory_region region = {
        .memory_size = GUEST_RAM, .userspace_addr = (uintptr_t)ram};

    if (ram == MAP_FAILED)
        err(1, "mmap");
    DO(vm, KVM_SET_USER_MEMORY_REGION, &region);
    return ram;
}

static void set_entry(int vcpu)
{
    const struct kvm_segment data = {.limit = ~0u,
                                     .selector = 16,
                                     .type = 3,
                                     .present = 1,
                                     .db = 1,
                                     .s = 1,
                                     .g = 1};
    const struct kvm_regs regs = {.rip = GUEST_CODE, .rflags = 2};
    struct kvm_sregs s;

    DO(vcpu, KVM_GET_SREGS, &s);
    s.ds = s.es = s.fs = s.gs = s.ss = data;
    s.cs = data;
    s.cs.type = 11;
    s.cs.selector = 8;
    s.cr0 = 0x11;
    DO(vcpu, KVM_SET_SREGS, &s);
    DO(vcpu, KVM_SET_REGS, &regs);
}

static int make_vm(int kvm)
{
    const uint64_t identity = 0xfffbc000;
    const int vm = DO(kvm, KVM_CREATE_VM, 0);

    DO(vm, KVM_SET_IDENTITY_MAP_ADDR, &identity);
    DO(vm, KVM_SET_TSS_ADDR, 0xfffbd000ul);
    enable(vm, KVM_CAP_SPLIT_IRQCHIP, 24);
    enable(vm, KVM_CAP_X2APIC_API, 3);
    enable(vm, KVM_CAP_X86_USER_SPACE_MSR, KVM_MSR_EXIT_REASON_UNKNOWN);
    DO(kvm, KVM_GET_SUPPORTED_CPUID, &cpuid);
    return vm;
}

int main(void)
{
    const int kvm = must(open("/dev/kvm", O_RDWR | O_CLOEXEC), "/dev/kvm");
    const int size = DO(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    const int vm = make_vm(kvm);
    unsigned char *ram = make_ram(vm);
    const int vcpu = DO(vm, KVM_CREATE_VCPU, 0ul);
    struct kvm_run *run =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[1];
    } msrs = {.head.nmsrs = 1, .entries = {{.index = 0x2ff, .data = 0x806}}};

    if (run == MAP_FAILED)
        err(1, "mmap");
    DO(vcpu, KVM_SET_CPUID2, &cpuid);
    DO(vcpu, KVM_SET_MSRS, &msrs);
    memcpy(ram + GUEST_CODE, code, sizeof(code));
    set_entry(vcpu);
    DO(vcpu, KVM_RUN, 0);
    if (run->exit_reason != KVM_EXIT_IO)
        errx(1, "exit reason %u", run->exit_reason);
    must((int)write(STDOUT_FILENO, (unsigned char *)run + run->io.data_offset,
                    1),
         "write");
    pause();
    return 0;
}
