// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * log.c: see vmm/log.h. Each line is formatted into a stack buffer and
 * written by one write(2): no allocation, no stdio lock, so that any thread
 * may log at any time, also in the sandbox and under the board lock.
 */
#include "vmm/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024
#define STALL_MS       100

static struct {
    enum log_level level;
    bool crlf;
    bool stalled; /* atomic: nobody reads standard error */
} log_state = {.level = LOG_INFO};

static const struct {
    const char *name;
    const char *prefix;
} levels[] = {
    [LOG_ERROR] = {"error", "vmm: error: "},
    [LOG_WARN] = {"warn", "vmm: warning: "},
    [LOG_INFO] = {"info", "vmm: "},
    [LOG_DEBUG] = {"debug", "vmm: debug: "},
};

void log_set_level(enum log_level level)
{
    log_state.level = level;
}

static unsigned traced;

const char *const log_trace_names[TRACE_COUNT] = {
    [TRACE_HYPERCALL] = "hypercall",
};

void log_set_trace(enum log_trace what)
{
    traced |= 1u << what;
}

bool log_traces(enum log_trace what)
{
    return traced & 1u << what;
}

enum log_level log_level(void)
{
    return log_state.level;
}

void log_set_crlf(bool on)
{
    log_state.crlf = on;
}

bool log_level_parse(const char *text, enum log_level *out)
{
    for (unsigned i = 0; i < ARRAY_LEN(levels); i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *out = (enum log_level)i;
            return true;
        }
    }
    return false;
}

/* Control bytes in a file name must not reach the operator's terminal. */
static void mask_control(char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            *s = '?';
}

/* A pipe or terminal that is writable takes a line without blocking. */
static bool has_reader(void)
{
    struct pollfd p = {.fd = STDERR_FILENO, .events = POLLOUT};
    const bool stalled = __atomic_load_n(&log_state.stalled, __ATOMIC_RELAXED);
    int ready;

    do {
        ready = poll(&p, 1, stalled ? 0 : STALL_MS);
    } while (ready < 0 && errno == EINTR);
    __atomic_store_n(&log_state.stalled, ready == 0, __ATOMIC_RELAXED);
    return ready != 0;
}

void log_bytes(const void *line, size_t n)
{
    /* Nobody can be told if standard error itself is gone. */
    if (has_reader() && write(STDERR_FILENO, line, n) < 0)
        return;
}

printf_like(2, 0) static void put_line(enum log_level level, const char *fmt,
                                       va_list ap)
{
    char line[LINE_MAX_BYTES];
    const size_t room = sizeof(line) - 2; /* for CR LF */
    size_t n = strlen(levels[level].prefix);
    int added;

    memcpy(line, levels[level].prefix, n);
    /* The callers' va_start is lost on clang's analyzer, now and then. */
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized) */
    added = vsnprintf(line + n, room - n, fmt, ap);
    if (added < 0)
        return;
    mask_control(line + n);
    n += strlen(line + n);
    if (log_state.crlf)
        line[n++] = '\r';
    line[n++] = '\n';
    log_bytes(line, n);
}

void log_line(enum log_level level, const char *fmt, ...)
{
    const int saved = errno;
    va_list ap;

    if (level > log_state.level)
        return;
    va_start(ap, fmt);
    put_line(level, fmt, ap);
    va_end(ap);
    errno = saved;
}

static uint64_t coarse_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
    return (uint64_t)ts.tv_sec;
}

void log_guest(struct log_limit *limit, const char *fmt, ...)
{
    const uint64_t now = coarse_seconds();
    va_list ap;

    if (limit->window != now) {
        limit->window = now;
        limit->printed = 0;
    }
    if (limit->printed >= LOG_LIMIT_PER_SEC) {
        limit->dropped++;
        return;
    }
    limit->printed++;
    if (limit->dropped) {
        log_line(LOG_WARN, "%u messages like the next were dropped",
                 limit->dropped);
        limit->dropped = 0;
    }
    if (LOG_WARN > log_state.level)
        return;
    va_start(ap, fmt);
    put_line(LOG_WARN, fmt, ap);
    va_end(ap);
}

_Noreturn void log_bug(const char *file, int line, const char *what)
{
    log_line(LOG_ERROR, "bug in vmm: %s:%d: %s", file, line, what);
    abort();
}
