/* SPDX-License-Identifier: MIT */
/* A live core under fire. The input is a byte that says whether there are keys
   and a label, then a script: an operation, a length, bytes. With keys some of
   what comes is sealed, so that the script gets inside. Whatever comes, the
   core stays itself: alive unless it leaves, its incarnation never falls, it
   asks for no tick in the past, and it says no more than a small multiple of
   what it heard. */
#include "core/member.h"
#include "core/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    REPLY_FACTOR = 400, /* of push/pull, which answers with all it knows */
    TICK_BYTES = 100000 /* said unasked in one step of time */
};

typedef struct world {
    inf_member *member;
    inf_keyring *keys;
    inf_framing framing;
    inf_outbox outbox;
    uint64_t now_ms;
    uint64_t streams[8];
    size_t turn;
    uint32_t incarnation;
    uint64_t heard;
    uint64_t said;
    bool leaving;
} world;

static inf_addr addr_of(uint8_t last) {
    return (inf_addr){.len = 4, .ip = {10, 0, 0, last}, .port = 7946};
}

static void take_effects(world *w) {
    inf_effect effect;
    while (inf_outbox_take(&w->outbox, &effect)) {
        if (effect.kind == INF_EFFECT_PACKET) w->said += effect.bytes.len;
        if (effect.kind == INF_EFFECT_WRITE) w->said += effect.bytes.len;
        if (effect.kind == INF_EFFECT_DIAL) {
            w->streams[w->turn++ % INF_COUNT(w->streams)] = effect.stream;
        }
        inf_effect_deinit(&effect);
    }
    inf_member_change change;
    while (inf_member_take_change(w->member, &change)) {
    }
}

static void accept_stream(world *w, const inf_addr *from) {
    uint64_t stream = inf_outbox_stream(&w->outbox);
    if (inf_member_accepted(w->member, stream, from, w->now_ms) == 0) {
        w->streams[w->turn++ % INF_COUNT(w->streams)] = stream;
    }
}

/* A datagram as a peer with our keys would send it. */
static void packet_of_ours(world *w, const inf_addr *from, inf_slice bytes) {
    inf_packet_writer writer;
    inf_buf scratch, out;
    inf_packet_init(&writer, inf_alloc_libc());
    inf_buf_init(&scratch, inf_alloc_libc());
    inf_buf_init(&out, inf_alloc_libc());
    if (inf_packet_add(&writer, bytes) == 0 &&
        inf_packet_finish(&writer, &w->framing, false, &scratch, &out) == 0) {
        inf_member_packet(w->member, from, inf_buf_view(&out), w->now_ms);
        w->heard += out.len;
    }
    inf_packet_deinit(&writer);
    inf_buf_deinit(&scratch);
    inf_buf_deinit(&out);
}

static void stream_of_ours(world *w, uint64_t stream, inf_slice bytes) {
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    if (inf_stream_frame(&w->framing, true, bytes, inf_alloc_libc(), &out) ==
        0) {
        inf_member_bytes(w->member, stream, inf_buf_view(&out), w->now_ms);
        w->heard += out.len;
    }
    inf_buf_deinit(&out);
}

/* A step of a rotation, by the first byte. */
static void rotate(world *w, inf_slice bytes) {
    if (bytes.len < 17 || inf_keyring_count(w->keys) == 0) return;
    inf_slice key = inf_slice_of(bytes.data + 1, 16);
    if (bytes.data[0] % 3 == 0) (void)inf_keyring_add(w->keys, key);
    if (bytes.data[0] % 3 == 1) (void)inf_keyring_use(w->keys, key);
    if (bytes.data[0] % 3 == 2) (void)inf_keyring_remove(w->keys, key);
}

static void act(world *w, uint8_t op, inf_slice bytes) {
    uint64_t stream = w->streams[(op >> 4) % INF_COUNT(w->streams)];
    inf_addr from = addr_of((uint8_t)(op >> 4));
    switch (op & 15) {
    case 0:
        inf_member_connected(w->member, stream, w->now_ms);
        break;
    case 1:
        inf_member_closed(w->member, stream, -(int)bytes.len, w->now_ms);
        break;
    case 2:
        accept_stream(w, &from);
        break;
    case 3:
    case 4:
        inf_member_bytes(w->member, stream, bytes, w->now_ms);
        break;
    case 5:
        stream_of_ours(w, stream, bytes);
        break;
    case 6:
    case 7:
        w->now_ms += bytes.len * 37;
        inf_member_tick(w->member, w->now_ms);
        break;
    case 8:
        (void)inf_member_join(w->member, &from, 1, 1, w->now_ms);
        break;
    case 9:
        inf_member_suspicious(w->member, bytes, INF_EUNREACHABLE, w->now_ms);
        break;
    case 10:
        /* The clock steps back. */
        inf_member_tick(w->member, w->now_ms - bytes.len % w->now_ms);
        break;
    case 11:
        rotate(w, bytes);
        if (bytes.len != 7) break;
        w->leaving |= inf_member_leave(w->member, 2, w->now_ms) == 0;
        break;
    case 12:
    case 13:
        packet_of_ours(w, &from, bytes);
        break;
    default:
        inf_member_packet(w->member, &from, bytes, w->now_ms);
    }
}

static void check(world *w) {
    inf_member_view self;
    size_t at = 0;
    INF_ASSERT(inf_member_next(w->member, &at, &self) && self.self);
    INF_ASSERT(w->leaving || self.state == INF_MEMBER_ALIVE);
    INF_ASSERT(self.incarnation >= w->incarnation);
    w->incarnation = self.incarnation;
    inf_member_tick(w->member, w->now_ms);
    INF_ASSERT(inf_member_deadline(w->member) > w->now_ms);
    INF_ASSERT(inf_member_live(w->member) <= w->heard + 1);
}

static world *birth(uint8_t mode) {
    static const uint8_t key[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                    8, 9, 10, 11, 12, 13, 14, 15};
    static world w;
    w = (world){.now_ms = 1000};
    inf_outbox_init(&w.outbox, inf_alloc_libc());
    INF_ASSERT(inf_keyring_new(&w.keys, inf_alloc_libc()) == 0);
    if (mode & 1) {
        INF_ASSERT(inf_keyring_add(w.keys, inf_slice_of(key, sizeof key)) == 0);
    }
    w.framing = (inf_framing){.keys = w.keys,
                              .label = inf_slice_str(mode & 2 ? "lab" : ""),
                              .compress = (mode & 4) != 0};
    inf_member_config config = {.outbox = &w.outbox,
                                .keys = w.keys,
                                .label = w.framing.label,
                                .name = inf_slice_str("me"),
                                .meta = inf_slice_of("\xff\x80", 2),
                                .addr = addr_of(1),
                                .seed = 1,
                                .tuning =
                                    inf_member_tuning_of(INF_PROFILE_LOCAL)};
    INF_ASSERT(inf_member_new(&w.member, &config, w.now_ms) == 0);
    return &w;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    world *w = birth(data[0]);
    inf_cursor in = inf_cursor_of(inf_slice_of(data + 1, size - 1));
    while (inf_cursor_left(&in) > 3) {
        uint8_t op = inf_cursor_u8(&in);
        uint64_t len = inf_cursor_u16be(&in);
        if (len > inf_cursor_left(&in)) len = inf_cursor_left(&in);
        inf_slice bytes = inf_cursor_take(&in, len);
        w->heard += 3 + bytes.len;
        act(w, op, bytes);
        check(w);
        take_effects(w);
        INF_ASSERT(w->said <= REPLY_FACTOR * w->heard + TICK_BYTES * size);
    }
    inf_member_free(w->member);
    inf_outbox_deinit(&w->outbox);
    inf_keyring_free(w->keys);
    return 0;
}
