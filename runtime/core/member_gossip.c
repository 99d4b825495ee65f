/* SPDX-License-Identifier: MIT */
/* News on its way. Each piece is sent `retransmit` times in all and then
   dropped; what was sent least goes first, and among equals the newest. A
   tier is a list of what was sent equally often, so filling a datagram costs
   what it carries, however much waits. */
#include "core/member_part.h"

enum {
    MISFITS_MAX = 8, /* looked at per tier that do not fit the room left */
    PART_COST = 2,   /* of a message in a compound */
    CRC_COST = 5
};

static void list(inf_member *m, member_news *news) {
    member_news **tier = &m->tiers[news->sent];
    news->before = NULL;
    news->after = *tier;
    if (*tier != NULL) (*tier)->before = news;
    *tier = news;
}

static void unlist(inf_member *m, member_news *news) {
    if (news->before != NULL) {
        news->before->after = news->after;
    } else {
        m->tiers[news->sent] = news->after;
    }
    if (news->after != NULL) news->after->before = news->before;
}

static void release(inf_member *m, member_news *news) {
    if (news->about != NULL) {
        news->about->news = NULL;
    } else {
        m->user_news--;
    }
    m->news_count--;
    inf_free(m->mem, news);
}

void inf_news_drop(inf_member *m, member_record *about) {
    if (about->news == NULL) return;
    unlist(m, about->news);
    release(m, about->news);
}

void inf_news_clear(inf_member *m) {
    for (size_t i = 0; i < INF_TIERS_MAX; i++) {
        while (m->tiers[i] != NULL) {
            member_news *news = m->tiers[i];
            unlist(m, news);
            release(m, news);
        }
    }
}

static member_news *make(inf_member *m, inf_slice bytes) {
    member_news *news = inf_zalloc(m->mem, sizeof *news + bytes.len);
    if (news == NULL) return NULL;
    news->len = bytes.len;
    memcpy(news->bytes, bytes.data, bytes.len);
    m->news_count++;
    return news;
}

void inf_news_put(inf_member *m, member_record *about,
                  const inf_message *message) {
    inf_buf_clear(&m->encoded);
    inf_message_encode(&m->encoded, message);
    if (m->encoded.failed) return;
    member_news *news = make(m, inf_buf_view(&m->encoded));
    if (news == NULL) return;
    inf_news_drop(m, about);
    news->about = about;
    about->news = news;
    list(m, news);
}

/* The oldest user message gives way when too many wait. */
static void make_user_room(inf_member *m) {
    if (m->user_news < INF_USER_NEWS_MAX) return;
    for (size_t tier = INF_TIERS_MAX; tier-- > 0;) {
        member_news *last = NULL;
        for (member_news *at = m->tiers[tier]; at != NULL; at = at->after) {
            if (at->about == NULL) last = at;
        }
        if (last == NULL) continue;
        unlist(m, last);
        release(m, last);
        return;
    }
}

void inf_news_put_user(inf_member *m, inf_slice bytes) {
    make_user_room(m);
    member_news *news = make(m, bytes);
    if (news == NULL) return;
    m->user_news++;
    list(m, news);
}

inf_message inf_news_of(const member_record *r) {
    return (inf_message){.kind = INF_MESSAGE_ALIVE,
                         .node = r->name,
                         .incarnation = r->incarnation,
                         .addr = inf_slice_of(r->addr.ip, r->addr.len),
                         .port = r->addr.port,
                         .meta = r->meta,
                         .vsn = inf_slice_of(r->vsn, INF_VSN)};
}

void inf_news_alive(inf_member *m, member_record *r) {
    inf_message word = inf_news_of(r);
    inf_news_put(m, r, &word);
}

/* ---- filling a datagram -------------------------------------------------- */

/* The first in the tier that fits `room`; NULL when none of the first few. */
static member_news *fitting(member_news *tier, size_t room) {
    unsigned misfits = 0;
    while (tier != NULL && tier->len + PART_COST > room) {
        if (++misfits == MISFITS_MAX) return NULL;
        tier = tier->after;
    }
    return tier;
}

static size_t room_left(const inf_member *m) {
    size_t used = inf_packet_size(&m->writer) +
                  inf_framing_overhead(&m->framing) +
                  (m->tuning.crc ? CRC_COST : 0);
    return used < m->tuning.packet_max ? m->tuning.packet_max - used : 0;
}

/* Adds news while there is room. What was drawn waits aside until the end, so
   that nothing goes twice into one datagram. */
static void add_news(inf_member *m) {
    uint32_t limit = inf_retransmit_limit(m->tuning.retransmit_mult, m->live);
    if (limit < m->tuning.retransmit_min) limit = m->tuning.retransmit_min;
    member_news *drawn = NULL;
    size_t room = room_left(m);
    for (uint32_t tier = 0; tier < INF_TIERS_MAX && m->news_count > 0; tier++) {
        member_news *news;
        while ((news = fitting(m->tiers[tier], room)) != NULL) {
            inf_slice bytes = inf_slice_of(news->bytes, news->len);
            if (inf_packet_add(&m->writer, bytes) != 0) break;
            m->stats.messages_out++;
            room -= news->len + PART_COST;
            unlist(m, news);
            news->after = drawn;
            drawn = news;
        }
    }
    while (drawn != NULL) {
        member_news *news = drawn;
        drawn = news->after;
        if (++news->sent >= limit || news->sent >= INF_TIERS_MAX) {
            release(m, news);
        } else {
            list(m, news);
        }
    }
}

static void finish(inf_member *m, const inf_addr *to,
                   const member_record *record) {
    bool crc = m->tuning.crc && record != NULL && record->vsn[1] >= 5;
    int rc = inf_packet_finish(&m->writer, &m->framing, crc, &m->scratch,
                               &m->datagram);
    if (rc != 0) return;
    m->stats.packets_out++;
    m->stats.bytes_out += m->datagram.len;
    inf_outbox_packet(m->outbox, to, inf_buf_view(&m->datagram));
}

static void add_message(inf_member *m, const inf_message *message) {
    inf_buf_clear(&m->encoded);
    inf_message_encode(&m->encoded, message);
    if (m->encoded.failed) return;
    (void)inf_packet_add(&m->writer, inf_buf_view(&m->encoded));
    m->stats.messages_out++;
}

void inf_send_both(inf_member *m, const inf_addr *to,
                   const inf_message *message, const inf_message *second) {
    const member_record *record = inf_table_at(m, to);
    inf_packet_clear(&m->writer);
    add_message(m, message);
    if (second != NULL) add_message(m, second);
    /* To strangers not a byte more than they asked for. */
    if (record != NULL) add_news(m);
    finish(m, to, record);
}

void inf_send(inf_member *m, const inf_addr *to, const inf_message *message) {
    inf_send_both(m, to, message, NULL);
}

/* ---- every gossip interval ----------------------------------------------- */

static bool hears_gossip(const inf_member *m, const member_record *r,
                         const void *ctx) {
    (void)ctx;
    if (r->state == INF_MEMBER_DEAD) {
        return m->now_ms - r->since_ms <= m->tuning.gossip_to_dead_ms;
    }
    return r->state != INF_MEMBER_LEFT;
}

/* The next ones in the prober's shuffled order: what is sent k times reaches k
   different members, where chance would meet some of them twice. */
static size_t next_hearers(inf_member *m, size_t want, member_record **out) {
    size_t got = 0;
    for (size_t seen = 0; seen < m->count && got < want; seen++) {
        m->gossip_cursor = (m->gossip_cursor + 1) % m->count;
        member_record *r = m->order[m->gossip_cursor];
        if (hears_gossip(m, r, NULL)) out[got++] = r;
    }
    return got;
}

void inf_gossip_tick(inf_member *m) {
    enum { FANOUT_MAX = 16 };
    member_record *to[FANOUT_MAX];
    if (m->news_count == 0) return;
    size_t want = m->tuning.gossip_fanout;
    if (want > FANOUT_MAX) want = FANOUT_MAX;
    size_t got = m->tuning.even_gossip
                     ? next_hearers(m, want, to)
                     : inf_table_draw(m, want, hears_gossip, NULL, to);
    for (size_t i = 0; i < got; i++) {
        inf_packet_clear(&m->writer);
        add_news(m);
        if (m->writer.count == 0) return;
        finish(m, &to[i]->addr, to[i]);
    }
}
