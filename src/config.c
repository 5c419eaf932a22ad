// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.c: reads the command line of `vmm run` by the table in
 * config_options.c; see config.h. An args file holds the same words, one
 * option a line.
 */
#include "config_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_FILE_MAX (64 * KIB)
#define ARGS_MAX      256
#define HELP_COLUMN   27

/* The lines of a text, all but the first indented. */
static void help_text(FILE *out, const char *text)
{
    for (const char *nl; (nl = strchr(text, '\n')) != NULL; text = nl + 1)
        fprintf(out, "%.*s\n  %-*s", (int)(nl - text), text, HELP_COLUMN, "");
    fprintf(out, "%s\n", text);
}

void config_help(FILE *out)
{
    fprintf(out, "usage: vmm run [options] [KERNEL]\n\n"
                 "Run a guest. KERNEL is an ELF, bzImage or compressed "
                 "kernel; its format is found\nby content. A PC "
                 "(--mode=hvm) boots from its disks instead.\n\noptions:\n");
    for (size_t i = 0; i < config_options_len; i++) {
        const struct option *o = &config_options[i];
        char left[64];

        snprintf(left, sizeof(left), "%s%s%s%s%s%s%s", o->alias ? o->alias : "",
                 o->alias ? ", " : "", o->name, o->optional ? "[" : "",
                 o->arg ? "=" : "", o->arg ? o->arg : "",
                 o->optional ? "]" : "");
        if (strlen(left) < HELP_COLUMN)
            fprintf(out, "  %-*s", HELP_COLUMN, left);
        else
            fprintf(out, "  %s\n  %-*s", left, HELP_COLUMN, "");
        help_text(out, o->help);
    }
}

/* The row for a word; *value points behind '=' if there is one. */
static const struct option *find_option(char *word, char **value)
{
    char *eq = strchr(word, '=');
    const size_t n = eq ? (size_t)(eq - word) : strlen(word);

    *value = eq ? eq + 1 : NULL;
    for (size_t i = 0; i < config_options_len; i++) {
        const struct option *o = &config_options[i];

        if (strlen(o->name) == n && strncmp(word, o->name, n) == 0)
            return o;
        if (o->alias && strcmp(word, o->alias) == 0)
            return o;
    }
    return NULL;
}

/* The words still to be read: the command line, or one args file in it. */
struct words {
    char **word;
    int n;
    int at;
};

static enum config_result parse_words(struct config *cfg, struct words *w);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/*
 * Split an args file in place: a line "--memory 1G" or "--memory=1G" is the
 * option and, behind the first blank, its value to the end of the line.
 */
static int split_args(char *text, char **word, int max)
{
    char *save = NULL;
    int n = 0;

    for (char *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        char *end = line + strlen(line), *gap;

        while (end > line && is_blank(end[-1]))
            *--end = '\0';
        while (is_blank(*line))
            line++;
        if (!*line || *line == '#')
            continue;
        if (n + 2 > max)
            return -E2BIG;
        word[n++] = line;
        gap = line + strcspn(line, " \t");
        /* "--append=a b c" has its value already. */
        if (line[0] != '-' || memchr(line, '=', (size_t)(gap - line)))
            continue;
        if (!*gap)
            continue;
        *gap++ = '\0';
        while (is_blank(*gap))
            gap++;
        word[n++] = gap;
    }
    return n;
}

static char *read_text(const char *path)
{
    char *text = malloc(ARGS_FILE_MAX + 1);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got = -1;

    if (fd < 0)
        log_error("--args-file: %s: %s", path, strerror(errno));
    else if (!text)
        log_error("--args-file: out of memory");
    else
        got = read(fd, text, ARGS_FILE_MAX + 1);
    if (fd >= 0 && text && got < 0)
        log_error("--args-file: %s: %s", path, strerror(errno));
    if (got > (ssize_t)ARGS_FILE_MAX)
        log_error("--args-file: %s: longer than 64 KiB", path);
    if (fd >= 0)
        close(fd);
    if (got < 0 || got > (ssize_t)ARGS_FILE_MAX) {
        free(text);
        return NULL;
    }
    text[got] = '\0';
    if (strlen(text) != (size_t)got) {
        log_error("--args-file: %s: not a text file", path);
        free(text);
        return NULL;
    }
    return text;
}

static enum config_result parse_args_file(struct config *cfg, const char *path)
{
    char *word[ARGS_MAX];
    struct words w = {.word = word};

    BUG_ON(!path);
    if (cfg->args_text) {
        log_error("--args-file: given twice: use one file");
        return CONFIG_ERROR;
    }
    cfg->args_text = read_text(path);
    if (!cfg->args_text)
        return CONFIG_ERROR;
    w.n = split_args(cfg->args_text, word, ARGS_MAX);
    if (w.n < 0) {
        log_error("--args-file: %s: more than %d words", path, ARGS_MAX);
        return CONFIG_ERROR;
    }
    return parse_words(cfg, &w);
}

static enum config_result take_option(struct config *cfg, struct words *w,
                                      const struct option *o, char *value)
{
    if (o->arg && !o->optional && !value) {
        if (w->at == w->n) {
            log_error("%s needs a value: %s", o->name, o->arg);
            return CONFIG_ERROR;
        }
        value = w->word[w->at++];
    } else if (!o->arg && value) {
        log_error("%s takes no value", o->name);
        return CONFIG_ERROR;
    }
    if (strcmp(o->name, "--help") == 0) {
        config_help(stdout);
        return CONFIG_HELP;
    }
    if (strcmp(o->name, "--args-file") == 0)
        return parse_args_file(cfg, value);
    if (o->keys_fn)
        return o->keys_fn(cfg, value);
    if (!o->fn(cfg, value)) {
        log_error("%s: '%s' is not valid: give %s", o->name, value,
                  o->want ? o->want : o->arg);
        return CONFIG_ERROR;
    }
    return CONFIG_OK;
}

static enum config_result parse_words(struct config *cfg, struct words *w)
{
    bool only_names = false;

    while (w->at < w->n) {
        char *word = w->word[w->at++], *value;
        const struct option *o;
        enum config_result r;

        if (!only_names && strcmp(word, "--") == 0) {
            only_names = true;
            continue;
        }
        if (only_names || word[0] != '-' || !word[1]) {
            if (cfg->kernel) {
                log_error("two kernels: '%s' and '%s': give one", cfg->kernel,
                          word);
                return CONFIG_ERROR;
            }
            cfg->kernel = word;
            continue;
        }
        o = find_option(word, &value);
        if (!o) {
            log_error("unknown option '%s': see 'vmm run --help'", word);
            return CONFIG_ERROR;
        }
        r = take_option(cfg, w, o, value);
        if (r != CONFIG_OK)
            return r;
    }
    return CONFIG_OK;
}

static bool port_on_stdio(const struct config *cfg)
{
    for (unsigned i = 0; i < cfg->n_ports; i++)
        if (cfg->ports[i].place.kind == CONSOLE_STDIO)
            return true;
    return false;
}

static bool pc_port_on_stdio(const struct config *cfg)
{
    for (unsigned i = 0; i < PC_PORT_COUNT; i++)
        if (cfg->pc_ports[i].kind == CONSOLE_STDIO)
            return true;
    return false;
}

bool config_on_stdio(const struct config *cfg)
{
    return cfg->console.kind == CONSOLE_STDIO || port_on_stdio(cfg) ||
           pc_port_on_stdio(cfg) || cfg->display.kind == DISPLAY_TEXT;
}

/* What disks and links are whose kind was not said: a Xen guest has Xen's. */
static void choose_devices(struct config *cfg)
{
    const struct profile *p = &profiles[cfg->mode];
    const bool xen = cfg->abi == ABI_XEN;

    for (unsigned i = 0; i < cfg->n_disks; i++)
        if (cfg->disks[i].iface == DISK_UNSAID)
            cfg->disks[i].iface = xen ? DISK_XEN : p->disk_if;
    for (unsigned i = 0; i < cfg->n_nets; i++)
        if (cfg->nets[i].model == NET_UNSAID)
            cfg->nets[i].model = xen ? NET_XEN : p->net_model;
}

enum config_result config_parse(struct config *cfg, int argc, char **argv)
{
    struct words w = {.word = argv, .n = argc};
    enum config_result r;

    *cfg = (struct config){
        .mode = MODE_PVH,
        .cpus = 1,
        .memory = 256 * MIB,
        .append = "",
        .xen_version = CONFIG_XEN_VERSION,
        .console = {.kind = CONSOLE_STDIO},
        .pc_ports = {{CONSOLE_NONE, NULL},
                     {CONSOLE_NONE, NULL},
                     {CONSOLE_NONE, NULL},
                     {CONSOLE_NONE, NULL}},
        .sandbox = true,
        .log = LOG_INFO,
    };
    r = parse_words(cfg, &w);
    if (r != CONFIG_OK)
        return r;
    if (!cfg->kernel && profiles[cfg->mode].boot == BOOT_PVH) {
        log_error("no kernel given: vmm run [options] KERNEL");
        return CONFIG_ERROR;
    }
    if (!cfg->abi_given)
        cfg->abi = profiles[cfg->mode].abi;
    /* There is one standard input, and it was asked for elsewhere. */
    if (!cfg->console_given && (port_on_stdio(cfg) || pc_port_on_stdio(cfg) ||
                                cfg->display.kind == DISPLAY_TEXT))
        cfg->console.kind = CONSOLE_NONE;
    if (!cfg->transport_given)
        cfg->transport = profiles[cfg->mode].transport;
    choose_devices(cfg);
    return CONFIG_OK;
}

void config_free(struct config *cfg)
{
    while (cfg->n_disks > 0)
        disk_option_free(&cfg->disks[--cfg->n_disks]);
    while (cfg->n_shares > 0)
        share_option_free(&cfg->shares[--cfg->n_shares]);
    while (cfg->n_nets > 0)
        net_option_free(&cfg->nets[--cfg->n_nets]);
    vsock_option_free(&cfg->vsock);
    while (cfg->n_ports > 0)
        port_option_free(&cfg->ports[--cfg->n_ports]);
    free(cfg->args_text);
    cfg->args_text = NULL;
}
