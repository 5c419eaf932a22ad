// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sandbox_extra_san.c: what the sanitizers' runtime calls in a development
 * build: thread stacks' bounds, shadow memory, reports.
 */
#include "sandbox_rules.h"

#define ANY(name)                                               \
    {                                                           \
        name, SANDBOX_BOTH | SANDBOX_HELPER, SANDBOX_ANY, 0, 0, \
            "sanitizer runtime"                                 \
    }

const struct sandbox_rule extra_rules[] = {
    ANY("mmap"),         ANY("mprotect"),  ANY("sigaltstack"),
    ANY("openat"),       ANY("open"),      ANY("readlink"),
    ANY("readlinkat"),   ANY("read"),      ANY("close"),
    ANY("prlimit64"),    ANY("getrlimit"), ANY("sched_getaffinity"),
    ANY("prctl"),        ANY("fstat"),     ANY("newfstatat"),
    ANY("rt_sigaction"), ANY("clone"),     ANY("wait4"),
    ANY("ptrace"),       ANY("kill"),      ANY("getppid"),
    ANY("getdents64"),   ANY("stat"),      ANY("socketpair"),
    ANY("arch_prctl"),   ANY("sysinfo"),   ANY("lseek"),
    ANY("uname"),        ANY("getuid"),    ANY("geteuid"),
};

const size_t extra_rules_len = ARRAY_LEN(extra_rules);
