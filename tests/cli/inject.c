// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * inject.c: make a running thread do a system call it did not ask for, as
 * somebody would who has taken it over.
 *
 *   inject TID ABI NUMBER [ARGUMENT...]
 *
 * ABI: 64, x32 or 32 (int 0x80, by changing two bytes of the thread's code).
 * The thread must be inside a system call, as vmm's threads are when they
 * wait or run the guest; it does the new one in place of that. Prints how the
 * thread fared: "returned N", "signal N" (which it is about to get), "ended".
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#define X32_BIT  0x40000000
#define MAX_ARGS 6
#define INT_80   0x80cdul /* cd 80, little-endian */
#define SYSCALL  0x050ful /* 0f 05 */

#define SYSCALL_STOP (SIGTRAP | 0x80)

static void die(const char *what)
{
    fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void check(long ret, const char *what)
{
    if (ret < 0)
        die(what);
}

/* Wait for a stop of the thread. Returns its signal, or -1 at its end. */
static int wait_stop(pid_t tid)
{
    int status;

    check(waitpid(tid, &status, __WALL), "waitpid");
    return WIFSTOPPED(status) ? WSTOPSIG(status) : -1;
}

static void set_arguments(struct user_regs_struct *r, bool narrow,
                          const unsigned long long *args)
{
    r->rdi = narrow ? args[4] : args[0];
    r->rsi = narrow ? args[3] : args[1];
    r->rdx = args[2];
    r->r10 = args[3];
    r->r8 = args[4];
    r->r9 = args[5];
    if (!narrow)
        return;
    r->rbx = args[0];
    r->rcx = args[1];
    r->rbp = args[5];
}

/* Put the instruction where the thread is about to go on. */
static void set_instruction(pid_t tid, unsigned long long rip, bool narrow)
{
    unsigned long word;

    errno = 0;
    word = (unsigned long)ptrace(PTRACE_PEEKTEXT, tid, rip, NULL);
    if (errno)
        die("PTRACE_PEEKTEXT");
    if ((word & 0xffff) != SYSCALL) {
        fprintf(stderr, "inject: the thread is in no system call\n");
        exit(1);
    }
    if (!narrow)
        return;
    word = (word & ~0xfffful) | INT_80;
    check(ptrace(PTRACE_POKETEXT, tid, rip, word), "PTRACE_POKETEXT");
}

/* Let the thread go to its next stop in a system call. False: it ended. */
static bool next_stop(pid_t tid)
{
    int sig = 0;

    do {
        check(ptrace(PTRACE_SYSCALL, tid, NULL, (long)sig), "PTRACE_SYSCALL");
        sig = wait_stop(tid);
    } while (sig >= 0 && sig != SYSCALL_STOP);
    return sig >= 0;
}

/* Is a signal on its way to this very thread? Returns it, or 0. */
static int pending_signal(pid_t tid)
{
    const struct __ptrace_peeksiginfo_args one = {.nr = 1};
    siginfo_t info;

    if (ptrace(PTRACE_PEEKSIGINFO, tid, &one, &info) != 1)
        return 0;
    return info.si_signo;
}

/* Say how it went; after a return, back into the call the thread was in. */
static void finish(pid_t tid, struct user_regs_struct *old)
{
    const int sig = pending_signal(tid);
    struct user_regs_struct r;

    check(ptrace(PTRACE_GETREGS, tid, NULL, &r), "PTRACE_GETREGS");
    if (sig) {
        printf("signal %d\n", sig);
    } else {
        printf("returned %lld\n", (long long)r.rax);
        old->rip -= 2;
        old->rax = old->orig_rax;
        check(ptrace(PTRACE_SETREGS, tid, NULL, old), "PTRACE_SETREGS");
    }
    check(ptrace(PTRACE_DETACH, tid, NULL, NULL), "PTRACE_DETACH");
}

int main(int argc, char **argv)
{
    unsigned long long args[MAX_ARGS] = {0};
    const char *abi = argc > 2 ? argv[2] : "";
    const bool narrow = strcmp(abi, "32") == 0;
    struct user_regs_struct old, r;
    pid_t tid;

    if (argc < 4 || argc > 4 + MAX_ARGS)
        return 2;
    tid = (pid_t)strtol(argv[1], NULL, 10);
    for (int i = 4; i < argc; i++)
        args[i - 4] = strtoull(argv[i], NULL, 0);
    check(ptrace(PTRACE_SEIZE, tid, NULL, (long)PTRACE_O_TRACESYSGOOD),
          "PTRACE_SEIZE");
    check(ptrace(PTRACE_INTERRUPT, tid, NULL, NULL), "PTRACE_INTERRUPT");
    wait_stop(tid);
    check(ptrace(PTRACE_GETREGS, tid, NULL, &old), "PTRACE_GETREGS");
    r = old;
    r.rip -= 2;
    r.rax = strtoull(argv[3], NULL, 0) | (strcmp(abi, "x32") ? 0 : X32_BIT);
    r.orig_rax = ~0ull; /* the call it was in is not restarted */
    set_arguments(&r, narrow, args);
    set_instruction(tid, r.rip, narrow);
    check(ptrace(PTRACE_SETREGS, tid, NULL, &r), "PTRACE_SETREGS");
    if (next_stop(tid) && next_stop(tid)) /* into the call, and out of it */
        finish(tid, &old);
    else
        puts("ended");
    return 0;
}
