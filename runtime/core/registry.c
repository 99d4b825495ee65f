/* SPDX-License-Identifier: MIT */
/* registry.c: owners, their rows, and which of them show.

   Each owner's rows form a list in the order of the owner's changes; a row
   that changes moves to the end, a deleted one stays for a while as a short
   memory of the deletion. So "what changed after n" is the tail of the list,
   and a row that changed ten times is told once.

   A name shows when an owner that is up claims it; of several claims the
   preferred one (largest stamp, or smallest, then node, then boot: the same on
   every node). Nothing else decides what is visible: a late message about a
   dead owner can at worst change a hidden copy. */
#include "core/registry_impl.h"

#define REPLICA_DELETES_MAX 1024u
#define STAMP_MAX           (UINT64_MAX >> 1)

uint64_t inf_hlc_next(inf_hlc *hlc, uint64_t wall_ms, uint64_t above) {
    uint64_t next = wall_ms << 16;
    if (next <= hlc->last) next = hlc->last + 1;
    if (next <= above) next = above + 1;
    hlc->last = next;
    return next;
}

void inf_hlc_observe(inf_hlc *hlc, uint64_t wall_ms, uint64_t stamp) {
    if (stamp >> 16 > wall_ms + INF_REGISTRY_SKEW_MS) return;
    if (stamp > hlc->last) hlc->last = stamp;
}

uint64_t inf_node_id(inf_slice name) {
    return inf_hash(name, INF_NODE_ID_SEED);
}

/* ---- views of rows ----------------------------------------------------- */

inf_claim claim_of(const inf_registry *reg, const row *r) {
    const owner *o = reg->owners[r->owner];
    return (inf_claim){r->stamp, o->id, o->boot};
}

void entry_of(const inf_registry *reg, const row *r, inf_entry *out) {
    *out = (inf_entry){.name = row_name(&reg->store, r),
                       .implementation = row_implementation(&reg->store, r),
                       .owner = reg->owners[r->owner]->name,
                       .claim = claim_of(reg, r),
                       .seq = r->seq,
                       .worker = r->worker};
}

static bool beats(const inf_registry *reg, inf_claim a, inf_claim b) {
    if (a.node == b.node) {
        return a.boot != b.boot ? a.boot > b.boot : a.stamp > b.stamp;
    }
    bool larger = a.stamp != b.stamp ? a.stamp > b.stamp : a.node > b.node;
    return reg->prefer == INF_PREFER_LAST ? larger : !larger;
}

static void tell(const inf_registry *reg, inf_registry_change change,
                 uint32_t id) {
    if (reg->listener.changed == NULL) return;
    inf_entry entry;
    entry_of(reg, row_at(&reg->store, id), &entry);
    reg->listener.changed(reg->listener.ctx, change, &entry, NULL);
}

static void tell_conflict(const inf_registry *reg, uint32_t winner,
                          uint32_t loser) {
    if (reg->listener.changed == NULL) return;
    inf_entry entry;
    inf_entry lost;
    entry_of(reg, row_at(&reg->store, winner), &entry);
    entry_of(reg, row_at(&reg->store, loser), &lost);
    reg->listener.changed(reg->listener.ctx, INF_ROW_CONFLICT, &entry, &lost);
}

/* ---- what shows -------------------------------------------------------- */

/* Rows that could show always have room to. */
static int shown_reserve(inf_registry *reg) {
    if (reg->store.indexed < reg->shown_cap) return 0;
    uint32_t cap = reg->shown_cap == 0 ? 64 : reg->shown_cap * 2;
    uint32_t *grown = inf_realloc(reg->mem, reg->shown, cap * sizeof *grown);
    if (grown == NULL) return INF_ENOMEM;
    reg->shown = grown;
    reg->shown_cap = cap;
    return 0;
}

static void show(inf_registry *reg, uint32_t id) {
    row *r = row_at(&reg->store, id);
    reg->shown[reg->shown_count++] = id;
    r->shown = reg->shown_count;
    reg->owners[r->owner]->shown++;
    tell(reg, INF_ROW_SHOWN, id);
}

static void hide(inf_registry *reg, uint32_t id) {
    row *r = row_at(&reg->store, id);
    uint32_t last = reg->shown[--reg->shown_count];
    reg->shown[r->shown - 1] = last;
    row_at(&reg->store, last)->shown = r->shown;
    r->shown = 0;
    reg->owners[r->owner]->shown--;
    tell(reg, INF_ROW_HIDDEN, id);
}

/* The next other row of the same name in the chain after `at`, or 0. The row
   itself is passed over without a look at its name, which is far away. */
static uint32_t next_rival(const inf_registry *reg, uint32_t id, uint32_t at) {
    const row *r = row_at(&reg->store, id);
    while (at != 0) {
        const row *other = row_at(&reg->store, at);
        if (at != id && other->hash == r->hash &&
            inf_slice_eq(row_name(&reg->store, other),
                         row_name(&reg->store, r))) {
            return at;
        }
        at = other->chain;
    }
    return 0;
}

static uint32_t first_rival(const inf_registry *reg, uint32_t id) {
    uint32_t hash = row_at(&reg->store, id)->hash;
    return next_rival(reg, id, index_first(&reg->store, hash));
}

static uint32_t rival_after(const inf_registry *reg, uint32_t id, uint32_t at) {
    return next_rival(reg, id, row_at(&reg->store, at)->chain);
}

void consider(inf_registry *reg, uint32_t id) {
    row *r = row_at(&reg->store, id);
    if (!reg->owners[r->owner]->up || r->shown != 0) return;
    uint32_t rival = first_rival(reg, id);
    while (rival != 0 && row_at(&reg->store, rival)->shown == 0)
        rival = rival_after(reg, id, rival);
    if (rival == 0) {
        show(reg, id);
        return;
    }
    row *other = row_at(&reg->store, rival);
    if (!reg->owners[other->owner]->up) { /* it only waits to be hidden */
        withdraw(reg, rival);
        consider(reg, id);
        return;
    }
    bool wins = beats(reg, claim_of(reg, r), claim_of(reg, other));
    if (other->owner != r->owner) {
        tell_conflict(reg, wins ? id : rival, wins ? rival : id);
    }
    if (wins) {
        hide(reg, rival);
        show(reg, id);
    }
}

void withdraw(inf_registry *reg, uint32_t id) {
    row *r = row_at(&reg->store, id);
    if (r->shown == 0) return;
    hide(reg, id);
    uint32_t best = 0;
    uint32_t at = first_rival(reg, id);
    for (; at != 0; at = rival_after(reg, id, at)) {
        const row *other = row_at(&reg->store, at);
        if (!reg->owners[other->owner]->up) continue;
        if (best == 0 || beats(reg, claim_of(reg, other),
                               claim_of(reg, row_at(&reg->store, best)))) {
            best = at;
        }
    }
    if (best != 0) show(reg, best);
}

/* ---- rows of one owner ------------------------------------------------- */

uint32_t owned_row(const inf_registry *reg, const owner *o, uint32_t hash,
                   inf_slice name, bool hint) {
    uint32_t id = index_next(&reg->store, hash, name, 0);
    for (; id != 0; id = index_next(&reg->store, hash, name, id)) {
        const row *r = row_at(&reg->store, id);
        if (r->owner == o->place && ((r->flags & ROW_HINT) != 0) == hint) break;
    }
    return id;
}

static uint64_t row_digest(const inf_registry *reg, const row *r) {
    uint64_t name = inf_hash(row_name(&reg->store, r), 0);
    return inf_hash_mix(name ^ inf_hash_mix(r->seq) ^ inf_hash_mix(~r->stamp));
}

static void owner_unlink(inf_registry *reg, owner *o, uint32_t id) {
    row *r = row_at(&reg->store, id);
    if (o->old.first == id) o->old.first = r->next;
    if (o->old.last == id) o->old.last = r->prev;
    list_unlink(&reg->store, &o->list, id);
}

static void forget_oldest_delete(inf_registry *reg, owner *o) {
    uint32_t id = o->dead.first;
    row *r = row_at(&reg->store, id);
    o->floor = r->seq;
    o->dead.first = r->chain;
    if (o->dead.first == 0) o->dead.last = 0;
    o->dead_count--;
    owner_unlink(reg, o, id);
    row_free(&reg->store, id);
}

static void remember_delete(inf_registry *reg, owner *o, uint32_t id,
                            uint64_t seq) {
    row *r = row_at(&reg->store, id);
    r->seq = seq;
    r->flags = ROW_DEAD;
    r->owner = o->place;
    r->chain = 0;
    (void)row_set_implementation(&reg->store, r, (inf_slice){NULL, 0});
    list_append(&reg->store, &o->list, id);
    if (o->dead.last != 0) {
        row_at(&reg->store, o->dead.last)->chain = id;
    } else {
        o->dead.first = id;
    }
    o->dead.last = id;
    o->dead_count++;
    uint32_t max = reg->deletes_max + o->rows / 4;
    if (o != reg->self && max > REPLICA_DELETES_MAX) max = REPLICA_DELETES_MAX;
    while (o->dead_count > max)
        forget_oldest_delete(reg, o);
}

/* Takes a live row out of sight, index and list; the row itself stays. */
static void detach(inf_registry *reg, owner *o, uint32_t id) {
    row *r = row_at(&reg->store, id);
    withdraw(reg, id);
    index_remove(&reg->store, id);
    if ((r->flags & ROW_HINT) != 0) {
        list_unlink(&reg->store, &o->hints, id);
        o->hint_count--;
        return;
    }
    o->digest -= row_digest(reg, r);
    o->rows--;
    owner_unlink(reg, o, id);
}

static void drop_row(inf_registry *reg, owner *o, uint32_t id) {
    detach(reg, o, id);
    row_free(&reg->store, id);
}

/* The same registration again, or a hint that turned out true. */
static void confirm_row(inf_registry *reg, owner *o, uint32_t id,
                        uint64_t seq) {
    row *r = row_at(&reg->store, id);
    if ((r->flags & ROW_HINT) != 0) {
        list_unlink(&reg->store, &o->hints, id);
        o->hint_count--;
        o->rows++;
        r->flags = 0;
    } else {
        o->digest -= row_digest(reg, r);
        owner_unlink(reg, o, id);
    }
    r->seq = seq;
    o->digest += row_digest(reg, r);
    list_append(&reg->store, &o->list, id);
}

static bool same_registration(const inf_registry *reg, uint32_t id,
                              const inf_entry *entry) {
    if (id == 0) return false;
    const row *r = row_at(&reg->store, id);
    return r->stamp == entry->claim.stamp && r->worker == entry->worker &&
           inf_slice_eq(row_implementation(&reg->store, r),
                        entry->implementation);
}

int owner_add(inf_registry *reg, owner *o, const inf_entry *entry,
              uint8_t flags, uint32_t *out) {
    if (index_reserve(&reg->store) != 0 || shown_reserve(reg) != 0) {
        return INF_ENOMEM;
    }
    int rc = row_new(&reg->store, entry->name, entry->implementation, out);
    if (rc != 0) return rc;
    row *r = row_at(&reg->store, *out);
    r->seq = entry->seq;
    r->stamp = entry->claim.stamp;
    r->worker = entry->worker;
    r->owner = o->place;
    r->flags = flags;
    index_add(&reg->store, *out);
    return 0;
}

int owner_put(inf_registry *reg, owner *o, const inf_entry *entry) {
    uint32_t hash = name_hash(&reg->store, entry->name);
    uint32_t hint = 0;
    if (o->hint_count != 0) hint = owned_row(reg, o, hash, entry->name, true);
    uint32_t known = owned_row(reg, o, hash, entry->name, false);
    if (same_registration(reg, known, entry)) {
        confirm_row(reg, o, known, entry->seq);
        return 0;
    }
    if (known == 0 && same_registration(reg, hint, entry)) {
        confirm_row(reg, o, hint, entry->seq);
        return 0;
    }
    uint32_t id = 0;
    int rc = owner_add(reg, o, entry, 0, &id);
    if (rc != 0) return rc;
    if (known != 0) drop_row(reg, o, known);
    row *r = row_at(&reg->store, id);
    if (hint != 0 && row_at(&reg->store, hint)->stamp <= r->stamp) {
        drop_row(reg, o, hint);
    }
    o->rows++;
    o->digest += row_digest(reg, r);
    list_append(&reg->store, &o->list, id);
    consider(reg, id);
    return 0;
}

void owner_delete(inf_registry *reg, owner *o, inf_slice name, uint64_t seq) {
    uint32_t hash = name_hash(&reg->store, name);
    uint32_t id = owned_row(reg, o, hash, name, false);
    if (id != 0) {
        detach(reg, o, id);
    } else if (row_new(&reg->store, name, (inf_slice){NULL, 0}, &id) != 0) {
        o->floor = seq; /* not remembered: nobody is told less than all */
        return;
    }
    remember_delete(reg, o, id, seq);
}

void owner_sweep_hints(inf_registry *reg, owner *o, uint64_t stamp) {
    uint32_t id = o->hints.first;
    while (id != 0) {
        const row *r = row_at(&reg->store, id);
        uint32_t next = r->next;
        if (r->stamp <= stamp) drop_row(reg, o, id);
        id = next;
    }
}

void owner_drop_old(inf_registry *reg, owner *o) {
    while (o->old.first != 0)
        drop_row(reg, o, o->old.first);
}

void owner_forget_deletes(inf_registry *reg, owner *o) {
    while (o->dead_count != 0)
        forget_oldest_delete(reg, o);
}

void owner_empty(inf_registry *reg, owner *o) {
    owner_forget_deletes(reg, o);
    owner_drop_old(reg, o);
    while (o->list.first != 0)
        drop_row(reg, o, o->list.first);
    while (o->hints.first != 0)
        drop_row(reg, o, o->hints.first);
    o->cur = o->goal = o->floor = o->stamp = 0;
    o->full = 0;
}

/* ---- own rows ---------------------------------------------------------- */

static uint64_t largest_stamp(const inf_registry *reg, inf_slice name) {
    uint64_t largest = 0;
    uint32_t hash = name_hash(&reg->store, name);
    uint32_t id = index_next(&reg->store, hash, name, 0);
    for (; id != 0; id = index_next(&reg->store, hash, name, id)) {
        uint64_t stamp = row_at(&reg->store, id)->stamp;
        if (stamp > largest) largest = stamp;
    }
    return largest;
}

static void own_step(owner *self) {
    self->cur++;
    self->goal = self->high = self->cur;
}

int inf_registry_put(inf_registry *reg, inf_slice name,
                     inf_slice implementation, uint16_t worker, inf_hlc *hlc,
                     uint64_t wall_ms, inf_entry *out) {
    if (name.len == 0 || name.len > INF_NAME_MAX ||
        implementation.len > INF_NAME_MAX) {
        return INF_ENAME;
    }
    owner *self = reg->self;
    inf_hlc next = *hlc;
    uint64_t stamp = inf_hlc_next(&next, wall_ms, largest_stamp(reg, name));
    if (stamp > STAMP_MAX) return INF_EFULL;
    inf_entry entry = {.name = name,
                       .implementation = implementation,
                       .claim = {stamp, self->id, self->boot},
                       .seq = self->cur + 1,
                       .worker = worker};
    int rc = owner_put(reg, self, &entry);
    if (rc != 0) return rc;
    *hlc = next;
    own_step(self);
    self->stamp = stamp;
    return inf_registry_own(reg, name, out);
}

static uint32_t own_row(const inf_registry *reg, inf_slice name) {
    if (name.len == 0 || name.len > INF_NAME_MAX) return 0;
    return owned_row(reg, reg->self, name_hash(&reg->store, name), name, false);
}

int inf_registry_remove(inf_registry *reg, inf_slice name, uint64_t stamp) {
    uint32_t id = own_row(reg, name);
    if (id == 0 || row_at(&reg->store, id)->stamp != stamp) return INF_ENOENT;
    owner_delete(reg, reg->self, name, reg->self->cur + 1);
    own_step(reg->self);
    return 0;
}

/* The first row from `id` on that is not a delete: deletes may be forgotten
   while a walk goes on. */
static uint32_t live_from(const inf_registry *reg, uint32_t id) {
    while (id != 0 && (row_at(&reg->store, id)->flags & ROW_DEAD) != 0)
        id = row_at(&reg->store, id)->next;
    return id;
}

void inf_registry_clear(inf_registry *reg) {
    owner *self = reg->self;
    uint32_t id = live_from(reg, self->list.first);
    while (id != 0) {
        uint32_t next = live_from(reg, row_at(&reg->store, id)->next);
        detach(reg, self, id);
        remember_delete(reg, self, id, self->cur + 1);
        own_step(self);
        id = next;
    }
}

int inf_registry_own(const inf_registry *reg, inf_slice name, inf_entry *out) {
    uint32_t id = own_row(reg, name);
    if (id == 0) return INF_ENOENT;
    entry_of(reg, row_at(&reg->store, id), out);
    return 0;
}

void inf_registry_yield(inf_registry *reg, inf_slice name, uint64_t stamp) {
    uint32_t id = own_row(reg, name);
    if (id == 0 || row_at(&reg->store, id)->stamp != stamp) return;
    row_at(&reg->store, id)->flags |= ROW_YIELDED;
}

void inf_registry_unyield(inf_registry *reg, inf_slice name, uint64_t stamp) {
    uint32_t id = own_row(reg, name);
    if (id == 0 || row_at(&reg->store, id)->stamp != stamp) return;
    row_at(&reg->store, id)->flags &= (uint8_t)~ROW_YIELDED;
}

bool inf_registry_confirms(const inf_registry *reg, inf_slice name,
                           uint64_t stamp) {
    uint32_t id = own_row(reg, name);
    if (id == 0) return false;
    const row *r = row_at(&reg->store, id);
    return r->stamp == stamp && (r->flags & ROW_YIELDED) == 0;
}

uint64_t inf_registry_losing(const inf_registry *reg) {
    return reg->self->rows - reg->self->shown;
}

bool inf_registry_losing_next(const inf_registry *reg, uint64_t *at,
                              inf_entry *mine, inf_entry *winner) {
    if (inf_registry_losing(reg) == 0) return false;
    uint32_t id = *at == 0 ? reg->self->list.first
                           : row_at(&reg->store, (uint32_t)*at)->next;
    for (; id != 0; id = row_at(&reg->store, id)->next) {
        const row *r = row_at(&reg->store, id);
        if (r->shown != 0 || (r->flags & (ROW_DEAD | ROW_YIELDED)) != 0) {
            continue;
        }
        entry_of(reg, r, mine);
        if (inf_registry_find(reg, mine->name, winner) != 0) continue;
        *at = id;
        return true;
    }
    return false;
}

void inf_registry_stable(inf_registry *reg, uint64_t seq) {
    owner *self = reg->self;
    while (self->dead_count != 0 &&
           row_at(&reg->store, self->dead.first)->seq <= seq) {
        forget_oldest_delete(reg, self);
    }
}
