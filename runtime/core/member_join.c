/* SPDX-License-Identifier: MIT */
/* Coming and going. To join is a push/pull with every address given, a few at
   a time. To leave is to tell: Serf's agents first hear the intent, then
   everybody hears the leave message; a few distinct members that have
   acknowledged it are enough, for gossip does the rest. */
#include "core/member_part.h"

enum {
    JOIN_AT_ONCE = 8,      /* addresses contacted at a time */
    JOIN_MAX = 1024,       /* addresses in one join */
    GOODBYE_ACKS = 3,      /* distinct members that must know */
    GOODBYE_PACE_MS = 100, /* between two rounds of telling */
};

/* ---- join ---------------------------------------------------------------- */

static void end_joining(inf_member *m, member_joining *joining) {
    char text[INF_ADDR_TEXT_MAX + 64] = "";
    int status = joining->joined == 0 ? joining->status : 0;
    if (status != 0) {
        char addr[INF_ADDR_TEXT_MAX];
        inf_buf line;
        inf_buf_init(&line, m->mem);
        inf_buf_printf(&line, "%s: %s", inf_addr_format(&joining->failed, addr),
                       inf_strerror(status));
        size_t len = line.len < sizeof text ? line.len : sizeof text - 1;
        if (len != 0) memcpy(text, line.data, len);
        inf_buf_deinit(&line);
    }
    inf_outbox_done(m->outbox, joining->token, status, joining->joined,
                    inf_slice_str(text));
    member_joining **at = &m->joinings;
    while (*at != joining)
        at = &(*at)->next;
    *at = joining->next;
    inf_free(m->mem, joining->addrs);
    inf_free(m->mem, joining);
}

static void note_failure(member_joining *joining, const inf_addr *addr,
                         int status) {
    if (joining->status != 0) return;
    joining->status = status;
    joining->failed = *addr;
}

/* Dials on; ends the joining when nothing is left to do. */
static void continue_joining(inf_member *m, member_joining *joining) {
    inf_slice nobody = {NULL, 0};
    while (joining->begun < joining->count && joining->open < JOIN_AT_ONCE) {
        const inf_addr *addr = &joining->addrs[joining->begun++];
        if (inf_addr_eq(addr, &m->self->addr)) continue;
        member_talk *talk = inf_talk_dial(m, TALK_JOIN, addr, nobody);
        if (talk == NULL) {
            note_failure(joining, addr, INF_EFULL);
            continue;
        }
        talk->joining = joining;
        joining->open++;
    }
    if (joining->open == 0) end_joining(m, joining);
}

void inf_join_ended(inf_member *m, member_joining *joining,
                    const inf_addr *peer, int status) {
    joining->open--;
    if (status == 0) {
        joining->joined++;
    } else {
        note_failure(joining, peer, status);
    }
    continue_joining(m, joining);
}

int inf_member_join(inf_member *m, const inf_addr *addrs, size_t count,
                    uint64_t token, uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    if (count == 0 || count > JOIN_MAX) return INF_EINVAL;
    if (m->goodbye != GOODBYE_NOT) return INF_ECLOSED;
    member_joining *joining = inf_zalloc(m->mem, sizeof *joining);
    inf_addr *copy = inf_malloc(m->mem, count * sizeof *copy);
    if (joining == NULL || copy == NULL) {
        inf_free(m->mem, joining);
        inf_free(m->mem, copy);
        return INF_ENOMEM;
    }
    memcpy(copy, addrs, count * sizeof *copy);
    joining->token = token;
    joining->addrs = copy;
    joining->count = count;
    joining->next = m->joinings;
    m->joinings = joining;
    for (size_t i = 0; i < count; i++)
        inf_book_add(m, &addrs[i], true);
    continue_joining(m, joining);
    return 0;
}

void inf_join_clear(inf_member *m) {
    while (m->joinings != NULL) {
        member_joining *joining = m->joinings;
        m->joinings = joining->next;
        inf_free(m->mem, joining->addrs);
        inf_free(m->mem, joining);
    }
}

/* ---- leave --------------------------------------------------------------- */

static inf_message goodbye_of(const inf_member *m) {
    return (inf_message){.kind = INF_MESSAGE_DEAD,
                         .node = m->self->name,
                         .from = m->self->name,
                         .incarnation = m->self->incarnation};
}

static void end_leaving(inf_member *m) {
    m->goodbye = GOODBYE_DONE;
    inf_table_set_state(m, m->self, INF_MEMBER_LEFT);
    inf_member_stop(m, &m->leave_timer);
    inf_outbox_done(m->outbox, m->goodbye_token, 0, m->goodbye_count,
                    inf_slice_str(""));
}

static bool knows_not(const inf_member *m, const member_record *r,
                      const void *ctx) {
    (void)ctx;
    if (r->state != INF_MEMBER_ALIVE) return false;
    for (size_t i = 0; i < m->goodbye_count; i++) {
        if (inf_addr_eq(&m->goodbye_acks[i], &r->addr)) return false;
    }
    return true;
}

/* A ping that carries the goodbye: its ack says that it was heard. */
static void tell_goodbye(inf_member *m) {
    member_record *to[GOODBYE_ACKS];
    size_t got = inf_table_draw(m, GOODBYE_ACKS, knows_not, NULL, to);
    inf_message word = goodbye_of(m);
    for (size_t i = 0; i < got; i++) {
        inf_message ping = {.kind = INF_MESSAGE_PING, .node = to[i]->name};
        ping.seq = inf_pending_add(m, PENDING_GOODBYE, NULL, &to[i]->addr);
        inf_send_both(m, &to[i]->addr, &ping, &word);
    }
    if (got == 0 && m->goodbye_count == 0) end_leaving(m);
}

static size_t acks_wanted(const inf_member *m) {
    size_t others = m->live > 0 ? m->live - 1 : 0;
    return others < GOODBYE_ACKS ? others : GOODBYE_ACKS;
}

void inf_leave_acked(inf_member *m, const inf_addr *by) {
    if (m->goodbye != GOODBYE_DEAD) return;
    for (size_t i = 0; i < m->goodbye_count; i++) {
        if (inf_addr_eq(&m->goodbye_acks[i], by)) return;
    }
    if (m->goodbye_count < GOODBYE_ACKS) {
        m->goodbye_acks[m->goodbye_count++] = *by;
    }
    if (m->goodbye_count >= acks_wanted(m)) end_leaving(m);
}

void inf_leave_step(inf_member *m) {
    if (m->goodbye == GOODBYE_INTENT) {
        m->goodbye = GOODBYE_DEAD;
        inf_message word = goodbye_of(m);
        inf_news_put(m, m->self, &word);
    } else if (m->goodbye != GOODBYE_DEAD) {
        return;
    }
    if (m->now_ms >= m->goodbye_end_ms) {
        end_leaving(m);
        return;
    }
    inf_member_wait(m, &m->leave_timer, m->now_ms + GOODBYE_PACE_MS);
    tell_goodbye(m);
}

static bool any_serf(const inf_member *m) {
    for (size_t i = 0; i < m->count; i++) {
        const member_record *r = m->order[i];
        if (r->state == INF_MEMBER_ALIVE && !r->ours) return true;
    }
    return false;
}

int inf_member_leave(inf_member *m, uint64_t token, uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    if (m->goodbye != GOODBYE_NOT) return INF_ECLOSED;
    m->goodbye = GOODBYE_INTENT;
    m->goodbye_token = token;
    m->goodbye_end_ms = m->now_ms + m->tuning.leave_timeout_ms;
    uint64_t pause_ms = 0;
    if (m->tuning.serf && any_serf(m)) {
        inf_user_leave_intent(m);
        pause_ms = m->tuning.leave_propagate_ms;
    }
    if (pause_ms == 0) {
        inf_leave_step(m);
    } else {
        inf_member_wait(m, &m->leave_timer, m->now_ms + pause_ms);
    }
    return 0;
}
