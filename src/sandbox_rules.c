// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sandbox_rules.c: every system call a sealed thread may make, with its
 * reason. What is not here is caught (SIGSYS), named and ends the process
 * with VMM_EXIT_SANDBOX. KVM's ioctls are in src/vcpu/kvm_rules.c.
 *
 * Files are opened before the seal: nothing here opens, executes, traces or
 * makes a socket. Memory is never made executable.
 */
#include "sandbox_rules.h"

#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <linux/if_tun.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define ANY(name, who, why)                   \
    {                                         \
        name, (who), SANDBOX_ANY, 0, 0, (why) \
    }
#define EQ(name, who, arg, value, why)                    \
    {                                                     \
        name, (who), SANDBOX_EQUAL, (arg), (value), (why) \
    }

const struct sandbox_rule host_rules[] = {
    /* every thread */
    ANY("futex", SANDBOX_BOTH, "locks, conditions, joining threads"),
    ANY("write", SANDBOX_BOTH, "log lines, eventfds"),
    ANY("timerfd_settime", SANDBOX_BOTH, "console output waits for more"),
    ANY("clock_gettime", SANDBOX_BOTH, "where the vDSO cannot"),
    ANY("rt_sigreturn", SANDBOX_BOTH, "after the kick signal"),
    ANY("rt_sigprocmask", SANDBOX_BOTH, "abort, thread start and end"),
    ANY("getpid", SANDBOX_BOTH, "abort, log"),
    ANY("gettid", SANDBOX_BOTH, "abort, kick"),
    ANY("tgkill", SANDBOX_BOTH, "kick a vCPU; abort"),
    ANY("exit", SANDBOX_BOTH, "end of a thread"),
    ANY("exit_group", SANDBOX_BOTH, "end of the process"),
    ANY("madvise", SANDBOX_BOTH,
        "thread stacks; guest RAM and start-up code to the host"),
    ANY("munmap", SANDBOX_BOTH, "thread stacks; guest RAM on reboot"),
    ANY("restart_syscall", SANDBOX_BOTH, "after SIGSTOP and SIGCONT"),
    ANY("sched_yield", SANDBOX_BOTH, "C library locks"),
    ANY("rseq", SANDBOX_BOTH, "C library: thread start"),
    ANY("set_robust_list", SANDBOX_BOTH, "C library: thread start"),
    EQ("prctl", SANDBOX_BOTH, 0, PR_SET_NAME, "thread names"),
    EQ("prctl", SANDBOX_BOTH, 0, PR_GET_NAME, "report of a violation"),
    /* a thread seals itself further; filters can only grow narrower */
    ANY("seccomp", SANDBOX_LOOP, "a vCPU thread adds its own filter"),
    /* the loop thread */
    ANY("io_uring_enter", SANDBOX_LOOP, "the event loop"),
    EQ("io_uring_register", SANDBOX_LOOP, 1, IORING_UNREGISTER_RING_FDS,
       "the event loop's end"),
    ANY("read", SANDBOX_LOOP, "eventfds, timerfds, signalfd, console"),
    ANY("readv", SANDBOX_LOOP, "packets of a tap; load kernel on reboot"),
    ANY("pread64", SANDBOX_LOOP, "load kernel and modules on reboot"),
    ANY("preadv", SANDBOX_LOOP, "load kernel and modules on reboot"),
    ANY("writev", SANDBOX_LOOP, "packets to a tap; console tail in a report"),
    ANY("timerfd_create", SANDBOX_LOOP, "reboot: a Xen guest's timers"),
    ANY("eventfd2", SANDBOX_LOOP, "reboot: the new machine's bell"),
    ANY("close", SANDBOX_LOOP, "old VM on reboot, control clients"),
    ANY("fstat", SANDBOX_LOOP, "C library: stdio"),
    ANY("newfstatat", SANDBOX_LOOP, "stdio; is a console socket still ours?"),
    ANY("lseek", SANDBOX_LOOP, "C library: stdio"),
    ANY("poll", SANDBOX_BOTH, "does anybody read the log? flush, bounded"),
    ANY("ppoll", SANDBOX_LOOP, "flush the console at the end, bounded"),
    {"mmap", SANDBOX_LOOP, SANDBOX_CLEAR, 2, PROT_EXEC,
     "guest RAM, vCPU pages and stacks on reboot; never executable"},
    {"mprotect", SANDBOX_LOOP, SANDBOX_CLEAR, 2, PROT_EXEC,
     "stack guards, heap; never executable"},
    {"mremap", SANDBOX_BOTH, SANDBOX_ANY, 0, 0, "C library heap"},
    ANY("brk", SANDBOX_BOTH, "C library heap; a seed for a kernel"),
    {"clone", SANDBOX_LOOP, SANDBOX_SET, 0, CLONE_VM | CLONE_THREAD,
     "vCPU threads on reboot; never a process"},
    {"clone3", SANDBOX_LOOP, SANDBOX_ENOSYS, 0, 0,
     "its flags cannot be checked: the C library falls back to clone"},
    ANY("kill", SANDBOX_LOOP, "stop the own process group (job control)"),
    ANY("rt_sigaction", SANDBOX_LOOP, "job control: stop and go on"),
    ANY("getpgrp", SANDBOX_LOOP, "is the console in the foreground?"),
    ANY("getpgid", SANDBOX_LOOP, "is the console in the foreground?"),
    EQ("ioctl", SANDBOX_LOOP, 1, TIOCGPGRP, "console in the foreground?"),
    EQ("ioctl", SANDBOX_LOOP, 1, TCGETS, "terminal settings"),
    EQ("ioctl", SANDBOX_LOOP, 1, TCSETS, "restore the terminal"),
    EQ("ioctl", SANDBOX_LOOP, 1, TCSETSW, "restore the terminal"),
    EQ("ioctl", SANDBOX_LOOP, 1, TCSETSF, "restore the terminal"),
    EQ("ioctl", SANDBOX_LOOP, 1, TIOCGWINSZ, "the size a guest is told"),
    EQ("ioctl", SANDBOX_LOOP, 1, TUNSETOFFLOAD, "what the guest receives"),
    EQ("ioctl", SANDBOX_LOOP, 1, TUNSETQUEUE, "how many queues it uses"),
    ANY("accept4", SANDBOX_LOOP, "control and console clients"),
    ANY("getsockopt", SANDBOX_LOOP, "who the control client is"),
    ANY("sendto", SANDBOX_LOOP, "control replies, notification, user network"),
    ANY("recvfrom", SANDBOX_LOOP,
        "control requests, last console input, user network"),
    ANY("shutdown", SANDBOX_LOOP, "end a control connection"),
    ANY("unlinkat", SANDBOX_LOOP, "remove sockets at the end"),
    ANY("pwrite64", SANDBOX_LOOP, "record in the lock file how it ended"),
    ANY("wait4", SANDBOX_LOOP, "the terminal's watcher ended"),
    ANY("recvmsg", SANDBOX_LOOP, "sockets that the helper connected"),
    ANY("sendmsg", SANDBOX_LOOP, "a guest's queues, to its virtiofsd"),
    ANY("getrandom", SANDBOX_LOOP, "C library heap; a seed for a kernel"),
    /* the helper: it connects to a path given before the guest ran */
    EQ("socket", SANDBOX_HELPER, 0, AF_UNIX, "to reach a program's socket"),
    ANY("connect", SANDBOX_HELPER, "the path and a port's number"),
    ANY("recvfrom", SANDBOX_HELPER, "the number"),
    ANY("sendmsg", SANDBOX_HELPER, "pass what was connected to vmm"),
    ANY("close", SANDBOX_HELPER, "its own copy"),
    ANY("exit_group", SANDBOX_HELPER, "vmm has ended"),
};

const size_t host_rules_len = ARRAY_LEN(host_rules);
