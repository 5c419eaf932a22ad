// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tracepoint.c: see tracepoint.h.
 *
 * An inherited event may have a buffer only if it is bound to a CPU, so a
 * first hit needs one event for each. The buffer is not overwritten: when it
 * is full the kernel drops what comes, and the first record stays.
 */
#include "tracepoint.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define RING_PAGES 2 /* one of bookkeeping, one of records */

static long read_id(const char *name)
{
    char path[256], text[32];
    long id = -1;
    FILE *f;

    snprintf(path, sizeof(path), "/sys/kernel/tracing/events/%s/id", name);
    f = fopen(path, "re");
    if (!f)
        return -1;
    if (fgets(text, sizeof(text), f))
        id = strtol(text, NULL, 10);
    fclose(f);
    return id;
}

static int open_event(struct perf_event_attr *attr, const char *name,
                      const char *filter, pid_t pid, int cpu)
{
    const long id = read_id(name);
    long fd;

    if (id < 0)
        return -1;
    attr->type = PERF_TYPE_TRACEPOINT;
    attr->size = sizeof(*attr);
    attr->config = (uint64_t)id;
    attr->inherit = 1;
    attr->disabled = 1;
    attr->enable_on_exec = 1;
    fd = syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (filter && ioctl((int)fd, PERF_EVENT_IOC_SET_FILTER, filter) < 0) {
        close((int)fd);
        return -1;
    }
    return (int)fd;
}

int tracepoint_count(const char *name, const char *filter, pid_t pid)
{
    struct perf_event_attr attr = {0};

    return open_event(&attr, name, filter, pid, -1);
}

uint64_t tracepoint_read(int fd)
{
    uint64_t value = 0;

    return read(fd, &value, sizeof(value)) == sizeof(value) ? value : 0;
}

static size_t ring_bytes(void)
{
    return RING_PAGES * (size_t)sysconf(_SC_PAGESIZE);
}

/* Adds the buffer of one CPU. */
static bool open_cpu(struct first_hit *h, const char *name, const char *filter,
                     pid_t pid, int cpu)
{
    struct perf_event_attr attr = {
        .sample_period = 1,
        .sample_type = PERF_SAMPLE_TIME,
        .use_clockid = 1,
        .clockid = CLOCK_MONOTONIC,
    };
    const int fd = open_event(&attr, name, filter, pid, cpu);
    void *ring;

    if (fd < 0)
        return false;
    ring = mmap(NULL, ring_bytes(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (ring == MAP_FAILED) {
        close(fd);
        return false;
    }
    h->fd[h->n] = fd;
    h->ring[h->n++] = ring;
    return true;
}

bool first_hit_open(struct first_hit *h, const char *name, const char *filter,
                    pid_t pid)
{
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    h->n = 0;
    for (int cpu = 0; cpu < cpus && cpu < TRACEPOINT_MAX_CPUS; cpu++) {
        if (!open_cpu(h, name, filter, pid, cpu)) {
            first_hit_close(h);
            return false;
        }
    }
    return true;
}

/* The time of the first sample in one buffer, 0 for none. */
static uint64_t first_sample(const void *ring)
{
    const struct perf_event_mmap_page *page = ring;
    const unsigned char *data = (const unsigned char *)ring + page->data_offset;
    /* Pairs with the kernel's release of what it has written. */
    const uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
    uint64_t at = 0;

    while (at < head && at < page->data_size) {
        const struct perf_event_header *r = (const void *)(data + at);

        if (r->type == PERF_RECORD_SAMPLE)
            return *(const uint64_t *)(const void *)(r + 1);
        at += r->size;
    }
    return 0;
}

uint64_t first_hit_ns(const struct first_hit *h)
{
    uint64_t first = 0;

    for (unsigned i = 0; i < h->n; i++) {
        const uint64_t t = first_sample(h->ring[i]);

        if (t && (!first || t < first))
            first = t;
    }
    return first;
}

void first_hit_close(struct first_hit *h)
{
    for (unsigned i = 0; i < h->n; i++) {
        munmap(h->ring[i], ring_bytes());
        close(h->fd[i]);
    }
    h->n = 0;
}
