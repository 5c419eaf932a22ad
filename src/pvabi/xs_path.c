// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * xs_path.c: see xs_path.h. Nothing here allocates, and each string is read
 * as far as the longest path and no further.
 */
#include "pvabi/xs_path.h"

#include <stdio.h>
#include <string.h>

static bool is_part(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '@';
}

bool xs_path_ok(const char *path)
{
    size_t n = 0;

    if (path[0] != '/')
        return false;
    if (!path[1])
        return true;
    for (; path[n]; n++) {
        if (n + 1 >= XENSTORE_ABS_PATH_MAX)
            return false;
        if (path[n] == '/' ? !is_part(path[n + 1]) : !is_part(path[n]))
            return false;
    }
    return true;
}

bool xs_path_is_in(const char *path, const char *parent)
{
    const size_t n = strlen(parent);

    if (n == 1)
        return true;
    return strncmp(path, parent, n) == 0 && (!path[n] || path[n] == '/');
}

bool xs_path_resolve(char out[XS_PATH_SIZE], const char *home, const char *path)
{
    const size_t at = strlen(home), n = strnlen(path, XENSTORE_ABS_PATH_MAX);

    if (path[0] == '/') {
        if (n >= XENSTORE_ABS_PATH_MAX)
            return false;
        memcpy(out, path, n + 1);
        if (xs_path_is_in(out, home) && n > at + 1 + XENSTORE_REL_PATH_MAX)
            return false;
        return xs_path_ok(out);
    }
    if (n == 0 || n > XENSTORE_REL_PATH_MAX ||
        at + 1 + n >= XENSTORE_ABS_PATH_MAX)
        return false;
    snprintf(out, XS_PATH_SIZE, "%s/%s", home, path);
    return xs_path_ok(out);
}

size_t xs_path_parent(const char *path)
{
    return (size_t)(strrchr(path, '/') - path);
}
