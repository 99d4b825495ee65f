/* SPDX-License-Identifier: MIT */
#include "base/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"

static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0,    0,
                                          0, 0, 0, 0, 0xff, 0xff};

int inf_addr_from_bytes(inf_addr *out, inf_slice ip, uint16_t port) {
    if (ip.len == 16 && memcmp(ip.data, mapped_prefix, 12) == 0) {
        ip = inf_slice_of(ip.data + 12, 4);
    }
    if (ip.len != 4 && ip.len != 16) return INF_EADDRESS;
    *out = (inf_addr){.len = (uint8_t)ip.len, .port = port};
    memcpy(out->ip, ip.data, ip.len);
    return 0;
}

/* Digits only, 0 to 65535. */
static int parse_port(const char *text, uint16_t *port) {
    if (*text == '\0' || strlen(text) > 5) return INF_EADDRESS;
    if (strspn(text, "0123456789") != strlen(text)) return INF_EADDRESS;
    long value = strtol(text, NULL, 10);
    if (value > 65535) return INF_EADDRESS;
    *port = (uint16_t)value;
    return 0;
}

/* Splits "[v6]:port", "v4:port", "v6" or "v4" into host and the port's text,
   which is NULL when there is none. */
static int split_host(const char *text, char *host, size_t room,
                      const char **port_text) {
    const char *start = text;
    const char *colon = strrchr(text, ':');
    size_t len = strlen(text);
    *port_text = NULL;
    if (text[0] == '[') {
        const char *bracket = strchr(text, ']');
        if (bracket == NULL) return INF_EADDRESS;
        if (bracket[1] != '\0' && bracket[1] != ':') return INF_EADDRESS;
        if (bracket[1] == ':') *port_text = bracket + 2;
        start = text + 1;
        len = (size_t)(bracket - start);
    } else if (colon != NULL && strchr(text, ':') == colon) {
        *port_text = colon + 1;
        len = (size_t)(colon - text);
    }
    if (len == 0 || len >= room) return INF_EADDRESS;
    memcpy(host, start, len);
    host[len] = '\0';
    return 0;
}

int inf_addr_parse(inf_addr *out, const char *text, uint16_t default_port) {
    char host[INF_ADDR_TEXT_MAX];
    const char *port_text = NULL;
    uint16_t port = default_port;
    int rc = split_host(text, host, sizeof host, &port_text);
    if (rc == 0 && port_text != NULL) rc = parse_port(port_text, &port);
    if (rc != 0) return rc;
    uint8_t ip[16];
    if (inet_pton(AF_INET, host, ip) == 1) {
        return inf_addr_from_bytes(out, inf_slice_of(ip, 4), port);
    }
    if (inet_pton(AF_INET6, host, ip) == 1) {
        return inf_addr_from_bytes(out, inf_slice_of(ip, 16), port);
    }
    return INF_EADDRESS;
}

const char *inf_addr_format(const inf_addr *addr,
                            char text[INF_ADDR_TEXT_MAX]) {
    char host[INET6_ADDRSTRLEN] = "?";
    if (addr->len == 4) (void)inet_ntop(AF_INET, addr->ip, host, sizeof host);
    if (addr->len == 16) (void)inet_ntop(AF_INET6, addr->ip, host, sizeof host);
    (void)snprintf(text, INF_ADDR_TEXT_MAX,
                   addr->len == 16 ? "[%s]:%u" : "%s:%u", host,
                   (unsigned)addr->port);
    return text;
}

bool inf_addr_eq(const inf_addr *a, const inf_addr *b) {
    return a->len == b->len && a->port == b->port &&
           memcmp(a->ip, b->ip, a->len) == 0;
}

bool inf_addr_is_any(const inf_addr *addr) {
    static const uint8_t zeros[16] = {0};
    return memcmp(addr->ip, zeros, addr->len) == 0;
}

bool inf_addr_is_unicast(const inf_addr *addr) {
    if (addr->len != 4 && addr->len != 16) return false;
    if (addr->port == 0 || inf_addr_is_any(addr)) return false;
    if (addr->len == 16) return addr->ip[0] != 0xff;
    return addr->ip[0] < 224; /* above: multicast, reserved, broadcast */
}
