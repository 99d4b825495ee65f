/* SPDX-License-Identifier: MIT */
/* addr.h: an IP address and a port, without any socket header. */
#ifndef INF_BASE_ADDR_H
#define INF_BASE_ADDR_H

#include "base/def.h"

/** Room for the longest text: "[" 45 bytes of IPv6 "]:65535" and the end. */
#define INF_ADDR_TEXT_MAX 56

/** An IPv4 (len 4) or IPv6 (len 16) address in network order; len 0: none.
    An IPv4-mapped IPv6 address is kept as IPv4, so equal hosts compare equal.
 */
typedef struct inf_addr {
    uint8_t ip[16];
    uint8_t len;
    uint16_t port;
} inf_addr;

/** From raw bytes of the wire; len must be 4 or 16, else INF_EADDRESS. */
int inf_addr_from_bytes(inf_addr *out, inf_slice ip, uint16_t port);
/**
 * From "1.2.3.4:7946", "[::1]:7946" or, without a port, with `default_port`.
 * No names are looked up here.
 * @return 0 or INF_EADDRESS.
 */
int inf_addr_parse(inf_addr *out, const char *text, uint16_t default_port);
/** Writes "1.2.3.4:7946" or "[::1]:7946"; returns `text`. */
const char *inf_addr_format(const inf_addr *addr, char text[INF_ADDR_TEXT_MAX]);
bool inf_addr_eq(const inf_addr *a, const inf_addr *b);
/** 0.0.0.0 or :: */
bool inf_addr_is_any(const inf_addr *addr);
/** Usable as a peer's: 4 or 16 bytes, a port, not any, not multicast or
    broadcast. */
bool inf_addr_is_unicast(const inf_addr *addr);

#endif
