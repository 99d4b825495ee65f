/* SPDX-License-Identifier: MIT */
/* What is believed. A record at incarnation i hears a message at j:

       alive j     wins when j > i, or the member is new
       suspect j   wins when j >= i and it is thought alive
       dead j      wins when j >= i and it is not thought dead or left

   so dead beats suspect beats alive at equal incarnations, and only the member
   itself ever raises its incarnation (SWIM, 4.2). Beside memberlist's rules a
   boot generation counts: a later life of one of ours takes its name over at
   once, wherever it lives now, and news of an earlier life is no news. */
#include "core/member_part.h"

#define INCARNATION_MAX 0xffff0000u /* room is kept for refutations */

enum { CONFLICT_PAUSE_MS = 30000 }; /* between two words about one conflict */

/* Above it a member could not outbid what is said of it: nobody gets there by
   telling the truth. */
static bool too_high(inf_member *m, const inf_message *message) {
    if (message->incarnation < INCARNATION_MAX) return false;
    m->stats.bad_packets++;
    return true;
}

static bool vsn_valid(inf_slice vsn) {
    if (vsn.len != INF_VSN) return false;
    return vsn.data[0] != 0 && vsn.data[0] <= vsn.data[1];
}

/* ---- about ourselves ----------------------------------------------------- */

void inf_rules_announce(inf_member *m) {
    m->self->incarnation++;
    inf_news_alive(m, m->self);
}

static void refute(inf_member *m, uint32_t incarnation) {
    member_record *self = m->self;
    if (incarnation > self->incarnation) self->incarnation = incarnation;
    m->stats.refutations++;
    inf_member_doubt(m, 1);
    inf_rules_announce(m);
}

void inf_rules_conflict(inf_member *m, member_record *r,
                        const inf_addr *rival) {
    if (r->conflict_ms != 0 && m->now_ms - r->conflict_ms < CONFLICT_PAUSE_MS) {
        return;
    }
    r->conflict_ms = m->now_ms != 0 ? m->now_ms : 1;
    char ours[INF_ADDR_TEXT_MAX];
    char theirs[INF_ADDR_TEXT_MAX];
    inf_outbox_log(m->outbox, INF_LOG_WARN, "two nodes are called %.*s: %s, %s",
                   (int)r->name.len, (const char *)r->name.data,
                   inf_addr_format(&r->addr, ours),
                   inf_addr_format(rival, theirs));
    inf_table_tell(m, r, INF_CHANGE_CONFLICT);
}

static uint64_t boot_of(inf_slice meta) {
    return inf_meta_number(meta, inf_slice_str(INF_TAG_BOOT));
}

/* Another address has our name. A former life of ours is outlived; a living
   namesake is reported, and nobody is harmed. */
static void rival_heard(inf_member *m, const inf_message *message,
                        const inf_addr *addr) {
    uint64_t boot = boot_of(message->meta);
    if (boot != 0 && boot < m->self->boot) {
        if (message->incarnation >= m->self->incarnation) {
            refute(m, message->incarnation);
        }
        inf_probe_rival(m, addr, m->self);
        return;
    }
    inf_rules_conflict(m, m->self, addr);
}

static void alive_self(inf_member *m, const inf_message *message,
                       const inf_addr *addr) {
    member_record *self = m->self;
    if (m->goodbye != GOODBYE_NOT) return;
    if (!inf_addr_eq(addr, &self->addr)) {
        rival_heard(m, message, addr);
        return;
    }
    if (message->incarnation < self->incarnation) return;
    if (message->incarnation == self->incarnation &&
        inf_slice_eq(message->meta, self->meta) &&
        inf_slice_eq(message->vsn, inf_slice_of(self->vsn, INF_VSN))) {
        return;
    }
    refute(m, message->incarnation);
}

static void doubted_self(inf_member *m, uint32_t incarnation) {
    if (m->goodbye != GOODBYE_NOT) return;
    if (incarnation >= m->self->incarnation) refute(m, incarnation);
}

/* ---- alive --------------------------------------------------------------- */

static void end_suspicion(inf_member *m, member_record *r) {
    if (r->suspicion == NULL) return;
    inf_member_stop(m, &r->suspicion->timer);
    inf_free(m->mem, r->suspicion);
    r->suspicion = NULL;
}

/* Writes what the message says into the record, spreads it, tells of it. */
static void take_alive(inf_member *m, member_record *r,
                       const inf_message *message, bool new_life) {
    inf_member_state before = r->state;
    bool same_meta = inf_slice_eq(r->meta, message->meta);
    if (new_life &&
        (before == INF_MEMBER_ALIVE || before == INF_MEMBER_SUSPECT))
        inf_table_tell(m, r, INF_CHANGE_FAIL);
    if (!same_meta && !inf_table_set_meta(m, r, message->meta)) return;
    r->incarnation = message->incarnation;
    memcpy(r->vsn, message->vsn.data, INF_VSN);
    end_suspicion(m, r);
    inf_table_set_state(m, r, INF_MEMBER_ALIVE);
    inf_news_alive(m, r);
    if (before == INF_MEMBER_DEAD) inf_book_hurry(m);
    if (new_life || before == INF_MEMBER_DEAD || before == INF_MEMBER_LEFT) {
        r->heard_ms = 0;
        r->path = (inf_member_path){0};
        inf_table_tell(m, r, INF_CHANGE_JOIN);
    } else if (!same_meta) {
        inf_table_tell(m, r, INF_CHANGE_UPDATE);
    } else if (before == INF_MEMBER_SUSPECT) {
        inf_table_tell(m, r, INF_CHANGE_ALIVE);
    }
}

/* May the name move to this address? */
static bool may_move(inf_member *m, const member_record *r, bool new_life) {
    if (new_life || r->state == INF_MEMBER_LEFT) return true;
    return r->state == INF_MEMBER_DEAD && m->tuning.dead_reclaim_ms != 0 &&
           m->now_ms - r->since_ms > m->tuning.dead_reclaim_ms;
}

static void alive_known(inf_member *m, member_record *r,
                        const inf_message *message, const inf_addr *addr) {
    bool same = inf_slice_eq(message->meta, r->meta); /* the usual case */
    uint64_t boot = same ? r->boot : boot_of(message->meta);
    bool held = r->state == INF_MEMBER_ALIVE || r->state == INF_MEMBER_SUSPECT;
    bool new_life = boot > r->boot && r->boot != 0;
    if (held && boot < r->boot && boot != 0) {
        if (!inf_addr_eq(addr, &r->addr)) inf_probe_rival(m, addr, r);
        return;
    }
    if (!inf_addr_eq(addr, &r->addr)) {
        if (!may_move(m, r, new_life)) {
            inf_rules_conflict(m, r, addr);
            return;
        }
        if (held) inf_probe_rival(m, &r->addr, r);
        inf_table_move(m, r, addr);
        take_alive(m, r, message, new_life);
        return;
    }
    if (new_life || message->incarnation > r->incarnation) {
        r->wrongly_dead |= !new_life && r->refused_dead;
        r->refused_dead = false;
        take_alive(m, r, message, new_life);
    }
}

void inf_rules_alive(inf_member *m, const inf_message *message) {
    inf_addr addr;
    if (!inf_name_valid(message->node) || message->meta.len > INF_META_MAX ||
        !vsn_valid(message->vsn) ||
        inf_addr_from_bytes(&addr, message->addr, message->port) != 0 ||
        !inf_addr_is_unicast(&addr)) {
        m->stats.bad_packets++;
        return;
    }
    if (too_high(m, message)) return;
    member_record *r = inf_table_find(m, message->node);
    if (r == m->self) {
        alive_self(m, message, &addr);
        return;
    }
    if (m->goodbye == GOODBYE_DONE) return;
    if (r != NULL) {
        alive_known(m, r, message, &addr);
        return;
    }
    r = inf_table_add(m, message->node, &addr);
    if (r != NULL) take_alive(m, r, message, false);
}

/* ---- suspect ------------------------------------------------------------- */

static uint64_t witness(inf_slice name) {
    return inf_hash(name, 0);
}

/* The timer runs out at the end, or a little earlier to ask once more. */
static void await_end(inf_member *m, member_suspicion *s) {
    uint64_t early_ms = m->tuning.probe_timeout_ms;
    bool ask =
        m->tuning.last_word && !s->asked && s->end_ms > m->now_ms + early_ms;
    inf_member_wait(m, &s->timer, ask ? s->end_ms - early_ms : s->end_ms);
}

static void confirm(inf_member *m, member_record *r,
                    const inf_message *message) {
    member_suspicion *s = r->suspicion;
    if (s == NULL || s->confirmed >= s->wanted) return;
    uint64_t who = witness(message->from);
    for (size_t i = 0; i <= s->confirmed; i++) {
        if (s->witnesses[i] == who) return;
    }
    s->witnesses[++s->confirmed] = who;
    s->end_ms = s->started_ms +
                inf_suspicion_ms(s->min_ms, s->max_ms, s->wanted, s->confirmed);
    await_end(m, s);
    inf_news_put(m, r, message);
}

static void begin_suspicion(inf_member *m, member_record *r, inf_slice from) {
    const inf_member_tuning *tuning = &m->tuning;
    size_t n = tuning->count_live ? m->live : m->count + 1;
    member_suspicion *s = inf_zalloc(m->mem, sizeof *s);
    if (s == NULL) return;
    r->suspicion = s;
    s->started_ms = m->now_ms;
    s->timer = (member_timer){.kind = TIMER_SUSPICION, .owner = r};
    s->min_ms = inf_suspicion_min_ms(tuning, n);
    s->max_ms = s->min_ms * tuning->suspicion_max_mult;
    uint32_t wanted =
        tuning->suspicion_mult > 2 ? tuning->suspicion_mult - 2 : 0;
    if (wanted >= INF_CONFIRMERS_MAX) wanted = INF_CONFIRMERS_MAX - 1;
    if (n < 2 + (size_t)wanted || !tuning->dynamic_suspicion) wanted = 0;
    s->wanted = wanted;
    s->witnesses[0] = witness(from);
    s->end_ms = m->now_ms + inf_suspicion_ms(s->min_ms, s->max_ms, wanted, 0);
    await_end(m, s);
}

/* Confirmations would come when the others' turn comes to probe the suspect. A
   few who hear of it, drawn by chance so that a large cluster does not fall
   upon one member, look for themselves at once: the dead are found sooner, and
   the living hear sooner what is said of them. */
static void second_opinion(inf_member *m, member_record *r, inf_slice from) {
    uint32_t wanted = r->suspicion->wanted;
    if (!m->tuning.second_opinion || wanted == 0) return;
    if (inf_slice_eq(from, m->self->name)) return;
    if (inf_rng_below(&m->rng, m->live) < 2 * (uint64_t)wanted) {
        inf_probe_hearsay(m, r);
    }
}

void inf_rules_suspect(inf_member *m, const inf_message *message) {
    member_record *r = inf_table_find(m, message->node);
    if (r == NULL || message->incarnation < r->incarnation) return;
    if (message->from.len > INF_NODE_NAME_MAX || too_high(m, message)) return;
    if (r == m->self) {
        doubted_self(m, message->incarnation);
        return;
    }
    if (r->state == INF_MEMBER_SUSPECT) confirm(m, r, message);
    if (r->state != INF_MEMBER_ALIVE) return;
    m->stats.suspicions++;
    begin_suspicion(m, r, message->from);
    if (r->suspicion == NULL) return;
    r->incarnation = message->incarnation;
    inf_table_set_state(m, r, INF_MEMBER_SUSPECT);
    inf_news_put(m, r, message);
    inf_table_tell(m, r, INF_CHANGE_SUSPECT);
    second_opinion(m, r, message->from);
}

/* ---- dead ---------------------------------------------------------------- */

void inf_rules_dead(inf_member *m, const inf_message *message) {
    member_record *r = inf_table_find(m, message->node);
    if (r == NULL || message->incarnation < r->incarnation) return;
    if (message->from.len > INF_NODE_NAME_MAX || too_high(m, message)) return;
    if (r == m->self) {
        doubted_self(m, message->incarnation);
        return;
    }
    if (r->state == INF_MEMBER_DEAD || r->state == INF_MEMBER_LEFT) return;
    bool left = inf_slice_eq(message->from, message->node);
    m->stats.deaths++;
    end_suspicion(m, r);
    inf_probe_drop(m, r);
    r->incarnation = message->incarnation;
    inf_table_set_state(m, r, left ? INF_MEMBER_LEFT : INF_MEMBER_DEAD);
    inf_news_put(m, r, message);
    inf_table_tell(m, r, left ? INF_CHANGE_LEAVE : INF_CHANGE_FAIL);
    if (left) return;
    inf_book_add(m, &r->addr, false);
    if (m->live == 1 && m->goodbye == GOODBYE_NOT) {
        inf_outbox_log(m->outbox, INF_LOG_WARN,
                       "alone: all others are dead to us, %.*s the last; is it "
                       "us who are cut off?",
                       (int)r->name.len, (const char *)r->name.data);
    }
}

/* ---- our own word -------------------------------------------------------- */

static inf_message word_about(const inf_member *m, const member_record *r,
                              inf_message_kind kind) {
    return (inf_message){.kind = kind,
                         .node = r->name,
                         .from = m->self->name,
                         .incarnation = r->incarnation};
}

void inf_rules_suspect_by_us(inf_member *m, member_record *r) {
    inf_message word = word_about(m, r, INF_MESSAGE_SUSPECT);
    inf_rules_suspect(m, &word);
}

void inf_rules_dead_by_us(inf_member *m, member_record *r) {
    inf_message word = word_about(m, r, INF_MESSAGE_DEAD);
    inf_rules_dead(m, &word);
}

void inf_rules_expired(inf_member *m, member_record *r) {
    member_suspicion *s = r->suspicion;
    if (r->state != INF_MEMBER_SUSPECT || s == NULL) return;
    if (m->now_ms >= s->end_ms) {
        inf_rules_dead_by_us(m, r);
        return;
    }
    s->asked = true;
    inf_probe_last_word(m, r);
    await_end(m, s);
}

/* A peer's list is hearsay. memberlist takes its suspects and its dead for
   suspects, on its own account; but then an accuser hears its own word back
   from many mouths and takes it for confirmation. So rather ask the member. */
static void doubt_heard(inf_member *m, const inf_message *state) {
    member_record *r = inf_table_find(m, state->node);
    if (r != NULL && !r->self && m->tuning.verify_hearsay) {
        bool news = state->incarnation >= r->incarnation;
        if (r->state == INF_MEMBER_ALIVE && news) inf_probe_hearsay(m, r);
        return;
    }
    inf_message word = *state;
    word.kind = INF_MESSAGE_SUSPECT;
    word.from = m->self->name;
    inf_rules_suspect(m, &word);
}

void inf_rules_merge(inf_member *m, const inf_message *state) {
    inf_message word = *state;
    switch (state->state) {
    case INF_MEMBER_ALIVE:
        word.kind = INF_MESSAGE_ALIVE;
        inf_rules_alive(m, &word);
        break;
    case INF_MEMBER_LEFT:
        word.kind = INF_MESSAGE_DEAD;
        word.from = word.node;
        inf_rules_dead(m, &word);
        break;
    case INF_MEMBER_SUSPECT:
    case INF_MEMBER_DEAD:
        doubt_heard(m, state);
        break;
    default:
        m->stats.bad_packets++;
    }
}
