/* SPDX-License-Identifier: MIT */
/* packet.c: what a datagram costs. The target is a million decoded a second on
   one core; sealing and compressing are measured beside it. */
#include <stdio.h>
#include <time.h>

#include "core/packet.h"

enum { ROUNDS = 1000000, NEWS = 12 };

static uint64_t now_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void count(void *ctx, inf_slice bytes) {
    inf_message message;
    if (inf_message_decode(&message, bytes) == 0) ++*(uint64_t *)ctx;
}

static void put_alive(inf_packet_writer *writer, unsigned which) {
    inf_buf out;
    char name[32];
    int len = snprintf(name, sizeof name, "node-%u.example", which);
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(
        &out, &(inf_message){.kind = INF_MESSAGE_ALIVE,
                             .node = inf_slice_of(name, (size_t)len),
                             .addr = inf_slice_of("\x0a\0\0\1", 4),
                             .port = 7946,
                             .incarnation = which,
                             .meta = inf_slice_of("\xff\x81\xa1x\xa1y", 6),
                             .vsn = inf_slice_of("\1\5\2\2\5\5", 6)});
    INF_ASSERT(inf_packet_add(writer, inf_buf_view(&out)) == 0);
    inf_buf_deinit(&out);
}

static void put_ping(inf_packet_writer *writer) {
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(
        &out, &(inf_message){.kind = INF_MESSAGE_PING,
                             .node = inf_slice_str("node-7.example"),
                             .seq = 77,
                             .source_addr = inf_slice_of("\x0a\0\0\1", 4),
                             .source_node = inf_slice_str("node-8.example"),
                             .source_port = 7946});
    INF_ASSERT(inf_packet_add(writer, inf_buf_view(&out)) == 0);
    inf_buf_deinit(&out);
}

/* Reads the writer's datagram again and again; prints messages a second. */
static void measure(const char *key, const inf_packet_writer *writer,
                    const inf_framing *framing, uint64_t rounds) {
    inf_buf datagram;
    inf_buf scratch;
    inf_packet_reader reader;
    uint64_t messages = 0;
    inf_buf_init(&datagram, inf_alloc_libc());
    inf_buf_init(&scratch, inf_alloc_libc());
    inf_packet_reader_init(&reader, inf_alloc_libc());
    INF_ASSERT(inf_packet_finish(writer, framing, true, &scratch, &datagram) ==
               0);
    uint64_t start = now_ns();
    for (uint64_t i = 0; i < rounds; i++) {
        INF_ASSERT(inf_packet_read(&reader, framing, inf_buf_view(&datagram),
                                   count, &messages) == 0);
    }
    double seconds = (double)(now_ns() - start) / 1e9;
    printf("%s\t%.0f\ta datagram of %zu B\n", key, (double)messages / seconds,
           datagram.len);
    inf_buf_deinit(&datagram);
    inf_buf_deinit(&scratch);
    inf_packet_reader_deinit(&reader);
}

int main(void) {
    static const uint8_t key[32] = {1};
    inf_packet_writer writer;
    inf_keyring *keys = NULL;
    inf_packet_init(&writer, inf_alloc_libc());
    INF_ASSERT(inf_keyring_new(&keys, inf_alloc_libc()) == 0);
    INF_ASSERT(inf_keyring_add(keys, inf_slice_of(key, sizeof key)) == 0);
    inf_framing plain = {.compress = false};
    inf_framing packed = {.compress = true};
    inf_framing sealed = {.keys = keys};
    put_ping(&writer);
    measure("packet.ping", &writer, &plain, ROUNDS);
    measure("packet.sealed", &writer, &sealed, ROUNDS / 2);
    inf_packet_clear(&writer);
    for (unsigned i = 0; i < NEWS; i++)
        put_alive(&writer, i);
    measure("packet.alive", &writer, &plain, ROUNDS / 4);
    measure("packet.packed", &writer, &packed, ROUNDS / 16);
    inf_packet_deinit(&writer);
    inf_keyring_free(keys);
    return 0;
}
