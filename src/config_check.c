// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config_check.c: can what was asked for be had? What one option alone gets
 * wrong is said where it is parsed; here it is what they say together.
 */
#include "config.h"
#include "pc_slots.h"

#include <errno.h>
#include <string.h>

/*
 * What a guest can have of the addresses of a CPU; x86 ends at 52 bits. 2 GiB
 * of slack: what lies above the hole is moved up by its size.
 */
static uint64_t memory_limit(unsigned phys_bits)
{
    return ((uint64_t)1 << (phys_bits > 52 ? 52 : phys_bits)) - 2 * GIB;
}

/* A guest finds a disk by its id: two of the same name are none. */
static int check_disks(const struct config *cfg)
{
    for (unsigned i = 0; i < cfg->n_disks; i++) {
        for (unsigned j = 0; j < i; j++) {
            const char *a = cfg->disks[j].id, *b = cfg->disks[i].id;

            if (!a || !b || strcmp(a, b) != 0)
                continue;
            log_error("--disk: id=%s is given to %s and %s: give another", a,
                      cfg->disks[j].blk.path, cfg->disks[i].blk.path);
            return -EINVAL;
        }
    }
    return 0;
}

/* How many disks the controllers of a PC have places for. */
static const struct {
    const char *name;
    unsigned places;
} controllers[] = {
    [DISK_IDE] = {"ide", 4},
    [DISK_AHCI] = {"ahci", 6},
    [DISK_XEN] = {"xen", 0}, /* as many as there are */
};

static int check_interface(const struct config *cfg,
                           const struct disk_option *d)
{
    if (d->iface == DISK_XEN && cfg->abi != ABI_XEN) {
        log_error("--disk: %s: if=xen needs a guest of Xen: give --abi=xen, "
                  "or leave if= out",
                  d->blk.path);
        return -EINVAL;
    }
    if (d->persistent && d->iface != DISK_XEN) {
        log_error("--disk: %s: persistent=on goes with if=xen only",
                  d->blk.path);
        return -EINVAL;
    }
    if (d->iface != DISK_VIRTIO && d->iface != DISK_XEN &&
        profiles[cfg->mode].platform != PLATFORM_PC) {
        log_error("--disk: %s: if=%s needs a PC, which --mode=%s is not: give "
                  "if=virtio, or --mode=hvm",
                  d->blk.path, controllers[d->iface].name,
                  profiles[cfg->mode].name);
        return -EINVAL;
    }
    if (d->cdrom && d->iface == DISK_VIRTIO) {
        log_error("--disk: %s: media=cdrom goes with if=ide, if=ahci and "
                  "if=xen only",
                  d->blk.path);
        return -EINVAL;
    }
    return 0;
}

/* What a disk can be, in this machine. */
static int check_interfaces(const struct config *cfg)
{
    unsigned n[DISK_XEN + 1] = {0};

    for (unsigned i = 0; i < cfg->n_disks; i++) {
        const enum disk_if iface = cfg->disks[i].iface;

        if (check_interface(cfg, &cfg->disks[i]) < 0)
            return -EINVAL;
        if (!controllers[iface].places ||
            ++n[iface] <= controllers[iface].places)
            continue;
        log_error("--disk: %u disks with if=%s: a PC has places for %u: give "
                  "the others another if=",
                  n[iface], controllers[iface].name, controllers[iface].places);
        return -EINVAL;
    }
    return 0;
}

static int check_xen(const struct config *cfg)
{
    const bool xen = cfg->abi == ABI_XEN;

    if (cfg->xen_given && !xen) {
        log_error("--xen-accel and --xen-version are for a guest with "
                  "--abi=xen: leave them out");
        return -EINVAL;
    }
    if (cfg->pc_ports[PC_PORT_XEN].kind != CONSOLE_NONE && !xen) {
        log_error("--xen-console: needs a guest of Xen: use --mode=pvhvm, or "
                  "leave it out");
        return -EINVAL;
    }
    if (cfg->unplug_given &&
        (!xen || profiles[cfg->mode].platform != PLATFORM_PC)) {
        log_error("--unplug: only a guest of Xen on a PC has what can be "
                  "unplugged: use --mode=pvhvm, or leave it out");
        return -EINVAL;
    }
    return 0;
}

/* What is started, and what only makes sense with it. */
static int check_boot(const struct config *cfg)
{
    const struct profile *p = &profiles[cfg->mode];

    if (p->boot == BOOT_FIRMWARE && cfg->kernel && cfg->firmware &&
        cfg->entry != BOOT_ENTRY_16) {
        log_error("--firmware: kernel %s starts without: leave one of them "
                  "out",
                  cfg->kernel);
        return -EINVAL;
    }
    if (p->boot != BOOT_FIRMWARE && cfg->entry != BOOT_ENTRY_AUTO) {
        log_error("--entry: a guest with --mode=%s has one entry: leave it "
                  "out",
                  p->name);
        return -EINVAL;
    }
    if (p->boot == BOOT_FIRMWARE && !cfg->kernel &&
        (cfg->n_modules || cfg->append[0] || cfg->entry != BOOT_ENTRY_AUTO)) {
        log_error("--initrd, --append and --entry are for a kernel, and none "
                  "is given: give one, or leave them out");
        return -EINVAL;
    }
    if (cfg->firmware_vars && !cfg->firmware) {
        log_error("--firmware-vars: SeaBIOS has no variables: give --firmware "
                  "too, or leave it out");
        return -EINVAL;
    }
    if (p->boot != BOOT_FIRMWARE && (cfg->firmware || cfg->boot_given)) {
        log_error("%s: a guest with --mode=%s has no firmware: leave it out",
                  cfg->firmware ? "--firmware" : "--boot", p->name);
        return -EINVAL;
    }
    if (p->platform == PLATFORM_PC && cfg->transport != TRANSPORT_PCI &&
        cfg->transport != TRANSPORT_PCI_LEGACY) {
        log_error("--transport: virtio devices of a guest with --mode=%s are "
                  "on its PCI bus: give pci or pci-legacy",
                  p->name);
        return -EINVAL;
    }
    for (unsigned i = 0; i < PC_PORT_COUNT; i++) {
        if (p->platform == PLATFORM_PC || cfg->pc_ports[i].kind == CONSOLE_NONE)
            continue;
        log_error("%s: a guest with --mode=%s has no place for it: leave it "
                  "out",
                  config_pc_ports[i], p->name);
        return -EINVAL;
    }
    return 0;
}

/* What a link's card can be, in this machine. */
static int check_models(const struct config *cfg)
{
    for (unsigned i = 0; i < cfg->n_nets; i++) {
        const struct net_option *o = &cfg->nets[i];

        if (o->model == NET_E1000 &&
            profiles[cfg->mode].platform != PLATFORM_PC) {
            log_error("--net: model=e1000 needs a PC, which --mode=%s is not: "
                      "give model=virtio, or --mode=hvm",
                      profiles[cfg->mode].name);
            return -EINVAL;
        }
        if (o->model == NET_XEN && cfg->abi != ABI_XEN) {
            log_error("--net: model=xen needs a guest of Xen: give --abi=xen, "
                      "or leave model= out");
            return -EINVAL;
        }
        if (o->model == NET_E1000 && o->net.queues > 1) {
            log_error("--net: queues= goes with model=virtio: an e1000 has "
                      "one pair");
            return -EINVAL;
        }
        if (o->rom && ((o->model == NET_XEN && !pc_is_card(cfg, i)) ||
                       profiles[cfg->mode].platform != PLATFORM_PC)) {
            log_error("--net: rom=%s is for the firmware of a PC, and a card "
                      "on its bus: leave it out",
                      o->rom);
            return -EINVAL;
        }
    }
    return 0;
}

/* Two stations of one address hear each other's answers. */
static int check_nets(const struct config *cfg)
{
    for (unsigned i = 0; i < cfg->n_nets; i++) {
        for (unsigned j = 0; j < i; j++) {
            const struct net_option *a = &cfg->nets[j], *b = &cfg->nets[i];

            if (a->has_mac && b->has_mac &&
                memcmp(a->net.mac, b->net.mac, sizeof(a->net.mac)) == 0) {
                log_error("--net: mac= is the same twice: give another");
                return -EINVAL;
            }
            if (a->net.fd >= 0 && a->net.fd == b->net.fd) {
                log_error("--net: fd=%d is given twice: give another",
                          a->net.fd);
                return -EINVAL;
            }
        }
    }
    return 0;
}

/* A guest mounts a folder by its tag. */
static int check_shares(const struct config *cfg)
{
    for (unsigned i = 0; i < cfg->n_shares; i++) {
        for (unsigned j = 0; j < i; j++) {
            const struct share_config *a = &cfg->shares[j].share;
            const struct share_config *b = &cfg->shares[i].share;

            if (strcmp(a->tag, b->tag) != 0)
                continue;
            log_error("--share: %s is given to %s and %s: give another tag",
                      a->tag, a->dir, b->dir);
            return -EINVAL;
        }
    }
    return 0;
}

/* One standard input and output can lead to one place. */
static int check_stdio(const struct config *cfg)
{
    unsigned users = cfg->console.kind == CONSOLE_STDIO;

    for (unsigned i = 0; i < cfg->n_ports; i++)
        users += cfg->ports[i].place.kind == CONSOLE_STDIO;
    for (unsigned i = 0; i < PC_PORT_COUNT; i++)
        users += cfg->pc_ports[i].kind == CONSOLE_STDIO;
    users += cfg->display.kind == DISPLAY_TEXT;
    if (users <= 1)
        return 0;
    log_error("stdio can be used once: by --console or by one other port: "
              "give the others pty, file:, unix: or none");
    return -EINVAL;
}

/* A guest finds a port by its name, but for the first, which is hvc0. */
static int check_port_names(const struct config *cfg)
{
    for (unsigned i = 1; i < cfg->n_ports; i++) {
        const char *name = cfg->ports[i].name;

        if (!name) {
            log_error("--virtio-console: only the first can do without a "
                      "name: give the others name=NAME");
            return -EINVAL;
        }
        for (unsigned j = 0; j < i; j++) {
            if (!cfg->ports[j].name || strcmp(cfg->ports[j].name, name) != 0)
                continue;
            log_error("--virtio-console: name=%s is given twice: give another",
                      name);
            return -EINVAL;
        }
    }
    return 0;
}

static int check_balloon(const struct config *cfg)
{
    if (cfg->balloon_target <= cfg->memory)
        return 0;
    log_error("--balloon: %llu bytes is more than the guest has: give at most "
              "what --memory says",
              (unsigned long long)cfg->balloon_target);
    return -EINVAL;
}

static int check_display(const struct config *cfg)
{
    const struct profile *p = &profiles[cfg->mode];

    if (cfg->display.kind == DISPLAY_NONE || p->platform == PLATFORM_PC)
        return 0;
    log_error("--display: a guest with --mode=%s has no screen: leave it out, "
              "or use --mode=hvm",
              p->name);
    return -EINVAL;
}

static int check_devices(const struct config *cfg)
{
    int ret = check_boot(cfg);

    if (ret == 0)
        ret = check_disks(cfg);
    if (ret == 0)
        ret = check_xen(cfg);
    if (ret == 0)
        ret = check_interfaces(cfg);
    if (ret == 0)
        ret = check_stdio(cfg);
    if (ret == 0)
        ret = check_port_names(cfg);
    if (ret == 0)
        ret = check_display(cfg);
    if (ret == 0)
        ret = check_shares(cfg);
    if (ret == 0)
        ret = check_nets(cfg);
    if (ret == 0)
        ret = check_models(cfg);
    return ret == 0 ? check_balloon(cfg) : ret;
}

int config_check(const struct config *cfg)
{
    if (profile_check(cfg->mode, cfg->abi) < 0)
        return -EINVAL;
    if (cfg->cpus > MACHINE_MAX_CPUS) {
        log_error("--cpus: %u is too many: a guest can have %u", cfg->cpus,
                  MACHINE_MAX_CPUS);
        return -EINVAL;
    }
    if (cfg->memory < 4 * MIB) {
        log_error("--memory: %llu bytes is too little: give 4M or more",
                  (unsigned long long)cfg->memory);
        return -EINVAL;
    }
    /* No x86 CPU addresses more; less may be too much for this host. */
    if (cfg->memory > memory_limit(52)) {
        log_error("--memory: %llu GiB is too much: give less than 4096T",
                  (unsigned long long)(cfg->memory / GIB));
        return -EINVAL;
    }
    return check_devices(cfg);
}

int config_check_host(const struct config *cfg, unsigned max_cpus,
                      unsigned phys_bits)
{
    if (cfg->cpus > max_cpus) {
        log_error("--cpus: %u is too many: this host can give a guest %u",
                  cfg->cpus, max_cpus);
        return -EINVAL;
    }
    if (cfg->memory > memory_limit(phys_bits)) {
        log_error("--memory: %llu GiB is too much: this host's CPU addresses "
                  "%llu GiB",
                  (unsigned long long)(cfg->memory / GIB),
                  (unsigned long long)(memory_limit(phys_bits) / GIB) + 2);
        return -EINVAL;
    }
    return 0;
}
