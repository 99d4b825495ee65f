/* SPDX-License-Identifier: MIT */
/* Are you there? Every interval one member, in shuffled order, gets a ping. No
   ack in time: helpers ping it for us, and a stream tries what datagrams may
   not (SWIM, 3.1). Still none at the end of the interval: it is suspected.

   Lifeguard: our own health stretches the interval, and helpers answer "I
   could not either" (nack), for a prober that hears neither ack nor nack had
   better doubt itself. Those nacks go out early enough to be heard.

   A process that dies on a living machine is known at once: its streams break,
   the caller says so, and a refused connection is the machine's own word that
   nobody listens there. One wrong word costs that member's machine its
   credit. */
#include "core/member_part.h"

enum { REFUSED_GRACE_MS = 40 }; /* for the ack of a process that lives on */

/* ---- pings in the air ---------------------------------------------------- */

uint32_t inf_pending_add(inf_member *m, member_pending_kind kind, void *owner,
                         const inf_addr *to) {
    uint32_t seq = ++m->seq;
    m->pending[seq & (INF_PENDING_MAX - 1)] =
        (member_pending){.seq = seq, .kind = kind, .owner = owner, .to = *to};
    return seq;
}

static member_pending *pending_find(inf_member *m, uint32_t seq) {
    member_pending *p = &m->pending[seq & (INF_PENDING_MAX - 1)];
    return p->kind != PENDING_NONE && p->seq == seq ? p : NULL;
}

static void pending_forget(inf_member *m, uint32_t seq) {
    member_pending *p = pending_find(m, seq);
    if (p != NULL) p->kind = PENDING_NONE;
}

void inf_pending_drop(inf_member *m, const void *owner) {
    for (size_t i = 0; i < INF_PENDING_MAX; i++) {
        if (m->pending[i].owner == owner) m->pending[i].kind = PENDING_NONE;
    }
}

static inf_message ping_for(const inf_member *m, inf_slice node, uint32_t seq) {
    const inf_addr *own = &m->self->addr;
    return (inf_message){.kind = INF_MESSAGE_PING,
                         .node = node,
                         .seq = seq,
                         .source_addr = inf_slice_of(own->ip, own->len),
                         .source_node = m->self->name,
                         .source_port = own->port};
}

/* Lifeguard's buddy: whoever is suspected hears of it first, and before the
   ping, so that the ack can carry the refutation. */
static void send_ping_to_suspect(inf_member *m, const member_record *r,
                                 uint32_t seq) {
    inf_message ping = ping_for(m, r->name, seq);
    inf_message word = {.kind = INF_MESSAGE_SUSPECT,
                        .node = r->name,
                        .from = m->self->name,
                        .incarnation = r->incarnation};
    inf_send_both(m, &r->addr, &word, &ping);
}

static void send_ping(inf_member *m, const member_record *r, uint32_t seq) {
    if (r->state == INF_MEMBER_SUSPECT && m->tuning.buddy) {
        send_ping_to_suspect(m, r, seq);
        return;
    }
    inf_message ping = ping_for(m, r->name, seq);
    inf_send(m, &r->addr, &ping);
}

void inf_probe_last_word(inf_member *m, const member_record *r) {
    send_ping_to_suspect(m, r, ++m->seq);
}

/* ---- a probe's life ------------------------------------------------------ */

static void end_probe(inf_member *m, member_probe *probe) {
    inf_member_stop(m, &probe->timer);
    pending_forget(m, probe->seq);
    probe->target = NULL;
    probe->stream = 0;
    bool next = !probe->urgent && m->probe_due;
    if (next) {
        m->probe_due = false;
        inf_member_wait(m, &m->probe_timer, m->now_ms);
    }
}

static void succeed(inf_member *m, member_probe *probe) {
    inf_member_doubt(m, -1);
    end_probe(m, probe);
}

/* The clock counts milliseconds, so a sample of a short trip is 0 or 1 by
   chance; their mean is right all the same (RFC 6298 smooths with 1/8, which
   needs finer samples). */
static void note_trip(inf_member_path *path, uint64_t ms) {
    uint64_t us = (ms < 60000 ? ms : 60000) * 1000;
    uint64_t weight = path->direct < 32 ? path->direct : 32;
    path->rtt_us = (uint32_t)((path->rtt_us * (weight - 1) + us) / weight);
}

/* An ack came: by whose hand? */
static void note_ack(inf_member *m, const member_probe *probe,
                     const inf_addr *from) {
    inf_member_path *path = &probe->target->path;
    if (!inf_addr_eq(from, &probe->target->addr)) {
        path->indirect++;
        return;
    }
    path->direct++;
    note_trip(path, m->now_ms - probe->sent_ms);
}

/* Only a stream brought the answer. Somebody should open a port, and would like
   to know in which direction. */
static void note_stream(inf_member *m, const member_probe *probe) {
    member_record *r = probe->target;
    char addr[INF_ADDR_TEXT_MAX];
    uint32_t swallowed = 0;
    uint64_t lately_ms = 3 * (uint64_t)m->tuning.probe_interval_ms;
    r->path.tcp++;
    if (!inf_quiet_may(&m->quiet, &r->addr, WORD_NO_DATAGRAMS, m->now_ms,
                       &swallowed)) {
        return;
    }
    bool heard = r->heard_ms != 0 && m->now_ms - r->heard_ms < lately_ms;
    inf_outbox_log(m->outbox, INF_LOG_WARN,
                   "%.*s at %s answers by TCP, not by UDP: %s",
                   (int)r->name.len, (const char *)r->name.data,
                   inf_addr_format(&r->addr, addr),
                   heard ? "its datagrams come, ours seem lost"
                         : "none of its datagrams come");
}

static void begin_probe(inf_member *m, member_probe *probe, member_record *r,
                        bool urgent) {
    uint64_t scale = m->tuning.local_health ? m->health + 1 : 1;
    *probe = (member_probe){
        .target = r,
        .urgent = urgent,
        .sent_ms = m->now_ms,
        .deadline_ms = m->now_ms + scale * m->tuning.probe_interval_ms,
        .timer = {.kind = TIMER_PROBE_STEP, .owner = probe}};
    probe->seq = inf_pending_add(m, PENDING_PROBE, probe, &r->addr);
    m->stats.probes++;
    inf_member_wait(m, &probe->timer, m->now_ms + m->tuning.probe_timeout_ms);
    send_ping(m, r, probe->seq);
}

static bool can_help(const inf_member *m, const member_record *r,
                     const void *ctx) {
    (void)m;
    return r->state == INF_MEMBER_ALIVE && r != ctx;
}

static void ask_helpers(inf_member *m, member_probe *probe) {
    member_record *helpers[INF_HELPERS_MAX];
    const member_record *r = probe->target;
    size_t want = m->tuning.indirect_checks;
    if (want > INF_HELPERS_MAX) want = INF_HELPERS_MAX;
    size_t got = inf_table_draw(m, want, can_help, r, helpers);
    inf_message ask = ping_for(m, r->name, probe->seq);
    ask.kind = INF_MESSAGE_INDIRECT;
    ask.target = inf_slice_of(r->addr.ip, r->addr.len);
    ask.port = r->addr.port;
    for (size_t i = 0; i < got; i++) {
        ask.nack = helpers[i]->vsn[1] >= 4;
        if (ask.nack) probe->nacks_wanted++;
        probe->helpers[probe->helper_count++] = helpers[i]->addr;
        inf_send(m, &helpers[i]->addr, &ask);
    }
}

static void ask_by_stream(inf_member *m, member_probe *probe) {
    const member_record *r = probe->target;
    if (!m->tuning.tcp_ping || r->vsn[1] < 3 || probe->stream != 0) return;
    member_talk *talk = inf_talk_dial(m, TALK_PING, &r->addr, r->name);
    if (talk == NULL) return;
    talk->seq = probe->seq;
    probe->stream = talk->stream;
}

/* Nobody listens where the target was heard before: it is dead, without a
   suspicion; false when that is not sure enough. */
static bool confirm_death(inf_member *m, member_probe *probe) {
    member_record *r = probe->target;
    if (!m->tuning.fast_death || r->heard_ms == 0 || r->wrongly_dead) {
        return false;
    }
    end_probe(m, probe);
    r->path.failed++;
    m->stats.probe_failures++;
    inf_rules_dead_by_us(m, r);
    r->refused_dead = true;
    return true;
}

static void fail(inf_member *m, member_probe *probe) {
    member_record *r = probe->target;
    r->path.failed++;
    m->stats.probe_failures++;
    if (probe->nacks_wanted == 0) {
        inf_member_doubt(m, 1);
    } else if (probe->nacks < probe->nacks_wanted) {
        inf_member_doubt(m, (int)(probe->nacks_wanted - probe->nacks));
    }
    end_probe(m, probe);
    inf_rules_suspect_by_us(m, r);
}

void inf_probe_step(inf_member *m, member_probe *probe) {
    if (probe->target == NULL) return;
    if (probe->refused && confirm_death(m, probe)) return;
    if (probe->indirect) {
        fail(m, probe);
        return;
    }
    probe->indirect = true;
    ask_helpers(m, probe);
    ask_by_stream(m, probe);
    inf_member_wait(m, &probe->timer, probe->deadline_ms);
}

void inf_probe_drop(inf_member *m, const member_record *r) {
    for (size_t i = 0; i < INF_PROBES_MAX; i++) {
        if (m->probes[i].target == r) end_probe(m, &m->probes[i]);
    }
}

/* ---- which member, and when ---------------------------------------------- */

static member_record *next_target(inf_member *m) {
    for (size_t seen = 0; seen <= m->count; seen++) {
        if (m->cursor >= m->count) {
            m->cursor = 0;
            inf_table_reap(m);
            inf_table_shuffle(m);
            if (m->count == 0) return NULL;
        }
        member_record *r = m->order[m->cursor++];
        if (r->state == INF_MEMBER_ALIVE || r->state == INF_MEMBER_SUSPECT) {
            return r;
        }
    }
    return NULL;
}

void inf_probe_tick(inf_member *m) {
    if (m->goodbye == GOODBYE_DONE) return;
    inf_member_wait(m, &m->probe_timer,
                    m->now_ms + m->tuning.probe_interval_ms);
    if (m->probes[0].target != NULL) {
        m->probe_due = true;
        return;
    }
    member_record *r = next_target(m);
    if (r != NULL) begin_probe(m, &m->probes[0], r, false);
}

static member_probe *probe_of(inf_member *m, const member_record *r) {
    member_probe *idle = NULL;
    for (size_t i = 0; i < INF_PROBES_MAX; i++) {
        if (m->probes[i].target == r) return &m->probes[i];
        if (i > 0 && m->probes[i].target == NULL) idle = &m->probes[i];
    }
    return idle;
}

static void note_refused(inf_member *m, member_probe *probe) {
    if (probe->refused || !m->tuning.fast_death) return;
    probe->refused = true;
    uint64_t due = m->now_ms + REFUSED_GRACE_MS;
    if (due < probe->timer.item.due_ms) {
        inf_member_wait(m, &probe->timer, due);
    }
}

void inf_probe_now(inf_member *m, member_record *r, bool refused) {
    if (r->state != INF_MEMBER_ALIVE && r->state != INF_MEMBER_SUSPECT) return;
    member_probe *probe = probe_of(m, r);
    if (probe == NULL) return;
    if (probe->target == NULL) begin_probe(m, probe, r, true);
    ask_by_stream(m, probe);
    if (refused) note_refused(m, probe);
}

void inf_probe_hearsay(inf_member *m, member_record *r) {
    member_probe *probe = probe_of(m, r);
    inf_probe_last_word(m, r);
    if (probe != NULL && probe->target == NULL) begin_probe(m, probe, r, true);
}

void inf_probe_stream(inf_member *m, uint64_t stream, int status) {
    for (size_t i = 0; i < INF_PROBES_MAX; i++) {
        member_probe *probe = &m->probes[i];
        if (probe->target == NULL || probe->stream != stream) continue;
        probe->stream = UINT64_MAX; /* asked, and it has ended */
        if (status == 0) {
            note_stream(m, probe);
            succeed(m, probe);
        } else if (status == INF_EUNREACHABLE) {
            note_refused(m, probe);
        }
        return;
    }
}

void inf_probe_rival(inf_member *m, const inf_addr *addr, member_record *r) {
    if (r->conflict_ms != 0 && m->now_ms - r->conflict_ms < 1000) return;
    uint32_t seq = inf_pending_add(m, PENDING_CONFLICT, r, addr);
    inf_message ping = ping_for(m, r->name, seq);
    inf_send(m, addr, &ping);
}

/* ---- answering ----------------------------------------------------------- */

/* Where an answer to a ping or request goes. */
static inf_addr asker_of(const inf_message *message, const inf_addr *from) {
    inf_addr asker;
    if (message->source_addr.len != 0 && message->source_port != 0 &&
        inf_addr_from_bytes(&asker, message->source_addr,
                            message->source_port) == 0 &&
        inf_addr_is_unicast(&asker)) {
        return asker;
    }
    return *from;
}

static bool same_host(const inf_addr *a, const inf_addr *b) {
    return a->len == b->len && memcmp(a->ip, b->ip, a->len) == 0;
}

/* A member whose datagrams come from another machine than it advertises gets no
   answers that count. */
static void note_source(inf_member *m, const inf_message *ping,
                        const inf_addr *from) {
    char says[INF_ADDR_TEXT_MAX], comes[INF_ADDR_TEXT_MAX];
    uint32_t swallowed = 0;
    const member_record *r = inf_table_find(m, ping->source_node);
    if (r == NULL || r->self || same_host(&r->addr, from)) return;
    if (!inf_quiet_may(&m->quiet, from, WORD_ELSEWHERE, m->now_ms,
                       &swallowed)) {
        return;
    }
    inf_outbox_log(m->outbox, INF_LOG_WARN,
                   "%.*s says it is at %s, its datagrams come from %s",
                   (int)r->name.len, (const char *)r->name.data,
                   inf_addr_format(&r->addr, says),
                   inf_addr_format(from, comes));
}

void inf_probe_ping(inf_member *m, const inf_message *ping,
                    const inf_addr *from) {
    if (ping->node.len != 0 && !inf_slice_eq(ping->node, m->self->name)) return;
    note_source(m, ping, from);
    inf_addr asker = asker_of(ping, from);
    inf_message ack = {.kind = INF_MESSAGE_ACK, .seq = ping->seq};
    inf_book_met(m, &asker);
    inf_send(m, &asker, &ack);
}

static void send_nack(inf_member *m, const inf_addr *to, uint32_t seq) {
    inf_message nack = {.kind = INF_MESSAGE_NACK, .seq = seq};
    inf_send(m, to, &nack);
}

/* memberlist's helpers nack after their whole probe timeout, which with its
   own profiles is just too late for the prober. */
static uint64_t nack_delay_ms(const inf_member *m) {
    const inf_member_tuning *tuning = &m->tuning;
    if (!tuning->early_nack) return tuning->probe_timeout_ms;
    uint64_t spare = tuning->probe_interval_ms > tuning->probe_timeout_ms
                         ? tuning->probe_interval_ms - tuning->probe_timeout_ms
                         : tuning->probe_timeout_ms;
    uint64_t early = spare * 8 / 10;
    return early < tuning->probe_timeout_ms ? early : tuning->probe_timeout_ms;
}

void inf_probe_indirect(inf_member *m, const inf_message *ask,
                        const inf_addr *from) {
    inf_addr target;
    inf_addr asker = asker_of(ask, from);
    if (inf_addr_from_bytes(&target, ask->target, ask->port) != 0) return;
    /* Members ask, and members are pinged: nobody borrows us to reach others,
       or has us say more than was said to us. */
    member_relay *relay = &m->relays[m->relay_next];
    const member_record *asked = inf_table_at(m, &target);
    if (asked == NULL || asked->self || relay->used ||
        inf_table_at(m, &asker) == NULL) {
        if (ask->nack) send_nack(m, &asker, ask->seq);
        return;
    }
    m->relay_next = (m->relay_next + 1) % INF_RELAYS_MAX;
    *relay = (member_relay){.used = true,
                            .nack = ask->nack,
                            .asked_seq = ask->seq,
                            .asker = asker,
                            .end_ms = m->now_ms + m->tuning.probe_interval_ms,
                            .timer = {.kind = TIMER_RELAY, .owner = relay}};
    relay->seq = inf_pending_add(m, PENDING_RELAY, relay, &target);
    inf_member_wait(m, &relay->timer, m->now_ms + nack_delay_ms(m));
    inf_message ping = ping_for(m, ask->node, relay->seq);
    inf_send(m, &target, &ping);
}

void inf_relay_step(inf_member *m, member_relay *relay) {
    if (relay->nack) {
        relay->nack = false;
        send_nack(m, &relay->asker, relay->asked_seq);
    }
    if (m->now_ms < relay->end_ms) {
        inf_member_wait(m, &relay->timer, relay->end_ms);
        return;
    }
    pending_forget(m, relay->seq);
    relay->used = false;
}

/* ---- hearing answers ----------------------------------------------------- */

/* An ack counts when it comes from the host that was asked, or from one that
   was asked to ask. */
static bool may_answer(const member_pending *p, const inf_addr *from) {
    if (same_host(&p->to, from)) return true;
    if (p->kind != PENDING_PROBE) return false;
    const member_probe *probe = p->owner;
    for (size_t i = 0; i < probe->helper_count; i++) {
        if (same_host(&probe->helpers[i], from)) return true;
    }
    return false;
}

static void relay_acked(inf_member *m, member_relay *relay) {
    inf_message ack = {.kind = INF_MESSAGE_ACK, .seq = relay->asked_seq};
    inf_member_stop(m, &relay->timer);
    relay->used = false;
    inf_send(m, &relay->asker, &ack);
}

/* The name has another living holder, which is on nobody's list any more: no
   gossip reaches it, so it is told who has its name. */
static void rival_acked(inf_member *m, member_record *r,
                        const inf_addr *rival) {
    inf_message word = inf_news_of(r);
    inf_send(m, rival, &word);
    inf_rules_conflict(m, r, rival);
}

void inf_probe_ack(inf_member *m, const inf_message *ack,
                   const inf_addr *from) {
    member_pending *p = pending_find(m, ack->seq);
    if (p == NULL || !may_answer(p, from)) return;
    member_pending known = *p;
    p->kind = PENDING_NONE;
    switch (known.kind) {
    case PENDING_NONE:
        break;
    case PENDING_PROBE: {
        member_probe *probe = known.owner;
        note_ack(m, probe, from);
        succeed(m, probe);
        break;
    }
    case PENDING_RELAY:
        relay_acked(m, known.owner);
        break;
    case PENDING_GOODBYE:
        inf_leave_acked(m, &known.to);
        break;
    case PENDING_CONFLICT:
        rival_acked(m, known.owner, &known.to);
        break;
    }
}

void inf_probe_nack(inf_member *m, const inf_message *nack) {
    member_pending *p = pending_find(m, nack->seq);
    if (p == NULL || p->kind != PENDING_PROBE) return;
    member_probe *probe = p->owner;
    if (probe->nacks < probe->nacks_wanted) probe->nacks++;
}
