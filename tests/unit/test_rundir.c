// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Names and locks: what is refused, what a killed process leaves behind, and
 * that no two processes ever hold one name (hostile case 77).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rundir.h"
#include "vmm/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char base[] = "/tmp/test_rundir.XXXXXX";
static char dir[64];

static int setup(void **state)
{
    (void)state;
    strcpy(base, "/tmp/test_rundir.XXXXXX");
    if (!mkdtemp(base))
        return -1;
    snprintf(dir, sizeof(dir), "%s/vmm", base);
    return setenv("VMM_RUNTIME_DIR", dir, 1);
}

static int teardown(void **state)
{
    char cmd[96];

    (void)state;
    snprintf(cmd, sizeof(cmd), "rm -rf '%s'", base);
    return system(cmd);
}

static bool exists(const char *file)
{
    char path[160];

    snprintf(path, sizeof(path), "%s/%s", dir, file);
    return access(path, F_OK) == 0;
}

static void put(const char *file, const char *text)
{
    char path[160];
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, file);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void claim_makes_and_release_removes(void **state)
{
    struct claim c;
    struct stat st;
    char want[128];

    (void)state;
    assert_int_equal(rundir_claim(&c, "web"), 0);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_true(exists("web.lock"));
    assert_true(fcntl(c.lock_fd, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(c.dir_fd, F_GETFD) & FD_CLOEXEC);
    snprintf(want, sizeof(want), "%s/web.sock", dir);
    assert_string_equal(c.socket, want);
    put("web.sock", "");
    rundir_release(&c, "done");
    assert_false(exists("web.lock"));
    assert_false(exists("web.sock"));
    rundir_release(&c, "twice does no harm");
}

static void default_name_is_the_pid(void **state)
{
    struct claim c;
    char want[32];

    (void)state;
    assert_int_equal(rundir_claim(&c, NULL), 0);
    snprintf(want, sizeof(want), "vmm-%d", (int)getpid());
    assert_string_equal(c.name, want);
    rundir_release(&c, "");
}

static void names(void **state)
{
    static const char *const good[] = {"a", "web-1", "A.b_c-9", "..", "0"};
    static const char *const bad[] = {"",    "a/b",      "../x", "a b", "-web",
                                      "a\n", "\xc3\xa4", "a*",   "@",   "a:b"};
    char longest[RUNDIR_NAME_MAX + 2];

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(rundir_check_name(good[i]), 0);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(rundir_check_name(bad[i]), -EINVAL);
    memset(longest, 'x', sizeof(longest));
    longest[RUNDIR_NAME_MAX + 1] = '\0';
    assert_int_equal(rundir_check_name(longest), -EINVAL);
    longest[RUNDIR_NAME_MAX] = '\0';
    assert_int_equal(rundir_check_name(longest), 0);
}

static void name_in_use_is_refused(void **state)
{
    struct claim c;
    struct claim other;

    (void)state;
    assert_int_equal(rundir_claim(&c, "web"), 0);
    assert_int_equal(rundir_claim(&other, "web"), -EBUSY);
    assert_int_equal(rundir_claim(&other, "web2"), 0);
    rundir_release(&other, "");
    assert_true(exists("web.lock"));
    rundir_release(&c, "");
    assert_int_equal(rundir_claim(&c, "web"), 0);
    rundir_release(&c, "");
}

/* Run fn in a child that then dies by SIGKILL; its pid. */
static pid_t die_holding(const char *name)
{
    const pid_t pid = fork();
    int status;

    if (pid == 0) {
        struct claim c;

        if (rundir_claim(&c, name) == 0)
            raise(SIGKILL);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    return pid;
}

static void stale_files_never_block(void **state)
{
    struct claim c;
    char text[16] = "";

    (void)state;
    die_holding("web");
    assert_true(exists("web.lock"));
    put("web.sock", "left behind");
    assert_int_equal(rundir_claim(&c, "web"), 0);
    assert_false(exists("web.sock"));
    assert_int_equal(pread(c.lock_fd, text, 11, 0), 11);
    assert_int_equal(atoi(text), getpid());
    rundir_release(&c, "");
}

/* A lock file with any content, even a long one, is only a file. */
static void garbage_in_the_lock_file(void **state)
{
    struct rundir_guest g;
    struct claim c;

    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    put("web.lock", "99999999999999999999 garbage \x1b[2J\n\n\n");
    assert_int_equal(rundir_claim(&c, "web"), 0);
    assert_int_equal(rundir_find(&g, "web"), 0);
    assert_int_equal(g.pid, getpid());
    close(g.lock_fd);
    rundir_release(&c, "");
}

static void find_tells_how_it_ended(void **state)
{
    char how[RUNDIR_HOW_MAX + 1];
    struct rundir_guest g;
    struct claim c;

    (void)state;
    assert_int_equal(rundir_find(&g, "web"), -ESRCH);
    assert_int_equal(rundir_claim(&c, "web"), 0);
    assert_int_equal(rundir_find(&g, "web"), 0);
    assert_int_equal(g.pid, getpid());
    assert_false(rundir_how(&g, how));
    rundir_release(&c, "the guest powered off");
    assert_true(rundir_how(&g, how));
    assert_string_equal(how, "the guest powered off");
    close(g.lock_fd);
    assert_int_equal(rundir_find(&g, "web"), -ESRCH);
    assert_int_equal(rundir_find(&g, "../web"), -EINVAL);
}

static void how_is_bounded(void **state)
{
    char how[RUNDIR_HOW_MAX + 1];
    char story[400];
    struct rundir_guest g;
    struct claim c;

    (void)state;
    memset(story, 'x', sizeof(story) - 1);
    story[sizeof(story) - 1] = '\0';
    assert_int_equal(rundir_claim(&c, "web"), 0);
    assert_int_equal(rundir_find(&g, "web"), 0);
    rundir_release(&c, story);
    assert_true(rundir_how(&g, how));
    assert_int_equal(strlen(how), RUNDIR_HOW_MAX);
    close(g.lock_fd);
}

struct seen {
    unsigned n;
    char names[8][RUNDIR_NAME_MAX + 1];
};

static void see(void *ctx, const struct rundir_guest *g)
{
    struct seen *s = ctx;

    assert_true(s->n < ARRAY_LEN(s->names));
    strcpy(s->names[s->n++], g->name);
}

static void each_lists_the_living_and_buries_the_dead(void **state)
{
    struct seen s = {0};
    struct claim a;
    struct claim b;

    (void)state;
    assert_int_equal(rundir_each(see, &s), 0);
    assert_int_equal(s.n, 0);
    assert_int_equal(rundir_claim(&b, "b"), 0);
    assert_int_equal(rundir_claim(&a, "a"), 0);
    die_holding("dead");
    put("dead.sock", "");
    put("note.txt", "not ours");
    put("bad name.lock", "not ours");
    assert_int_equal(rundir_each(see, &s), 0);
    assert_int_equal(s.n, 2);
    assert_string_equal(s.names[0], "a");
    assert_string_equal(s.names[1], "b");
    assert_false(exists("dead.lock"));
    assert_false(exists("dead.sock"));
    assert_true(exists("note.txt"));
    assert_true(exists("bad name.lock"));
    rundir_release(&a, "");
    rundir_release(&b, "");
}

static void unsafe_directories_are_refused(void **state)
{
    struct claim c;
    char link[80];

    (void)state;
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(chmod(dir, 0755), 0);
    assert_int_equal(rundir_claim(&c, "web"), -EPERM);
    assert_int_equal(chmod(dir, 0700), 0);
    snprintf(link, sizeof(link), "%s/link", base);
    assert_int_equal(symlink(dir, link), 0);
    setenv("VMM_RUNTIME_DIR", link, 1);
    assert_int_equal(rundir_claim(&c, "web"), -ENOTDIR);
    setenv("VMM_RUNTIME_DIR", "/dev/null", 1);
    assert_int_equal(rundir_claim(&c, "web"), -ENOTDIR);
    snprintf(link, sizeof(link), "%s/no/such", base);
    setenv("VMM_RUNTIME_DIR", link, 1);
    assert_int_equal(rundir_claim(&c, "web"), -ENOENT);
}

static void foreign_directory_is_refused(void **state)
{
    struct claim c;
    int status;
    pid_t pid;

    (void)state;
    if (geteuid() != 0)
        skip(); /* making one takes root */
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_int_equal(chmod(base, 0755), 0);
    /* Owned by root, but open to its owner only: not reachable at all. */
    assert_int_equal(chown(dir, 1, 1), 0);
    pid = fork();
    if (pid == 0) {
        if (setresuid(2, 2, 2) != 0)
            _exit(9);
        _exit(rundir_claim(&c, "web") == 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    /* Root is let in, as everywhere. */
    assert_int_equal(rundir_claim(&c, "web"), 0);
    rundir_release(&c, "");
}

static void path_too_long_is_said(void **state)
{
    char longdir[256];
    struct claim c;

    (void)state;
    memset(longdir, 'd', sizeof(longdir) - 1);
    longdir[0] = '/';
    longdir[sizeof(longdir) - 1] = '\0';
    setenv("VMM_RUNTIME_DIR", longdir, 1);
    assert_int_equal(rundir_claim(&c, "web"), -ENAMETOOLONG);
    /* The directory fits, the socket in it does not. */
    memset(longdir, 'n', RUNDIR_NAME_MAX);
    longdir[RUNDIR_NAME_MAX] = '\0';
    setenv("VMM_RUNTIME_DIR",
           "/tmp/./././././././././././././././././././././"
           "test_rundir_long",
           1);
    assert_int_equal(rundir_claim(&c, longdir), -ENAMETOOLONG);
    assert_int_equal(rundir_claim(&c, "web"), 0);
    rundir_release(&c, "");
    rmdir("/tmp/test_rundir_long");
}

/*
 * Several processes fight for one name by claim, hold and release, while
 * another lists (and buries). Each holder marks a shared byte: two at a time
 * would be seen.
 */
static void contend(int mark, int wins)
{
    /* It is refused many times; the lines would drown the result. */
    const int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    dup2(null, STDERR_FILENO);
    alarm(50);
    while (wins > 0) {
        struct claim c;
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

        if (rundir_claim(&c, "web") < 0) {
            sched_yield();
            continue;
        }
        if (fcntl(mark, F_SETLK, &lock) < 0)
            _exit(2); /* somebody else holds the name as well */
        wins--;
        lock.l_type = F_UNLCK;
        fcntl(mark, F_SETLK, &lock);
        rundir_release(&c, "");
    }
    _exit(0);
}

static void ignore_guest(void *ctx, const struct rundir_guest *g)
{
    (void)ctx;
    (void)g;
}

static void one_holder_at_a_time(void **state)
{
    enum { CHILDREN = 3, WINS = 200, ROUNDS = 300 };
    char path[80];
    int mark;

    (void)state;
    snprintf(path, sizeof(path), "%s/mark", base);
    mark = open(path, O_RDWR | O_CREAT, 0600);
    assert_true(mark >= 0);
    fflush(NULL);
    for (int i = 0; i < CHILDREN; i++)
        if (fork() == 0)
            contend(mark, WINS);
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(rundir_each(ignore_guest, NULL), 0);
    for (int i = 0; i < CHILDREN; i++) {
        int status;

        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    close(mark);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(claim_makes_and_release_removes),
        T(default_name_is_the_pid),
        T(names),
        T(name_in_use_is_refused),
        T(stale_files_never_block),
        T(garbage_in_the_lock_file),
        T(find_tells_how_it_ended),
        T(how_is_bounded),
        T(each_lists_the_living_and_buries_the_dead),
        T(unsafe_directories_are_refused),
        T(foreign_directory_is_refused),
        T(path_too_long_is_said),
        T(one_holder_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
