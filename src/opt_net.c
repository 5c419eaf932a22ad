// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * opt_net.c: see opt_net.h. A row for each key of --net. Which of them go
 * together is checked at the end; what an interface is can only be said when
 * it is opened.
 */
#include "opt_net.h"

#include "config.h"
#include "devices/backend/ratelimit.h"
#include "keyval.h"
#include "vmm/log.h"

#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kinds[] = {
    [NET_TAP] = "tap",
    [NET_USER] = "user",
};

static bool take_kind(void *into, const char *value)
{
    struct net_option *o = into;
    unsigned i;

    if (!keyval_name(value, kinds, ARRAY_LEN(kinds), &i))
        return false;
    o->net.kind = (enum net_kind)i;
    return true;
}

/* What the kernel takes for an interface's name; '%' is a pattern to it. */
static bool take_ifname(void *into, const char *value)
{
    struct net_option *o = into;
    const size_t n = strlen(value);

    o->net.ifname = value;
    return n > 0 && n < IFNAMSIZ && strcspn(value, "/:% \t\n\r\v\f") == n &&
           strcmp(value, ".") != 0 && strcmp(value, "..") != 0;
}

static bool take_fd(void *into, const char *value)
{
    struct net_option *o = into;
    uint64_t fd;

    if (!keyval_number(value, INT_MAX, &fd) || fd <= STDERR_FILENO)
        return false;
    o->net.fd = (int)fd;
    return true;
}

/* Six pairs of digits; one station's address, and not nobody's. */
static bool take_mac(void *into, const char *value)
{
    static const uint8_t nobody[6];
    struct net_option *o = into;
    uint8_t *m = o->net.mac;
    int end = 0;

    if (strspn(value, "0123456789abcdefABCDEF:") != 17 ||
        sscanf(value, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &m[0], &m[1],
               &m[2], &m[3], &m[4], &m[5], &end) != 6)
        return false;
    o->has_mac = true;
    return end == 17 && !value[end] && !(m[0] & 1) &&
           memcmp(m, nobody, sizeof(nobody)) != 0;
}

static bool take_queues(void *into, const char *value)
{
    struct net_option *o = into;
    uint64_t n;

    if (!keyval_number(value, NET_MAX_QUEUES, &n))
        return false;
    o->net.queues = (unsigned)n;
    return n > 0;
}

static bool take_pps(void *into, const char *value)
{
    struct net_option *o = into;

    return keyval_number(value, RATELIMIT_MAX_RATE, &o->net.pps) &&
           o->net.pps > 0;
}

static bool take_bps(void *into, const char *value)
{
    struct net_option *o = into;

    return config_parse_size(value, &o->net.bps) && o->net.bps > 0 &&
           o->net.bps <= RATELIMIT_MAX_RATE;
}

static bool take_filter(void *into, const char *value)
{
    struct net_option *o = into;

    return keyval_bool(value, &o->net.only_own_mac);
}

static bool take_hostfwd(void *into, const char *value)
{
    struct net_option *o = into;

    if (o->net.n_hostfwd == NET_MAX_HOSTFWD || !net_hostfwd_valid(value))
        return false;
    o->net.hostfwd[o->net.n_hostfwd++] = value;
    return true;
}

static const char *const models[] = {
    [NET_UNSAID] = "auto",
    [NET_VIRTIO] = "virtio",
    [NET_E1000] = "e1000",
    [NET_XEN] = "xen",
};

static bool take_model(void *into, const char *value)
{
    struct net_option *o = into;
    unsigned i;

    if (!keyval_name(value, models, ARRAY_LEN(models), &i))
        return false;
    o->model = (enum net_model)i;
    return true;
}

static bool take_rom(void *into, const char *value)
{
    struct net_option *o = into;

    o->no_rom = strcmp(value, "none") == 0;
    o->rom = o->no_rom ? NULL : value;
    return *value != '\0';
}

static const struct keyval_key keys[] = {
    {"ifname", take_ifname, "the name of a tap interface", false},
    {"fd", take_fd, "the number of an open descriptor, from 3", false},
    {"mac", take_mac, "an address such as 02:00:00:12:34:56", false},
    {"queues", take_queues, "a number of queue pairs, 1 to 8", false},
    {"pps", take_pps, "a number of packets a second, from 1", false},
    {"bps", take_bps, "bytes a second such as 10M, up to 64G", false},
    {"filter", take_filter, "on or off", false},
    {"model", take_model, "e1000, virtio, xen or auto", false},
    {"rom", take_rom, "a file with an option ROM, or none", false},
    {"hostfwd", take_hostfwd,
     "tcp:HOSTPORT:GUESTPORT, or udp, with an address before HOSTPORT if it is "
     "for one only; at most 16 times",
     true},
};

static const struct keyval_option net = {
    .name = "--net",
    .want = "tap or user",
    .take_value = take_kind,
    .keys = keys,
    .n_keys = ARRAY_LEN(keys),
};

/* What each key allows but all of them together do not. */
static const char *find_conflict(const struct net_option *o)
{
    const struct net_config *n = &o->net;

    if (n->kind == NET_TAP && !n->ifname && n->fd < 0)
        return "tap: which one? give ifname=NAME or fd=N";
    if (n->kind == NET_TAP && n->ifname && n->fd >= 0)
        return "ifname= and fd= exclude each other: give one";
    if (n->kind == NET_TAP && n->n_hostfwd)
        return "hostfwd= goes with 'user': a tap forwards nothing";
    if (n->kind == NET_USER && (n->ifname || n->fd >= 0))
        return "ifname= and fd= go with 'tap': user networking has none";
    if (n->queues > 1 && !n->ifname)
        return "queues= goes with 'tap' and ifname=: leave it out";
    return NULL;
}

static int check_together(const struct net_option *o)
{
    const char *conflict = find_conflict(o);

    if (!conflict)
        return 0;
    log_error("--net: %s", conflict);
    return -EINVAL;
}

int net_option_parse(const char *text, struct net_option *out)
{
    int ret;

    *out = (struct net_option){
        .net = {.fd = -1, .queues = 1},
        .text = strdup(text),
    };
    if (!out->text) {
        log_error("--net: out of memory");
        return -ENOMEM;
    }
    ret = keyval_parse(&net, out->text, out);
    if (ret == 0)
        ret = check_together(out);
    if (ret < 0)
        net_option_free(out);
    return ret;
}

void net_option_free(struct net_option *option)
{
    free(option->text);
    *option = (struct net_option){0};
}

/* FNV-1a: spreads names that differ little. */
static uint64_t hash(const char *text, unsigned nth)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (const char *c = text; *c; c++)
        h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    return (h ^ nth) * UINT64_C(0x100000001b3);
}

void net_option_mac(const struct net_option *option, const char *guest,
                    unsigned nth, uint8_t mac[6])
{
    uint64_t h = hash(guest, nth);

    memcpy(mac, option->net.mac, 6);
    if (option->has_mac)
        return;
    /* Locally administered, one station (IEEE 802, 8.2). */
    mac[0] = 0x02;
    h ^= h >> 40;
    for (unsigned i = 1; i < 6; i++, h >>= 8)
        mac[i] = (uint8_t)h;
}

static json_t *dump_hostfwd(const struct net_config *n)
{
    json_t *list = json_array();

    for (unsigned i = 0; i < n->n_hostfwd; i++)
        json_array_append_new(list, json_string(n->hostfwd[i]));
    return list;
}

static json_t *dump_mac(const struct net_option *o)
{
    const uint8_t *m = o->net.mac;

    if (!o->has_mac)
        return NULL;
    return json_sprintf("%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3],
                        m[4], m[5]);
}

json_t *net_option_dump(const struct net_option *o)
{
    const struct net_config *n = &o->net;

    return json_pack("{s:s, s:s, s:s*, s:s*, s:o*, s:o*, s:i, s:I, s:I, s:b,"
                     " s:o}",
                     "kind", kinds[n->kind], "model", models[o->model], "rom",
                     o->no_rom ? "none" : o->rom, "ifname", n->ifname, "fd",
                     n->fd >= 0 ? json_integer(n->fd) : NULL, "mac",
                     dump_mac(o), "queues", (int)n->queues, "pps",
                     (json_int_t)n->pps, "bps", (json_int_t)n->bps, "filter",
                     n->only_own_mac, "hostfwd", dump_hostfwd(n));
}
