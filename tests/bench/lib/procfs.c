// SPDX-License-Identifier: GPL-2.0-or-later
/* procfs.c: see procfs.h and proc(5). */
#include "procfs.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GUEST_KIB (128ul * 1024)
#define LOW_KIB   2048ul

static FILE *open_proc(pid_t pid, pid_t tid, const char *what)
{
    char path[96];

    snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid,
             what);
    return fopen(path, "re");
}

/* A mapping, and what smaps says of it. */
struct mapping {
    unsigned long begin, end;
    struct memory sums; /* as if it were the program's */
};

static bool is_guest(const struct mapping *map, const struct mapping *next)
{
    const unsigned long kib = (map->end - map->begin) / 1024;

    if (kib >= GUEST_KIB)
        return true;
    /* The piece that has no huge pages. */
    return kib == LOW_KIB && map->end == next->begin && is_guest(next, next);
}

static void add_mapping(struct memory *m, const struct mapping *map,
                        const struct mapping *next)
{
    if (is_guest(map, next)) {
        m->guest_kib += map->sums.rss_kib;
        return;
    }
    m->rss_kib += map->sums.rss_kib;
    m->private_kib += map->sums.private_kib;
    m->anon_kib += map->sums.anon_kib;
}

/* One line of smaps about a mapping. */
static void add_line(struct memory *sums, const char *line)
{
    unsigned long kib;

    if (sscanf(line, "Rss: %lu", &kib) == 1)
        sums->rss_kib += kib;
    else if (sscanf(line, "Private_Dirty: %lu", &kib) == 1 ||
             sscanf(line, "Private_Clean: %lu", &kib) == 1)
        sums->private_kib += kib;
    else if (sscanf(line, "Anonymous: %lu", &kib) == 1)
        sums->anon_kib += kib;
}

void memory_read(pid_t pid, struct memory *m)
{
    FILE *f = open_proc(pid, pid, "smaps");
    struct mapping map = {0}, next = {0};
    char line[512];

    *m = (struct memory){0};
    if (!f)
        return;
    while (fgets(line, sizeof(line), f)) {
        if (sscanf(line, "%lx-%lx ", &next.begin, &next.end) != 2) {
            add_line(&map.sums, line);
            continue;
        }
        add_mapping(m, &map, &next);
        map = next;
    }
    add_mapping(m, &map, &(struct mapping){0});
    fclose(f);
}

static void read_name(pid_t pid, pid_t tid, struct thread *t)
{
    FILE *f = open_proc(pid, tid, "comm");

    if (!f)
        return;
    if (fgets(t->name, sizeof(t->name), f))
        t->name[strcspn(t->name, "\n")] = '\0';
    fclose(f);
}

static void read_cpu(pid_t pid, pid_t tid, struct thread *t)
{
    FILE *f = open_proc(pid, tid, "schedstat");

    if (!f)
        return;
    if (fscanf(f, "%" SCNu64, &t->cpu_ns) != 1)
        t->cpu_ns = 0;
    fclose(f);
}

static void read_waits(pid_t pid, pid_t tid, struct thread *t)
{
    FILE *f = open_proc(pid, tid, "status");
    char line[256];

    if (!f)
        return;
    while (fgets(line, sizeof(line), f))
        if (sscanf(line, "voluntary_ctxt_switches: %" SCNu64, &t->waits) == 1)
            break;
    fclose(f);
}

void threads_read(pid_t pid, struct threads *list)
{
    const struct dirent *e;
    char path[64];
    DIR *dir;

    *list = (struct threads){0};
    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    dir = opendir(path);
    if (!dir)
        return;
    while ((e = readdir(dir)) && list->n < PROCFS_MAX_THREADS) {
        struct thread *t = &list->t[list->n];
        const pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

        if (!tid)
            continue;
        read_name(pid, tid, t);
        read_cpu(pid, tid, t);
        read_waits(pid, tid, t);
        list->n++;
    }
    closedir(dir);
}
