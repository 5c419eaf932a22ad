// SPDX-License-Identifier: GPL-2.0-or-later
/* The grammar of device options, and --disk by it; messages included. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "keyval.h"
#include "opt_disk.h"
#include "vmm/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct thing {
    const char *value;
    const char *a;
    const char *many[8];
    unsigned n;
};

static bool take_value(void *into, const char *value)
{
    ((struct thing *)into)->value = value;
    return true;
}

static bool take_a(void *into, const char *value)
{
    ((struct thing *)into)->a = value;
    return strcmp(value, "bad") != 0;
}

static bool take_many(void *into, const char *value)
{
    struct thing *t = into;

    t->many[t->n++ % 8] = value;
    return true;
}

static const struct keyval_key keys[] = {
    {"a", take_a, "not bad", false},
    {"many", take_many, "anything", true},
};

static const struct keyval_option option = {"--thing", "ANY", take_value, keys,
                                            ARRAY_LEN(keys)};

/* Parse, with standard error caught in log. */
static char log_text[2048];

static int caught(int (*parse)(void *), void *arg)
{
    const int saved = dup(STDERR_FILENO);
    int fds[2], ret;
    ssize_t n;

    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    close(fds[1]);
    ret = parse(arg);
    dup2(saved, STDERR_FILENO);
    close(saved);
    n = read(fds[0], log_text, sizeof(log_text) - 1);
    log_text[n > 0 ? n : 0] = '\0';
    close(fds[0]);
    return ret;
}

struct job {
    char text[256];
    struct thing thing;
};

static int do_parse(void *arg)
{
    struct job *job = arg;

    return keyval_parse(&option, job->text, &job->thing);
}

static int parse(struct job *job, const char *text)
{
    memset(job, 0, sizeof(*job));
    snprintf(job->text, sizeof(job->text), "%s", text);
    return caught(do_parse, job);
}

static void values_and_keys_are_cut(void **state)
{
    struct job job;

    (void)state;
    assert_int_equal(parse(&job, "value,a=1,many=x,many=y=z,many="), 0);
    assert_string_equal(job.thing.value, "value");
    assert_string_equal(job.thing.a, "1");
    assert_int_equal(job.thing.n, 3);
    assert_string_equal(job.thing.many[0], "x");
    assert_string_equal(job.thing.many[1], "y=z");
    assert_string_equal(job.thing.many[2], "");
    assert_string_equal(log_text, "");
}

static void doubled_commas_are_commas(void **state)
{
    struct job job;

    (void)state;
    assert_int_equal(parse(&job, "a,,b,,,a=,,,,x"), 0);
    assert_string_equal(job.thing.value, "a,b,");
    assert_string_equal(job.thing.a, ",,x");
    assert_int_equal(parse(&job, ",,"), 0);
    assert_string_equal(job.thing.value, ",");
    /* Three are a comma and an end. */
    assert_int_equal(parse(&job, "v,,,a=1"), 0);
    assert_string_equal(job.thing.value, "v,");
    assert_string_equal(job.thing.a, "1");
}

static void wrong(const char *text, const char *const *words)
{
    struct job job;

    assert_int_equal(parse(&job, text), -EINVAL);
    for (; *words; words++)
        assert_non_null(strstr(log_text, *words));
    assert_ptr_equal(strchr(log_text, '\n'), log_text + strlen(log_text) - 1);
}

#define WRONG(text, ...) \
    wrong(text, (const char *const[]){"--thing", __VA_ARGS__, NULL})

static void errors_name_the_key(void **state)
{
    (void)state;
    WRONG("v,b=1", "'b'", "a, many");
    WRONG("v,A=1", "'A'");
    WRONG("v,a", "a needs a value", "a=not bad");
    WRONG("v,a=bad", "a: 'bad'", "not bad");
    WRONG("v,a=1,a=1", "a is given twice");
    WRONG("v,", "''");
    WRONG("v,=x", "''");
}

static void words_of_all(void **state)
{
    bool on = false;
    uint64_t n = 0;

    (void)state;
    assert_true(keyval_bool("on", &on) && on);
    assert_true(keyval_bool("off", &on) && !on);
    assert_false(keyval_bool("yes", &on));
    assert_false(keyval_bool("", &on));
    assert_true(keyval_number("10", 10, &n) && n == 10);
    assert_false(keyval_number("11", 10, &n));
    assert_false(keyval_number("-1", UINT64_MAX, &n));
    assert_false(keyval_number(" 1", UINT64_MAX, &n));
    assert_false(keyval_number("1x", UINT64_MAX, &n));
    assert_false(keyval_number("", UINT64_MAX, &n));
    assert_false(keyval_number("18446744073709551616", UINT64_MAX, &n));
    assert_true(keyval_number("18446744073709551615", UINT64_MAX, &n));
}

struct disk_job {
    const char *text;
    struct disk_option disk;
};

static int do_disk(void *arg)
{
    struct disk_job *job = arg;

    return disk_option_parse(job->text, &job->disk);
}

static void a_disk_with_everything(void **state)
{
    struct disk_job job = {
        .text = "/a,,b.img,ro=on,cache=none,id=d-0,iops=500,bps=10M,if=virtio,"
                "on-error=stop"};
    const struct disk_option *d = &job.disk;

    (void)state;
    assert_int_equal(caught(do_disk, &job), 0);
    assert_string_equal(d->blk.path, "/a,b.img");
    assert_true(d->blk.read_only);
    assert_false(d->blk.snapshot);
    assert_int_equal(d->blk.cache, BLK_CACHE_NONE);
    assert_string_equal(d->id, "d-0");
    assert_int_equal(d->blk.iops, 500);
    assert_int_equal(d->blk.bps, 10 * MIB);
    assert_int_equal(d->iface, DISK_VIRTIO);
    assert_int_equal(d->blk.on_error, BLK_ERROR_STOP);
    disk_option_free(&job.disk);
}

static void a_plain_disk_has_defaults(void **state)
{
    struct disk_job job = {.text = "disk.img"};

    (void)state;
    assert_int_equal(caught(do_disk, &job), 0);
    assert_int_equal(job.disk.blk.cache, BLK_CACHE_WRITEBACK);
    assert_int_equal(job.disk.blk.on_error, BLK_ERROR_REPORT);
    assert_false(job.disk.blk.read_only);
    assert_null(job.disk.id);
    assert_int_equal(job.disk.blk.iops, 0);
    disk_option_free(&job.disk);
}

static void wrong_disks_are_refused(void **state)
{
    static const char *const cases[][2] = {
        {"", "block device"},
        {",ro=on", "block device"},
        {"f,ro=yes", "ro: 'yes'"},
        {"f,ro", "ro=on"},
        {"f,cache=fast", "writethrough"},
        {"f,on-error=ignore", "report or stop"},
        {"f,id=", "id"},
        {"f,id=a b", "id"},
        {"f,id=123456789012345678901", "id"},
        {"f,iops=0", "iops"},
        {"f,iops=-5", "iops"},
        {"f,iops=99999999999999999999", "iops"},
        {"f,bps=0", "bps"},
        {"f,bps=65G", "bps"},
        {"f,bps=1Q", "bps"},
        {"f,if=scsi", "virtio"},
        {"f,media=tape", "cdrom"},
        {"f,format=qcow2", "'format'"},
        {"f,ro=on,ro=on", "twice"},
        {"f,ro=on,snapshot=on", "exclude"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct disk_job job = {.text = cases[i][0]};

        assert_int_equal(caught(do_disk, &job), -EINVAL);
        assert_null(job.disk.text);
        assert_non_null(strstr(log_text, "--disk"));
        assert_non_null(strstr(log_text, cases[i][1]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_keys_are_cut),
        cmocka_unit_test(doubled_commas_are_commas),
        cmocka_unit_test(errors_name_the_key),
        cmocka_unit_test(words_of_all),
        cmocka_unit_test(a_disk_with_everything),
        cmocka_unit_test(a_plain_disk_has_defaults),
        cmocka_unit_test(wrong_disks_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
