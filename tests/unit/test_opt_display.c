// SPDX-License-Identifier: GPL-2.0-or-later
/* --display: where a screen is seen, and who may reach it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opt_display.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

static void kinds(void **state)
{
    struct display_option o;

    (void)state;
    assert_true(display_option_parse("none", &o));
    assert_int_equal(o.kind, DISPLAY_NONE);
    assert_true(display_option_parse("text", &o));
    assert_int_equal(o.kind, DISPLAY_TEXT);
    assert_true(display_option_parse("vnc=unix:/tmp/x", &o));
    assert_int_equal(o.kind, DISPLAY_VNC);
    assert_string_equal(o.where, "unix:/tmp/x");
    assert_string_equal(((struct sockaddr_un *)&o.addr)->sun_path, "/tmp/x");
}

static void addresses(void **state)
{
    static const struct {
        const char *text;
        int family;
        unsigned port;
        bool is_private;
    } rows[] = {
        {"vnc=127.0.0.1", AF_INET, 5900, true},
        {"vnc=127.0.0.1:1", AF_INET, 1, true},
        {"vnc=localhost:65535", AF_INET, 65535, true},
        {"vnc=0.0.0.0:5901", AF_INET, 5901, false},
        {"vnc=255.255.255.255", AF_INET, 5900, false},
        {"vnc=[::1]", AF_INET6, 5900, true},
        {"vnc=[::]:6000", AF_INET6, 6000, false},
        {"vnc=unix:x", AF_UNIX, 0, true},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct display_option o;
        const struct sockaddr_in *in4 = (struct sockaddr_in *)&o.addr;
        const struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&o.addr;

        assert_true(display_option_parse(rows[i].text, &o));
        assert_int_equal(o.addr.ss_family, rows[i].family);
        assert_int_equal(display_is_private(&o), rows[i].is_private);
        if (rows[i].family == AF_INET)
            assert_int_equal(ntohs(in4->sin_port), rows[i].port);
        if (rows[i].family == AF_INET6)
            assert_int_equal(ntohs(in6->sin6_port), rows[i].port);
    }
}

static void wrong(void **state)
{
    static const char *const texts[] = {
        "",
        "vnc",
        "vnc=",
        "vnc=:5900",
        "vnc=host",
        "vnc=1.2.3",
        "vnc=1.2.3.4:",
        "vnc=1.2.3.4:0",
        "vnc=1.2.3.4:65536",
        "vnc=1.2.3.4:+1",
        "vnc=1.2.3.4:1x",
        "vnc=1.2.3.4.5.6.7.8.9.10",
        "vnc=[::1",
        "vnc=[::1]5900",
        "vnc=[::1]:",
        "vnc=[]",
        "vnc=[00000000000000000000000000000000000000000000000000000001]",
        "vnc=unix:",
        "text=1",
        "None",
    };
    char path[300] = "vnc=unix:";
    struct display_option o;

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(display_option_parse(texts[i], &o));
    memset(path + 9, 'x', sizeof(path) - 10);
    assert_false(display_option_parse(path, &o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds),
        cmocka_unit_test(addresses),
        cmocka_unit_test(wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
