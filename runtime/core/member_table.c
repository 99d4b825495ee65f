/* SPDX-License-Identifier: MIT */
/* The records: found by name and by address, walked in a shuffled order. */
#include "core/member_part.h"

static size_t addr_key(const inf_addr *addr, uint8_t key[INF_ADDR_KEY]) {
    memcpy(key, addr->ip, addr->len);
    key[addr->len] = (uint8_t)(addr->port >> 8);
    key[addr->len + 1] = (uint8_t)addr->port;
    return (size_t)addr->len + 2;
}

member_record *inf_table_find(const inf_member *m, inf_slice name) {
    return inf_map_get(&m->by_name, name);
}

member_record *inf_table_at(const inf_member *m, const inf_addr *addr) {
    uint8_t key[INF_ADDR_KEY];
    size_t len = addr_key(addr, key);
    return inf_map_get(&m->by_addr, inf_slice_of(key, len));
}

static inf_slice key_of(const member_record *r) {
    return inf_slice_of(r->addr_key, (size_t)r->addr.len + 2);
}

/* The latest record of an address has it; a namesake's tombstone gives way. */
static void list_addr(inf_member *m, member_record *r) {
    member_record *held = inf_map_get(&m->by_addr, key_of(r));
    if (held == r) return;
    if (held != NULL) {
        (void)inf_map_remove(&m->by_addr, key_of(held));
        held->by_addr = false;
    }
    r->by_addr = inf_map_set(&m->by_addr, key_of(r), r) == 0;
}

static void unlist_addr(inf_member *m, member_record *r) {
    if (r->by_addr) (void)inf_map_remove(&m->by_addr, key_of(r));
    r->by_addr = false;
}

void inf_table_move(inf_member *m, member_record *r, const inf_addr *addr) {
    unlist_addr(m, r);
    r->addr = *addr;
    r->heard_ms = 0;
    r->wrongly_dead = false;
    r->refused_dead = false;
    (void)addr_key(addr, r->addr_key);
    if (r->state == INF_MEMBER_ALIVE || r->state == INF_MEMBER_SUSPECT) {
        list_addr(m, r);
    }
}

bool inf_name_valid(inf_slice name) {
    if (name.len == 0 || name.len > INF_NODE_NAME_MAX) return false;
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] > '~') return false;
    }
    return true;
}

static bool make_room(inf_member *m) {
    if (m->count + 1 >= INF_RECORDS_MAX) return false; /* self counts */
    if (m->count < m->cap) return true;
    size_t cap = m->cap == 0 ? 16 : m->cap * 2;
    member_record **order =
        inf_realloc(m->mem, m->order, cap * sizeof(member_record *));
    if (order == NULL) return false;
    m->order = order;
    m->cap = cap;
    return true;
}

/* At the end, then exchanged with a random place: a full pass of the prober
   still meets everybody once (SWIM, 4.3). */
static void put_in_order(inf_member *m, member_record *r) {
    size_t at = (size_t)inf_rng_below(&m->rng, m->count + 1);
    m->order[m->count] = r;
    r->place = m->count++;
    member_record *other = m->order[at];
    m->order[r->place] = other;
    other->place = r->place;
    m->order[at] = r;
    r->place = at;
}

member_record *inf_table_add(inf_member *m, inf_slice name,
                             const inf_addr *addr) {
    bool self = m->self == NULL;
    if (!self && !make_room(m)) return NULL;
    member_record *r = inf_zalloc(m->mem, sizeof *r + name.len);
    if (r == NULL) return NULL;
    memcpy(r->name_bytes, name.data, name.len);
    r->name = inf_slice_of(r->name_bytes, name.len);
    r->state = INF_MEMBER_DEAD;
    r->since_ms = m->now_ms;
    r->self = self;
    if (inf_map_set(&m->by_name, r->name, r) != 0) {
        inf_free(m->mem, r);
        return NULL;
    }
    inf_table_move(m, r, addr);
    if (!self) put_in_order(m, r);
    return r;
}

static void free_record(inf_member *m, member_record *r) {
    if (r->suspicion != NULL) inf_member_stop(m, &r->suspicion->timer);
    inf_free(m->mem, r->suspicion);
    inf_free(m->mem, (void *)(uintptr_t)r->meta.data);
    inf_free(m->mem, r);
}

static void remove_record(inf_member *m, member_record *r) {
    INF_ASSERT(!r->self);
    inf_news_drop(m, r);
    inf_probe_drop(m, r);
    inf_pending_drop(m, r);
    unlist_addr(m, r);
    (void)inf_map_remove(&m->by_name, r->name);
    member_record *last = m->order[--m->count];
    m->order[r->place] = last;
    last->place = r->place;
    free_record(m, r);
}

void inf_table_clear(inf_member *m) {
    for (size_t i = 0; i < m->count; i++)
        free_record(m, m->order[i]);
    if (m->self != NULL) free_record(m, m->self);
    inf_free(m->mem, m->order);
    inf_map_deinit(&m->by_name);
    inf_map_deinit(&m->by_addr);
}

bool inf_table_set_meta(inf_member *m, member_record *r, inf_slice meta) {
    uint8_t *copy = NULL;
    if (meta.data != NULL) {
        copy = inf_malloc(m->mem, meta.len + 1); /* empty is not nil */
        if (copy == NULL) return false;
        if (meta.len != 0) memcpy(copy, meta.data, meta.len);
    }
    inf_free(m->mem, (void *)(uintptr_t)r->meta.data);
    r->meta = (inf_slice){copy, meta.len};
    inf_slice ignored;
    inf_slice protocol = inf_slice_str(INF_TAG_PROTOCOL);
    uint64_t port = inf_meta_number(r->meta, inf_slice_str(INF_TAG_RPC));
    r->ours = inf_meta_tag(r->meta, protocol, &ignored);
    r->rpc_port = port <= UINT16_MAX ? (uint16_t)port : 0;
    r->boot = inf_meta_number(r->meta, inf_slice_str(INF_TAG_BOOT));
    return true;
}

static bool is_live(inf_member_state state) {
    return state == INF_MEMBER_ALIVE || state == INF_MEMBER_SUSPECT;
}

void inf_table_set_state(inf_member *m, member_record *r,
                         inf_member_state state) {
    if (is_live(r->state) && !is_live(state)) m->live--;
    if (!is_live(r->state) && is_live(state)) m->live++;
    if (r->state != state) r->since_ms = m->now_ms;
    r->state = state;
    if (is_live(state)) list_addr(m, r);
    if (state == INF_MEMBER_LEFT) unlist_addr(m, r);
}

size_t inf_table_draw(inf_member *m, size_t want, inf_table_filter *filter,
                      const void *ctx, member_record **out) {
    size_t got = 0;
    if (m->count == 0) return 0;
    /* Few: a shuffle of the first places meets everybody. Many: chance. */
    bool few = m->count <= 3 * want;
    size_t tries = few ? m->count : 3 * m->count;
    if (tries > 128) tries = 128;
    size_t start = (size_t)inf_rng_below(&m->rng, m->count);
    for (size_t i = 0; i < tries && got < want; i++) {
        size_t at = few ? (start + i) % m->count
                        : (size_t)inf_rng_below(&m->rng, m->count);
        member_record *r = m->order[at];
        bool seen = false;
        for (size_t j = 0; j < got; j++)
            seen = seen || out[j] == r;
        if (!seen && filter(m, r, ctx)) out[got++] = r;
    }
    return got;
}

void inf_table_shuffle(inf_member *m) {
    for (size_t i = m->count; i > 1; i--) {
        size_t at = (size_t)inf_rng_below(&m->rng, i);
        member_record *r = m->order[at];
        m->order[at] = m->order[i - 1];
        m->order[i - 1] = r;
        m->order[at]->place = at;
        r->place = i - 1;
    }
}

void inf_table_reap(inf_member *m) {
    for (size_t i = 0; i < m->count;) {
        member_record *r = m->order[i];
        if (is_live(r->state) ||
            m->now_ms - r->since_ms <= m->tuning.gossip_to_dead_ms) {
            i++;
        } else {
            remove_record(m, r);
        }
    }
}

/* ---- what the caller is told --------------------------------------------- */

void inf_queue_init(member_queue *queue) {
    *queue = (member_queue){.last = &queue->first};
}

void inf_queue_clear(inf_member *m, member_queue *queue) {
    while (inf_queue_take(m, queue) != NULL) {
    }
    inf_queue_init(queue);
}

member_note *inf_queue_push(inf_member *m, member_queue *queue,
                            inf_slice name) {
    member_note *note = inf_zalloc(m->mem, sizeof *note + name.len);
    if (note == NULL) return NULL;
    note->name_len = name.len;
    if (name.len != 0) memcpy(note->name, name.data, name.len);
    *queue->last = note;
    queue->last = &note->next;
    queue->count++;
    return note;
}

/* What was taken before is freed: the caller has looked at it. */
member_note *inf_queue_take(inf_member *m, member_queue *queue) {
    inf_free(m->mem, queue->taken);
    member_note *note = queue->first;
    queue->taken = note;
    if (note == NULL) return NULL;
    queue->first = note->next;
    if (queue->first == NULL) queue->last = &queue->first;
    queue->count--;
    return note;
}

void inf_table_tell(inf_member *m, const member_record *r, inf_change change) {
    inf_outbox_push(m->outbox, &(inf_effect){.kind = INF_EFFECT_MEMBER,
                                             .change = change,
                                             .addr = r->addr,
                                             .count = r->boot,
                                             .name = r->name,
                                             .bytes = r->meta});
    member_note *note = inf_queue_push(m, &m->changes, r->name);
    if (note == NULL) return;
    note->change = change;
    note->boot = r->boot;
}
