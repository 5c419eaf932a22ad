// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * opt_display.c: see opt_display.h. An address is a number: a name would have
 * to be looked up, and could be anybody's.
 */
#include "opt_display.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

static bool take_port(const char *text, uint16_t *port)
{
    char *end;
    unsigned long v;

    if (*text < '0' || *text > '9')
        return false;
    v = strtoul(text, &end, 10);
    *port = htons((uint16_t)v);
    return *end == '\0' && v > 0 && v < 65536;
}

static bool parse_unix(const char *path, struct display_option *out)
{
    struct sockaddr_un *a = (struct sockaddr_un *)&out->addr;

    if (!*path || strlen(path) >= sizeof(a->sun_path))
        return false;
    a->sun_family = AF_UNIX;
    memcpy(a->sun_path, path, strlen(path) + 1);
    out->addr_len = sizeof(*a);
    return true;
}

static bool parse_inet6(const char *text, struct display_option *out)
{
    struct sockaddr_in6 *a = (struct sockaddr_in6 *)&out->addr;
    const char *end = strchr(text, ']');
    char host[INET6_ADDRSTRLEN];

    if (!end || (size_t)(end - text) > sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)(end - text - 1), text + 1);
    a->sin6_family = AF_INET6;
    a->sin6_port = htons(DISPLAY_VNC_PORT);
    out->addr_len = sizeof(*a);
    if (inet_pton(AF_INET6, host, &a->sin6_addr) != 1)
        return false;
    return !end[1] || (end[1] == ':' && take_port(end + 2, &a->sin6_port));
}

static bool parse_inet(const char *text, struct display_option *out)
{
    struct sockaddr_in *a = (struct sockaddr_in *)&out->addr;
    const char *colon = strchr(text, ':');
    const size_t n = colon ? (size_t)(colon - text) : strlen(text);
    char host[INET_ADDRSTRLEN];

    if (n >= sizeof(host))
        return false;
    snprintf(host, sizeof(host), "%.*s", (int)n, text);
    a->sin_family = AF_INET;
    a->sin_port = htons(DISPLAY_VNC_PORT);
    out->addr_len = sizeof(*a);
    if (strcmp(host, "localhost") == 0)
        a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (inet_pton(AF_INET, host, &a->sin_addr) != 1)
        return false;
    return !colon || take_port(colon + 1, &a->sin_port);
}

static bool parse_vnc(const char *text, struct display_option *out)
{
    *out = (struct display_option){.kind = DISPLAY_VNC, .where = text};
    if (strncmp(text, "unix:", 5) == 0)
        return parse_unix(text + 5, out);
    return *text == '[' ? parse_inet6(text, out) : parse_inet(text, out);
}

bool display_option_parse(const char *text, struct display_option *out)
{
    if (strncmp(text, "vnc=", 4) == 0)
        return parse_vnc(text + 4, out);
    *out = (struct display_option){.kind = DISPLAY_NONE};
    if (strcmp(text, "text") == 0)
        out->kind = DISPLAY_TEXT;
    return out->kind == DISPLAY_TEXT || strcmp(text, "none") == 0;
}

bool display_is_private(const struct display_option *o)
{
    const struct sockaddr_in *in4 = (const struct sockaddr_in *)&o->addr;
    const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&o->addr;

    if (o->addr.ss_family == AF_INET)
        return ntohl(in4->sin_addr.s_addr) >> 24 == 127;
    if (o->addr.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    return true;
}

json_t *display_option_dump(const struct display_option *o)
{
    static const char *const kinds[] = {"none", "text", "vnc"};

    return json_pack("{s:s, s:s*}", "kind", kinds[o->kind], "where", o->where);
}
