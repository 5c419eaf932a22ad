/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * config.h: what the operator asked for.
 *
 * Options are rows of one table in config_options.c; --help is printed from
 * it. A value is checked where it is parsed, and an error names the option,
 * the value and what would be right.
 */
#ifndef VMM_CONFIG_H
#define VMM_CONFIG_H

#include "boot/boot.h"
#include "config_size.h"
#include "opt_boot.h"
#include "opt_console.h"
#include "opt_disk.h"
#include "opt_display.h"
#include "opt_net.h"
#include "opt_share.h"
#include "opt_vsock.h"
#include "profile.h"
#include "vcpu/kvm_xen.h"
#include "vmm/log.h"
#include "vmm/types.h"

#include <stdio.h>

#define CONFIG_MAX_DISKS  16
#define CONFIG_MAX_NETS   8
#define CONFIG_MAX_PORTS  15
#define CONFIG_MAX_SHARES 8

/* Byte streams that only a PC has a place for, beside its console. */
enum pc_port {
    PC_PORT_DEBUG, /* 0x402 and 0xe9 */
    PC_PORT_SERIAL2,
    PC_PORT_PARALLEL,
    PC_PORT_XEN, /* a Xen guest's own console */
    PC_PORT_COUNT,
};

/*
 * When the doubles (pc_slots.h) of a Xen guest's disks and links go: when its
 * drivers say so, not at all, or before it begins.
 */
enum unplug {
    UNPLUG_GUEST,
    UNPLUG_NEVER,
    UNPLUG_AT_BOOT,
    UNPLUG_COUNT,
};

/* The Xen that guests are told of. */
#define CONFIG_XEN_VERSION (4u << 16 | 17u)

struct config {
    enum mode mode;
    enum abi abi;
    bool abi_given;
    enum kvm_xen_accel xen_accel; /* KVM_XEN_OFF: the best one there is */
    bool xen_given;               /* some --xen-* was */
    uint32_t xen_version;         /* major << 16 | minor */
    enum unplug unplug;
    bool unplug_given;
    unsigned cpus;
    uint64_t memory; /* bytes */
    bool hugepages;
    const char *firmware;      /* NULL: the usual one */
    const char *firmware_vars; /* NULL: none */
    struct boot_option boot;
    bool boot_given;
    const char *kernel; /* borrowed from argv or the args file; or NULL */
    const char *append; /* never NULL */
    enum boot_entry entry;
    struct boot_module modules[BOOT_MAX_MODULES];
    unsigned n_modules;
    struct disk_option disks[CONFIG_MAX_DISKS]; /* owned */
    unsigned n_disks;
    struct net_option nets[CONFIG_MAX_NETS]; /* owned */
    unsigned n_nets;
    bool rng;
    struct vsock_option vsock;                     /* owned */
    struct share_option shares[CONFIG_MAX_SHARES]; /* owned */
    unsigned n_shares;
    enum transport transport;
    bool transport_given;
    bool balloon;
    uint64_t balloon_target; /* bytes the guest shall keep; 0: all */
    struct console_place console;
    bool console_given;
    struct port_option ports[CONFIG_MAX_PORTS]; /* owned */
    unsigned n_ports;
    struct console_place pc_ports[PC_PORT_COUNT];
    struct display_option display;
    const char *name; /* NULL: not given */
    bool no_reboot;
    bool fdt;
    const char *dump_fdt;  /* NULL: no */
    const char *dump_acpi; /* NULL: no */
    bool dump_config;
    bool sandbox;
    enum log_level log;
    char *args_text; /* owned: the args file's words */
};

/* What parsing found the operator to want. */
enum config_result {
    CONFIG_OK,
    CONFIG_HELP,  /* --help was given and printed */
    CONFIG_ERROR, /* logged */
};

/* Parse the arguments behind `vmm run`. argv[0] is the first of them. */
enum config_result config_parse(struct config *cfg, int argc, char **argv);
void config_free(struct config *cfg);

/*
 * Is it a machine that can be described, on whatever host: mode and guest ABI
 * go together and are built, CPUs and memory are in bounds? 0 or -EINVAL.
 */
must_check int config_check(const struct config *cfg);

/*
 * Can this host give the guest what is asked for? max_cpus and phys_bits
 * come from the host. 0 or -EINVAL, logged.
 */
must_check int config_check_host(const struct config *cfg, unsigned max_cpus,
                                 unsigned phys_bits);

/* The option that says where one leads. */
extern const char *const config_pc_ports[PC_PORT_COUNT];

/* Does some console of the guest lead to standard input and output? */
bool config_on_stdio(const struct config *cfg);

/* The options of `vmm run`, generated from the table. */
void config_help(FILE *out);

/* The effective configuration as one JSON object. */
int config_dump(const struct config *cfg, FILE *out);

#endif
