// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c: find the subcommand. The stages of running a guest are in
 * cmd_run.c.
 */
#include "cmd.h"
#include "ctl_client.h"
#include "profile.h"

#include "vmm/exitcode.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static const struct command {
    const char *name;
    int (*fn)(int argc, char **argv);
    const char *args;
    const char *help;
} commands[] = {
    {"run", cmd_run, "[options] KERNEL", "run a guest"},
    {"inspect", cmd_inspect, "[--unpack FILE] KERNEL",
     "explain a kernel image"},
    {"doctor", cmd_doctor, "", "check this host, with a self-test guest"},
    {"spectrum", cmd_spectrum, "", "print the table of modes"},
    {"help", cmd_help, "", "print this help"},
    {"version", cmd_version, "", "print the version"},
};

static int cmd_version(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("vmm %s\n", VMM_VERSION);
    return VMM_EXIT_OK;
}

static void print_command(const char *name, const char *args, const char *help)
{
    char left[64];

    snprintf(left, sizeof(left), "%s %s", name, args);
    printf("  %-32s%s\n", left, help);
}

static int cmd_help(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("usage: vmm COMMAND ...\n\n"
           "Run one guest per process on Linux KVM, anywhere on the "
           "virtualization spectrum.\n\ncommands:\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        print_command(commands[i].name, commands[i].args, commands[i].help);
    for (unsigned i = 0; ctl_client_command(i); i++) {
        const struct ctl_command *c = ctl_client_command(i);

        print_command(c->name, c->usage, c->help);
    }
    printf("\n'vmm run --help' lists the options of a guest.\n");
    return VMM_EXIT_OK;
}

static const struct command *find_command(const char *word)
{
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        word = "help";
    else if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
        word = "version";
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(commands[i].name, word) == 0)
            return &commands[i];
    return NULL;
}

/*
 * A descriptor 0, 1 or 2 that is closed would be given to the next file we
 * open, and log lines or guest output would end up in it.
 */
static void open_standard_fds(void)
{
    for (int fd = 0; fd <= 2; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || open("/dev/null", O_RDWR) == fd)
            continue;
        log_error("/dev/null: cannot take the place of descriptor %d, which "
                  "is closed: start vmm with 0, 1 and 2 open",
                  fd);
        _exit(VMM_EXIT_HOST);
    }
}

static int run_command(int argc, char **argv)
{
    const struct command *c;

    if (argc < 2) {
        log_error("no command given: see 'vmm help'");
        return VMM_EXIT_USAGE;
    }
    for (unsigned i = 0; ctl_client_command(i); i++)
        if (strcmp(ctl_client_command(i)->name, argv[1]) == 0)
            return ctl_client_main(argc - 1, argv + 1);
    c = find_command(argv[1]);
    if (!c) {
        log_error("unknown command '%s': see 'vmm help'", argv[1]);
        return VMM_EXIT_USAGE;
    }
    return c->fn(argc - 2, argv + 2);
}

/* Output that nobody gets is no success: the disk may be full. */
static int finish_output(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    log_error("standard output: %s: what was printed is not complete",
              strerror(errno));
    return code == VMM_EXIT_OK ? VMM_EXIT_HOST : code;
}

int main(int argc, char **argv)
{
    open_standard_fds();
    return finish_output(run_command(argc, argv));
}
