// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * config.c: the command line of `vmm run` as one declarative table; see
 * config.h. A row names the option, its argument, the function that takes
 * the value, and the help text. An args file holds the same words, one
 * option a line.
 */
#include "config.h"

#include "vmm/checked.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARGS_FILE_MAX (64 * KIB)
#define ARGS_MAX      256

typedef bool option_fn(struct config *cfg, char *value);

struct option {
    const char *name; /* with its dashes */
    const char *alias;
    const char *arg;  /* placeholder, NULL: takes none */
    option_fn *fn;    /* false: the value is wrong */
    const char *want; /* what a right value looks like */
    const char *help;
};

bool config_parse_size(const char *text, uint64_t *out)
{
    static const char units[] = "KMGT";
    const char *unit;
    uint64_t v, factor = 1;
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    v = strtoull(text, &end, 10);
    if (errno)
        return false;
    unit = *end ? strchr(units, *end & ~0x20) : NULL;
    if (unit) {
        factor = KIB << (10 * (unsigned)(unit - units));
        end++;
        if (*end == 'i')
            end++;
        if (*end == 'B')
            end++;
    }
    return *end == '\0' && checked_mul(v, factor, out);
}

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

static bool take_append(struct config *cfg, char *value)
{
    cfg->append = value;
    return true;
}

static bool take_console(struct config *cfg, char *value)
{
    static const char *const names[] = {
        [CONSOLE_STDIO] = "stdio",
        [CONSOLE_PTY] = "pty",
        [CONSOLE_NONE] = "none",
    };

    if (strncmp(value, "file:", 5) == 0 && value[5]) {
        cfg->console = CONSOLE_FILE;
        cfg->console_path = value + 5;
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (names[i] && strcmp(value, names[i]) == 0) {
            cfg->console = (enum console_kind)i;
            return true;
        }
    }
    return false;
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

static const struct option options[] = {
    {"--mode", NULL, "MODE", take_mode, "hvm, hvm-pv, pvhvm, pvh or pv",
     "point on the virtualization spectrum (pvh); see 'vmm spectrum'"},
    {"--abi", NULL, "ABI", take_abi, "kvm, xen or none",
     "paravirtual interface the guest meets (the mode's own)"},
    {"--cpus", NULL, "N", take_cpus, "a number from 1", "virtual CPUs (1)"},
    {"--memory", NULL, "SIZE", take_memory,
     "a multiple of 4 KiB such as 512M or 2G", "guest RAM (256M)"},
    {"--hugepages", NULL, NULL, take_hugepages, NULL,
     "take guest RAM from the host's huge page pool"},
    {"--initrd", NULL, "FILE[,cmdline=TEXT]", take_initrd,
     "a file, at most 16 times",
     "initial RAM disk; given again: further boot modules"},
    {"--append", NULL, "TEXT", take_append, NULL, "kernel command line"},
    {"--console", NULL, "WHERE", take_console, "stdio, pty, file:PATH or none",
     "the first serial port: stdio, pty, file:PATH or none (stdio)"},
    {"--name", NULL, "NAME", take_name, "letters, digits, '.', '_', '-'",
     "name for 'vmm ps', 'vmm stop' and the like (vmm-PID)"},
    {"--no-reboot", NULL, NULL, take_no_reboot, NULL,
     "end with status 3 when the guest reboots"},
    {"--fdt", NULL, NULL, take_fdt, NULL,
     "describe the machine by a device tree too (last boot module)"},
    {"--dump-fdt", NULL, "FILE", take_dump_fdt, "a file name",
     "write the device tree to FILE and do not start"},
    {"--dump-acpi", NULL, "DIR", take_dump_acpi, "a directory",
     "write the ACPI tables to DIR and do not start"},
    {"--dump-config", NULL, NULL, take_dump_config, NULL,
     "print the effective configuration as JSON and do not start"},
    {"--sandbox", NULL, "on|off", take_sandbox, "on or off",
     "system-call filters (on); off is for debugging vmm"},
    {"--args-file", NULL, "FILE", take_nothing, NULL,
     "read further options from FILE, one a line, '#' comments"},
    {"--log", NULL, "LEVEL", take_log, "error, warn, info or debug",
     "how much vmm itself says on standard error (info)"},
    {"--verbose", "-v", NULL, take_verbose, NULL, "same as --log=debug"},
    {"--help", "-h", NULL, take_nothing, NULL, "print this help"},
};

void config_help(FILE *out)
{
    fprintf(out, "usage: vmm run [options] KERNEL\n\n"
                 "Run a guest. KERNEL is an ELF, bzImage or compressed "
                 "kernel; its format is found\nby content.\n\noptions:\n");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct option *o = &options[i];
        char left[64];

        snprintf(left, sizeof(left), "%s%s%s%s%s", o->alias ? o->alias : "",
                 o->alias ? ", " : "", o->name, o->arg ? "=" : "",
                 o->arg ? o->arg : "");
        if (strlen(left) < 27)
            fprintf(out, "  %-27s%s\n", left, o->help);
        else
            fprintf(out, "  %s\n  %-27s%s\n", left, "", o->help);
    }
}

/* The row for a word; *value points behind '=' if there is one. */
static const struct option *find_option(char *word, char **value)
{
    char *eq = strchr(word, '=');
    const size_t n = eq ? (size_t)(eq - word) : strlen(word);

    *value = eq ? eq + 1 : NULL;
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct option *o = &options[i];

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
    if (o->arg && !value) {
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

enum config_result config_parse(struct config *cfg, int argc, char **argv)
{
    struct words w = {.word = argv, .n = argc};
    enum config_result r;

    *cfg = (struct config){
        .mode = MODE_PVH,
        .cpus = 1,
        .memory = 256 * MIB,
        .append = "",
        .console = CONSOLE_STDIO,
        .sandbox = true,
        .log = LOG_INFO,
    };
    r = parse_words(cfg, &w);
    if (r != CONFIG_OK)
        return r;
    if (!cfg->kernel) {
        log_error("no kernel given: vmm run [options] KERNEL");
        return CONFIG_ERROR;
    }
    if (!cfg->abi_given)
        cfg->abi = profiles[cfg->mode].abi;
    return CONFIG_OK;
}

void config_free(struct config *cfg)
{
    free(cfg->args_text);
    cfg->args_text = NULL;
}

/*
 * What a guest can have of the addresses of a CPU; x86 ends at 52 bits. 2 GiB
 * of slack: what lies above the hole is moved up by its size.
 */
static uint64_t memory_limit(unsigned phys_bits)
{
    return ((uint64_t)1 << (phys_bits > 52 ? 52 : phys_bits)) - 2 * GIB;
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
    return 0;
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

int config_dump(const struct config *cfg, FILE *out)
{
    static const char *const consoles[] = {
        [CONSOLE_STDIO] = "stdio",
        [CONSOLE_PTY] = "pty",
        [CONSOLE_FILE] = "file",
        [CONSOLE_NONE] = "none",
    };
    json_error_t error = {.text = ""};
    json_t *o = json_pack_ex(
        &error, 0,
        "{s:s, s:s, s:i, s:I, s:b, s:s, s:s, s:o, s:s, s:s*, s:s*, s:b, "
        "s:b, s:b}",
        "mode", profiles[cfg->mode].name, "abi", abi_names[cfg->abi], "cpus",
        (int)cfg->cpus, "memory", (json_int_t)cfg->memory, "hugepages",
        cfg->hugepages, "kernel", cfg->kernel, "append", cfg->append, "initrd",
        dump_modules(cfg), "console", consoles[cfg->console], "console_path",
        cfg->console_path, "name", cfg->name, "reboot", !cfg->no_reboot, "fdt",
        cfg->fdt, "sandbox", cfg->sandbox);
    char *text = o ? json_dumps(o, JSON_INDENT(2)) : NULL;

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
