// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line: what is taken, what is refused (hostile case 52). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_WORDS 16

static enum config_result parse(struct config *cfg, const char *line)
{
    static char text[1024];
    char *argv[MAX_WORDS], *save = NULL;
    int argc = 0;

    assert_true(strlen(line) < sizeof(text));
    strcpy(text, line);
    for (char *w = strtok_r(text, " ", &save); w && argc < MAX_WORDS;
         w = strtok_r(NULL, " ", &save))
        argv[argc++] = w;
    return config_parse(cfg, argc, argv);
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        uint64_t value;
    } rows[] = {
        {"4096", true, 4096},
        {"1K", true, KIB},
        {"512M", true, 512 * MIB},
        {"512m", true, 512 * MIB},
        {"2GiB", true, 2 * GIB},
        {"2GB", true, 2 * GIB},
        {"1T", true, 1024 * GIB},
        {"", false, 0},
        {"M", false, 0},
        {"-1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1X", false, 0},
        {"1MM", false, 0},
        {"0x10", false, 0},
        {"1.5G", false, 0},
        {"18446744073709551615", true, UINT64_MAX},
        {"18446744073709551616", false, 0},
        {"18446744073709551615K", false, 0},
        {"16777216T", false, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint64_t v = 0;

        assert_int_equal(config_parse_size(rows[i].text, &v), rows[i].ok);
        if (rows[i].ok)
            assert_int_equal(v, rows[i].value);
    }
}

static void defaults(void **state)
{
    struct config cfg;

    (void)state;
    assert_int_equal(parse(&cfg, "vmlinux"), CONFIG_OK);
    assert_string_equal(cfg.kernel, "vmlinux");
    assert_int_equal(cfg.mode, MODE_PVH);
    assert_int_equal(cfg.abi, ABI_KVM);
    assert_int_equal(cfg.cpus, 1);
    assert_int_equal(cfg.memory, 256 * MIB);
    assert_true(cfg.sandbox);
    assert_string_equal(cfg.append, "");
}

static void both_spellings(void **state)
{
    struct config cfg;

    (void)state;
    assert_int_equal(parse(&cfg, "--cpus 4 --memory=1G -v --console "
                                 "file:/tmp/log --initrd=a,cmdline=x "
                                 "--initrd b --no-reboot k"),
                     CONFIG_OK);
    assert_int_equal(cfg.cpus, 4);
    assert_int_equal(cfg.memory, GIB);
    assert_int_equal(cfg.log, LOG_DEBUG);
    assert_int_equal(cfg.console.kind, CONSOLE_FILE);
    assert_string_equal(cfg.console.path, "/tmp/log");
    assert_int_equal(cfg.n_modules, 2);
    assert_string_equal(cfg.modules[0].path, "a");
    assert_string_equal(cfg.modules[0].cmdline, "x");
    assert_null(cfg.modules[1].cmdline);
    assert_true(cfg.no_reboot);
}

static void consoles(void **state)
{
    struct config cfg;

    (void)state;
    assert_int_equal(parse(&cfg, "--console unix:/run/c k"), CONFIG_OK);
    assert_int_equal(cfg.console.kind, CONSOLE_UNIX);
    assert_string_equal(cfg.console.path, "/run/c");
    assert_false(config_on_stdio(&cfg));
    /* Standard input has one user, the one that was asked for. */
    assert_int_equal(parse(&cfg, "--virtio-console stdio "
                                 "--virtio-console unix:/a,,b,name=agent k"),
                     CONFIG_OK);
    assert_int_equal(cfg.console.kind, CONSOLE_NONE);
    assert_true(config_on_stdio(&cfg));
    assert_int_equal(cfg.n_ports, 2);
    assert_null(cfg.ports[0].name);
    assert_string_equal(cfg.ports[1].place.path, "/a,b");
    assert_string_equal(cfg.ports[1].name, "agent");
    assert_int_equal(config_check(&cfg), 0);
    config_free(&cfg);
    assert_int_equal(parse(&cfg, "--virtio-console pty k"), CONFIG_OK);
    assert_int_equal(cfg.console.kind, CONSOLE_STDIO);
    config_free(&cfg);
}

/* Each is right by itself, but not together. */
static void contradictions(void **state)
{
    static const char *const lines[] = {
        "--console stdio --virtio-console stdio k",
        "--virtio-console stdio --virtio-console stdio,name=a k",
        "--virtio-console none --virtio-console none k",
        "--virtio-console none,name=a --virtio-console none,name=a k",
        "--memory 64M --balloon=65M k",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct config cfg;

        assert_int_equal(parse(&cfg, lines[i]), CONFIG_OK);
        assert_int_equal(config_check(&cfg), -EINVAL);
        config_free(&cfg);
    }
}

static void balloon(void **state)
{
    struct config cfg;

    (void)state;
    assert_int_equal(parse(&cfg, "--balloon k"), CONFIG_OK);
    assert_true(cfg.balloon);
    assert_int_equal(cfg.balloon_target, 0);
    assert_string_equal(cfg.kernel, "k");
    assert_int_equal(parse(&cfg, "--memory 1G --balloon=512M k"), CONFIG_OK);
    assert_int_equal(cfg.balloon_target, 512 * MIB);
    assert_int_equal(config_check(&cfg), 0);
}

static void refused(void **state)
{
    static const char *const lines[] = {
        "",
        "--memory",
        "--memory 0 k",
        "--balloon= k",
        "--balloon=0 k",
        "--balloon=much k",
        "--console unix: k",
        "--console unix k",
        "--console stdio:x k",
        "--console filex k",
        "--virtio-console k",
        "--virtio-console tty k",
        "--virtio-console none,name= k",
        "--virtio-console none,name=a/b k",
        "--virtio-console none,size=1 k",
        "--memory 1 k",
        "--memory 4095 k",
        "--memory -5M k",
        "--memory 18446744073709551616 k",
        "--memory 99999999999T k",
        "--cpus 0 k",
        "--cpus -1 k",
        "--cpus many k",
        "--cpus 4294967297 k",
        "--mode=hvmm k",
        "--abi=hyperv k",
        "--console=teletype k",
        "--console=file: k",
        "--log=loud k",
        "--sandbox=maybe k",
        "--no-reboot=yes k",
        "--frobnicate k",
        "k1 k2",
        "--args-file /does/not/exist",
        "--args-file /dev/zero",
    };
    struct config cfg;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        assert_int_equal(parse(&cfg, lines[i]), CONFIG_ERROR);
        config_free(&cfg);
    }
}

static void checks(void **state)
{
    static const struct {
        const char *line;
        int result;
    } rows[] = {
        {"k", 0},
        {"--cpus 64 k", 0},
        {"--cpus 65 k", -EINVAL},
        {"--memory 1T k", 0},
        {"--memory 1M k", -EINVAL},
        {"--memory 9223372036854775808 k", -EINVAL},
        {"--memory 64T k", -EINVAL},
        {"--mode hvm k", 0},
        {"--mode hvm --entry 32 k", 0},
        {"--mode hvm --firmware f k", -EINVAL},
        {"--mode hvm --firmware f --firmware-vars v", 0},
        {"--mode hvm --firmware-vars v", -EINVAL},
        {"--mode hvm --initrd i", -EINVAL},
        {"--entry 32 k", -EINVAL},
        {"--mode pvh --abi xen k", 0},
        {"--abi xen --xen-accel user --xen-version 4.20 k", 0},
        {"--xen-accel user k", -EINVAL},
        {"--xen-version 4.20 k", -EINVAL},
        {"--mode pvhvm", 0},
        {"--mode pvhvm --abi kvm", -EINVAL},
        {"--mode pvhvm --unplug never --xen-console pty k", 0},
        {"--mode hvm-pv --pv xen --unplug at-boot", 0},
        {"--mode hvm-pv --unplug guest", -EINVAL},
        {"--mode hvm-pv --xen-console pty", -EINVAL},
        {"--abi xen --unplug guest k", -EINVAL},
        {"--abi xen --xen-console pty k", -EINVAL},
        {"--mode pvh --abi none k", -EINVAL},
    };
    struct config cfg;
    int ret;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_int_equal(parse(&cfg, rows[i].line), CONFIG_OK);
        ret = config_check(&cfg);
        if (ret == 0)
            ret = config_check_host(&cfg, 64, 46);
        assert_int_equal(ret, rows[i].result);
    }
}

static void sockets(void **state)
{
    static const char *const wrong[] = {
        "--vsock 2 k",
        "--vsock 4294967294 k",
        "--vsock x k",
        "--vsock 3,uds= k",
        "--vsock 3,port=5 k",
        "--vsock 3 --vsock 4 k",
        "--vsock 3,uds=a,uds=b k",
    };
    struct config cfg;

    (void)state;
    assert_int_equal(parse(&cfg, "k"), CONFIG_OK);
    assert_int_equal(cfg.vsock.cid, 0);
    config_free(&cfg);
    assert_int_equal(parse(&cfg, "--vsock 4294967293,uds=a,,b k"), CONFIG_OK);
    assert_int_equal(cfg.vsock.cid, 4294967293u);
    assert_string_equal(cfg.vsock.uds, "a,b");
    config_free(&cfg);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(parse(&cfg, wrong[i]), CONFIG_ERROR);
        config_free(&cfg);
    }
}

static void disks(void **state)
{
    static char many[CONFIG_MAX_DISKS + 2][16];
    char *argv[ARRAY_LEN(many)];
    struct config cfg;

    (void)state;
    assert_int_equal(parse(&cfg, "--disk a.img --disk=b,ro=on --rng k"),
                     CONFIG_OK);
    assert_int_equal(cfg.n_disks, 2);
    assert_string_equal(cfg.disks[0].blk.path, "a.img");
    assert_true(cfg.disks[1].blk.read_only);
    assert_true(cfg.rng);
    config_free(&cfg);
    assert_int_equal(parse(&cfg, "--disk a,colour=red k"), CONFIG_ERROR);
    config_free(&cfg);
    assert_int_equal(parse(&cfg, "--transport=pigeon k"), CONFIG_ERROR);
    config_free(&cfg);
    assert_int_equal(parse(&cfg, "k"), CONFIG_OK);
    assert_int_equal(cfg.transport, TRANSPORT_PCI); /* the mode's */
    assert_int_equal(parse(&cfg, "--transport=mmio k"), CONFIG_OK);
    assert_int_equal(cfg.transport, TRANSPORT_MMIO);
    assert_int_equal(parse(&cfg, "--transport=pci-legacy k"), CONFIG_OK);
    assert_int_equal(cfg.transport, TRANSPORT_PCI_LEGACY);
    assert_int_equal(parse(&cfg, "--disk a,id=x --disk b,id=x k"), CONFIG_OK);
    assert_int_equal(config_check(&cfg), -EINVAL);
    config_free(&cfg);
    for (unsigned i = 0; i < ARRAY_LEN(many); i++) {
        strcpy(many[i], i < CONFIG_MAX_DISKS + 1 ? "--disk=a" : "k");
        argv[i] = many[i];
    }
    assert_int_equal(config_parse(&cfg, ARRAY_LEN(many), argv), CONFIG_ERROR);
    config_free(&cfg);
}

static void args_file(void **state)
{
    static const char text[] = "# a guest\n"
                               "  --memory 64M  \n"
                               "\n"
                               "--append=console=ttyS0 a b\n"
                               "--initrd  file name\n"
                               "--no-reboot\n"
                               "kernel with blank\n";
    char name[] = "/tmp/vmm-args-XXXXXX", line[64];
    const int fd = mkstemp(name);
    struct config cfg;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
    close(fd);
    snprintf(line, sizeof(line), "--cpus 2 --args-file %s", name);
    assert_int_equal(parse(&cfg, line), CONFIG_OK);
    assert_int_equal(cfg.cpus, 2);
    assert_int_equal(cfg.memory, 64 * MIB);
    assert_string_equal(cfg.append, "console=ttyS0 a b");
    assert_string_equal(cfg.modules[0].path, "file name");
    assert_true(cfg.no_reboot);
    assert_string_equal(cfg.kernel, "kernel with blank");
    config_free(&cfg);
    unlink(name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),          cmocka_unit_test(defaults),
        cmocka_unit_test(both_spellings), cmocka_unit_test(consoles),
        cmocka_unit_test(contradictions), cmocka_unit_test(balloon),
        cmocka_unit_test(refused),        cmocka_unit_test(checks),
        cmocka_unit_test(args_file),      cmocka_unit_test(disks),
        cmocka_unit_test(sockets),
    };

    log_set_level(LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
