// SPDX-License-Identifier: GPL-2.0-or-later
/* --net: every key, what does not go together, and addresses made of names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "opt_net.h"
#include "vmm/log.h"

#include <string.h>

static void taps(void **state)
{
    struct net_option o;

    (void)state;
    assert_int_equal(
        net_option_parse("tap,ifname=tap0,mac=02:0a:Bc:00:00:01,queues=4,"
                         "pps=1000,bps=10M,filter=on",
                         &o),
        0);
    assert_int_equal(o.net.kind, NET_TAP);
    assert_string_equal(o.net.ifname, "tap0");
    assert_int_equal(o.net.fd, -1);
    assert_memory_equal(o.net.mac, "\x02\x0a\xbc\x00\x00\x01", 6);
    assert_int_equal(o.net.queues, 4);
    assert_int_equal(o.net.pps, 1000);
    assert_int_equal(o.net.bps, 10 << 20);
    assert_true(o.net.only_own_mac);
    net_option_free(&o);
    assert_int_equal(net_option_parse("tap,fd=7", &o), 0);
    assert_int_equal(o.net.fd, 7);
    assert_null(o.net.ifname);
    assert_int_equal(o.net.queues, 1);
    net_option_free(&o);
}

static void user(void **state)
{
    struct net_option o;

    (void)state;
    assert_int_equal(
        net_option_parse("user,hostfwd=tcp:2222:22,hostfwd=udp:53:53", &o), 0);
    assert_int_equal(o.net.kind, NET_USER);
    assert_int_equal(o.net.n_hostfwd, 2);
    assert_string_equal(o.net.hostfwd[1], "udp:53:53");
    net_option_free(&o);
}

static void cards(void **state)
{
    struct net_option o;

    (void)state;
    assert_int_equal(net_option_parse("user", &o), 0);
    assert_int_equal(o.model, NET_UNSAID);
    assert_null(o.rom);
    assert_false(o.no_rom);
    net_option_free(&o);
    assert_int_equal(net_option_parse("user,model=e1000,rom=a/b.rom", &o), 0);
    assert_int_equal(o.model, NET_E1000);
    assert_string_equal(o.rom, "a/b.rom");
    net_option_free(&o);
    assert_int_equal(net_option_parse("user,model=virtio,rom=none", &o), 0);
    assert_int_equal(o.model, NET_VIRTIO);
    assert_null(o.rom);
    assert_true(o.no_rom);
    net_option_free(&o);
}

static void refused(void **state)
{
    static const char *const bad[] = {
        "",
        "bridge",
        "tap",
        "tap,ifname=",
        "tap,ifname=sixteen-letters1",
        "tap,ifname=a/b",
        "tap,ifname=a%d",
        "tap,ifname=..",
        "tap,ifname=a b",
        "tap,ifname=a,fd=5",
        "tap,fd=2",
        "tap,fd=-1",
        "tap,fd=4294967299",
        "tap,fd=5,queues=2",
        "tap,ifname=a,hostfwd=tcp:1:1",
        "tap,ifname=a,queues=0",
        "tap,ifname=a,queues=9",
        "tap,ifname=a,mac=03:00:00:00:00:01",
        "tap,ifname=a,mac=ff:ff:ff:ff:ff:ff",
        "tap,ifname=a,mac=00:00:00:00:00:00",
        "tap,ifname=a,mac=02:00:00:00:00",
        "tap,ifname=a,mac=02:00:00:00:00:0",
        "tap,ifname=a,mac=02:00:00:00:00:001",
        "tap,ifname=a,mac=020000:00:00:0:01",
        "tap,ifname=a,pps=0",
        "tap,ifname=a,bps=0",
        "tap,ifname=a,bps=65G",
        "tap,ifname=a,filter=perhaps",
        "tap,ifname=a,colour=red",
        "tap,ifname=a,ifname=b",
        "user,ifname=a",
        "user,fd=5",
        "user,queues=2",
        "user,model=rtl8139",
        "user,rom=",
        "user,hostfwd=tcp:22",
        "user,hostfwd=icmp:1:1",
    };
    struct net_option o;

    (void)state;
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
        if (net_option_parse(bad[i], &o) == 0)
            fail_msg("'%s' was taken", bad[i]);
}

static void too_many_ports(void **state)
{
    char text[1024] = "user";
    struct net_option o;

    (void)state;
    for (unsigned i = 0; i < NET_MAX_HOSTFWD; i++)
        strcat(text, ",hostfwd=tcp:1:1");
    assert_int_equal(net_option_parse(text, &o), 0);
    net_option_free(&o);
    strcat(text, ",hostfwd=tcp:1:1");
    assert_int_not_equal(net_option_parse(text, &o), 0);
}

/* One station's, locally administered; the same each time, else different. */
static void addresses(void **state)
{
    uint8_t mac[200][6];
    struct net_option o;

    (void)state;
    assert_int_equal(net_option_parse("tap,fd=7", &o), 0);
    for (unsigned i = 0; i < 200; i++) {
        const char name[] = {(char)('a' + i / 8), 'x', '\0'};
        uint8_t again[6];

        net_option_mac(&o, name, i % 8, mac[i]);
        net_option_mac(&o, name, i % 8, again);
        assert_memory_equal(mac[i], again, 6);
        assert_int_equal(mac[i][0] & 3, 2);
        for (unsigned j = 0; j < i; j++)
            assert_memory_not_equal(mac[i], mac[j], 6);
    }
    net_option_free(&o);
    assert_int_equal(net_option_parse("tap,fd=7,mac=00:16:3e:01:02:03", &o), 0);
    net_option_mac(&o, "x", 3, mac[0]);
    assert_memory_equal(mac[0], "\x00\x16\x3e\x01\x02\x03", 6);
    net_option_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(taps),           cmocka_unit_test(user),
        cmocka_unit_test(cards),          cmocka_unit_test(refused),
        cmocka_unit_test(too_many_ports), cmocka_unit_test(addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
