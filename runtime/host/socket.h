/* SPDX-License-Identifier: MIT */
/* socket.h: sockets bound before any loop knows them, so that a port in use is
   found while nothing has been started yet. */
#ifndef INF_HOST_SOCKET_H
#define INF_HOST_SOCKET_H

#include <sys/socket.h>

#include "base/addr.h"

/** Writes the address into `out`; returns its length. */
socklen_t inf_socket_from_addr(const inf_addr *addr,
                               struct sockaddr_storage *out);
/** 0, or INF_EADDRESS for a family that is neither IPv4 nor IPv6. */
int inf_socket_to_addr(const struct sockaddr *in, inf_addr *out);
/**
 * A TCP socket that listens at `at`; a port of 0 becomes the one taken.
 * @return 0 and *fd, or INF_EINUSE, INF_EADDRESS, INF_ESYSTEM.
 */
int inf_socket_tcp(inf_addr *at, int *fd);
/** The same for a TCP and a UDP socket on one port. */
int inf_socket_both(inf_addr *at, int *tcp, int *udp);
/** Closes it unless it is -1, and makes it -1. */
void inf_socket_close(int *fd);
/** True when the peer has reset the TCP connection, although what it had sent
    before may still be read. False where the system does not say. */
bool inf_socket_is_reset(int fd);
/** What an errno or a libuv status means for the connection: INF_EUNREACHABLE,
    INF_ETIMEDOUT, INF_EINUSE, INF_EADDRESS, INF_ENOMEM or INF_ESYSTEM. */
int inf_socket_status(int negative_errno);

#endif
