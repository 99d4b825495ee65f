/* SPDX-License-Identifier: MIT */
/* Membership: SWIM (Das, Gupta, Motivala, "SWIM: Scalable Weakly-consistent
   Infection-style Process Group Membership Protocol", 2002) with Lifeguard
   (Dadgar, Phillips, Currey, "Lifeguard: Local Health Awareness for More
   Accurate Failure Detection", 2017), in the wire format of memberlist.

   Every interval a member probes one other, in shuffled order, so the cost per
   member does not depend on how many there are, and a crash is first noticed
   after e/(e-1), about 1.58, intervals on average and 2n-1 at most. What one
   notices spreads as an epidemic on datagrams that travel anyway. Nobody dies
   of one lost packet: the silent one is first suspected, hears of it and may
   refute, and the less its accusers trust their own health, or the fewer they
   are, the more time it has.

   The files of this part:
       member.c        birth, time, dispatch, views
       member_table    records, by name, by address, in shuffled order
       member_rules    what is believed
       member_probe    are you there?
       member_gossip   news on its way
       member_stream   push/pull and the ping by stream
       member_join     coming and going
       member_book     healing
       member_user     notices between our kind, Serf's events
       member_meta     tags
       member_suspicion, member_tuning, member_settings: arithmetic, constants
                       and their names */
#include "core/member_part.h"

enum { STALL_MIN_MS = 100 }; /* shorter lags are a scheduler's daily bread */

static const uint8_t our_vsn[INF_VSN] = {1, 5, 2, 2, 5, 5};

/* ---- birth --------------------------------------------------------------- */

static int check(const inf_member_config *config) {
    if (!inf_name_valid(config->name)) return INF_ENAME;
    if (!inf_addr_is_unicast(&config->addr)) return INF_EADDRESS;
    if (config->meta.len > INF_META_MAX) return INF_ETOOBIG;
    if (config->label.len > INF_LABEL_MAX) return INF_ETOOBIG;
    const inf_member_tuning *tuning = &config->tuning;
    if (tuning->probe_interval_ms == 0 || tuning->gossip_interval_ms == 0 ||
        tuning->probe_timeout_ms == 0 || tuning->awareness_max == 0 ||
        inf_tuning_fault(tuning) != NULL || tuning->packet_max < 576 ||
        tuning->stream_timeout_ms == 0 || config->outbox == NULL) {
        return INF_EINVAL;
    }
    return 0;
}

static void init_maps(inf_member *m) {
    inf_hash_key keys[3];
    for (size_t i = 0; i < INF_COUNT(keys); i++) {
        uint64_t words[2] = {inf_rng_next(&m->rng), inf_rng_next(&m->rng)};
        memcpy(keys[i].bytes, words, sizeof keys[i].bytes);
    }
    inf_map_init(&m->by_name, m->mem, keys[0]);
    inf_map_init(&m->by_addr, m->mem, keys[1]);
    inf_map_init(&m->talks, m->mem, keys[2]);
}

static void init_parts(inf_member *m, const inf_member_config *config) {
    m->outbox = config->outbox;
    m->keys = config->keys;
    m->tuning = config->tuning;
    if (config->label.len != 0) {
        memcpy(m->label, config->label.data, config->label.len);
    }
    m->framing =
        (inf_framing){.keys = config->keys,
                      .label = inf_slice_of(m->label, config->label.len),
                      .compress = config->tuning.compress};
    inf_rng_seed(&m->rng, config->seed);
    init_maps(m);
    inf_heap_init(&m->heap, m->mem);
    inf_queue_init(&m->changes);
    inf_packet_reader_init(&m->reader, m->mem);
    inf_packet_init(&m->writer, m->mem);
    inf_buf_init(&m->scratch, m->mem);
    inf_buf_init(&m->datagram, m->mem);
    inf_buf_init(&m->encoded, m->mem);
    m->seq = (uint32_t)inf_rng_next(&m->rng);
    m->serf_clock = 1;
    m->event_clock = 1;
}

static int make_self(inf_member *m, const inf_member_config *config) {
    m->pending = inf_zalloc(m->mem, INF_PENDING_MAX * sizeof *m->pending);
    m->relays = inf_zalloc(m->mem, INF_RELAYS_MAX * sizeof *m->relays);
    m->book = inf_zalloc(m->mem, INF_BOOK_MAX * sizeof *m->book);
    if (m->pending == NULL || m->relays == NULL || m->book == NULL) {
        return INF_ENOMEM;
    }
    member_record *self = inf_table_add(m, config->name, &config->addr);
    if (self == NULL) return INF_ENOMEM;
    m->self = self;
    if (!inf_table_set_meta(m, self, config->meta)) return INF_ENOMEM;
    memcpy(self->vsn, our_vsn, INF_VSN);
    self->incarnation = config->incarnation != 0 ? config->incarnation : 1;
    inf_table_set_state(m, self, INF_MEMBER_ALIVE);
    return 0;
}

/* Each periodic task starts somewhere within its first interval, so that
   nodes born together do not march in step. */
static void begin(inf_member *m, member_timer *timer, member_timer_kind kind,
                  uint32_t interval_ms) {
    timer->kind = kind;
    if (interval_ms == 0) return;
    inf_member_wait(m, timer, m->now_ms + inf_rng_below(&m->rng, interval_ms));
}

int inf_member_new(inf_member **out, const inf_member_config *config,
                   uint64_t now_ms) {
    int rc = check(config);
    if (rc != 0) return rc;
    inf_alloc *mem = config->mem != NULL ? config->mem : inf_alloc_libc();
    inf_member *m = inf_zalloc(mem, sizeof *m);
    if (m == NULL) return INF_ENOMEM;
    m->mem = mem;
    m->now_ms = now_ms;
    init_parts(m, config);
    rc = make_self(m, config);
    if (rc != 0) {
        inf_member_free(m);
        return rc;
    }
    const inf_member_tuning *tuning = &m->tuning;
    begin(m, &m->probe_timer, TIMER_PROBE, tuning->probe_interval_ms);
    begin(m, &m->gossip_timer, TIMER_GOSSIP, tuning->gossip_interval_ms);
    begin(m, &m->push_pull_timer, TIMER_PUSH_PULL,
          tuning->push_pull_interval_ms);
    begin(m, &m->book_timer, TIMER_BOOK, tuning->reconnect_interval_ms);
    m->leave_timer.kind = TIMER_LEAVE;
    inf_news_alive(m, m->self);
    *out = m;
    return 0;
}

void inf_member_free(inf_member *m) {
    if (m == NULL) return;
    inf_news_clear(m);
    inf_table_clear(m);
    inf_talk_clear(m);
    inf_join_clear(m);
    inf_queue_clear(m, &m->changes);
    inf_heap_deinit(&m->heap);
    inf_packet_reader_deinit(&m->reader);
    inf_packet_deinit(&m->writer);
    inf_buf_deinit(&m->scratch);
    inf_buf_deinit(&m->datagram);
    inf_buf_deinit(&m->encoded);
    inf_free(m->mem, m->pending);
    inf_free(m->mem, m->relays);
    inf_free(m->mem, m->book);
    inf_free(m->mem, m);
}

/* ---- time ---------------------------------------------------------------- */

void inf_member_wait(inf_member *m, member_timer *timer, uint64_t due_ms) {
    if (inf_heap_set(&m->heap, &timer->item, due_ms) != 0) {
        inf_outbox_log(m->outbox, INF_LOG_ERROR, "out of memory for a timer");
    }
}

void inf_member_stop(inf_member *m, member_timer *timer) {
    inf_heap_remove(&m->heap, &timer->item);
}

void inf_member_doubt(inf_member *m, int delta) {
    int most = (int)m->tuning.awareness_max - 1;
    int health = (int)m->health + delta;
    if (health < 0) health = 0;
    m->health = (unsigned)(health < most ? health : most);
}

static void delay(inf_member *m, member_timer *timer, uint64_t by_ms) {
    if (timer->item.position == 0) return;
    inf_member_wait(m, timer, timer->item.due_ms + by_ms);
}

/* While we stood still nobody could reach us: what ran out meanwhile says
   nothing about the others, so every wait for somebody starts where it stood.
   And whoever stalls once had better doubt itself. */
static void resume(inf_member *m, uint64_t lag_ms) {
    m->stats.stalls++;
    inf_member_doubt(m, 1);
    for (size_t i = 0; i < INF_PROBES_MAX; i++) {
        m->probes[i].deadline_ms += lag_ms;
        delay(m, &m->probes[i].timer, lag_ms);
    }
    for (size_t i = 0; i < INF_RELAYS_MAX; i++)
        delay(m, &m->relays[i].timer, lag_ms);
    for (size_t i = 0; i < m->count; i++) {
        member_suspicion *s = m->order[i]->suspicion;
        if (s == NULL) continue;
        s->started_ms += lag_ms;
        s->end_ms += lag_ms;
        delay(m, &s->timer, lag_ms);
    }
    size_t at = 0;
    for (member_talk *talk; (talk = inf_map_next(&m->talks, &at)) != NULL;)
        delay(m, &talk->timer, lag_ms);
}

void inf_member_enter(inf_member *m, uint64_t now_ms) {
    if (now_ms <= m->now_ms || now_ms > INF_NEVER / 2) return;
    uint64_t due_ms = inf_heap_due_ms(&m->heap);
    if (due_ms < m->now_ms) due_ms = m->now_ms;
    uint64_t stall_ms = m->tuning.probe_timeout_ms / 2;
    if (stall_ms < STALL_MIN_MS) stall_ms = STALL_MIN_MS;
    m->now_ms = now_ms;
    if (m->tuning.stall_guard && due_ms != INF_NEVER && due_ms < now_ms &&
        now_ms - due_ms > stall_ms) {
        resume(m, now_ms - due_ms);
    }
}

static void fire(inf_member *m, member_timer *timer) {
    switch (timer->kind) {
    case TIMER_PROBE:
        inf_probe_tick(m);
        break;
    case TIMER_PROBE_STEP:
        inf_probe_step(m, timer->owner);
        break;
    case TIMER_GOSSIP:
        inf_member_wait(m, timer, m->now_ms + m->tuning.gossip_interval_ms);
        inf_gossip_tick(m);
        break;
    case TIMER_PUSH_PULL:
        inf_push_pull_tick(m);
        break;
    case TIMER_BOOK:
        inf_book_tick(m);
        break;
    case TIMER_LEAVE:
        inf_leave_step(m);
        break;
    case TIMER_SUSPICION:
        inf_rules_expired(m, timer->owner);
        break;
    case TIMER_TALK:
        inf_talk_expired(m, timer->owner);
        break;
    case TIMER_RELAY:
        inf_relay_step(m, timer->owner);
        break;
    }
}

void inf_member_tick(inf_member *m, uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    while (inf_heap_due_ms(&m->heap) <= m->now_ms) {
        inf_heap_item *item = inf_heap_first(&m->heap);
        inf_heap_remove(&m->heap, item);
        fire(m, (member_timer *)item);
    }
}

uint64_t inf_member_deadline(const inf_member *m) {
    return inf_heap_due_ms(&m->heap);
}

static void heard(inf_member *m, member_record *r) {
    r->heard_ms = m->now_ms != 0 ? m->now_ms : 1;
}

/* ---- what cannot be read ------------------------------------------------- */

static const char *complaint(const inf_member *m, int status) {
    bool keyed = inf_keyring_count(m->keys) != 0;
    if (status == INF_ECRYPT && keyed) {
        return "wrong key, or none: no key of ours opens what it sends";
    }
    if (status == INF_ECRYPT) return "it has a key, and we have none";
    if (status == INF_EVERSION) return "its label is another than ours";
    return inf_strerror(status);
}

void inf_member_complain(inf_member *m, const inf_addr *from, int status) {
    char addr[INF_ADDR_TEXT_MAX];
    uint32_t swallowed = 0;
    m->stats.bad_packets++;
    if (status == INF_ECRYPT) m->stats.sealed_alien++;
    if (!inf_quiet_may(&m->quiet, from, status, m->now_ms, &swallowed)) return;
    (void)inf_addr_format(from, addr);
    if (swallowed == 0) {
        inf_outbox_log(m->outbox, INF_LOG_WARN, "%s: %s", addr,
                       complaint(m, status));
    } else {
        inf_outbox_log(m->outbox, INF_LOG_WARN, "%s: %s (%u times more)", addr,
                       complaint(m, status), (unsigned)swallowed);
    }
}

/* ---- datagrams ----------------------------------------------------------- */

typedef struct arrival {
    inf_member *member;
    const inf_addr *from;
} arrival;

static void hear(inf_member *m, const inf_message *message,
                 const inf_addr *from) {
    switch (message->kind) {
    case INF_MESSAGE_PING:
        inf_probe_ping(m, message, from);
        break;
    case INF_MESSAGE_INDIRECT:
        inf_probe_indirect(m, message, from);
        break;
    case INF_MESSAGE_ACK:
        inf_probe_ack(m, message, from);
        break;
    case INF_MESSAGE_NACK:
        inf_probe_nack(m, message);
        break;
    case INF_MESSAGE_ALIVE:
        inf_rules_alive(m, message);
        break;
    case INF_MESSAGE_SUSPECT:
        inf_rules_suspect(m, message);
        break;
    case INF_MESSAGE_DEAD:
        inf_rules_dead(m, message);
        break;
    case INF_MESSAGE_USER:
        inf_user_heard(m, message->body);
        break;
    case INF_MESSAGE_PUSH_PULL:
    case INF_MESSAGE_ERROR:
    case INF_MESSAGE_COMPOUND:
    case INF_MESSAGE_COMPRESSED:
    case INF_MESSAGE_ENCRYPTED:
    case INF_MESSAGE_CRC:
    case INF_MESSAGE_KINDS:
    case INF_MAP_STREAM_USER:
    case INF_MAP_SERF_LEAVE:
    case INF_MAP_SERF_JOIN:
    case INF_MAP_SERF_STATE:
    case INF_MAP_SERF_EVENT:
    case INF_MAP_KINDS:
        m->stats.bad_packets++; /* no business of a datagram */
        break;
    }
}

static void visit(void *ctx, inf_slice bytes) {
    arrival *how = ctx;
    inf_message message;
    if (inf_message_decode(&message, bytes) != 0) {
        how->member->stats.bad_packets++;
        return;
    }
    hear(how->member, &message, how->from);
}

void inf_member_packet(inf_member *m, const inf_addr *from, inf_slice bytes,
                       uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    m->stats.packets_in++;
    m->stats.bytes_in += bytes.len;
    arrival how = {.member = m, .from = from};
    int rc = inf_packet_read(&m->reader, &m->framing, bytes, visit, &how);
    if (rc == INF_ECRYPT || rc == INF_EVERSION) {
        inf_member_complain(m, from, rc);
        return;
    }
    if (rc != 0) {
        m->stats.bad_packets++; /* any port of the net gets noise */
        return;
    }
    member_record *r = inf_table_at(m, from);
    if (r != NULL) heard(m, r);
}

/* ---- views --------------------------------------------------------------- */

static void view(const member_record *r, inf_member_view *out) {
    *out = (inf_member_view){.name = r->name,
                             .state = r->state,
                             .incarnation = r->incarnation,
                             .addr = r->addr,
                             .meta = r->meta,
                             .boot = r->ours ? r->boot : 0,
                             .rpc_port = r->rpc_port,
                             .ours = r->ours,
                             .path = r->path,
                             .self = r->self};
}

bool inf_member_next(const inf_member *m, size_t *at, inf_member_view *out) {
    if (*at > m->count) return false;
    view(*at == 0 ? m->self : m->order[*at - 1], out);
    (*at)++;
    return true;
}

bool inf_member_find(const inf_member *m, inf_slice name,
                     inf_member_view *out) {
    const member_record *r = inf_table_find(m, name);
    if (r != NULL) view(r, out);
    return r != NULL;
}

unsigned inf_member_health(const inf_member *m) {
    return m->health;
}

size_t inf_member_live(const inf_member *m) {
    return m->live;
}

inf_member_stats inf_member_stats_of(const inf_member *m) {
    return m->stats;
}

/* ---- commands that need no file of their own ----------------------------- */

int inf_member_set_meta(inf_member *m, inf_slice meta, uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    if (meta.len > INF_META_MAX) return INF_ETOOBIG;
    if (inf_slice_eq(meta, m->self->meta)) return 0;
    if (!inf_table_set_meta(m, m->self, meta)) return INF_ENOMEM;
    if (m->goodbye == GOODBYE_NOT) inf_rules_announce(m);
    return 0;
}

void inf_member_suspicious(inf_member *m, inf_slice name, int status,
                           uint64_t now_ms) {
    inf_member_enter(m, now_ms);
    member_record *r = inf_table_find(m, name);
    if (r == NULL || r->self || m->goodbye != GOODBYE_NOT) return;
    /* What broke had been open: somebody did listen there. */
    if (status != INF_EUNREACHABLE) heard(m, r);
    inf_probe_now(m, r, status == INF_EUNREACHABLE);
}
