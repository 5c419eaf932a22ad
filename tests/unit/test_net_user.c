// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * User networking: how passt is started, with a script in its place that says
 * what it was given, or fails; and with the real one where it can run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "devices/backend/net_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct rig {
    char dir[64];
    char path[96]; /* of the script */
    char note[96]; /* what it writes */
    char *old_path;
    char *said; /* on standard error */
    int err;    /* the real standard error */
    FILE *log;
};

static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    snprintf(r->dir, sizeof(r->dir), "/tmp/vmm-passt-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->path, sizeof(r->path), "%s/passt", r->dir);
    snprintf(r->note, sizeof(r->note), "%s/note", r->dir);
    r->old_path = strdup(getenv("PATH"));
    r->log = tmpfile();
    r->err = dup(STDERR_FILENO);
    dup2(fileno(r->log), STDERR_FILENO);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    dup2(r->err, STDERR_FILENO);
    close(r->err);
    setenv("PATH", r->old_path, 1);
    unlink(r->path);
    unlink(r->note);
    assert_int_equal(rmdir(r->dir), 0);
    fclose(r->log);
    free(r->old_path);
    free(r->said);
    free(r);
    return 0;
}

/* In place of passt: NOTE is a file of ours. */
static void script(struct rig *r, const char *text)
{
    const int fd = open(r->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    char path[256];

    dprintf(fd, "#!/bin/sh\nNOTE=%s\n%s\n", r->note, text);
    close(fd);
    snprintf(path, sizeof(path), "%s:/usr/bin:/bin", r->dir);
    setenv("PATH", path, 1);
}

static const char *log_of(struct rig *r)
{
    const off_t n = lseek(fileno(r->log), 0, SEEK_END);

    free(r->said);
    r->said = calloc(1, (size_t)n + 1);
    assert_int_equal(pread(fileno(r->log), r->said, (size_t)n, 0), n);
    return r->said;
}

static void assert_note(struct rig *r, const char *want)
{
    char text[2048] = "";
    const int fd = open(r->note, O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    assert_true(read(fd, text, sizeof(text) - 1) >= 0);
    close(fd);
    assert_string_equal(text, want);
}

static struct net *open_card(const char *const *hostfwd, unsigned n,
                             unsigned mtu)
{
    struct net_config cfg = {
        .kind = NET_USER, .fd = -1, .queues = 1, .n_hostfwd = n, .mtu = mtu};

    for (unsigned i = 0; i < n; i++)
        cfg.hostfwd[i] = hostfwd[i];
    return net_open(&cfg);
}

static struct net *open_user(const char *const *hostfwd, unsigned n)
{
    return open_card(hostfwd, n, 0);
}

/* A card whose driver would believe what passt says by DHCP. */
static void a_card_with_an_mtu(void **state)
{
    struct rig *r = *state;
    struct net *net;

    script(r, "echo \"$*\" >$NOTE");
    net = open_card(NULL, 0, 1500);
    assert_non_null(net);
    assert_int_equal(net_info(net)->mtu, 1500);
    net_close(net);
    assert_note(r, "--quiet --fd 3 --mtu 1500 --udp-ports none\n");
}

static void what_it_is_told(void **state)
{
    static const char *const fwd[] = {"tcp:2222:22", "udp:127.0.0.1:53:5353",
                                      "tcp:[::1]:8080:80"};
    struct rig *r = *state;
    struct net *net;

    script(r, "echo \"$*\" >$NOTE");
    net = open_user(fwd, 3);
    assert_non_null(net);
    assert_int_equal(net_info(net)->mtu, 65520);
    net_close(net);
    assert_note(r, "--quiet --fd 3 --tcp-ports 2222:22 "
                   "--udp-ports 127.0.0.1/53:5353 "
                   "--tcp-ports ::1/8080:80\n");
    assert_string_equal(log_of(r), "");
}

/* No UDP port is open that nobody asked for. */
static void no_ports_by_default(void **state)
{
    static const char *const fwd[] = {"tcp:2222:22"};
    struct rig *r = *state;
    struct net *net;

    script(r, "echo \"$*\" >$NOTE");
    net = open_user(fwd, 1);
    assert_non_null(net);
    net_close(net);
    assert_note(r, "--quiet --fd 3 --tcp-ports 2222:22 --udp-ports none\n");
}

/*
 * It has what it needs and nothing of ours: signals, descriptors. The C library
 * keeps 32 and 33 for itself. No pipe of the shell's is open while ls looks.
 */
static void nothing_is_inherited(void **state)
{
    struct rig *r = *state;
    const int leak = fcntl(STDERR_FILENO, F_DUPFD, 50); /* stays on exec */
    sigset_t block, old;
    struct net *net;

    sigemptyset(&block);
    sigaddset(&block, SIGTERM);
    sigprocmask(SIG_BLOCK, &block, &old);
    signal(SIGPIPE, SIG_IGN);
    script(r, "{ grep -E '^Sig(Blk|Ign)' /proc/self/status | sed s/18/00/; "
              "ls /proc/$$/fd >$NOTE.fds; "
              "grep -vE '^(0|1|2|3|1.)$' $NOTE.fds; rm $NOTE.fds; "
              "[ -S /proc/$$/fd/3 ] && echo socket; } >$NOTE");
    net = open_user(NULL, 0);
    assert_non_null(net);
    net_close(net);
    assert_note(r, "SigBlk:\t0000000000000000\n"
                   "SigIgn:\t0000000000000000\nsocket\n");
    sigprocmask(SIG_SETMASK, &old, NULL);
    signal(SIGPIPE, SIG_DFL);
    close(leak);
}

static void why_it_failed(void **state)
{
    struct rig *r = *state;

    script(r, "echo 'Started by root' >&2; "
              "echo 'Port 2222 is taken' >&2; "
              "echo 'Failed to send 5 bytes to syslog' >&2; exit 1");
    assert_null(open_user(NULL, 0));
    assert_string_equal(log_of(r),
                        "vmm: error: --net user: passt: it did not start: "
                        "Port 2222 is taken\n");
}

static void it_is_not_there(void **state)
{
    struct rig *r = *state;

    setenv("PATH", r->dir, 1);
    assert_null(open_user(NULL, 0));
    assert_string_equal(log_of(r),
                        "vmm: error: --net user: passt: not found: install "
                        "the package passt\n");
}

static void killed_while_it_starts(void **state)
{
    struct rig *r = *state;

    script(r, "kill -9 $$");
    assert_null(open_user(NULL, 0));
    assert_non_null(strstr(log_of(r), "it did not start: no reason given"));
}

static void ways_to_forward(void **state)
{
    static const char *const good[] = {"tcp:1:65535", "udp:53:53",
                                       "tcp:10.0.0.1:80:8080",
                                       "tcp:fe80::1:80:80", "udp:[::]:80:80"};
    static const char *const bad[] = {"",
                                      "tcp",
                                      "tcp:",
                                      "tcp:80",
                                      "tcp::80",
                                      "tcp:80:",
                                      "tcp:0:80",
                                      "tcp:80:65536",
                                      "tcp:x:80",
                                      "sctp:80:80",
                                      "tcp:80:80x",
                                      "tcp::80:80",
                                      "tcp:a b:80:80",
                                      "tcp:1.2.3.4/24:80:80",
                                      "tcp:-1:80",
                                      "tcp:all:1:2",
                                      "tcp:800000:80",
                                      "tcp:[]:80:80"};

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(good); i++)
        assert_true(net_hostfwd_valid(good[i]));
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(net_hostfwd_valid(bad[i]));
}

/* ---- the real one ---- */

static void on_stop(struct loop_op *op, int res)
{
    (void)res;
    loop_stop(op->owner, 0);
}

static void run_for(struct loop *loop, unsigned ms)
{
    struct loop_op op = {.fn = on_stop, .owner = loop};

    loop_timer(loop, &op, ms * UINT64_C(1000000));
    assert_int_equal(loop_run(loop), 0);
}

/* An ARP request for the gateway that DHCP would name is answered. */
static void an_answer_from_passt(void **state)
{
    static const uint8_t discover[] = {
        /* Ethernet, IPv4, UDP 68 -> 67 with no checksum */
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 1,
        16, 0, 0, 0, 0, 64, 17, 0x79, 0xde, 0, 0, 0, 0, 255, 255, 255, 255, 0,
        68, 0, 67, 0, 252, 0, 0,
        /* BOOTP: request, Ethernet, 6, transaction */
        1, 1, 6, 0, 1, 2, 3, 4};
    struct {
        struct virtio_net_hdr_v1 hdr;
        uint8_t frame[2000];
    } p = {.hdr = {.flags = 0}};
    struct rig *r = *state;
    struct iovec iov = {&p, NET_HDR + 286};
    const struct net_pkt pkt = {&iov, 1, NET_HDR + 286};
    struct net *net;
    struct loop *loop;
    int n = -EAGAIN;

    net = open_user(NULL, 0);
    if (!net) {
        print_message("skipped: no passt that runs here: %s", log_of(r));
        skip();
    }
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(net_start(net, loop), 0);
    memcpy(p.frame, discover, sizeof(discover));
    memcpy(p.frame + 42 + 28, "\x02\0\0\0\0\x01", 6);
    memcpy(p.frame + 42 + 236, "\x63\x82\x53\x63\x35\x01\x01\xff", 8);
    assert_int_equal(net_send(net, 0, &pkt), 0);
    iov.iov_len = sizeof(p);
    for (unsigned i = 0; n == -EAGAIN && i < 2000; i++) {
        const struct net_pkt room = {&iov, 1, sizeof(p)};

        run_for(loop, 10);
        do
            n = net_recv(net, 0, &room);
        while (n > 0 && p.frame[23] != 17);
    }
    assert_true(n > 0);
    assert_memory_equal(p.frame, "\x02\0\0\0\0\x01", 6); /* to us */
    assert_int_equal(p.frame[35], 67);                   /* from its server */
    assert_int_equal(p.frame[42], 2);                    /* a reply */
    net_close(net);
    loop_destroy(loop);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_is_told),        TEST(a_card_with_an_mtu),
        TEST(no_ports_by_default),    TEST(nothing_is_inherited),
        TEST(why_it_failed),          TEST(it_is_not_there),
        TEST(killed_while_it_starts), cmocka_unit_test(ways_to_forward),
        TEST(an_answer_from_passt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
