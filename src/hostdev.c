// SPDX-License-Identifier: GPL-2.0-or-later
/* hostdev.c: opens what the command line names; see hostdev.h. */
#include "hostdev.h"

#include "boot/option_rom.h"
#include "devices/virtio/vballoon.h"
#include "devices/virtio/vcons.h"
#include "mmu/gmem.h"
#include "pc_slots.h"
#include "profile.h"
#include "pvabi/xcons.h"
#include "sandbox.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int open_disks(struct hostdev *h, const struct config *cfg,
                      struct loop *loop)
{
    for (unsigned i = 0; i < cfg->n_disks; i++) {
        int ret;

        h->disks[i] = blk_open(&cfg->disks[i].blk);
        if (!h->disks[i])
            return -EIO;
        ret = blk_start(h->disks[i], loop);
        if (ret < 0)
            return ret;
    }
    return 0;
}

static int open_vsock(struct hostdev *h, const struct config *cfg,
                      const struct claim *claim, struct loop *loop)
{
    char path[RUNDIR_PATH_MAX + 1];
    const char *uds = cfg->vsock.uds;

    if (!cfg->vsock.cid)
        return 0;
    rundir_path(claim, RUNDIR_VSOCK, path);
    h->uds =
        uds_open(uds ? uds : path, cfg->sandbox ? sandbox_seal_helper : NULL);
    return h->uds ? uds_start(h->uds, loop) : -EIO;
}

/* virtiofsd maps the guest's RAM, which is a file then. */
static int open_ram(struct hostdev *h, const struct config *cfg)
{
    h->ram_fd = gmem_make_file(cfg->memory, cfg->hugepages);
    h->has_ram = h->ram_fd >= 0;
    return h->has_ram ? 0 : h->ram_fd;
}

static int open_shares(struct hostdev *h, const struct config *cfg,
                       const struct claim *claim, struct loop *loop)
{
    char path[RUNDIR_PATH_MAX + 1];
    int ret = cfg->n_shares ? open_ram(h, cfg) : 0;

    rundir_path(claim, RUNDIR_SHARE, path);
    for (unsigned i = 0; i < cfg->n_shares && ret == 0; i++) {
        h->shares[i] = share_open(&cfg->shares[i].share, path);
        ret = h->shares[i] ? share_start(h->shares[i], loop) : -EIO;
    }
    return ret;
}

static int open_ports(struct hostdev *h, const struct config *cfg,
                      struct loop *loop)
{
    for (unsigned i = 0; i < cfg->n_ports; i++) {
        int ret;

        h->ports[i] = console_place_open(&cfg->ports[i].place);
        if (!h->ports[i])
            return -EIO;
        ret = chr_start(h->ports[i], loop);
        if (ret < 0)
            return ret;
    }
    return 0;
}

static int open_pc_ports(struct hostdev *h, const struct config *cfg,
                         struct loop *loop)
{
    for (unsigned i = 0; i < PC_PORT_COUNT; i++) {
        int ret;

        if (cfg->pc_ports[i].kind == CONSOLE_NONE)
            continue;
        h->pc_ports[i] = console_place_open(&cfg->pc_ports[i]);
        if (!h->pc_ports[i])
            return -EIO;
        ret = chr_start(h->pc_ports[i], loop);
        if (ret < 0)
            return ret;
    }
    return 0;
}

/* A transitional network card, which iPXE's ROM serves and does not name. */
#define VIRTIO_VENDOR     0x1af4u
#define VIRTIO_LEGACY_NET 0x1000u

/* What a card brings for a PC's firmware: iPXE, if it is there. */
static int open_rom(const struct config *cfg, unsigned i, struct rom *rom)
{
    static const char *const *const places[] = {
        [NET_VIRTIO] = option_rom_virtio,
        [NET_E1000] = option_rom_e1000,
        [NET_XEN] = NULL,
    };
    const struct net_option *o = &cfg->nets[i];
    /* Xen's links are e1000s to firmware, if anything. */
    const enum net_model model = pc_is_card(cfg, i) ? NET_E1000 : o->model;

    if (o->rom)
        return option_rom_open_file(o->rom, "--net: rom", rom);
    if (!o->no_rom && places[model] &&
        profiles[cfg->mode].platform == PLATFORM_PC)
        option_rom_open(places[model], NULL, rom);
    if (o->model == NET_VIRTIO && cfg->transport == TRANSPORT_PCI_LEGACY)
        option_rom_adopt(rom, VIRTIO_VENDOR, VIRTIO_LEGACY_NET);
    return 0;
}

/*
 * A virtio driver learns from its card how long a packet may be. Others would
 * take passt's word by DHCP for their card's, and fail.
 */
#define ETHERNET_MTU 1500u

static int open_nets(struct hostdev *h, const struct config *cfg,
                     const struct claim *claim, struct loop *loop)
{
    for (unsigned i = 0; i < cfg->n_nets; i++) {
        struct net_config c = cfg->nets[i].net;
        int ret;

        net_option_mac(&cfg->nets[i], claim->name, i, c.mac);
        c.mtu = cfg->nets[i].model == NET_E1000 ? ETHERNET_MTU : 0;
        h->nets[i] = net_open(&c);
        if (!h->nets[i])
            return -EIO;
        ret = net_start(h->nets[i], loop);
        if (ret == 0)
            ret = open_rom(cfg, i, &h->roms[i]);
        if (ret < 0)
            return ret;
    }
    return 0;
}

int hostdev_inherited(const struct config *cfg, int fds[CONFIG_MAX_NETS])
{
    int n = 0;

    for (unsigned i = 0; i < cfg->n_nets; i++) {
        const int fd = cfg->nets[i].net.fd;

        if (fd < 0)
            continue;
        if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
            log_error("--net: fd=%d: not an open descriptor: open it before "
                      "vmm starts",
                      fd);
            return -EBADF;
        }
        fds[n++] = fd;
    }
    return n;
}

int hostdev_open(struct hostdev *h, const struct config *cfg,
                 const struct claim *claim, struct loop *loop)
{
    int ret = open_disks(h, cfg, loop);

    if (ret == 0)
        ret = open_nets(h, cfg, claim, loop);
    if (ret == 0)
        ret = open_ports(h, cfg, loop);
    if (ret == 0)
        ret = open_pc_ports(h, cfg, loop);
    if (ret == 0)
        ret = open_vsock(h, cfg, claim, loop);
    if (ret == 0)
        ret = open_shares(h, cfg, claim, loop);
    if (ret == 0 && cfg->firmware_vars)
        ret = flash_file_open(&h->flash, cfg->firmware_vars, loop);
    if (profiles[cfg->mode].platform == PLATFORM_PC)
        option_rom_open(option_rom_vga, "VGA BIOS: firmware shows nothing",
                        &h->vga_rom);
    h->balloon_target = cfg->balloon_target ? cfg->balloon_target : cfg->memory;
    return ret;
}

int hostdev_set_balloon(struct hostdev *h, uint64_t target)
{
    if (!h->balloon)
        return -EOPNOTSUPP;
    h->balloon_target = target;
    vballoon_set_target(h->balloon, target);
    return 0;
}

void hostdev_resize_terminal(struct hostdev *h, uint16_t cols, uint16_t rows)
{
    h->cols = cols;
    h->rows = rows;
    if (h->console)
        vcons_resize(h->console, cols, rows);
    if (h->xen_console)
        xcons_resize(h->xen_console, cols, rows);
}

int hostdev_resize_disk(struct hostdev *h, const struct config *cfg,
                        const char *id, uint64_t *size)
{
    for (unsigned i = 0; i < cfg->n_disks; i++) {
        char name[DISK_ID_MAX + 1];
        int ret;

        disk_option_id(&cfg->disks[i], i, name);
        if (strcmp(id, name) != 0)
            continue;
        ret = blk_resize(h->disks[i]);
        *size = blk_info(h->disks[i])->size;
        return ret;
    }
    return -ENODEV;
}

void hostdev_on_disk_stop(struct hostdev *h, blk_stopped_fn *stopped,
                          void *owner)
{
    for (unsigned i = 0; i < ARRAY_LEN(h->disks); i++)
        if (h->disks[i])
            blk_on_stop(h->disks[i], stopped, owner);
}

bool hostdev_disk_is_stopped(const struct hostdev *h)
{
    for (unsigned i = 0; i < ARRAY_LEN(h->disks); i++)
        if (h->disks[i] && blk_is_stopped(h->disks[i]))
            return true;
    return false;
}

void hostdev_never_stop(struct hostdev *h)
{
    for (unsigned i = 0; i < ARRAY_LEN(h->disks); i++)
        if (h->disks[i])
            blk_never_stop(h->disks[i]);
}

json_t *hostdev_stopped_disks(const struct hostdev *h, const struct config *cfg)
{
    json_t *out = NULL;

    for (unsigned i = 0; i < cfg->n_disks; i++) {
        char id[DISK_ID_MAX + 1], text[BLK_STOP_TEXT];

        if (!h->disks[i] || !blk_is_stopped(h->disks[i]))
            continue;
        if (!out)
            out = json_object();
        disk_option_id(&cfg->disks[i], i, id);
        blk_stop_text(h->disks[i], text);
        json_object_set_new(out, id, json_string(text));
    }
    return out;
}

void hostdev_retry_disks(struct hostdev *h)
{
    for (unsigned i = 0; i < ARRAY_LEN(h->disks); i++)
        if (h->disks[i])
            blk_retry(h->disks[i]);
}

void hostdev_close(struct hostdev *h)
{
    rom_free(&h->vga_rom);
    flash_file_close(&h->flash);
    for (unsigned i = 0; i < ARRAY_LEN(h->disks); i++) {
        if (h->disks[i])
            blk_close(h->disks[i]);
        h->disks[i] = NULL;
    }
    for (unsigned i = 0; i < ARRAY_LEN(h->shares); i++) {
        share_close(h->shares[i]);
        h->shares[i] = NULL;
    }
    if (h->has_ram)
        close(h->ram_fd);
    h->has_ram = false;
    uds_close(h->uds);
    h->uds = NULL;
    for (unsigned i = 0; i < ARRAY_LEN(h->ports); i++) {
        chr_close(h->ports[i]);
        h->ports[i] = NULL;
    }
    for (unsigned i = 0; i < ARRAY_LEN(h->pc_ports); i++) {
        chr_close(h->pc_ports[i]);
        h->pc_ports[i] = NULL;
    }
    for (unsigned i = 0; i < ARRAY_LEN(h->nets); i++) {
        net_close(h->nets[i]);
        h->nets[i] = NULL;
        rom_free(&h->roms[i]);
    }
}
