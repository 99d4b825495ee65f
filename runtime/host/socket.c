/* SPDX-License-Identifier: MIT */
#include "host/socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/error.h"

/* A port that is free for TCP may be taken for UDP: this many are tried. */
#define PORT_TRIES 64

socklen_t inf_socket_from_addr(const inf_addr *addr,
                               struct sockaddr_storage *out) {
    memset(out, 0, sizeof *out);
    if (addr->len == 16) {
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(addr->port);
        memcpy(&v6->sin6_addr, addr->ip, 16);
        return sizeof *v6;
    }
    struct sockaddr_in *v4 = (struct sockaddr_in *)out;
    v4->sin_family = AF_INET;
    v4->sin_port = htons(addr->port);
    memcpy(&v4->sin_addr, addr->ip, 4);
    return sizeof *v4;
}

int inf_socket_to_addr(const struct sockaddr *in, inf_addr *out) {
    if (in->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, in, sizeof v4);
        return inf_addr_from_bytes(out, inf_slice_of(&v4.sin_addr, 4),
                                   ntohs(v4.sin_port));
    }
    if (in->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, in, sizeof v6);
        return inf_addr_from_bytes(out, inf_slice_of(&v6.sin6_addr, 16),
                                   ntohs(v6.sin6_port));
    }
    return INF_EADDRESS;
}

bool inf_socket_is_reset(int fd) {
#ifdef __linux__
    struct tcp_info info;
    socklen_t size = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 &&
           info.tcpi_state == TCP_CLOSE;
#else
    (void)fd;
    return false;
#endif
}

int inf_socket_status(int negative_errno) {
    switch (-negative_errno) {
    case 0:
        return 0;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ECONNRESET:
    case EPIPE:
        return INF_EUNREACHABLE;
    case ETIMEDOUT:
        return INF_ETIMEDOUT;
    case EADDRINUSE:
        return INF_EINUSE;
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
        return INF_EADDRESS;
    case ENOMEM:
    case ENOBUFS:
        return INF_ENOMEM;
    default:
        return INF_ESYSTEM;
    }
}

void inf_socket_close(int *fd) {
    if (*fd >= 0) (void)close(*fd);
    *fd = -1;
}

static int open_bound(int type, const inf_addr *at, int *out) {
    struct sockaddr_storage to;
    socklen_t len = inf_socket_from_addr(at, &to);
    int on = 1;
    int fd = socket(to.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return inf_socket_status(-errno);
    if (type == SOCK_STREAM) { /* a port in TIME_WAIT is not in use */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    }
    if (bind(fd, (const struct sockaddr *)&to, len) != 0) {
        int rc = inf_socket_status(-errno);
        inf_socket_close(&fd);
        return rc;
    }
    *out = fd;
    return 0;
}

/* Which port was taken. */
static int learn_port(int fd, inf_addr *at) {
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    inf_addr addr;
    if (getsockname(fd, (struct sockaddr *)&bound, &len) != 0) {
        return INF_ESYSTEM;
    }
    int rc = inf_socket_to_addr((const struct sockaddr *)&bound, &addr);
    if (rc == 0) at->port = addr.port;
    return rc;
}

int inf_socket_tcp(inf_addr *at, int *fd) {
    int rc = open_bound(SOCK_STREAM, at, fd);
    if (rc != 0) return rc;
    /* Binding alone would let two processes share the port until one
       listens; listening now makes "in use" certain. */
    if (listen(*fd, SOMAXCONN) != 0) rc = inf_socket_status(-errno);
    if (rc == 0) rc = learn_port(*fd, at);
    if (rc != 0) inf_socket_close(fd);
    return rc;
}

int inf_socket_both(inf_addr *at, int *tcp, int *udp) {
    int rc = INF_EINUSE;
    for (int tries = 0; tries < PORT_TRIES && rc == INF_EINUSE; tries++) {
        inf_addr wanted = *at;
        rc = inf_socket_tcp(&wanted, tcp);
        if (rc == 0) {
            rc = open_bound(SOCK_DGRAM, &wanted, udp);
            if (rc != 0) inf_socket_close(tcp);
        }
        if (rc == 0) *at = wanted;
        if (at->port != 0) break; /* a chosen port is tried once */
    }
    return rc;
}
