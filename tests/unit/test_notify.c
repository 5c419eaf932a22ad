// SPDX-License-Identifier: GPL-2.0-or-later
/* sd_notify's protocol, with the test as the service manager. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "notify.h"
#include "vmm/log.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A manager's socket; '@' in the text stands for the abstract NUL. */
static int manager(const char *text)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    const size_t n = strlen(text);

    assert_true(fd >= 0);
    memcpy(addr.sun_path, text, n);
    if (*text == '@')
        addr.sun_path[0] = '\0';
    assert_int_equal(
        bind(fd, (const struct sockaddr *)&addr,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)),
        0);
    return fd;
}

static void assert_heard(int fd, const char *what)
{
    char buf[64] = "";

    assert_int_equal(recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT),
                     strlen(what));
    assert_string_equal(buf, what);
}

static void speak(const char *address)
{
    const int mgr = manager(address);
    int fd;

    setenv("NOTIFY_SOCKET", address, 1);
    fd = notify_open();
    assert_true(fd >= 0);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    assert_null(getenv("NOTIFY_SOCKET"));
    notify_send(fd, "READY=1");
    notify_send(fd, "STOPPING=1");
    assert_heard(mgr, "READY=1");
    assert_heard(mgr, "STOPPING=1");
    close(fd);
    close(mgr);
}

static void path_socket(void **state)
{
    char dir[] = "/tmp/test_notify.XXXXXX";
    char path[64];

    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/sock", dir);
    speak(path);
    unlink(path);
    rmdir(dir);
}

static void abstract_socket(void **state)
{
    char name[64];

    (void)state;
    snprintf(name, sizeof(name), "@test_notify/%d", (int)getpid());
    speak(name);
}

static void nobody_asked(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(notify_open(), -1);
    setenv("NOTIFY_SOCKET", "", 1);
    assert_int_equal(notify_open(), -1);
    notify_send(-1, "READY=1");
}

static void unusable_address(void **state)
{
    char overlong[200];
    const char *const odd[] = {"relative", "/", "@", "/nonexistent/socket",
                               overlong};

    (void)state;
    memset(overlong, 'x', sizeof(overlong) - 1);
    overlong[0] = '/';
    overlong[sizeof(overlong) - 1] = '\0';
    for (unsigned i = 0; i < ARRAY_LEN(odd); i++) {
        setenv("NOTIFY_SOCKET", odd[i], 1);
        assert_int_equal(notify_open(), -1);
        assert_null(getenv("NOTIFY_SOCKET"));
    }
}

/* The manager stalls or goes away: no wait, no SIGPIPE. */
static void manager_that_does_not_listen(void **state)
{
    char name[64];
    int mgr;
    int fd;

    (void)state;
    snprintf(name, sizeof(name), "@test_notify/%d", (int)getpid());
    mgr = manager(name);
    setenv("NOTIFY_SOCKET", name, 1);
    fd = notify_open();
    alarm(10);
    for (int i = 0; i < 2000; i++)
        notify_send(fd, "STATUS=");
    close(mgr);
    notify_send(fd, "STOPPING=1");
    alarm(0);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(path_socket),
        cmocka_unit_test(abstract_socket),
        cmocka_unit_test(nobody_asked),
        cmocka_unit_test(unusable_address),
        cmocka_unit_test(manager_that_does_not_listen),
    };

    /* The refusals are the point; their lines would only drown the result. */
    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
