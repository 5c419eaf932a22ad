// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * traffic.c: packets between a guest and the host at the other end of its tap.
 *
 *     bench_traffic server            on the host
 *     bench_traffic client IP N MIB   in the guest
 *
 * The client sends a datagram and waits for it to come back, N times, of 64
 * and of 1400 bytes, then MIB MiB by TCP to the host and as many from it. It
 * prints one object a phase: microseconds for each round trip or MiB. Where a
 * nanosecond is an instruction, that is thousands of these.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORT  7000
#define WARM  20
#define MIB   ((uint64_t)1 << 20)
#define CHUNK 65536u

static char buffer[CHUNK];

/* The first thing on a TCP connection: who sends, and how much. */
struct order {
    uint64_t bytes;
    uint64_t to_guest;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void send_bytes(int fd, uint64_t n)
{
    while (n) {
        const ssize_t done = write(fd, buffer, n < CHUNK ? n : CHUNK);

        if (done <= 0)
            die("write");
        n -= (uint64_t)done;
    }
}

static void recv_bytes(int fd, uint64_t n)
{
    while (n) {
        const ssize_t done = read(fd, buffer, n < CHUNK ? n : CHUNK);

        if (done <= 0)
            die("read");
        n -= (uint64_t)done;
    }
}

/* ---- the host's side ---- */

static void echo(int fd)
{
    struct sockaddr_in from;
    socklen_t len = sizeof(from);
    const ssize_t n =
        recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &len);

    if (n > 0 &&
        sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, len) != n)
        die("sendto");
}

/* The last byte, after all that came, says that it is here. */
static void obey(int fd)
{
    struct order o;

    if (read(fd, &o, sizeof(o)) != sizeof(o))
        die("order");
    if (o.to_guest) {
        send_bytes(fd, o.bytes);
    } else {
        recv_bytes(fd, o.bytes);
        send_bytes(fd, 1);
    }
    close(fd);
}

_Noreturn static void server(void)
{
    const struct sockaddr_in at = {.sin_family = AF_INET,
                                   .sin_port = htons(PORT)};
    const int udp = socket(AF_INET, SOCK_DGRAM, 0);
    const int tcp = socket(AF_INET, SOCK_STREAM, 0);
    struct pollfd p[2] = {{udp, POLLIN, 0}, {tcp, POLLIN, 0}};

    if (bind(udp, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
        bind(tcp, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
        listen(tcp, 1) < 0)
        die("bind");
    for (;;) {
        if (poll(p, 2, -1) < 0)
            die("poll");
        if (p[0].revents)
            echo(udp);
        if (p[1].revents)
            obey(accept(tcp, NULL, NULL));
    }
}

/* ---- the guest's ---- */

static int dial(const char *ip, int type)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(PORT)};
    const int fd = socket(AF_INET, type, 0);

    if (inet_pton(AF_INET, ip, &to.sin_addr) != 1 ||
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
        die("connect");
    return fd;
}

static void round_trip(int fd, size_t n)
{
    if (write(fd, buffer, n) != (ssize_t)n || read(fd, buffer, n) != (ssize_t)n)
        die("datagram");
}

static void report(const char *phase, uint64_t ns, uint64_t n)
{
    printf("{\"phase\": \"%s\", \"us\": %.2f}\n", phase,
           (double)ns / 1000 / (double)n);
    fflush(stdout);
}

static void datagrams(const char *ip, const char *phase, size_t size,
                      uint64_t n)
{
    const struct timeval limit = {.tv_sec = 5};
    const int fd = dial(ip, SOCK_DGRAM);
    uint64_t begin;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    for (unsigned i = 0; i < WARM; i++)
        round_trip(fd, size);
    begin = now_ns();
    for (uint64_t i = 0; i < n; i++)
        round_trip(fd, size);
    report(phase, now_ns() - begin, n);
    close(fd);
}

static void stream(const char *ip, const char *phase, bool to_guest, uint64_t n)
{
    const struct order o = {n * MIB, to_guest};
    const int fd = dial(ip, SOCK_STREAM);
    const uint64_t begin = now_ns();

    if (write(fd, &o, sizeof(o)) != sizeof(o))
        die("order");
    if (to_guest) {
        recv_bytes(fd, n * MIB);
    } else {
        send_bytes(fd, n * MIB);
        recv_bytes(fd, 1);
    }
    report(phase, now_ns() - begin, n);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "server") == 0)
        server();
    if (argc != 5 || strcmp(argv[1], "client") != 0) {
        fprintf(stderr, "usage: bench_traffic server | client IP N MIB\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    datagrams(argv[2], "udp 64", 64, strtoull(argv[3], NULL, 10));
    datagrams(argv[2], "udp 1400", 1400, strtoull(argv[3], NULL, 10));
    stream(argv[2], "tcp out", false, strtoull(argv[4], NULL, 10));
    stream(argv[2], "tcp in", true, strtoull(argv[4], NULL, 10));
    return 0;
}
