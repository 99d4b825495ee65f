/* SPDX-License-Identifier: MIT */
/* Streams: push/pull, by which two members exchange all they know, and the
   ping that takes this way when datagrams fail. The side that dials speaks
   first; each side sends one message at most. */
#include "core/member_part.h"

/* ---- the table of streams ------------------------------------------------ */

static inf_slice key_of(const member_talk *talk) {
    return inf_slice_of(&talk->stream, sizeof talk->stream);
}

static member_talk *talk_find(const inf_member *m, uint64_t stream) {
    return inf_map_get(&m->talks, inf_slice_of(&stream, sizeof stream));
}

static member_talk *talk_new(inf_member *m, uint64_t stream,
                             member_talk_kind kind, const inf_addr *peer,
                             inf_slice name) {
    if (m->talks.count >= INF_TALKS_MAX) return NULL;
    member_talk *talk = inf_zalloc(m->mem, sizeof *talk);
    if (talk == NULL) return NULL;
    talk->stream = stream;
    talk->kind = kind;
    talk->peer = *peer;
    talk->timer = (member_timer){.kind = TIMER_TALK, .owner = talk};
    if (name.len != 0 && name.len <= sizeof talk->name) {
        memcpy(talk->name, name.data, name.len);
        talk->name_len = name.len;
    }
    inf_stream_init(&talk->reader, m->mem, kind == TALK_ACCEPTED);
    if (inf_map_set(&m->talks, key_of(talk), talk) != 0) {
        inf_free(m->mem, talk);
        return NULL;
    }
    inf_member_wait(m, &talk->timer, m->now_ms + m->tuning.stream_timeout_ms);
    return talk;
}

static void talk_free(inf_member *m, member_talk *talk) {
    inf_member_stop(m, &talk->timer);
    (void)inf_map_remove(&m->talks, key_of(talk));
    inf_stream_deinit(&talk->reader);
    inf_free(m->mem, talk);
}

void inf_talk_clear(inf_member *m) {
    size_t at = 0;
    for (member_talk *talk; (talk = inf_map_next(&m->talks, &at)) != NULL;) {
        inf_stream_deinit(&talk->reader);
        inf_free(m->mem, talk);
    }
    inf_map_deinit(&m->talks);
}

member_talk *inf_talk_dial(inf_member *m, member_talk_kind kind,
                           const inf_addr *to, inf_slice name) {
    if (m->talks.count >= INF_TALKS_MAX) return NULL;
    uint32_t timeout_ms = m->tuning.stream_timeout_ms;
    uint64_t stream = inf_outbox_dial(m->outbox, to, timeout_ms);
    member_talk *talk = talk_new(m, stream, kind, to, name);
    if (talk == NULL) inf_outbox_close(m->outbox, stream);
    return talk;
}

/* The talk is over, well (0) or not; whoever waits for it learns. */
static void talk_end(inf_member *m, member_talk *talk, int status) {
    member_talk over = *talk; /* for the words after it is freed */
    inf_slice name = inf_slice_of(over.name, over.name_len);
    talk_free(m, talk);
    switch (over.kind) {
    case TALK_ACCEPTED:
        break;
    case TALK_PERIODIC: {
        member_record *r = inf_table_find(m, name);
        if (status != 0 && r != NULL) {
            inf_probe_now(m, r, status == INF_EUNREACHABLE);
        }
        break;
    }
    case TALK_JOIN:
        inf_join_ended(m, over.joining, &over.peer, status);
        break;
    case TALK_RECONNECT:
        if (status == 0) inf_book_answered(m, &over.peer);
        break;
    case TALK_PING:
        inf_probe_stream(m, over.stream, status);
        break;
    }
}

static void hang_up(inf_member *m, member_talk *talk, int status) {
    inf_outbox_close(m->outbox, talk->stream);
    talk_end(m, talk, status);
}

void inf_talk_expired(inf_member *m, member_talk *talk) {
    hang_up(m, talk, INF_ETIMEDOUT);
}

/* ---- saying -------------------------------------------------------------- */

static void say(inf_member *m, member_talk *talk, inf_slice message) {
    inf_buf out;
    inf_buf_init(&out, m->mem);
    bool dialled = talk->kind != TALK_ACCEPTED;
    if (inf_stream_frame(&m->framing, dialled, message, m->mem, &out) == 0) {
        inf_outbox_write(m->outbox, talk->stream, inf_buf_view(&out));
    }
    inf_buf_deinit(&out);
}

static void say_message(inf_member *m, member_talk *talk,
                        const inf_message *message) {
    inf_buf_clear(&m->encoded);
    inf_message_encode(&m->encoded, message);
    if (!m->encoded.failed) say(m, talk, inf_buf_view(&m->encoded));
}

static void put_record(inf_buf *out, const member_record *r) {
    inf_message_encode(
        out, &(inf_message){.kind = INF_MAP_STATE,
                            .node = r->name,
                            .addr = inf_slice_of(r->addr.ip, r->addr.len),
                            .port = r->addr.port,
                            .incarnation = r->incarnation,
                            .meta = r->meta,
                            .state = (uint8_t)r->state,
                            .vsn = inf_slice_of(r->vsn, INF_VSN)});
}

/* All we know, ourselves first. */
static void say_push_pull(inf_member *m, member_talk *talk, bool join) {
    inf_buf out;
    inf_buf_init(&out, m->mem);
    inf_message_encode(&out,
                       &(inf_message){.kind = INF_MESSAGE_PUSH_PULL,
                                      .join = join,
                                      .node_count = (uint32_t)m->count + 1});
    put_record(&out, m->self);
    for (size_t i = 0; i < m->count; i++)
        put_record(&out, m->order[i]);
    if (!out.failed) say(m, talk, inf_buf_view(&out));
    inf_buf_deinit(&out);
}

void inf_member_connected(inf_member *m, uint64_t stream, uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    member_talk *talk = talk_find(m, stream);
    if (talk == NULL || talk->kind == TALK_ACCEPTED) return;
    inf_slice name = inf_slice_of(talk->name, talk->name_len);
    if (talk->kind == TALK_PING) {
        say_message(m, talk,
                    &(inf_message){.kind = INF_MESSAGE_PING,
                                   .node = name,
                                   .seq = talk->seq});
        return;
    }
    say_push_pull(m, talk, talk->kind == TALK_JOIN);
}

/* ---- hearing ------------------------------------------------------------- */

/* Visits the nodes of a push/pull and then its user state. */
static void merge(inf_member *m, inf_slice message) {
    inf_message header;
    size_t used = 0;
    inf_slice rest = inf_slice_of(message.data + 1, message.len - 1);
    int rc =
        inf_message_decode_map(&header, INF_MESSAGE_PUSH_PULL, rest, &used);
    for (uint32_t i = 0; rc == 0 && i < header.node_count; i++) {
        rest = inf_slice_of(rest.data + used, rest.len - used);
        inf_message node;
        rc = inf_message_decode_map(&node, INF_MAP_STATE, rest, &used);
        if (rc == 0) inf_rules_merge(m, &node);
    }
    if (rc != 0) {
        m->stats.bad_packets++;
        return;
    }
    inf_user_state_heard(m, inf_slice_of(rest.data + used, header.state_len));
}

static bool joins(inf_slice message) {
    inf_message header;
    return inf_message_decode(&header, message) == 0 && header.join;
}

/* The reply is the list as it was before the merge: a stranger who joins does
   not meet itself. */
static void answer(inf_member *m, member_talk *talk, inf_slice message) {
    switch (message.data[0]) {
    case INF_MESSAGE_PUSH_PULL:
        say_push_pull(m, talk, joins(message));
        merge(m, message);
        break;
    case INF_MESSAGE_PING: {
        inf_message ping;
        if (inf_message_decode(&ping, message) != 0) break;
        if (ping.node.len != 0 && !inf_slice_eq(ping.node, m->self->name)) {
            break;
        }
        say_message(m, talk,
                    &(inf_message){.kind = INF_MESSAGE_ACK, .seq = ping.seq});
        break;
    }
    case INF_MESSAGE_USER: {
        inf_message header;
        size_t used = 0;
        inf_slice rest = inf_slice_of(message.data + 1, message.len - 1);
        if (inf_message_decode_map(&header, INF_MAP_STREAM_USER, rest, &used) ==
            0) {
            inf_user_heard(m, inf_slice_of(rest.data + used, rest.len - used));
        }
        break;
    }
    default:
        m->stats.bad_packets++;
    }
}

/* The text is a stranger's: what is no plain text does not get into the log. */
static void log_error(inf_member *m, const member_talk *talk,
                      const inf_message *error) {
    enum { TEXT_MAX = 200 };
    char addr[INF_ADDR_TEXT_MAX], text[TEXT_MAX + 1] = "";
    uint32_t swallowed = 0;
    if (!inf_quiet_may(&m->quiet, &talk->peer, WORD_REFUSED, m->now_ms,
                       &swallowed)) {
        return;
    }
    for (size_t i = 0; i < TEXT_MAX && i < error->error.len; i++) {
        uint8_t c = error->error.data[i];
        text[i] = c >= ' ' && c <= '~' ? (char)c : '?';
    }
    inf_outbox_log(m->outbox, INF_LOG_WARN, "%s refused us: %s",
                   inf_addr_format(&talk->peer, addr), text);
}

/* What the peer that we dialled says back; 0 when that is what we wanted. */
static int take_reply(inf_member *m, member_talk *talk, inf_slice message) {
    inf_message reply;
    if (message.data[0] == INF_MESSAGE_PUSH_PULL && talk->kind != TALK_PING) {
        merge(m, message);
        return 0;
    }
    if (inf_message_decode(&reply, message) != 0) return INF_EMALFORMED;
    if (reply.kind == INF_MESSAGE_ERROR) log_error(m, talk, &reply);
    bool acked = reply.kind == INF_MESSAGE_ACK && talk->kind == TALK_PING &&
                 reply.seq == talk->seq;
    return acked ? 0 : INF_EMALFORMED;
}

static void complain(inf_member *m, member_talk *talk, int status) {
    inf_member_complain(m, &talk->peer, status);
    const char *why =
        status == INF_EVERSION ? "our labels differ" : inf_strerror(status);
    if (talk->kind == TALK_ACCEPTED) {
        say_message(m, talk,
                    &(inf_message){.kind = INF_MESSAGE_ERROR,
                                   .error = inf_slice_str(why)});
    }
    hang_up(m, talk, status);
}

void inf_member_bytes(inf_member *m, uint64_t stream, inf_slice bytes,
                      uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    member_talk *talk = talk_find(m, stream);
    if (talk == NULL) return;
    inf_slice message;
    m->stats.bytes_in += bytes.len;
    int rc = inf_stream_read(&talk->reader, &m->framing, bytes, &message);
    if (rc == 0) return;
    if (rc < 0) {
        complain(m, talk, rc);
        return;
    }
    int status = 0;
    if (talk->kind == TALK_ACCEPTED) {
        answer(m, talk, message);
    } else {
        status = take_reply(m, talk, message);
    }
    hang_up(m, talk, status);
}

int inf_member_accepted(inf_member *m, uint64_t stream, const inf_addr *from,
                        uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    inf_slice nobody = {NULL, 0};
    return talk_new(m, stream, TALK_ACCEPTED, from, nobody) != NULL ? 0
                                                                    : INF_EFULL;
}

void inf_member_forget(inf_member *m, uint64_t stream) {
    member_talk *talk = talk_find(m, stream);
    if (talk != NULL && talk->kind == TALK_ACCEPTED) talk_free(m, talk);
}

void inf_member_closed(inf_member *m, uint64_t stream, int status,
                       uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    member_talk *talk = talk_find(m, stream);
    if (talk != NULL) talk_end(m, talk, status != 0 ? status : INF_ECLOSED);
}

/* ---- every push/pull interval -------------------------------------------- */

static bool is_alive(const inf_member *m, const member_record *r,
                     const void *ctx) {
    (void)m;
    (void)ctx;
    return r->state == INF_MEMBER_ALIVE;
}

void inf_push_pull_tick(inf_member *m) {
    uint32_t interval_ms = m->tuning.push_pull_interval_ms;
    inf_member_wait(m, &m->push_pull_timer,
                    m->now_ms + inf_push_pull_ms(interval_ms, m->live));
    member_record *r = NULL;
    if (m->goodbye != GOODBYE_NOT) return;
    if (inf_table_draw(m, 1, is_alive, NULL, &r) == 0) return;
    (void)inf_talk_dial(m, TALK_PERIODIC, &r->addr, r->name);
}
