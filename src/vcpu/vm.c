// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vm.c: the KVM virtual machine; see vm.h.
 *
 * The order of the ioctls below is KVM's: capabilities that change the
 * irqchip come before the first vCPU. Source: Linux
 * Documentation/virt/kvm/api.rst.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/*
 * VMX without "unrestricted guest" needs three pages and one in the hole,
 * where no firmware of 16 MiB or less is, and none of Xen's pages.
 */
#define TSS_ADDR      (LAYOUT_XEN_SPECIAL - 3 * GUEST_PAGE)
#define IDENTITY_ADDR (LAYOUT_XEN_SPECIAL - 4 * GUEST_PAGE)

/* Memory slots: guest RAM, and what comes and goes. */
#define SLOT_PIECES  GMEM_MAX_SLOTS
#define SLOT_WINDOWS (SLOT_PIECES + VM_MAX_PIECES)

static const struct {
    int cap;
    const char *name;
} required_caps[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
    {KVM_CAP_SPLIT_IRQCHIP, "KVM_CAP_SPLIT_IRQCHIP"},
    {KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI"},
    {KVM_CAP_IRQFD, "KVM_CAP_IRQFD"},
    {KVM_CAP_IOEVENTFD, "KVM_CAP_IOEVENTFD"},
    {KVM_CAP_EXT_CPUID, "KVM_CAP_EXT_CPUID"},
};

static const char *open_advice(int err)
{
    switch (err) {
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return "load the kvm module and enable virtualization in the BIOS";
    case EACCES:
    case EPERM:
        return "join the group kvm, or run as root";
    case EBUSY:
        return "another hypervisor has the CPU: stop it";
    default:
        return "run 'vmm doctor'";
    }
}

static int check_api(int fd, const char *path)
{
    const int version = ioctl(fd, KVM_GET_API_VERSION, 0);

    if (version != KVM_API_VERSION) {
        log_error("%s: not a KVM device (API version %d, want %d)", path,
                  version, KVM_API_VERSION);
        return -ENOTSUP;
    }
    for (size_t i = 0; i < ARRAY_LEN(required_caps); i++) {
        if (ioctl(fd, KVM_CHECK_EXTENSION, required_caps[i].cap) > 0)
            continue;
        log_error("%s: the host kernel lacks %s: use a newer one", path,
                  required_caps[i].name);
        return -ENOTSUP;
    }
    return 0;
}

int kvm_open(const char *path)
{
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    int ret;

    if (fd < 0) {
        ret = -errno;
        log_error("%s: %s: %s", path, strerror(-ret), open_advice(-ret));
        return ret;
    }
    ret = check_api(fd, path);
    if (ret < 0) {
        close(fd);
        return ret;
    }
    return fd;
}

unsigned kvm_max_vcpus(int kvm_fd)
{
    const int n = ioctl(kvm_fd, KVM_CHECK_EXTENSION, KVM_CAP_MAX_VCPUS);

    return n > 0 ? (unsigned)n : 1;
}

unsigned kvm_phys_bits(void)
{
    unsigned a, b, c, d;

    if (!__get_cpuid(0x80000008, &a, &b, &c, &d) || !(a & 0xff))
        return 36;
    return a & 0xff;
}

const char *kvm_advice(int err)
{
    switch (err) {
    case EMFILE:
        return "raise the open-files limit (ulimit -n)";
    case EAGAIN:
        return "raise the process limit (ulimit -u)";
    default:
        return "run 'vmm doctor'";
    }
}

static int create_fd(int kvm_fd)
{
    int fd;

    do {
        fd = ioctl(kvm_fd, KVM_CREATE_VM, 0);
    } while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

static int enable_cap(struct vm *vm, uint32_t cap, uint64_t arg)
{
    const struct kvm_enable_cap c = {.cap = cap, .args = {arg}};

    return ioctl(vm->fd, KVM_ENABLE_CAP, &c) < 0 ? -errno : 0;
}

static int setup_irqchip(struct vm *vm)
{
    const int ret = enable_cap(vm, KVM_CAP_SPLIT_IRQCHIP, vm->pins);

    if (ret < 0)
        return ret;
    /*
     * 32-bit destinations in messages; without them ids stay below 255,
     * which is all we hand out, so an old kernel's refusal is no loss.
     */
    (void)enable_cap(vm, KVM_CAP_X2APIC_API,
                     KVM_X2APIC_API_USE_32BIT_IDS |
                         KVM_X2APIC_API_DISABLE_BROADCAST_QUIRK);
    return 0;
}

static int setup_cpuid(struct vm *vm)
{
    vm->cpuid.head.nent = CPUID_MAX_ENTRIES;
    if (ioctl(vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, &vm->cpuid.head) < 0)
        return -errno;
    cpuid_apply_policy(&vm->cpuid);
    if (vm->hide_kvm)
        cpuid_hide_kvm(&vm->cpuid);
    return 0;
}

/* Each step of making a VM, with the name its failure is reported by. */
static int setup_vmx(struct vm *vm)
{
    const uint64_t identity = IDENTITY_ADDR;

    if (ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity) < 0)
        return -errno;
    return ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDR) < 0 ? -errno : 0;
}

static int setup_msr_exits(struct vm *vm)
{
    /* Without it KVM answers unknown MSRs with #GP by itself: the same. */
    (void)enable_cap(
        vm, KVM_CAP_X86_USER_SPACE_MSR,
        KVM_MSR_EXIT_REASON_UNKNOWN |
            (vm->xen == KVM_XEN_USER ? KVM_MSR_EXIT_REASON_FILTER : 0u));
    return 0;
}

static int setup_run_size(struct vm *vm)
{
    const int size = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);

    if (size < (int)sizeof(struct kvm_run))
        return size < 0 ? -errno : -EINVAL;
    vm->run_size = (size_t)size;
    return 0;
}

/* Where KVM collects writes, if it does: see vm_coalesce. */
static int setup_coalescing(struct vm *vm)
{
    const int page = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_MMIO);
    const int pio = ioctl(vm->fd, KVM_CHECK_EXTENSION, KVM_CAP_COALESCED_PIO);

    if (page > 0 && pio > 0 && ((size_t)page + 1) * GUEST_PAGE <= vm->run_size)
        vm->coalesced_page = (size_t)page;
    return 0;
}

static const struct {
    int (*run)(struct vm *vm);
    const char *name;
} vm_steps[] = {
    {setup_run_size, "KVM_GET_VCPU_MMAP_SIZE"},
    {setup_vmx, "KVM_SET_TSS_ADDR"},
    {setup_irqchip, "KVM_CAP_SPLIT_IRQCHIP"},
    {setup_msr_exits, "KVM_CAP_X86_USER_SPACE_MSR"},
    {xen_setup_vm, "KVM_XEN_HVM_CONFIG or KVM_X86_SET_MSR_FILTER"},
    {setup_cpuid, "KVM_GET_SUPPORTED_CPUID"},
    {setup_coalescing, "KVM_CAP_COALESCED_MMIO"},
};

struct vm *vm_create(const struct vm_config *cfg)
{
    struct vm *vm = calloc(1, sizeof(*vm));
    int ret;

    if (!vm) {
        log_error("virtual machine: out of memory");
        return NULL;
    }
    vm->kvm_fd = cfg->kvm_fd;
    vm->n_cpus = cfg->n_cpus;
    vm->pins = cfg->pins;
    vm->hide_kvm = cfg->hide_kvm;
    vm->xen = cfg->xen;
    vm->xen_version = cfg->xen_version;
    for (unsigned i = 0; i < vm->pins; i++)
        vm->routes[i].masked = true;
    vm->fd = create_fd(cfg->kvm_fd);
    if (vm->fd < 0) {
        log_error("KVM_CREATE_VM: %s: %s", strerror(-vm->fd),
                  kvm_advice(-vm->fd));
        free(vm);
        return NULL;
    }
    for (size_t i = 0; i < ARRAY_LEN(vm_steps); i++) {
        ret = vm_steps[i].run(vm);
        if (ret < 0) {
            log_error("%s: %s: %s", vm_steps[i].name, strerror(-ret),
                      kvm_advice(-ret));
            vm_destroy(vm);
            return NULL;
        }
    }
    return vm;
}

void vm_destroy(struct vm *vm)
{
    if (!vm)
        return;
    close(vm->fd);
    free(vm);
}

static int map_slot(struct vm *vm, unsigned slot, const struct gmem_slot *s)
{
    const struct kvm_userspace_memory_region r = {
        .slot = slot,
        .guest_phys_addr = s->base.v,
        .memory_size = s->size,
        .userspace_addr = (uintptr_t)s->host,
    };
    int err;

    if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r) == 0)
        return 0;
    err = errno;
    log_error("KVM_SET_USER_MEMORY_REGION of %llu MiB at %#llx: %s: "
              "give less with --memory",
              (unsigned long long)(s->size / MIB),
              (unsigned long long)s->base.v, strerror(err));
    return -err;
}

int vm_map(struct vm *vm, const struct gmem *mem)
{
    unsigned n;
    const struct gmem_slot *slots = gmem_slots(mem, &n);

    for (unsigned i = 0; i < n; i++) {
        int ret;

        if (slots[i].shadow)
            continue;
        ret = map_slot(vm, i, &slots[i]);
        if (ret < 0)
            return ret;
    }
    vm->mem = mem;
    return 0;
}

static int put_region(struct vm *vm, unsigned n, const struct vm_piece *p)
{
    const struct kvm_userspace_memory_region r = {
        .slot = SLOT_PIECES + n,
        .flags = p->read_only ? KVM_MEM_READONLY : 0,
        .guest_phys_addr = p->base.v,
        .memory_size = p->size,
        .userspace_addr = (uintptr_t)p->host,
    };

    return ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &r) < 0 ? -errno : 0;
}

/* KVM changes neither size nor writability of a slot: the old one goes. */
int vm_put_piece(struct vm *vm, unsigned n, const struct vm_piece *piece)
{
    static struct log_limit limit;
    struct vm_piece *old;
    int ret = 0;

    BUG_ON(n >= VM_MAX_PIECES);
    old = &vm->pieces[n];
    if (old->size)
        ret = put_region(vm, n, &(struct vm_piece){.base = old->base});
    *old = (struct vm_piece){0};
    if (ret == 0 && piece->size)
        ret = put_region(vm, n, piece);
    if (ret == 0)
        *old = *piece;
    else
        log_guest(&limit, "KVM_SET_USER_MEMORY_REGION at %#llx: %s: %s",
                  (unsigned long long)piece->base.v, strerror(-ret),
                  kvm_advice(-ret));
    return ret;
}

int vm_map_window(struct vm *vm, unsigned window)
{
    return map_slot(vm, SLOT_WINDOWS + window, gmem_window(vm->mem, window));
}

void vm_coalesce(struct vm *vm, enum space space, uint64_t addr, uint32_t len)
{
    const struct kvm_coalesced_mmio_zone zone = {
        .addr = addr, .size = len, .pio = space == SPACE_PIO};

    if (!vm->coalesced_page)
        return;
    if (ioctl(vm->fd, KVM_REGISTER_COALESCED_MMIO, &zone) < 0)
        log_debug("KVM_REGISTER_COALESCED_MMIO of %#llx: %s",
                  (unsigned long long)addr, strerror(errno));
}

#define MSI_VECTOR 0xffu /* of a message's data */

static void signal_msi(void *ctx, uint64_t addr, uint32_t data)
{
    const struct vm *vm = ctx;
    const struct kvm_msi msi = {
        .address_lo = (uint32_t)addr,
        .address_hi = (uint32_t)(addr >> 32),
        .data = data,
    };
    static struct log_limit limit;

    if (ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) < 0)
        log_guest(&limit, "message %#llx/%#x reached no local APIC: %s",
                  (unsigned long long)addr, data, strerror(errno));
}

struct msi_sink vm_msi_sink(struct vm *vm)
{
    return (struct msi_sink){.send = signal_msi, .ctx = vm};
}

void vm_claim_messages(struct vm *vm,
                       bool (*claim)(void *ctx, uint64_t addr, uint32_t data),
                       void *ctx)
{
    vm->claim = claim;
    vm->claim_ctx = ctx;
}

bool vm_claimed(void *ctx, uint64_t addr, uint32_t data)
{
    const struct vm *vm = ctx;

    return !(data & MSI_VECTOR) && vm->claim &&
           vm->claim(vm->claim_ctx, addr, data);
}

static void send_card_msi(void *ctx, uint64_t addr, uint32_t data)
{
    if (!vm_claimed(ctx, addr, data))
        signal_msi(ctx, addr, data);
}

struct msi_sink vm_card_sink(struct vm *vm)
{
    return (struct msi_sink){.send = send_card_msi, .ctx = vm};
}
