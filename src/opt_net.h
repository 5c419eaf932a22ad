/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * opt_net.h: --net KIND[,key=value...], one link as the operator wants it.
 */
#ifndef VMM_OPT_NET_H
#define VMM_OPT_NET_H

#include "devices/backend/net.h"

#include <jansson.h>

/* What the guest sees the link as. */
enum net_model {
    NET_UNSAID, /* as the mode has it; never after config_parse */
    NET_VIRTIO,
    NET_E1000,
    NET_XEN,
};

struct net_option {
    struct net_config net; /* strings borrowed from text */
    enum net_model model;
    const char *rom; /* borrowed from text; NULL: from the usual places */
    bool no_rom;
    bool has_mac;
    char *text; /* owned */
};

/*
 * Parse one --net. 0 or -EINVAL/-ENOMEM, logged, and then out needs no
 * net_option_free.
 */
must_check int net_option_parse(const char *text, struct net_option *out);
void net_option_free(struct net_option *option);

/*
 * The MAC address of the nth link: the one given, or one made from the
 * guest's name, the same each time.
 */
void net_option_mac(const struct net_option *option, const char *guest,
                    unsigned nth, uint8_t mac[6]);

/* As JSON, for --dump-config. NULL: out of memory. */
json_t *net_option_dump(const struct net_option *option);

#endif
