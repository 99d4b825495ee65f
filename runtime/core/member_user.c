/* SPDX-License-Identifier: MIT */
/* What travels beside membership, as Serf has it: intents move a Lamport clock,
   and user events are handed up once and gossiped on (Lamport, "Time, Clocks,
   and the Ordering of Events in a Distributed System", 1978). */
#include "core/member_part.h"

enum {
    SERF_LEAVE = 0,
    SERF_JOIN = 1,
    SERF_STATE = 2,
    SERF_EVENT = 3,
    EVENT_MAX = 9 * 1024 - 64 /* bytes of name and payload, as in Serf */
};

bool inf_member_take_change(inf_member *m, inf_member_change *out) {
    member_note *note = inf_queue_take(m, &m->changes);
    if (note == NULL) return false;
    out->change = note->change;
    out->name = inf_slice_of(note->name, note->name_len);
    out->boot = note->boot;
    return true;
}

/* ---- to and from Serf ---------------------------------------------------- */

static void witness(uint64_t *clock, uint64_t time) {
    if (time >= *clock && time < UINT64_MAX / 2) *clock = time + 1;
}

/* True the first time; too old events count as heard. */
static bool first_time(inf_member *m, const inf_message *event) {
    uint64_t id = inf_hash(event->node, event->ltime);
    id = inf_hash(event->payload, id) | 1; /* 0 is an empty place */
    if (event->ltime + INF_EVENTS_MAX < m->event_clock) return false;
    for (size_t i = 0; i < INF_EVENTS_MAX; i++) {
        if (m->events[i] == id) return false;
    }
    m->events[m->event_next] = id;
    m->event_next = (m->event_next + 1) % INF_EVENTS_MAX;
    return true;
}

static void gossip_user(inf_member *m, uint8_t kind, const inf_message *map) {
    inf_buf_clear(&m->encoded);
    inf_buf_u8(&m->encoded, INF_MESSAGE_USER);
    inf_buf_u8(&m->encoded, kind);
    inf_message_encode(&m->encoded, map);
    if (!m->encoded.failed) inf_news_put_user(m, inf_buf_view(&m->encoded));
}

static void event_heard(inf_member *m, const inf_message *event) {
    if (event->node.len + event->payload.len > EVENT_MAX) return;
    if (!first_time(m, event)) return;
    witness(&m->event_clock, event->ltime);
    inf_outbox_push(m->outbox, &(inf_effect){.kind = INF_EFFECT_USER,
                                             .name = event->node,
                                             .bytes = event->payload});
    gossip_user(m, SERF_EVENT, event);
}

static void serf_heard(inf_member *m, uint8_t kind, inf_slice map) {
    static const inf_message_kind kinds[] = {[SERF_LEAVE] = INF_MAP_SERF_LEAVE,
                                             [SERF_JOIN] = INF_MAP_SERF_JOIN,
                                             [SERF_STATE] = INF_MAP_SERF_STATE,
                                             [SERF_EVENT] = INF_MAP_SERF_EVENT};
    inf_message word;
    size_t used = 0;
    if (!m->tuning.serf || kind > SERF_EVENT) return;
    if (inf_message_decode_map(&word, kinds[kind], map, &used) != 0) {
        m->stats.bad_packets++;
        return;
    }
    if (kind == SERF_EVENT) {
        event_heard(m, &word);
        return;
    }
    witness(&m->serf_clock, word.ltime);
    if (kind == SERF_STATE) witness(&m->event_clock, word.event_ltime);
}

void inf_user_heard(inf_member *m, inf_slice body) {
    if (body.len == 0) return;
    serf_heard(m, body.data[0], inf_slice_of(body.data + 1, body.len - 1));
}

void inf_user_state_heard(inf_member *m, inf_slice state) {
    if (state.len == 0 || state.data[0] != SERF_STATE) return;
    serf_heard(m, SERF_STATE, inf_slice_of(state.data + 1, state.len - 1));
}

int inf_member_user_event(inf_member *m, inf_slice name, inf_slice payload,
                          uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    /* An event that fits no datagram would never leave. */
    size_t room = m->tuning.packet_max - inf_framing_overhead(&m->framing);
    if (name.len + payload.len + 64 > room) return INF_ETOOBIG;
    inf_message event = {.kind = INF_MAP_SERF_EVENT,
                         .ltime = m->event_clock++,
                         .node = name,
                         .payload = payload};
    (void)first_time(m, &event);
    gossip_user(m, SERF_EVENT, &event);
    return 0;
}

void inf_user_leave_intent(inf_member *m) {
    inf_message intent = {.kind = INF_MAP_SERF_LEAVE,
                          .ltime = m->serf_clock++,
                          .node = m->self->name};
    gossip_user(m, SERF_LEAVE, &intent);
}
