// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may have an image: other processes, other names, other disks of this
 * guest (hostile cases 51 and 59); and block devices, on a loop device.
 */
#include "blk_rig.h"

#include <linux/loop.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>

#define SIZE (1 * MIB)

/* Another process that has the image, until owner_end. */
static pid_t owner_begin(const struct blk_config *cfg)
{
    char ok = 0;
    int fds[2];
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        ok = blk_open(cfg) != NULL;
        if (write(fds[1], &ok, 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(fds[0], &ok, 1), 1);
    assert_int_equal(ok, 1);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static void owner_end(pid_t pid)
{
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void opens(const struct blk_config *cfg)
{
    struct blk *blk = blk_open(cfg);

    assert_non_null(blk);
    blk_close(blk);
}

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));

    rig_dir(rig, "/dev/shm");
    rig_image(rig->path, SIZE);
    *state = rig;
    return 0;
}

static int teardown(void **state)
{
    rig_remove(*state);
    free(*state);
    return 0;
}

static void a_second_guest_is_refused(void **state)
{
    const struct rig *rig = *state;
    const struct blk_config rw = {.path = rig->path};
    const struct blk_config ro = {.path = rig->path, .read_only = true};
    const pid_t pid = owner_begin(&rw);
    struct timespec from, to;
    char who[32];
    long ms;

    snprintf(who, sizeof(who), "process %d:", (int)pid);
    clock_gettime(CLOCK_MONOTONIC, &from);
    RIG_REFUSED(&rw, rig->path, who, "ro=on");
    clock_gettime(CLOCK_MONOTONIC, &to);
    ms = (to.tv_sec - from.tv_sec) * 1000 +
         (to.tv_nsec - from.tv_nsec) / 1000000;
    assert_true(ms < 100);
    RIG_REFUSED(&ro, rig->path, who);
    owner_end(pid);
    opens(&rw); /* a killed guest keeps nothing */
}

static void readers_share(void **state)
{
    const struct rig *rig = *state;
    const struct blk_config rw = {.path = rig->path};
    const struct blk_config ro = {.path = rig->path, .read_only = true};
    const struct blk_config snapshot = {.path = rig->path, .snapshot = true};
    const pid_t pid = owner_begin(&ro);
    char who[32];

    snprintf(who, sizeof(who), "process %d:", (int)pid);
    opens(&ro);
    opens(&snapshot);
    RIG_REFUSED(&rw, rig->path, who);
    owner_end(pid);
    opens(&rw);
}

static void a_snapshot_reads(void **state)
{
    const struct rig *rig = *state;
    const struct blk_config rw = {.path = rig->path};
    const struct blk_config snapshot = {.path = rig->path, .snapshot = true};
    const pid_t pid = owner_begin(&snapshot);
    char who[32];

    snprintf(who, sizeof(who), "process %d:", (int)pid);
    opens(&snapshot);
    RIG_REFUSED(&rw, who);
    owner_end(pid);
}

/* The image by any other name is the same image. */
static void other_names(void **state)
{
    const struct rig *rig = *state;
    const struct blk_config rw = {.path = rig->path};
    const pid_t pid = owner_begin(&rw);
    char other[128], who[32];
    const struct blk_config by_other = {.path = other};

    snprintf(other, sizeof(other), "%s/other", rig->dir);
    snprintf(who, sizeof(who), "process %d:", (int)pid);
    assert_int_equal(link(rig->path, other), 0);
    RIG_REFUSED(&by_other, other, who);
    unlink(other);
    assert_int_equal(symlink(rig->path, other), 0);
    RIG_REFUSED(&by_other, other, who);
    unlink(other);
    rig_image(other, SIZE);
    if (mount(rig->path, other, NULL, MS_BIND, NULL) == 0) {
        RIG_REFUSED(&by_other, other, who);
        assert_int_equal(umount2(other, MNT_DETACH), 0);
    }
    opens(&by_other);
    unlink(other);
    owner_end(pid);
}

static void twice_in_one_guest(void **state)
{
    const struct rig *rig = *state;
    const struct blk_config rw = {.path = rig->path};
    const struct blk_config ro = {.path = rig->path, .read_only = true};
    struct blk *first = blk_open(&rw), *second;

    assert_non_null(first);
    RIG_REFUSED(&rw, rig->path, "already another disk of this guest");
    RIG_REFUSED(&ro, rig->path, "already another disk of this guest");
    blk_close(first);
    first = blk_open(&ro);
    second = blk_open(&ro);
    assert_non_null(first);
    assert_non_null(second);
    RIG_REFUSED(&rw, "already another disk");
    blk_close(first);
    blk_close(second);
}

/*
 * Another program's lock, in another program's manner: on a few bytes, and
 * nobody says whose it is. It ends by itself after ms, if not 0.
 */
static pid_t stranger_begin(const struct rig *rig, unsigned ms)
{
    struct flock lock = {.l_type = F_RDLCK, .l_start = 100, .l_len = 1};
    int fds[2];
    char c = 0;
    pid_t pid;

    assert_int_equal(pipe(fds), 0);
    pid = fork();
    if (pid == 0) {
        const int fd = open(rig->path, O_RDWR);

        c = fcntl(fd, F_OFD_SETLK, &lock) == 0;
        if (write(fds[1], &c, 1) != 1)
            _exit(1);
        if (ms)
            poll(NULL, 0, (int)ms);
        while (!ms)
            pause();
        _exit(0);
    }
    assert_int_equal(read(fds[0], &c, 1), 1);
    assert_int_equal(c, 1);
    close(fds[0]);
    close(fds[1]);
    return pid;
}

static void strangers(void **state)
{
    const struct rig *rig = *state;
    const struct blk_config rw = {.path = rig->path};
    const pid_t pid = stranger_begin(rig, 0);

    RIG_REFUSED(&rw, rig->path, "locked by another process");
    owner_end(pid);
}

/*
 * A guest that was killed is gone before the kernel has taken its ring apart
 * and let go of the image: its next start is not refused for that.
 */
static void the_dead_let_go(void **state)
{
    const struct rig *rig = *state;
    const struct blk_config rw = {.path = rig->path};
    const pid_t pid = stranger_begin(rig, 100);

    opens(&rw);
    owner_end(pid);
}

/* A loop device on the image, or -1; its name goes to name. */
static int loop_attach(const struct rig *rig, char *name, size_t size)
{
    const struct loop_config config = {
        .fd = (unsigned)open(rig->path, O_RDWR | O_CLOEXEC),
        .block_size = 4096,
    };
    const int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int fd = -1;

    for (int tries = 0; control >= 0 && fd < 0 && tries < 8; tries++) {
        snprintf(name, size, "/dev/loop%d", ioctl(control, LOOP_CTL_GET_FREE));
        fd = open(name, O_RDWR | O_CLOEXEC);
        if (fd >= 0 && ioctl(fd, LOOP_CONFIGURE, &config) < 0) {
            close(fd);
            fd = -1;
        }
    }
    close(control);
    close((int)config.fd);
    return fd;
}

static void device_io(struct rig *rig)
{
    static _Alignas(4096) unsigned char out[65536], in[65536];
    struct stat st;

    rig_fill(out, sizeof(out), 4);
    assert_int_equal(rig_move(rig, BLK_WRITE, 0, out, sizeof(out)), 0);
    assert_int_equal(rig_flush(rig), 0);
    assert_int_equal(rig_range(rig, BLK_DISCARD, 0, 16384, false), 0);
    assert_int_equal(rig_range(rig, BLK_ZERO, 16384, 8192, true), 0);
    assert_int_equal(rig_range(rig, BLK_ZERO, 32768, 4096, false), 0);
    assert_int_equal(rig_flush(rig), 0);
    assert_int_equal(rig_move(rig, BLK_READ, 0, in, sizeof(in)), 0);
    assert_true(rig_is(in + 16384, 8192, 0));
    assert_true(rig_is(in + 32768, 4096, 0));
    assert_memory_equal(in + 24576, out + 24576, 8192);
    assert_memory_equal(in + 36864, out + 36864, 65536 - 36864);
    /* The discard reached the file below: there is a hole now. */
    assert_int_equal(stat(rig->path, &st), 0);
    assert_true(st.st_blocks * 512 <= 65536 - 16384);
}

static void block_devices(void **state)
{
    struct rig *rig = *state;
    char name[64];
    const int fd = loop_attach(rig, name, sizeof(name));
    const struct blk_config configs[] = {
        {.path = name}, {.path = name, .cache = BLK_CACHE_NONE}};
    int claim;

    if (fd < 0)
        skip(); /* no loop devices, or not root */
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        rig_open(rig, &configs[i]);
        assert_int_equal(blk_info(rig->blk)->size, SIZE);
        assert_int_equal(blk_info(rig->blk)->logical_block, 4096);
        RIG_REFUSED(&configs[0], name, "already another disk");
        claim = open(name, O_RDONLY | O_EXCL | O_CLOEXEC);
        assert_true(claim < 0); /* the host cannot mount it now */
        device_io(rig);
        rig_close(rig);
    }
    /* And the other way round: the host has it. */
    claim = open(name, O_RDONLY | O_EXCL | O_CLOEXEC);
    assert_true(claim >= 0);
    RIG_REFUSED(&configs[0], name, "unmount it", "ro=on");
    close(claim);
    ioctl(fd, LOOP_CLR_FD);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_second_guest_is_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(readers_share, setup, teardown),
        cmocka_unit_test_setup_teardown(a_snapshot_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(other_names, setup, teardown),
        cmocka_unit_test_setup_teardown(twice_in_one_guest, setup, teardown),
        cmocka_unit_test_setup_teardown(strangers, setup, teardown),
        cmocka_unit_test_setup_teardown(the_dead_let_go, setup, teardown),
        cmocka_unit_test_setup_teardown(block_devices, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
