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

static FILE *open_proc(pid_t pid, pid_t tid, const char *what)
{
    char path[96];

    snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)tid,
             what);
    return fopen(path, "re");
}

/* One line of smaps; a mapping begins with its Size. */
static void add_line(struct memory *m, const char *line, bool *guest)
{
    unsigned long kib;

    if (sscanf(line, "Size: %lu", &kib) == 1)
        *guest = kib >= GUEST_KIB;
    else if (sscanf(line, "Rss: %lu", &kib) == 1)
        *(*guest ? &m->guest_kib : &m->rss_kib) += kib;
    else if (*guest)
        return;
    else if (sscanf(line, "Private_Dirty: %lu", &kib) == 1 ||
             sscanf(line, "Private_Clean: %lu", &kib) == 1)
        m->private_kib += kib;
    else if (sscanf(line, "Anonymous: %lu", &kib) == 1)
        m->anon_kib += kib;
}

void memory_read(pid_t pid, struct memory *m)
{
    FILE *f = open_proc(pid, pid, "smaps");
    bool guest = false;
    char line[512];

    *m = (struct memory){0};
    if (!f)
        return;
    while (fgets(line, sizeof(line), f))
        add_line(m, line, &guest);
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
