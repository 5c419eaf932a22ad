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
#include "opt_disk.h"
#include "opt_share.h"
#include "opt_vsock.h"
#include "profile.h"
#include "vmm/log.h"
#include "vmm/types.h"

#include <stdio.h>

enum console_kind {
    CONSOLE_STDIO,
    CONSOLE_PTY,
    CONSOLE_FILE,
    CONSOLE_NONE,
};

#define CONFIG_MAX_DISKS  16
#define CONFIG_MAX_SHARES 8

struct config {
    enum mode mode;
    enum abi abi;
    bool abi_given;
    unsigned cpus;
    uint64_t memory; /* bytes */
    bool hugepages;
    const char *kernel; /* borrowed from argv or the args file */
    const char *append; /* never NULL */
    struct boot_module modules[BOOT_MAX_MODULES];
    unsigned n_modules;
    struct disk_option disks[CONFIG_MAX_DISKS]; /* owned */
    unsigned n_disks;
    bool rng;
    struct vsock_option vsock;                     /* owned */
    struct share_option shares[CONFIG_MAX_SHARES]; /* owned */
    unsigned n_shares;
    enum transport transport;
    bool transport_given;
    enum console_kind console;
    const char *console_path; /* CONSOLE_FILE */
    const char *name;         /* NULL: not given */
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

/* The options of `vmm run`, generated from the table. */
void config_help(FILE *out);

/* The effective configuration as one JSON object. */
int config_dump(const struct config *cfg, FILE *out);

/* Parse "512M", "2G", "1073741824"; false if it is not a size. */
must_check bool config_parse_size(const char *text, uint64_t *out);

#endif
