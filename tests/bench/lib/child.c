// SPDX-License-Identifier: GPL-2.0-or-later
/* child.c: see child.h. */
#include "child.h"

#include <err.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WINDOW 8192

uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void redirect(int out, enum child_errors errors)
{
    const int null = open("/dev/null", O_RDWR);

    if (null < 0 || dup2(null, STDIN_FILENO) < 0 ||
        dup2(out, STDOUT_FILENO) < 0)
        err(1, "redirection");
    if (errors != CHILD_ERRORS_APART)
        dup2(errors == CHILD_ERRORS_MERGED ? out : null, STDERR_FILENO);
    close(null);
}

/* The child's side; all that is slow is done before the gate. */
_Noreturn static void become(const struct child *c, int gate, int out,
                             char *const argv[], enum child_errors errors)
{
    char byte;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    redirect(out, errors);
    if (read(gate, &byte, 1) != 1)
        _exit(127);
    *c->exec_ns = now_ns();
    execvp(argv[0], argv);
    warn("%s", argv[0]);
    _exit(127);
}

void child_prepare(struct child *c, char *const argv[],
                   enum child_errors errors)
{
    int out[2], gate[2];

    c->exec_ns = mmap(NULL, sizeof(*c->exec_ns), PROT_READ | PROT_WRITE,
                      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (c->exec_ns == MAP_FAILED || pipe2(out, O_CLOEXEC) < 0 ||
        pipe2(gate, O_CLOEXEC) < 0)
        err(1, "child");
    c->pid = fork();
    if (c->pid < 0)
        err(1, "fork");
    if (c->pid == 0) {
        close(gate[1]);
        become(c, gate[0], out[1], argv, errors);
    }
    close(out[1]);
    close(gate[0]);
    c->out = out[0];
    c->gate = gate[1];
}

void child_release(struct child *c)
{
    if (write(c->gate, "", 1) != 1)
        err(1, "gate");
    close(c->gate);
    c->gate = -1;
}

uint64_t child_exec_ns(const struct child *c)
{
    return *c->exec_ns;
}

/* Milliseconds until deadline, for poll; 0 when it is over. */
static int left_ms(uint64_t deadline)
{
    const uint64_t now = now_ns();

    return now >= deadline ? 0 : (int)((deadline - now) / 1000000u) + 1;
}

bool child_wait_text(struct child *c, const char *text, unsigned limit_ms)
{
    const uint64_t deadline = now_ns() + (uint64_t)limit_ms * 1000000u;
    const size_t keep = strlen(text);
    static char window[WINDOW];
    size_t have = 0;

    for (;;) {
        struct pollfd p = {.fd = c->out, .events = POLLIN};
        ssize_t got;

        if (poll(&p, 1, left_ms(deadline)) <= 0)
            return false;
        got = read(c->out, window + have, WINDOW - have);
        if (got <= 0)
            return false;
        have += (size_t)got;
        if (memmem(window, have, text, keep))
            return true;
        /* A text cut in two by the end of the window is found later. */
        if (have > WINDOW / 2) {
            memmove(window, window + have - keep, keep);
            have = keep;
        }
    }
}

uint64_t child_cpu_ns(const struct child *c)
{
    struct timespec t;
    clockid_t clock;

    if (clock_getcpuclockid(c->pid, &clock) || clock_gettime(clock, &t) < 0)
        return 0;
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void child_end(struct child *c)
{
    kill(c->pid, SIGKILL);
    waitpid(c->pid, NULL, 0);
    close(c->out);
    if (c->gate >= 0)
        close(c->gate);
    munmap(c->exec_ns, sizeof(*c->exec_ns));
}
