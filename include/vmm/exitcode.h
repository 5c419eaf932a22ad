/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * exitcode.h: what the exit status of `vmm run` says. Documented in vmm(1);
 * a number, once given, keeps its meaning.
 */
#ifndef VMM_EXITCODE_H
#define VMM_EXITCODE_H

enum vmm_exit {
    VMM_EXIT_OK = 0,        /* the guest powered off; the command succeeded */
    VMM_EXIT_HOST = 1,      /* a file or the host would not do: not started */
    VMM_EXIT_USAGE = 2,     /* a wrong option or value: not started */
    VMM_EXIT_REBOOT = 3,    /* the guest rebooted and --no-reboot was given */
    VMM_EXIT_STOPPED = 4,   /* ended from outside: signal, kill, escape key */
    VMM_EXIT_TRIPLE = 16,   /* triple fault (KVM_EXIT_SHUTDOWN) */
    VMM_EXIT_INTERNAL = 17, /* KVM_EXIT_INTERNAL_ERROR */
    VMM_EXIT_ENTRY = 18,    /* KVM_EXIT_FAIL_ENTRY */
    VMM_EXIT_KVM = 19,      /* KVM_RUN failed, or an exit nobody asked for */
    VMM_EXIT_SANDBOX = 20,  /* a forbidden system call was caught */
    VMM_EXIT_CRASH = 21,    /* SIGSEGV, SIGBUS, SIGILL, SIGFPE or BUG in vmm */
    VMM_EXIT_CRASHED = 22,  /* the guest said that it crashed */
};

#endif
