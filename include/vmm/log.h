/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * log.h: one line per fact, on standard error.
 *
 * A message names what, where and what to do; it carries no newline. Levels
 * are ordered; the process-wide level and what is traced are the mutable
 * globals of vmm. On a
 * terminal in raw mode lines end in CR LF (log_set_crlf).
 *
 * Thread: any. A line is one write(2), so that lines never mix. Whoever reads
 * standard error and stops doing so is waited for once, 100 ms; from then on
 * lines are lost until he reads again. A guest can make us say things, and
 * must not be able to make us wait.
 */
#ifndef VMM_LOG_H
#define VMM_LOG_H

#include "vmm/types.h"

enum log_level {
    LOG_ERROR, /* the operator must act; vmm ends or a command failed */
    LOG_WARN,  /* something was refused or degraded; vmm goes on */
    LOG_INFO,  /* what was guessed or chosen, one line each */
    LOG_DEBUG, /* for the developer */
};

/* Set the most detailed level that is still printed. */
void log_set_level(enum log_level level);

/* The level in force. */
enum log_level log_level(void);

/* End lines in CR LF (true while the console has the terminal in raw mode). */
void log_set_crlf(bool on);

/* Parse "error", "warn", "info" or "debug". Returns false if it is none. */
bool log_level_parse(const char *text, enum log_level *out);

/*
 * Print one line "vmm: text", with "error: " or "warning: " before the text
 * on those levels. Use the macros below.
 */
void log_line(enum log_level level, const char *fmt, ...) printf_like(2, 3);

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

/* What can be traced: one line, on LOG_INFO, for each time it happens. */
enum log_trace {
    TRACE_HYPERCALL,
    TRACE_COUNT,
};

extern const char *const log_trace_names[TRACE_COUNT];

void log_set_trace(enum log_trace what);
bool log_traces(enum log_trace what);

#define log_trace(what, ...)                 \
    do {                                     \
        if (log_traces(what))                \
            log_line(LOG_INFO, __VA_ARGS__); \
    } while (0)

/* Print n bytes, a line of the caller's making, by the same rules. */
void log_bytes(const void *line, size_t n);

/*
 * A message class a guest can trigger: at most LOG_LIMIT_PER_SEC lines a
 * second come out, the rest are counted and the count is said with the next
 * line that passes. One static instance per call site.
 */
struct log_limit {
    uint64_t window;  /* second of CLOCK_MONOTONIC_COARSE the count is for */
    uint32_t printed; /* lines printed in that second */
    uint32_t dropped; /* lines swallowed since the last one printed */
};

#define LOG_LIMIT_PER_SEC 10

/* Log a guest's mistake at LOG_WARN, rate-limited by *limit. */
void log_guest(struct log_limit *limit, const char *fmt, ...) printf_like(2, 3);

/*
 * A broken invariant of ours: print where, and abort. Never on guest data,
 * never with a side effect in the condition. Always compiled in.
 */
_Noreturn void log_bug(const char *file, int line, const char *what);

#define BUG_ON(cond)                            \
    do {                                        \
        if (__builtin_expect(!!(cond), 0))      \
            log_bug(__FILE__, __LINE__, #cond); \
    } while (0)

#endif
