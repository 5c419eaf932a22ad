// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * msr.c: the MSR policy.
 *
 * MSRs that KVM knows are KVM's. Those it does not know come here: a few
 * harmless ones that kernels read without a net are answered, all others
 * fault with #GP as on a CPU that lacks them. msr_init sets what firmware
 * would have set before an operating system starts.
 * Sources: Intel SDM vol. 4, AMD APM vol. 2 appendix A.
 */
#include "vcpu/vm_priv.h"

#include "vmm/log.h"

#include <errno.h>
#include <sys/ioctl.h>

#define MSR_IA32_MISC_ENABLE 0x1a0
#define MSR_MTRR_DEF_TYPE    0x2ff

#define MISC_ENABLE_FAST_STRING 0x1
#define MTRR_ENABLE_WRITE_BACK  0x806 /* E, default type 6 */

static const struct {
    uint32_t index;
    uint64_t value;
    const char *why;
} unknown_msrs[] = {
    {0x0ce, 0, "PLATFORM_INFO: no ratio, no turbo"},
    {0x140, 0, "MISC_FEATURES_ENABLES: none"},
    {0x1ad, 0, "TURBO_RATIO_LIMIT: none"},
    {0x606, 0, "RAPL_POWER_UNIT: none"},
};

void msr_exit(struct vcpu *v, bool write)
{
    struct kvm_run *run = v->run;
    static struct log_limit limit;

    run->msr.error = 1;
    for (size_t i = 0; !write && i < ARRAY_LEN(unknown_msrs); i++) {
        if (unknown_msrs[i].index != run->msr.index)
            continue;
        run->msr.data = unknown_msrs[i].value;
        run->msr.error = 0;
    }
    if (run->msr.error && log_level() >= LOG_DEBUG)
        log_guest(&limit, "vcpu%u: %s of unknown MSR %#x: #GP", v->id,
                  write ? "write" : "read", run->msr.index);
}

int msr_init(struct vcpu *v)
{
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[2];
    } msrs = {
        .head = {.nmsrs = ARRAY_LEN(msrs.entries)},
        .entries =
            {
                {.index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLE_WRITE_BACK},
                {.index = MSR_IA32_MISC_ENABLE,
                 .data = MISC_ENABLE_FAST_STRING},
            },
    };
    const int n = ioctl(v->fd, KVM_SET_MSRS, &msrs.head);

    if (n < 0)
        return -errno;
    /* A host that takes only the first has no MISC_ENABLE to speak of. */
    return n >= 1 ? 0 : -EINVAL;
}
