// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_options.c: a row for each option of `vmm run`: its name, its
 * argument, the function that takes the value, and the help text.
 */
#include "config_priv.h"

#include "keyval.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool parse_unsigned(const char *text, unsigned max, unsigned *out)
{
    unsigned long v;
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    v = strtoul(text, &end, 10);
    if (errno || *end || v > max)
        return false;
    *out = (unsigned)v;
    return true;
}

static bool take_mode(struct config *cfg, char *value)
{
    for (unsigned m = 0; m < MODE_COUNT; m++) {
        if (strcmp(value, profiles[m].name) == 0) {
            cfg->mode = (enum mode)m;
            return true;
        }
    }
    return false;
}

static bool take_abi(struct config *cfg, char *value)
{
    for (unsigned a = 0; a < ABI_COUNT; a++) {
        if (strcmp(value, abi_names[a]) == 0) {
            cfg->abi = (enum abi)a;
            cfg->abi_given = true;
            return true;
        }
    }
    return false;
}

static bool take_xen_accel(struct config *cfg, char *value)
{
    cfg->xen_given = true;
    cfg->xen_accel = KVM_XEN_OFF;
    if (strcmp(value, "auto") == 0)
        return true;
    for (unsigned a = KVM_XEN_KERNEL; a < KVM_XEN_ACCELS; a++)
        if (strcmp(value, kvm_xen_names[a]) == 0)
            cfg->xen_accel = (enum kvm_xen_accel)a;
    return cfg->xen_accel != KVM_XEN_OFF;
}

static bool take_xen_version(struct config *cfg, char *value)
{
    char *dot = strchr(value, '.');
    unsigned major = 0, minor;
    bool ok;

    cfg->xen_given = true;
    if (!dot)
        return false;
    *dot = '\0';
    ok = parse_unsigned(value, 0xffff, &major);
    *dot = '.'; /* for who reads that it is wrong */
    if (!ok || major == 0 || !parse_unsigned(dot + 1, 0xffff, &minor))
        return false;
    cfg->xen_version = major << 16 | minor;
    return true;
}

const char *const config_unplugs[UNPLUG_COUNT] = {
    [UNPLUG_GUEST] = "guest",
    [UNPLUG_NEVER] = "never",
    [UNPLUG_AT_BOOT] = "at-boot",
};

static bool take_unplug(struct config *cfg, char *value)
{
    unsigned i;

    if (!keyval_name(value, config_unplugs, UNPLUG_COUNT, &i))
        return false;
    cfg->unplug = (enum unplug)i;
    cfg->unplug_given = true;
    return true;
}

static bool take_trace(struct config *cfg, char *value)
{
    (void)cfg;
    for (unsigned i = 0; i < TRACE_COUNT; i++) {
        if (strcmp(value, log_trace_names[i]) != 0)
            continue;
        log_set_trace((enum log_trace)i);
        return true;
    }
    return false;
}

static bool take_cpus(struct config *cfg, char *value)
{
    return parse_unsigned(value, 1000000, &cfg->cpus) && cfg->cpus > 0;
}

static bool take_memory(struct config *cfg, char *value)
{
    return config_parse_size(value, &cfg->memory) && cfg->memory > 0 &&
           cfg->memory % GUEST_PAGE == 0;
}

static bool take_initrd(struct config *cfg, char *value)
{
    char *cmdline = strstr(value, ",cmdline=");

    if (cfg->n_modules == BOOT_MAX_MODULES || !*value)
        return false;
    if (cmdline) {
        *cmdline = '\0';
        cmdline += strlen(",cmdline=");
    }
    cfg->modules[cfg->n_modules++] =
        (struct boot_module){.path = value, .cmdline = cmdline};
    return true;
}

const char *const config_entries[] = {
    [BOOT_ENTRY_AUTO] = "auto",
    [BOOT_ENTRY_16] = "16",
    [BOOT_ENTRY_32] = "32",
    [BOOT_ENTRY_64] = "64",
};

static bool take_entry(struct config *cfg, char *value)
{
    unsigned i;

    if (!keyval_name(value, config_entries, ARRAY_LEN(config_entries), &i))
        return false;
    cfg->entry = (enum boot_entry)i;
    return true;
}

static bool take_firmware(struct config *cfg, char *value)
{
    cfg->firmware = value;
    return *value != '\0';
}

static bool take_firmware_vars(struct config *cfg, char *value)
{
    cfg->firmware_vars = value;
    return *value != '\0';
}

const char *const config_pc_ports[PC_PORT_COUNT] = {
    [PC_PORT_DEBUG] = "--debug-console",
    [PC_PORT_SERIAL2] = "--serial2",
    [PC_PORT_PARALLEL] = "--parallel",
    [PC_PORT_XEN] = "--xen-console",
};

static bool take_debug(struct config *cfg, char *value)
{
    return console_place_parse(value, &cfg->pc_ports[PC_PORT_DEBUG]);
}

static bool take_serial2(struct config *cfg, char *value)
{
    return console_place_parse(value, &cfg->pc_ports[PC_PORT_SERIAL2]);
}

static bool take_parallel(struct config *cfg, char *value)
{
    return console_place_parse(value, &cfg->pc_ports[PC_PORT_PARALLEL]);
}

static bool take_xen_console(struct config *cfg, char *value)
{
    return console_place_parse(value, &cfg->pc_ports[PC_PORT_XEN]);
}

static bool take_append(struct config *cfg, char *value)
{
    cfg->append = value;
    return true;
}

/* Says itself what is wrong, by key. */
static enum config_result parse_boot(struct config *cfg, const char *value)
{
    cfg->boot_given = true;
    return boot_option_parse(value, &cfg->boot) < 0 ? CONFIG_ERROR : CONFIG_OK;
}

static enum config_result parse_disk(struct config *cfg, const char *value)
{
    if (cfg->n_disks == CONFIG_MAX_DISKS) {
        log_error("--disk: %s: a guest can have %u disks", value,
                  CONFIG_MAX_DISKS);
        return CONFIG_ERROR;
    }
    if (disk_option_parse(value, &cfg->disks[cfg->n_disks]) < 0)
        return CONFIG_ERROR;
    cfg->n_disks++;
    return CONFIG_OK;
}

static enum config_result parse_vsock(struct config *cfg, const char *value)
{
    if (cfg->vsock.cid) {
        log_error("--vsock: given twice: a guest has one");
        return CONFIG_ERROR;
    }
    return vsock_option_parse(value, &cfg->vsock) < 0 ? CONFIG_ERROR
                                                      : CONFIG_OK;
}

static enum config_result parse_share(struct config *cfg, const char *value)
{
    if (cfg->n_shares == CONFIG_MAX_SHARES) {
        log_error("--share: %s: a guest can have %u", value, CONFIG_MAX_SHARES);
        return CONFIG_ERROR;
    }
    if (share_option_parse(value, &cfg->shares[cfg->n_shares]) < 0)
        return CONFIG_ERROR;
    cfg->n_shares++;
    return CONFIG_OK;
}

static enum config_result parse_net(struct config *cfg, const char *value)
{
    if (cfg->n_nets == CONFIG_MAX_NETS) {
        log_error("--net: %s: a guest can have %u links", value,
                  CONFIG_MAX_NETS);
        return CONFIG_ERROR;
    }
    if (net_option_parse(value, &cfg->nets[cfg->n_nets]) < 0)
        return CONFIG_ERROR;
    cfg->n_nets++;
    return CONFIG_OK;
}

static bool take_rng(struct config *cfg, char *value)
{
    (void)value;
    cfg->rng = true;
    return true;
}

const char *const config_transports[] = {
    [TRANSPORT_PCI] = "pci",
    [TRANSPORT_PCI_LEGACY] = "pci-legacy",
    [TRANSPORT_MMIO] = "mmio",
    [TRANSPORT_MMIO_CMDLINE] = "mmio-cmdline",
};

static bool take_transport(struct config *cfg, char *value)
{
    unsigned i;

    if (!keyval_name(value, config_transports, TRANSPORT_COUNT, &i))
        return false;
    cfg->transport = (enum transport)i;
    cfg->transport_given = true;
    return true;
}

static bool take_console(struct config *cfg, char *value)
{
    cfg->console_given = true;
    return console_place_parse(value, &cfg->console);
}

/* Says itself what is wrong, by key. */
static enum config_result parse_port(struct config *cfg, const char *value)
{
    if (cfg->n_ports == CONFIG_MAX_PORTS) {
        log_error("--virtio-console: %s: a guest can have %u ports", value,
                  CONFIG_MAX_PORTS);
        return CONFIG_ERROR;
    }
    if (port_option_parse(value, &cfg->ports[cfg->n_ports]) < 0)
        return CONFIG_ERROR;
    cfg->n_ports++;
    return CONFIG_OK;
}

/* Without a size there is a balloon, and it is empty. */
static bool take_balloon(struct config *cfg, char *value)
{
    cfg->balloon = true;
    cfg->balloon_target = 0;
    return !value || (config_parse_size(value, &cfg->balloon_target) &&
                      cfg->balloon_target > 0);
}

static bool take_display(struct config *cfg, char *value)
{
    return display_option_parse(value, &cfg->display);
}

static bool take_name(struct config *cfg, char *value)
{
    cfg->name = value;
    return *value != '\0';
}

static bool take_no_reboot(struct config *cfg, char *value)
{
    (void)value;
    cfg->no_reboot = true;
    return true;
}

static bool take_hugepages(struct config *cfg, char *value)
{
    (void)value;
    cfg->hugepages = true;
    return true;
}

static bool take_fdt(struct config *cfg, char *value)
{
    (void)value;
    cfg->fdt = true;
    return true;
}

static bool take_dump_fdt(struct config *cfg, char *value)
{
    cfg->dump_fdt = value;
    return *value != '\0';
}

static bool take_dump_acpi(struct config *cfg, char *value)
{
    cfg->dump_acpi = value;
    return *value != '\0';
}

static bool take_dump_config(struct config *cfg, char *value)
{
    (void)value;
    cfg->dump_config = true;
    return true;
}

static bool take_sandbox(struct config *cfg, char *value)
{
    cfg->sandbox = strcmp(value, "off") != 0;
    return !cfg->sandbox || strcmp(value, "on") == 0;
}

static bool take_log(struct config *cfg, char *value)
{
    return log_level_parse(value, &cfg->log);
}

static bool take_verbose(struct config *cfg, char *value)
{
    (void)value;
    cfg->log = LOG_DEBUG;
    return true;
}

/* --help and --args-file are acted on by the parser itself. */
static bool take_nothing(struct config *cfg, char *value)
{
    (void)cfg;
    (void)value;
    return true;
}

const struct option config_options[] = {
    {.name = "--mode",
     .arg = "MODE",
     .fn = take_mode,
     .want = "hvm, hvm-pv, pvhvm, pvh or pv",
     .help = "point on the virtualization spectrum (pvh); see 'vmm spectrum'"},
    {.name = "--abi",
     .arg = "ABI",
     .fn = take_abi,
     .want = "kvm, xen or none",
     .help = "paravirtual interface the guest meets (the mode's own)"},
    {.name = "--pv",
     .arg = "ABI",
     .fn = take_abi,
     .want = "kvm or xen",
     .help = "the same, said of hvm-pv: whose drivers the guest has (kvm)"},
    {.name = "--xen-accel",
     .arg = "ENGINE",
     .fn = take_xen_accel,
     .want = "auto, kernel or user",
     .help = "who answers a Xen guest's hypercalls first: the host's KVM or\n"
             "vmm alone (auto: the kernel, if it can)"},
    {.name = "--xen-version",
     .arg = "X.Y",
     .fn = take_xen_version,
     .want = "two numbers such as 4.17",
     .help = "the version of Xen a guest is told (4.17)"},
    {.name = "--unplug",
     .arg = "WHEN",
     .fn = take_unplug,
     .want = "guest, never or at-boot",
     .help = "when the IDE disks and e1000 cards go that a Xen guest on a PC\n"
             "has by its own drivers too: when those say so (guest), never\n"
             "(then they are all it has), or before it begins"},
    {.name = "--cpus",
     .arg = "N",
     .fn = take_cpus,
     .want = "a number from 1",
     .help = "virtual CPUs (1)"},
    {.name = "--memory",
     .arg = "SIZE",
     .fn = take_memory,
     .want = "a multiple of 4 KiB such as 512M or 2G",
     .help = "guest RAM (256M)"},
    {.name = "--hugepages",
     .fn = take_hugepages,
     .help = "take guest RAM from the host's huge page pool"},
    {.name = "--initrd",
     .arg = "FILE[,cmdline=TEXT]",
     .fn = take_initrd,
     .want = "a file, at most 16 times",
     .help = "initial RAM disk; given again: further boot modules"},
    {.name = "--append",
     .arg = "TEXT",
     .fn = take_append,
     .help = "kernel command line"},
    {.name = "--entry",
     .arg = "WHICH",
     .fn = take_entry,
     .want = "auto, 16, 32 or 64",
     .help = "where a PC enters a bzImage given as KERNEL: its 32-bit or\n"
             "64-bit entry, the latter if it has one (auto), or through the\n"
             "BIOS its 16-bit entry"},
    {.name = "--firmware",
     .arg = "FILE",
     .fn = take_firmware,
     .want = "a file",
     .help = "BIOS image of a PC (SeaBIOS, where the system has it)"},
    {.name = "--firmware-vars",
     .arg = "FILE",
     .fn = take_firmware_vars,
     .want = "a file",
     .help = "flash memory below the firmware, which UEFI writes to"},
    {.name = "--boot",
     .arg = "KEY=VALUE[,...]",
     .keys_fn = parse_boot,
     .help = "what a PC's BIOS boots from; keys: order (of the letters c, d, "
             "n),\nmenu, wait"},
    {.name = "--disk",
     .arg = "FILE[,KEY=VALUE...]",
     .keys_fn = parse_disk,
     .help = "a disk: a raw file, a block device or nbd:unix:PATH; keys: ro,\n"
             "snapshot, cache, id, iops, bps, if; given again: further disks"},
    {.name = "--net",
     .arg = "KIND[,KEY=VALUE...]",
     .keys_fn = parse_net,
     .help = "a network link: tap (keys: ifname or fd, queues) or user (key:\n"
             "hostfwd); both: mac, pps, bps, filter, model (e1000, virtio,\n"
             "xen), rom;\n"
             "given again: further ones"},
    {.name = "--rng",
     .fn = take_rng,
     .help = "a source of random numbers for the guest"},
    {.name = "--vsock",
     .arg = "CID[,uds=PATH]",
     .keys_fn = parse_vsock,
     .help = "stream sockets between the guest, whose address is CID, and\n"
             "programs of the host (PATH: NAME.vsock in the run directory)"},
    {.name = "--share",
     .arg = "TAG=DIR[,ro=on]",
     .keys_fn = parse_share,
     .help = "a folder the guest can mount by its tag (virtiofs); needs\n"
             "virtiofsd; given again: further folders"},
    {.name = "--balloon",
     .arg = "SIZE",
     .optional = true,
     .fn = take_balloon,
     .want = "a size such as 512M",
     .help = "let memory be taken back; the guest is asked to keep SIZE"},
    {.name = "--transport",
     .arg = "WHICH",
     .fn = take_transport,
     .want = "pci, pci-legacy, mmio or mmio-cmdline",
     .help = "how the guest reaches virtio devices (pci); pci-legacy is for\n"
             "drivers from before virtio 1.0 too"},
    {.name = "--console",
     .arg = "WHERE",
     .fn = take_console,
     .want = CONSOLE_PLACES,
     .help = "the first serial port: stdio, pty, file:PATH, unix:PATH or\n"
             "none (stdio)"},
    {.name = "--serial2",
     .arg = "WHERE",
     .fn = take_serial2,
     .want = CONSOLE_PLACES,
     .help = "a PC's second serial port, as --console (none: not there)"},
    {.name = "--parallel",
     .arg = "WHERE",
     .fn = take_parallel,
     .want = CONSOLE_PLACES,
     .help = "a PC's parallel port, as --console (none: not there)"},
    {.name = "--debug-console",
     .arg = "WHERE",
     .fn = take_debug,
     .want = CONSOLE_PLACES,
     .help = "a PC's debug ports 0x402 and 0xe9, as --console (none: not\n"
             "there)"},
    {.name = "--xen-console",
     .arg = "WHERE",
     .fn = take_xen_console,
     .want = CONSOLE_PLACES,
     .help = "hvc0 of a Xen guest on a PC, as --console (none: not there)"},
    {.name = "--virtio-console",
     .arg = "WHERE[,name=NAME]",
     .keys_fn = parse_port,
     .help = "a console for hvc0, as --console; given again: ports by name"},
    {.name = "--display",
     .arg = "WHERE",
     .fn = take_display,
     .want = DISPLAY_PLACES,
     .help = "a PC's screen: none, text (its text modes on this terminal),\n"
             "vnc=ADDR[:PORT] or vnc=unix:PATH (none)"},
    {.name = "--name",
     .arg = "NAME",
     .fn = take_name,
     .want = "letters, digits, '.', '_', '-'",
     .help = "name for 'vmm ps', 'vmm stop' and the like (vmm-PID)"},
    {.name = "--no-reboot",
     .fn = take_no_reboot,
     .help = "end with status 3 when the guest reboots"},
    {.name = "--fdt",
     .fn = take_fdt,
     .help = "describe the machine by a device tree too (last boot module)"},
    {.name = "--dump-fdt",
     .arg = "FILE",
     .fn = take_dump_fdt,
     .want = "a file name",
     .help = "write the device tree to FILE and do not start"},
    {.name = "--dump-acpi",
     .arg = "DIR",
     .fn = take_dump_acpi,
     .want = "a directory",
     .help = "write the ACPI tables to DIR and do not start"},
    {.name = "--dump-config",
     .fn = take_dump_config,
     .help = "print the effective configuration as JSON and do not start"},
    {.name = "--sandbox",
     .arg = "on|off",
     .fn = take_sandbox,
     .want = "on or off",
     .help = "system-call filters (on); off is for debugging vmm"},
    {.name = "--args-file",
     .arg = "FILE",
     .fn = take_nothing,
     .help = "read further options from FILE, one a line, '#' comments"},
    {.name = "--log",
     .arg = "LEVEL",
     .fn = take_log,
     .want = "error, warn, info or debug",
     .help = "how much vmm itself says on standard error (info)"},
    {.name = "--trace",
     .arg = "WHAT",
     .fn = take_trace,
     .want = "hypercall",
     .help = "a line for each: hypercall"},
    {.name = "--verbose",
     .alias = "-v",
     .fn = take_verbose,
     .help = "same as --log=debug"},
    {.name = "--help",
     .alias = "-h",
     .fn = take_nothing,
     .help = "print this help"},
};

const size_t config_options_len = ARRAY_LEN(config_options);
