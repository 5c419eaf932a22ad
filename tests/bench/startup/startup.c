// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * startup.c: from exec to the guest's first byte, and the memory that takes.
 *
 *   bench_startup ROUNDS NAME=COMMAND... (words of COMMAND split at blanks)
 *
 * Every round starts each command once, one after the other, so that noise
 * hits all alike; a command is done when it writes its first byte. Printed
 * as JSON: per name the median time, the median of the paired ratios to the
 * second name (the floor), and, taken at the first byte, threads and private
 * memory outside guest RAM (mappings of 128 MiB and more are guest RAM).
 */
#include <err.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_SUBJECTS 8
#define MAX_ROUNDS   1000
#define MAX_WORDS    64
#define GUEST_KB     (128ul * 1024)

extern char **environ;

struct subject {
    const char *name;
    char *argv[MAX_WORDS];
    double us[MAX_ROUNDS];
    unsigned long private_kb, anon_kb, threads;
};

static double now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static pid_t start(const struct subject *s, int *out)
{
    posix_spawn_file_actions_t actions;
    int fds[2];
    pid_t pid;

    if (pipe(fds) < 0)
        err(1, "pipe");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", 0, 0);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    posix_spawn_file_actions_addclose(&actions, fds[0]);
    posix_spawn_file_actions_addclose(&actions, fds[1]);
    if (posix_spawn(&pid, s->argv[0], &actions, NULL, s->argv, environ))
        errx(1, "%s: cannot be started", s->argv[0]);
    posix_spawn_file_actions_destroy(&actions);
    close(fds[1]);
    *out = fds[0];
    return pid;
}

/* One line of smaps: add what is outside guest RAM. */
static void account(struct subject *s, const char *line, bool *guest)
{
    unsigned long kb;

    if (sscanf(line, "Size: %lu", &kb) == 1)
        *guest = kb >= GUEST_KB;
    else if (!*guest && (sscanf(line, "Private_Dirty: %lu", &kb) == 1 ||
                         sscanf(line, "Private_Clean: %lu", &kb) == 1))
        s->private_kb += kb;
    else if (!*guest && sscanf(line, "Anonymous: %lu", &kb) == 1)
        s->anon_kb += kb;
}

static FILE *open_proc(pid_t pid, const char *what)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
    return fopen(path, "r");
}

static void measure_memory(struct subject *s, pid_t pid)
{
    char line[512];
    bool guest = false;
    FILE *f = open_proc(pid, "smaps");

    s->private_kb = s->anon_kb = s->threads = 0;
    while (f && fgets(line, sizeof(line), f))
        account(s, line, &guest);
    if (f)
        fclose(f);
    f = open_proc(pid, "status");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "Threads: %lu", &s->threads);
    if (f)
        fclose(f);
}

static double run_once(struct subject *s, bool memory)
{
    const double from = now_us();
    double took;
    int out;
    const pid_t pid = start(s, &out);
    char byte;

    if (read(out, &byte, 1) != 1)
        errx(1, "%s: ended without a byte", s->name);
    took = now_us() - from;
    if (memory) {
        usleep(20000);
        measure_memory(s, pid);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(out);
    return took;
}

static int by_value(const void *a, const void *b)
{
    const double *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static double median(const double *v, int n)
{
    double copy[MAX_ROUNDS];

    memcpy(copy, v, (size_t)n * sizeof(*v));
    qsort(copy, (size_t)n, sizeof(*copy), by_value);
    return copy[n / 2];
}

static void parse(struct subject *s, char *text)
{
    char *eq = strchr(text, '='), *save = NULL;
    int n = 0;

    if (!eq)
        errx(2, "%s: give NAME=COMMAND", text);
    *eq = '\0';
    s->name = text;
    for (char *w = strtok_r(eq + 1, " ", &save); w && n < MAX_WORDS - 1;
         w = strtok_r(NULL, " ", &save))
        s->argv[n++] = w;
}

static void report(struct subject *s, const struct subject *base, int rounds,
                   bool last)
{
    double ratio[MAX_ROUNDS];

    for (int i = 0; i < rounds; i++)
        ratio[i] = s->us[i] / base->us[i];
    printf("  {\"name\": \"%s\", \"median_us\": %.0f, \"ratio\": %.3f, "
           "\"private_kib\": %lu, \"anon_kib\": %lu, \"threads\": %lu}%s\n",
           s->name, median(s->us, rounds), median(ratio, rounds), s->private_kb,
           s->anon_kb, s->threads, last ? "" : ",");
}

int main(int argc, char **argv)
{
    static struct subject subjects[MAX_SUBJECTS];
    const int n = argc - 2;
    const int rounds = argc > 1 ? atoi(argv[1]) : 0;

    if (n < 2 || n > MAX_SUBJECTS || rounds < 1 || rounds > MAX_ROUNDS)
        errx(2, "usage: bench_startup ROUNDS NAME=COMMAND NAME=COMMAND ...");
    for (int i = 0; i < n; i++) {
        parse(&subjects[i], argv[i + 2]);
        run_once(&subjects[i], true); /* warms the page cache, too */
    }
    for (int r = 0; r < rounds; r++)
        for (int i = 0; i < n; i++)
            subjects[i].us[r] = run_once(&subjects[i], false);
    printf("[\n");
    for (int i = 0; i < n; i++)
        report(&subjects[i], &subjects[1], rounds, i == n - 1);
    printf("]\n");
    return 0;
}
