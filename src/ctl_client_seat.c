// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ctl_client_seat.c: vmm screen, screenshot and sendkey; see ctl_client.h.
 *
 * What a guest shows is its own: control characters in it do not reach the
 * operator's terminal, and a picture is as large as its size says, in bounds,
 * or none. The PNG is made here, in a process that no guest has ever touched.
 */
#include "ctl_client_priv.h"
#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <errno.h>
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_SIDE 16384

/* ---- screen ---- */

/* UTF-8 without what a terminal takes for a command: C0, DEL and C1. */
static void print_line(const char *s)
{
    for (; *s; s++) {
        const unsigned char c = (unsigned char)s[0];

        if (c == 0xc2 && (unsigned char)s[1] < 0xa0) {
            putchar('?');
            s++;
        } else {
            putchar(c < 0x20 || c == 0x7f ? '?' : c);
        }
    }
    putchar('\n');
}

static int print_json(const struct request *req, const json_t *reply)
{
    char *text = json_dumps(reply, JSON_ENSURE_ASCII);

    if (!text) {
        log_error("%s: out of memory", req->name);
        return VMM_EXIT_HOST;
    }
    puts(text);
    free(text);
    return VMM_EXIT_OK;
}

int ctl_client_show_screen(const struct command *cmd, const struct request *req,
                           json_t *reply)
{
    const json_t *text = json_object_get(reply, "text");

    (void)cmd;
    if (req->json)
        return print_json(req, reply);
    if (!text) {
        log_error(
            "%s: shows graphics (%lldx%lld): 'vmm screenshot %s FILE' "
            "makes a picture of it",
            req->name, json_integer_value(json_object_get(reply, "width")),
            json_integer_value(json_object_get(reply, "height")), req->name);
        return VMM_EXIT_HOST;
    }
    for (size_t i = 0; i < json_array_size(text); i++) {
        const char *line = json_string_value(json_array_get(text, i));

        print_line(line ? line : "");
    }
    return VMM_EXIT_OK;
}

/* ---- sendkey ---- */

json_t *ctl_client_typing(const struct request *req)
{
    json_t *args = json_object();

    if (req->text)
        json_object_set_new(args, "text", json_string(req->text));
    if (req->n_keys) {
        json_t *keys = json_array();

        for (unsigned i = 0; i < req->n_keys; i++)
            json_array_append_new(keys, json_string(req->keys[i]));
        json_object_set_new(args, "keys", keys);
    }
    return args;
}

int ctl_client_show_nothing(const struct command *cmd,
                            const struct request *req, json_t *reply)
{
    (void)cmd;
    (void)req;
    (void)reply;
    return VMM_EXIT_OK;
}

/* ---- screenshot ---- */

static int write_png(const struct request *req, const void *data,
                     unsigned width, unsigned height)
{
    png_image png = {.version = PNG_IMAGE_VERSION,
                     .width = width,
                     .height = height,
                     .format = PNG_FORMAT_RGB};

    if (png_image_write_to_file(&png, req->file, 0, data, 0, NULL))
        return VMM_EXIT_OK;
    log_error("%s: %s: the picture cannot be written", req->file, png.message);
    return VMM_EXIT_HOST;
}

/* The size a reply says, if a picture can have it. */
static bool sane_size(const json_t *reply, unsigned *width, unsigned *height,
                      size_t *bytes)
{
    const json_int_t w = json_integer_value(json_object_get(reply, "width"));
    const json_int_t h = json_integer_value(json_object_get(reply, "height"));
    const json_int_t n = json_integer_value(json_object_get(reply, "bytes"));

    if (w < 1 || w > MAX_SIDE || h < 1 || h > MAX_SIDE || n != 3 * w * h)
        return false;
    *width = (unsigned)w;
    *height = (unsigned)h;
    *bytes = (size_t)n;
    return true;
}

static int fetch(struct ctl_conn *conn, const struct request *req,
                 const json_t *reply)
{
    unsigned width, height;
    size_t bytes;
    void *data;
    int ret;

    if (!sane_size(reply, &width, &height, &bytes)) {
        log_error("%s: answers with a picture of no possible size", req->name);
        return VMM_EXIT_HOST;
    }
    data = malloc(bytes);
    ret = data ? ctl_conn_read(conn, data, bytes) : -ENOMEM;
    if (ret < 0)
        log_error("%s: its picture did not arrive: %s: try again", req->name,
                  strerror(-ret));
    ret = ret < 0 ? VMM_EXIT_HOST : write_png(req, data, width, height);
    free(data);
    return ret;
}

int ctl_client_screenshot(const struct command *cmd, const struct request *req)
{
    struct ctl_conn conn = {.fd = -1};
    struct rundir_guest g;
    json_t *reply;
    int ret = VMM_EXIT_HOST;

    if (rundir_find(&g, req->name) < 0)
        return VMM_EXIT_HOST;
    reply = ctl_client_ask(&g, &conn, cmd->words.name, NULL);
    if (reply)
        ret = fetch(&conn, req, reply);
    json_decref(reply);
    ctl_conn_close(&conn);
    close(g.lock_fd);
    return ret;
}
