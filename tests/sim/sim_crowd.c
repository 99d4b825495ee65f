/* SPDX-License-Identifier: MIT */
#include "sim_crowd.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/member_part.h" /* inf_retransmit_limit, inf_news_clear */

enum {
    NEWS_MAX = 64,  /* pieces on their way */
    SEEN_MAX = 256, /* pieces heard before, a ring */
    ROOM = 1400     /* bytes of a datagram */
};

typedef struct piece {
    uint8_t *bytes; /* owned */
    size_t len;
    uint64_t about; /* hash of the name */
    uint32_t sent;
} piece;

/* One of the crowd. */
typedef struct face {
    sim *s;
    size_t node;
    inf_outbox outbox;
    uint64_t now_ms;
    uint64_t probe_ms;
    uint64_t gossip_ms;
    uint32_t seq;
    size_t probed; /* place in its walk over all nodes */
    size_t told;   /* likewise */
    size_t stride; /* of the walk; no divisor of the number of nodes */
    piece news[NEWS_MAX];
    size_t news_count;
    uint64_t seen[SEEN_MAX];
    size_t seen_next;
} face;

typedef struct unit {
    void *member; /* of sim_member_kind; NULL: of the crowd */
    face face;
} unit;

static inf_packet_reader reader; /* one world at a time */
static inf_packet_writer writer;
static inf_buf scratch, datagram, encoded;

static const inf_framing framing = {.compress = true};

static bool is_whole(const sim *s, size_t node) {
    return node < ((const sim_crowd *)sim_ctx(s))->whole;
}

/* ---- news ---------------------------------------------------------------- */

static bool is_new(face *f, uint64_t hash) {
    for (size_t i = 0; i < SEEN_MAX; i++) {
        if (f->seen[i] == hash) return false;
    }
    f->seen[f->seen_next++ % SEEN_MAX] = hash;
    return true;
}

static void drop(face *f, size_t at) {
    free(f->news[at].bytes);
    f->news[at] = f->news[--f->news_count];
}

static void take_up(face *f, const inf_message *message, inf_slice bytes) {
    uint64_t about = inf_hash(message->node, 1);
    if (!is_new(f, inf_hash(bytes, 2) | 1)) return;
    for (size_t i = 0; i < f->news_count; i++) {
        if (f->news[i].about == about) drop(f, i--);
    }
    if (f->news_count == NEWS_MAX) drop(f, 0);
    piece *p = &f->news[f->news_count++];
    *p = (piece){.bytes = malloc(bytes.len), .len = bytes.len, .about = about};
    INF_ASSERT(p->bytes != NULL);
    memcpy(p->bytes, bytes.data, bytes.len);
}

/* Adds what was sent least, while there is room. */
static void add_news(face *f) {
    uint32_t limit = inf_retransmit_limit(
        sim_options_of(f->s)->tuning.retransmit_mult, sim_count(f->s));
    bool taken[NEWS_MAX] = {false};
    for (;;) {
        size_t best = SIZE_MAX;
        size_t room = ROOM - inf_packet_size(&writer) - 5;
        for (size_t i = 0; i < f->news_count; i++) {
            if (taken[i] || f->news[i].len + 2 > room) continue;
            if (best == SIZE_MAX || f->news[i].sent < f->news[best].sent) {
                best = i;
            }
        }
        if (best == SIZE_MAX) break;
        piece *p = &f->news[best];
        taken[best] = true;
        p->sent++;
        INF_ASSERT(inf_packet_add(&writer, inf_slice_of(p->bytes, p->len)) ==
                   0);
    }
    for (size_t i = f->news_count; i-- > 0;) {
        if (f->news[i].sent >= limit) drop(f, i);
    }
}

/* ---- datagrams ----------------------------------------------------------- */

static void send_to(face *f, const inf_addr *to) {
    INF_ASSERT(
        inf_packet_finish(&writer, &framing, true, &scratch, &datagram) == 0);
    inf_outbox_packet(&f->outbox, to, inf_buf_view(&datagram));
}

static void say(face *f, const inf_addr *to, const inf_message *message) {
    inf_packet_clear(&writer);
    inf_buf_clear(&encoded);
    inf_message_encode(&encoded, message);
    INF_ASSERT(inf_packet_add(&writer, inf_buf_view(&encoded)) == 0);
    add_news(f);
    send_to(f, to);
}

/* The next node in a walk that meets each once a round. */
static size_t walk(face *f, size_t *at) {
    do {
        *at = (*at + f->stride) % sim_count(f->s);
    } while (*at == f->node);
    return *at;
}

static void probe(face *f) {
    size_t target = walk(f, &f->probed);
    inf_addr to = sim_addr(f->s, target);
    inf_addr own = sim_addr(f->s, f->node);
    say(f, &to,
        &(inf_message){.kind = INF_MESSAGE_PING,
                       .node = sim_name(target),
                       .seq = ++f->seq,
                       .source_addr = inf_slice_of(own.ip, own.len),
                       .source_node = sim_name(f->node),
                       .source_port = own.port});
}

static void gossip(face *f) {
    uint32_t fanout = sim_options_of(f->s)->tuning.gossip_fanout;
    for (uint32_t i = 0; i < fanout && f->news_count != 0; i++) {
        inf_addr to = sim_addr(f->s, walk(f, &f->told));
        inf_packet_clear(&writer);
        add_news(f);
        if (writer.count != 0) send_to(f, &to);
    }
}

typedef struct arrival {
    face *f;
    const inf_addr *from;
} arrival;

static void hear(void *ctx, inf_slice bytes) {
    arrival *how = ctx;
    inf_message message;
    INF_ASSERT(inf_message_decode(&message, bytes) == 0);
    if (message.kind == INF_MESSAGE_ALIVE ||
        message.kind == INF_MESSAGE_SUSPECT ||
        message.kind == INF_MESSAGE_DEAD) {
        take_up(how->f, &message, bytes);
    }
}

/* Pings are answered after the news beside them was heard. */
static void answer(void *ctx, inf_slice bytes) {
    arrival *how = ctx;
    inf_message message;
    INF_ASSERT(inf_message_decode(&message, bytes) == 0);
    if (message.kind != INF_MESSAGE_PING) return;
    say(how->f, how->from,
        &(inf_message){.kind = INF_MESSAGE_ACK, .seq = message.seq});
}

/* ---- as the world drives it ---------------------------------------------- */

static size_t stride_for(sim *s) {
    static const size_t primes[] = {7919, 6367, 4787, 3571, 2521, 1511, 811};
    size_t stride = primes[inf_rng_below(sim_rng(s), INF_COUNT(primes))];
    while (sim_count(s) % stride == 0)
        stride += 2;
    return stride;
}

static void *birth(sim *s, size_t node, uint64_t now_ms) {
    unit *u = calloc(1, sizeof *u);
    INF_ASSERT(u != NULL);
    if (is_whole(s, node)) {
        u->member = sim_member_kind.birth(s, node, now_ms);
        return u;
    }
    const inf_member_tuning *tuning = &sim_options_of(s)->tuning;
    face *f = &u->face;
    f->s = s;
    f->node = node;
    f->now_ms = now_ms;
    inf_outbox_init(&f->outbox, inf_alloc_libc());
    f->probe_ms = now_ms + inf_rng_below(sim_rng(s), tuning->probe_interval_ms);
    f->gossip_ms =
        now_ms + inf_rng_below(sim_rng(s), tuning->gossip_interval_ms);
    f->stride = stride_for(s);
    f->probed = (size_t)inf_rng_below(sim_rng(s), sim_count(s));
    f->told = (size_t)inf_rng_below(sim_rng(s), sim_count(s));
    return u;
}

static void death(void *ctx) {
    unit *u = ctx;
    if (u->member != NULL) {
        sim_member_kind.death(u->member);
    } else {
        while (u->face.news_count != 0)
            drop(&u->face, 0);
        inf_outbox_deinit(&u->face.outbox);
    }
    free(u);
}

static void packet(void *ctx, const inf_addr *from, inf_slice bytes,
                   uint64_t now_ms) {
    unit *u = ctx;
    if (u->member != NULL) {
        sim_member_kind.packet(u->member, from, bytes, now_ms);
        return;
    }
    arrival how = {.f = &u->face, .from = from};
    u->face.now_ms = now_ms;
    INF_ASSERT(inf_packet_read(&reader, &framing, bytes, hear, &how) == 0);
    INF_ASSERT(inf_packet_read(&reader, &framing, bytes, answer, &how) == 0);
}

static int accepted(void *ctx, const inf_addr *from, uint64_t now_ms,
                    uint64_t *stream) {
    unit *u = ctx;
    if (u->member == NULL) return INF_EFULL;
    return sim_member_kind.accepted(u->member, from, now_ms, stream);
}

static void connected(void *ctx, uint64_t stream, uint64_t now_ms) {
    unit *u = ctx;
    if (u->member != NULL) sim_member_kind.connected(u->member, stream, now_ms);
}

static void bytes_came(void *ctx, uint64_t stream, inf_slice bytes,
                       uint64_t now_ms) {
    unit *u = ctx;
    if (u->member != NULL)
        sim_member_kind.bytes(u->member, stream, bytes, now_ms);
}

static void drained(void *ctx, uint64_t stream, uint64_t now_ms) {
    (void)ctx;
    (void)stream;
    (void)now_ms;
}

static void closed(void *ctx, uint64_t stream, int status, uint64_t now_ms) {
    unit *u = ctx;
    if (u->member != NULL) {
        sim_member_kind.closed(u->member, stream, status, now_ms);
    }
}

static void tick(void *ctx, uint64_t now_ms) {
    unit *u = ctx;
    face *f = &u->face;
    if (u->member != NULL) {
        sim_member_kind.tick(u->member, now_ms);
        return;
    }
    const inf_member_tuning *tuning = &sim_options_of(f->s)->tuning;
    f->now_ms = now_ms;
    if (now_ms >= f->probe_ms) {
        f->probe_ms += tuning->probe_interval_ms;
        probe(f);
    }
    if (now_ms >= f->gossip_ms) {
        f->gossip_ms += tuning->gossip_interval_ms;
        gossip(f);
    }
}

static uint64_t deadline(void *ctx) {
    unit *u = ctx;
    if (u->member != NULL) return sim_member_kind.deadline(u->member);
    const face *f = &u->face;
    return f->probe_ms < f->gossip_ms ? f->probe_ms : f->gossip_ms;
}

static bool poll(void *ctx, inf_effect *out) {
    unit *u = ctx;
    if (u->member != NULL) return sim_member_kind.poll(u->member, out);
    return inf_outbox_take(&u->face.outbox, out);
}

const sim_kind sim_crowd_kind = {.birth = birth,
                                 .death = death,
                                 .packet = packet,
                                 .accepted = accepted,
                                 .connected = connected,
                                 .bytes = bytes_came,
                                 .drained = drained,
                                 .closed = closed,
                                 .tick = tick,
                                 .deadline = deadline,
                                 .poll = poll};

/* ---- birth of a cluster that has long been there ------------------------- */

inf_member *sim_crowd_member(const sim *s, size_t node) {
    const unit *u = sim_unit(s, node);
    return u->member != NULL ? sim_member_of(u->member) : NULL;
}

void sim_crowd_list(const sim *s, uint64_t boots, inf_buf *out) {
    inf_message_encode(out,
                       &(inf_message){.kind = INF_MESSAGE_PUSH_PULL,
                                      .node_count = (uint32_t)sim_count(s)});
    for (size_t i = 0; i < sim_count(s); i++) {
        char boot[24];
        uint64_t life = 1 + boots * (inf_hash(sim_name(i), 3) % 1000003);
        int len = snprintf(boot, sizeof boot, "%llu", (unsigned long long)life);
        inf_tag tags[] = {
            {inf_slice_str(INF_TAG_PROTOCOL), inf_slice_str("1")},
            {inf_slice_str(INF_TAG_RPC), inf_slice_str("7947")},
            {inf_slice_str(INF_TAG_BOOT), inf_slice_of(boot, (size_t)len)}};
        inf_addr addr = sim_addr(s, i);
        inf_buf meta;
        inf_buf_init(&meta, inf_alloc_libc());
        INF_ASSERT(inf_meta_encode(&meta, tags, INF_COUNT(tags)) == 0);
        inf_message_encode(
            out, &(inf_message){.kind = INF_MAP_STATE,
                                .node = sim_name(i),
                                .addr = inf_slice_of(addr.ip, 4),
                                .port = addr.port,
                                .incarnation = 1,
                                .meta = inf_buf_view(&meta),
                                .vsn = inf_slice_of("\1\5\2\2\5\5", 6)});
        inf_buf_deinit(&meta);
    }
}

void sim_crowd_start(sim *s) {
    inf_addr from = sim_addr(s, 0);
    inf_buf list;
    inf_buf_init(&list, inf_alloc_libc());
    inf_packet_reader_init(&reader, inf_alloc_libc());
    inf_packet_init(&writer, inf_alloc_libc());
    inf_buf_init(&scratch, inf_alloc_libc());
    inf_buf_init(&datagram, inf_alloc_libc());
    inf_buf_init(&encoded, inf_alloc_libc());
    sim_crowd_list(s, 0, &list);
    for (size_t i = 0; i < sim_count(s); i++) {
        sim_start(s, i);
        inf_member *m = sim_crowd_member(s, i);
        if (m == NULL) continue;
        uint64_t now_ms = sim_node_ms(s, i);
        uint64_t stream = inf_outbox_stream(m->outbox);
        INF_ASSERT(inf_member_accepted(m, stream, &from, now_ms) == 0);
        inf_member_bytes(m, stream, inf_buf_view(&list), now_ms);
        inf_news_clear(m);
        sim_settle(s, i);
        INF_ASSERT(inf_member_live(m) == sim_count(s));
    }
    inf_buf_deinit(&list);
}
