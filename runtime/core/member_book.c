/* SPDX-License-Identifier: MIT */
/* How the halves of a partition find each other again. They declare each other
   dead and, as SWIM has it, forget each other. The book keeps the addresses of
   the dead and of the seeds, and tries one of them now and then, ever more
   rarely but for ever, so that the halves meet again without anybody's help.
   Once one of the dead is back, or talks to us, there is no more pause: what
   parted us is over, and gossip about it may be missed. */
#include "core/member_part.h"

enum {
    PAUSE_FACTOR_MAX = 4, /* of the reconnect interval */
    MET_PAUSE_MS = 250    /* between tries of one that talks to us */
};

static member_place *book_find(inf_member *m, const inf_addr *addr) {
    for (size_t i = 0; i < m->book_count; i++) {
        if (inf_addr_eq(&m->book[i].addr, addr)) return &m->book[i];
    }
    return NULL;
}

static void remove_at(inf_member *m, size_t at) {
    m->book[at] = m->book[--m->book_count];
}

/* Makes room by forgetting the oldest address that is not a seed's. */
static bool make_room(inf_member *m) {
    if (m->book_count < INF_BOOK_MAX) return true;
    size_t oldest = m->book_count;
    for (size_t i = 0; i < m->book_count; i++) {
        if (m->book[i].seed) continue;
        if (oldest == m->book_count ||
            m->book[i].since_ms < m->book[oldest].since_ms) {
            oldest = i;
        }
    }
    if (oldest == m->book_count) return false;
    remove_at(m, oldest);
    return true;
}

void inf_book_add(inf_member *m, const inf_addr *addr, bool seed) {
    if (inf_addr_eq(addr, &m->self->addr)) return;
    member_place *place = book_find(m, addr);
    if (place == NULL) {
        if (!make_room(m)) return;
        place = &m->book[m->book_count++];
        *place = (member_place){.addr = *addr};
    }
    place->seed |= seed;
    place->since_ms = m->now_ms;
    place->pause_ms = m->tuning.reconnect_interval_ms;
    place->next_ms = m->now_ms + place->pause_ms;
}

void inf_book_answered(inf_member *m, const inf_addr *addr) {
    member_place *place = book_find(m, addr);
    if (place == NULL) return;
    place->pause_ms = m->tuning.reconnect_interval_ms;
    if (!place->seed) remove_at(m, (size_t)(place - m->book));
}

void inf_book_hurry(inf_member *m) {
    uint32_t interval_ms = m->tuning.reconnect_interval_ms;
    if (interval_ms == 0) return;
    for (size_t i = 0; i < m->book_count; i++) {
        member_place *place = &m->book[i];
        uint64_t soon_ms = m->now_ms + inf_rng_below(&m->rng, interval_ms);
        place->pause_ms = interval_ms;
        if (place->next_ms > soon_ms) place->next_ms = soon_ms;
    }
}

/* A live member at the address leaves nothing to heal. */
static bool worth_trying(inf_member *m, const member_place *place) {
    const member_record *r = inf_table_at(m, &place->addr);
    return r == NULL || r->state == INF_MEMBER_DEAD;
}

void inf_book_met(inf_member *m, const inf_addr *addr) {
    member_place *place = book_find(m, addr);
    if (place == NULL || m->tuning.reconnect_interval_ms == 0 ||
        m->now_ms < place->tried_ms + MET_PAUSE_MS || !worth_trying(m, place)) {
        return;
    }
    place->pause_ms = m->tuning.reconnect_interval_ms;
    place->next_ms = m->now_ms;
    inf_member_wait(m, &m->book_timer, m->now_ms);
}

static void tidy(inf_member *m) {
    for (size_t i = 0; i < m->book_count;) {
        const member_place *place = &m->book[i];
        bool stale = m->now_ms - place->since_ms > m->tuning.tombstone_ms;
        if (!place->seed && (stale || !worth_trying(m, place))) {
            remove_at(m, i);
        } else {
            i++;
        }
    }
}

static void try_place(inf_member *m, member_place *place) {
    uint64_t longest =
        (uint64_t)m->tuning.reconnect_interval_ms * PAUSE_FACTOR_MAX;
    uint64_t pause_ms = (uint64_t)place->pause_ms * 2;
    place->pause_ms = (uint32_t)(pause_ms < longest ? pause_ms : longest);
    place->next_ms = m->now_ms + place->pause_ms / 2 +
                     inf_rng_below(&m->rng, place->pause_ms / 2 + 1);
    place->tried_ms = m->now_ms;
    const member_record *r = inf_table_at(m, &place->addr);
    inf_slice name = r != NULL ? r->name : (inf_slice){NULL, 0};
    (void)inf_talk_dial(m, TALK_RECONNECT, &place->addr, name);
}

void inf_book_tick(inf_member *m) {
    uint32_t interval_ms = m->tuning.reconnect_interval_ms;
    inf_member_wait(m, &m->book_timer,
                    m->now_ms + interval_ms / 2 +
                        inf_rng_below(&m->rng, interval_ms));
    if (m->goodbye != GOODBYE_NOT) return;
    tidy(m);
    if (m->book_count == 0) return;
    size_t start = (size_t)inf_rng_below(&m->rng, m->book_count);
    for (size_t i = 0; i < m->book_count; i++) {
        member_place *place = &m->book[(start + i) % m->book_count];
        if (m->now_ms < place->next_ms || !worth_trying(m, place)) continue;
        try_place(m, place);
        return;
    }
}
