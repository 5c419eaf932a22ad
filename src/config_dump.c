// SPDX-License-Identifier: GPL-2.0-or-later
/* config_dump.c: a configuration as the operator can read it; config.h. */
#include "config_priv.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

static json_t *dump_modules(const struct config *cfg)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < cfg->n_modules; i++) {
        const char *cmdline = cfg->modules[i].cmdline;

        json_array_append_new(list, json_pack("{s:s, s:s*}", "file",
                                              cfg->modules[i].path, "cmdline",
                                              cmdline));
    }
    return list;
}

static json_t *dump_disks(const struct config *cfg)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < cfg->n_disks; i++)
        json_array_append_new(list, disk_option_dump(&cfg->disks[i]));
    return list;
}

static json_t *dump_shares(const struct config *cfg)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < cfg->n_shares; i++)
        json_array_append_new(list, share_option_dump(&cfg->shares[i]));
    return list;
}

static json_t *dump_ports(const struct config *cfg)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < cfg->n_ports; i++)
        json_array_append_new(list, port_option_dump(&cfg->ports[i]));
    return list;
}

/* By option, without the dashes. */
static json_t *dump_pc_ports(const struct config *cfg)
{
    json_t *ports = json_object();

    for (unsigned i = 0; i < PC_PORT_COUNT; i++)
        json_object_set_new(ports, config_pc_ports[i] + 2,
                            json_string(console_place_kind(&cfg->pc_ports[i])));
    return ports;
}

/* What the guest shall keep, or null: there is no balloon. */
static json_t *dump_balloon(const struct config *cfg)
{
    const uint64_t all = cfg->memory;

    if (!cfg->balloon)
        return json_null();
    return json_integer(
        (json_int_t)(cfg->balloon_target ? cfg->balloon_target : all));
}

static json_t *dump_nets(const struct config *cfg)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < cfg->n_nets; i++)
        json_array_append_new(list, net_option_dump(&cfg->nets[i]));
    return list;
}

int config_dump(const struct config *cfg, FILE *out)
{
    json_error_t error = {.text = ""};
    const bool xen = cfg->abi == ABI_XEN;
    const bool has_doubles = xen && profiles[cfg->mode].platform == PLATFORM_PC;
    const char *accel =
        cfg->xen_accel == KVM_XEN_OFF ? "auto" : kvm_xen_names[cfg->xen_accel];
    char version[16];
    json_t *o;
    char *text;

    snprintf(version, sizeof(version), "%u.%u", cfg->xen_version >> 16,
             cfg->xen_version & 0xffff);
    o = json_pack_ex(
        &error, 0,
        "{s:s, s:s, s:s, s:s*, s:s*, s:i, s:I, s:b, s:s*, s:s*, s:o, s:s*, "
        "s:s, s:o, "
        "s:s, "
        "s:s*, s:s*, s:b, "
        "s:b, s:b, s:o, s:b, s:s, s:o, s:o, s:o, s:o, s:o}",
        "mode", profiles[cfg->mode].name, "abi", abi_names[cfg->abi], "entry",
        config_entries[cfg->entry], "xen_accel", xen ? accel : NULL,
        "xen_version", xen ? version : NULL, "cpus", (int)cfg->cpus, "memory",
        (json_int_t)cfg->memory, "hugepages", cfg->hugepages, "firmware",
        cfg->firmware, "firmware_vars", cfg->firmware_vars, "pc_ports",
        dump_pc_ports(cfg), "kernel", cfg->kernel, "append", cfg->append,
        "initrd", dump_modules(cfg), "console",
        console_place_kind(&cfg->console), "console_path", cfg->console.path,
        "name", cfg->name, "reboot", !cfg->no_reboot, "fdt", cfg->fdt,
        "sandbox", cfg->sandbox, "disks", dump_disks(cfg), "rng", cfg->rng,
        "transport", config_transports[cfg->transport], "virtio_consoles",
        dump_ports(cfg), "balloon", dump_balloon(cfg), "vsock",
        vsock_option_dump(&cfg->vsock), "shares", dump_shares(cfg), "nets",
        dump_nets(cfg));
    if (o && has_doubles)
        json_object_set_new(o, "unplug",
                            json_string(config_unplugs[cfg->unplug]));
    if (o)
        json_object_set_new(o, "boot", boot_option_dump(&cfg->boot));
    if (o)
        json_object_set_new(o, "display", display_option_dump(&cfg->display));
    text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;

    json_decref(o);
    if (!text && json_error_code(&error) == json_error_invalid_utf8) {
        log_error("--dump-config: a name is not valid UTF-8");
        return -EINVAL;
    }
    if (!text) {
        log_error("--dump-config: out of memory");
        return -ENOMEM;
    }
    fprintf(out, "%s\n", text);
    free(text);
    return 0;
}
