// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * gen_filters.c: a program of the build. Turns the sandbox rules into BPF
 * with libseccomp and prints it as C: one filter for the loop thread, one
 * for vCPU threads, one for the helper process, and the names of the system
 * calls for the report of a violation.
 */
#include "sandbox_rules.h"
#include "vcpu/kvm_rules.h"

#include <errno.h>
#include <linux/filter.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SYSCALL 512

static void die(const char *what, int err)
{
    fprintf(stderr, "gen_filters: %s: %s\n", what, strerror(err));
    exit(1);
}

static int add_tested(scmp_filter_ctx ctx, const struct sandbox_rule *r, int nr)
{
    struct scmp_arg_cmp cmp = {.arg = r->arg};

    switch (r->test) {
    case SANDBOX_ANY:
        return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, nr, 0);
    case SANDBOX_ENOSYS:
        return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
    case SANDBOX_EQUAL:
        /* The kernel looks at 32 bits of an ioctl request: so do we. */
        cmp.op = SCMP_CMP_MASKED_EQ;
        cmp.datum_a = 0xffffffff;
        cmp.datum_b = r->value;
        break;
    case SANDBOX_CLEAR:
        cmp.op = SCMP_CMP_MASKED_EQ;
        cmp.datum_a = r->value;
        cmp.datum_b = 0;
        break;
    case SANDBOX_SET:
        cmp.op = SCMP_CMP_MASKED_EQ;
        cmp.datum_a = r->value;
        cmp.datum_b = r->value;
        break;
    }
    return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, nr, 1, &cmp);
}

static void add_rules(scmp_filter_ctx ctx, const struct sandbox_rule *rules,
                      size_t n, unsigned who)
{
    for (size_t i = 0; i < n; i++) {
        int nr, ret;

        if (!(rules[i].who & who))
            continue;
        nr = seccomp_syscall_resolve_name(rules[i].syscall);
        if (nr == __NR_SCMP_ERROR)
            die(rules[i].syscall, ENOSYS);
        ret = add_tested(ctx, &rules[i], nr);
        /* -EEXIST: another row allows the same already. */
        if (ret < 0 && ret != -EEXIST)
            die(rules[i].syscall, -ret);
    }
}

/* libseccomp writes BPF to a file descriptor only. */
static size_t export_bpf(scmp_filter_ctx ctx, struct sock_filter *out,
                         size_t max)
{
    FILE *tmp = tmpfile();
    size_t n;
    int ret;

    if (!tmp)
        die("tmpfile", errno);
    ret = seccomp_export_bpf(ctx, fileno(tmp));
    if (ret < 0)
        die("seccomp_export_bpf", -ret);
    rewind(tmp);
    n = fread(out, sizeof(*out), max, tmp);
    fclose(tmp);
    return n;
}

static void print_filter(const char *name, unsigned who)
{
    static struct sock_filter code[4096];
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_TRAP);
    size_t n;

    if (!ctx)
        die("seccomp_init", ENOMEM);
    /* Calls by another ABI end the process too, not only their thread. */
    seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_TRAP);
    /* The hottest calls first, the rest by binary search. */
    seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    add_rules(ctx, kvm_rules, kvm_rules_len, who);
    add_rules(ctx, host_rules, host_rules_len, who);
    add_rules(ctx, extra_rules, extra_rules_len, who);
    n = export_bpf(ctx, code, ARRAY_LEN(code));
    seccomp_release(ctx);
    printf("static const struct sock_filter %s_code[] = {\n", name);
    for (size_t i = 0; i < n; i++)
        printf("    {0x%04x, %u, %u, 0x%08x},\n", code[i].code, code[i].jt,
               code[i].jf, code[i].k);
    printf("};\n\n");
}

static void print_names(void)
{
    printf("static const char *const syscall_names[] = {\n");
    for (int nr = 0; nr < MAX_SYSCALL; nr++) {
        char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);

        if (name)
            printf("    [%d] = \"%s\",\n", nr, name);
        free(name);
    }
    printf("};\n");
}

int main(void)
{
    printf("/* Made by gen_filters from the rules; do not edit. */\n");
    print_filter("loop", SANDBOX_LOOP);
    print_filter("vcpu", SANDBOX_VCPU);
    print_filter("helper", SANDBOX_HELPER);
    print_names();
    return 0;
}
