/* SPDX-License-Identifier: MIT */
/* wire: the network of the chaos test, in user space, for kernels that cannot
   delay packets themselves (netem). Each network namespace gets a device eth0;
   what a node sends to 10.77.0.N comes out at the N-th namespace, after a
   while:

       wire DELAY_MS JITTER_MS NAMESPACE...

   SIGUSR1 turns the delay on, SIGUSR2 off. Packets whose delays differ overtake
   each other. Says READY once all devices are there. */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { PORTS_MAX = 16, PACKET_MAX = 2048, WAITING_MAX = 16384 };

typedef struct packet {
    uint64_t due_ms;
    size_t len;
    int port;
    uint8_t bytes[PACKET_MAX];
} packet;

static volatile sig_atomic_t delaying;

static void on_signal(int number) {
    delaying = number == SIGUSR1;
}

static uint64_t now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A device in the namespace; -1 when it cannot be made. */
static int open_port(const char *space) {
    char path[256];
    (void)snprintf(path, sizeof path, "/var/run/netns/%s", space);
    int there = open(path, O_RDONLY | O_CLOEXEC);
    if (there < 0 || setns(there, CLONE_NEWNET) != 0) return -1;
    (void)close(there);
    int port = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    struct ifreq request = {.ifr_name = "eth0"};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    if (port >= 0 && ioctl(port, TUNSETIFF, &request) == 0) return port;
    return -1;
}

/* The packets under way, as they came: there are few. */
static packet *waiting[WAITING_MAX];
static size_t waiting_count;

static void take(int port, int ports, uint64_t delay_ms, uint64_t jitter_ms) {
    packet *p = malloc(sizeof *p);
    if (p == NULL) return;
    ssize_t len = read(port, p->bytes, sizeof p->bytes);
    int to = len >= 20 && p->bytes[0] >> 4 == 4 ? p->bytes[19] : 0;
    bool ours = to >= 1 && to <= ports && p->bytes[16] == 10;
    if (!ours || waiting_count == WAITING_MAX) {
        free(p);
        return;
    }
    p->len = (size_t)len;
    p->port = to - 1;
    p->due_ms = now_ms();
    if (delaying) {
        p->due_ms += delay_ms + (uint64_t)rand() % (jitter_ms + 1);
    }
    waiting[waiting_count++] = p;
}

/* Sends what is due; when the next one is, or -1. */
static int give(const int *ports) {
    uint64_t now = now_ms();
    int next_ms = -1;
    size_t kept = 0;
    for (size_t i = 0; i < waiting_count; i++) {
        packet *p = waiting[i];
        if (p->due_ms > now) {
            int left_ms = (int)(p->due_ms - now);
            if (next_ms < 0 || left_ms < next_ms) next_ms = left_ms;
            waiting[kept++] = p;
            continue;
        }
        if (write(ports[p->port], p->bytes, p->len) < 0) {
            /* its queue is full: as on any network, it is lost */
        }
        free(p);
    }
    waiting_count = kept;
    return next_ms;
}

int main(int argc, char **argv) {
    int ports[PORTS_MAX];
    struct pollfd polls[PORTS_MAX];
    int count = argc - 3;
    if (count < 1 || count > PORTS_MAX) return 2;
    uint64_t delay_ms = strtoull(argv[1], NULL, 10);
    uint64_t jitter_ms = strtoull(argv[2], NULL, 10);
    (void)signal(SIGUSR1, on_signal);
    (void)signal(SIGUSR2, on_signal);
    for (int i = 0; i < count; i++) {
        ports[i] = open_port(argv[3 + i]);
        if (ports[i] < 0) {
            perror(argv[3 + i]);
            return 1;
        }
        polls[i] = (struct pollfd){.fd = ports[i], .events = POLLIN};
    }
    (void)puts("READY");
    (void)fflush(stdout);
    for (;;) {
        int wait_ms = give(ports);
        if (poll(polls, (nfds_t)count, wait_ms) <= 0) continue;
        for (int i = 0; i < count; i++) {
            if ((polls[i].revents & POLLIN) == 0) continue;
            take(ports[i], count, delay_ms, jitter_ms);
        }
    }
}
