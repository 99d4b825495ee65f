/* SPDX-License-Identifier: MIT */
/* registry_owners.c: making a registry, reading it, and what membership says
   about owners. */
#include "core/registry_impl.h"

/* Done in one go while the node is locked; an owner may have a million rows. */
#define SETTLE_ROWS  1024u  /* shown or hidden */
#define SETTLE_LOOKS 65536u /* at rows, which lie side by side */

/* ---- making one -------------------------------------------------------- */

static void owner_free(inf_registry *reg, owner *o) {
    inf_free(reg->mem, (void *)(uintptr_t)o->name.data);
    inf_free(reg->mem, o);
}

/* Where in by_id the id is, or would be. */
static uint32_t by_id_place(const inf_registry *reg, uint64_t id,
                            uint32_t count) {
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (reg->owners[reg->by_id[middle]]->id < id) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

owner *owner_find(const inf_registry *reg, uint64_t id) {
    uint32_t at = by_id_place(reg, id, reg->owner_count);
    if (at == reg->owner_count) return NULL;
    owner *o = reg->owners[reg->by_id[at]];
    return o->id == id ? o : NULL;
}

static int owners_reserve(inf_registry *reg) {
    if (reg->owner_count < reg->owner_cap) return 0;
    uint32_t cap = reg->owner_cap == 0 ? 8 : reg->owner_cap * 2;
    owner **owners = inf_realloc(reg->mem, reg->owners, cap * sizeof(owner *));
    if (owners == NULL) return INF_ENOMEM;
    reg->owners = owners;
    uint16_t *by_id = inf_realloc(reg->mem, reg->by_id, cap * sizeof *by_id);
    if (by_id == NULL) return INF_ENOMEM;
    reg->by_id = by_id;
    reg->owner_cap = cap;
    return 0;
}

/* The owner purged longest ago: when there are too many, it is forgotten. */
static owner *longest_gone(const inf_registry *reg) {
    owner *oldest = NULL;
    for (uint32_t i = 0; i < reg->owner_count; i++) {
        owner *o = reg->owners[i];
        if (o->up || o->purged == 0 || o->rows != 0 || o->unsettled) continue;
        if (oldest == NULL || o->purged < oldest->purged) oldest = o;
    }
    return oldest;
}

static void list_by_id(inf_registry *reg, const owner *o, uint32_t count) {
    uint32_t at = by_id_place(reg, o->id, count);
    memmove(reg->by_id + at + 1, reg->by_id + at,
            (count - at) * sizeof *reg->by_id);
    reg->by_id[at] = o->place;
}

static void unlist_by_id(inf_registry *reg, const owner *o) {
    uint32_t at = by_id_place(reg, o->id, reg->owner_count);
    memmove(reg->by_id + at, reg->by_id + at + 1,
            (reg->owner_count - at - 1) * sizeof *reg->by_id);
}

/* A place for one more owner: a new one, or that of one forgotten. */
static int owner_place(inf_registry *reg, owner **out) {
    if (reg->owner_count < reg->owners_max) {
        int rc = owners_reserve(reg);
        if (rc != 0) return rc;
        *out = inf_zalloc(reg->mem, sizeof **out);
        if (*out == NULL) return INF_ENOMEM;
        (*out)->place = (uint16_t)reg->owner_count;
        return 0;
    }
    *out = longest_gone(reg);
    return *out != NULL ? 0 : INF_EFULL;
}

static int owner_new(inf_registry *reg, inf_slice name, owner **out) {
    uint8_t *copy = inf_malloc(reg->mem, name.len);
    owner *o = NULL;
    int rc = copy != NULL ? owner_place(reg, &o) : INF_ENOMEM;
    if (rc != 0) {
        inf_free(reg->mem, copy);
        return rc;
    }
    bool fresh = o->name.len == 0;
    if (!fresh) {
        unlist_by_id(reg, o);
        inf_free(reg->mem, (void *)(uintptr_t)o->name.data);
    }
    memcpy(copy, name.data, name.len);
    *o = (owner){.name = inf_slice_of(copy, name.len),
                 .id = inf_node_id(name),
                 .place = o->place};
    reg->owners[o->place] = o;
    list_by_id(reg, o, fresh ? reg->owner_count : reg->owner_count - 1);
    if (fresh) reg->owner_count++;
    *out = o;
    return 0;
}

int inf_registry_new(inf_registry **out, const inf_registry_config *config) {
    inf_alloc *mem = config->mem;
    INF_ASSERT(config->node.len != 0 && config->node.len <= INF_NODE_NAME_MAX);
    inf_registry *reg = inf_zalloc(mem, sizeof *reg);
    if (reg == NULL) return INF_ENOMEM;
    reg->mem = mem;
    reg->deletes_max = config->deletes_max;
    reg->owners_max =
        config->owners_max != 0 ? config->owners_max : INF_REGISTRY_OWNERS_MAX;
    reg->prefer = config->prefer;
    store_init(&reg->store, mem, &config->key, config->rows_max);
    int rc = owner_new(reg, config->node, &reg->self);
    if (rc != 0) {
        inf_registry_free(reg);
        return rc;
    }
    owner *self = reg->self;
    self->boot = config->boot;
    self->cur = self->goal = self->high = self->floor = config->first_seq;
    self->up = true;
    reg->listener = config->listener;
    *out = reg;
    return 0;
}

void inf_registry_free(inf_registry *reg) {
    if (reg == NULL) return;
    for (uint32_t i = 0; i < reg->owner_count; i++)
        owner_free(reg, reg->owners[i]);
    inf_free(reg->mem, reg->owners);
    inf_free(reg->mem, reg->by_id);
    inf_free(reg->mem, reg->shown);
    store_deinit(&reg->store);
    inf_free(reg->mem, reg);
}

/* ---- reading ----------------------------------------------------------- */

static bool is_visible(const inf_registry *reg, const row *r) {
    return r->shown != 0 && reg->owners[r->owner]->up;
}

int inf_registry_find(const inf_registry *reg, inf_slice name, inf_entry *out) {
    if (name.len == 0 || name.len > INF_NAME_MAX) return INF_ENOENT;
    uint32_t hash = name_hash(&reg->store, name);
    uint32_t id = index_next(&reg->store, hash, name, 0);
    for (; id != 0; id = index_next(&reg->store, hash, name, id)) {
        const row *r = row_at(&reg->store, id);
        if (!is_visible(reg, r)) continue;
        entry_of(reg, r, out);
        return 0;
    }
    return INF_ENOENT;
}

int inf_registry_lost(const inf_registry *reg, inf_slice name, inf_entry *out) {
    if (name.len == 0 || name.len > INF_NAME_MAX) return INF_ENOENT;
    uint32_t hash = name_hash(&reg->store, name);
    uint32_t id = index_next(&reg->store, hash, name, 0);
    for (; id != 0; id = index_next(&reg->store, hash, name, id)) {
        const row *r = row_at(&reg->store, id);
        if (reg->owners[r->owner]->up) continue;
        if ((r->flags & (ROW_DEAD | ROW_YIELDED)) != 0) continue;
        entry_of(reg, r, out);
        return 0;
    }
    return INF_ENOENT;
}

int inf_registry_claimed(const inf_registry *reg, inf_slice name, uint64_t node,
                         inf_entry *out) {
    const owner *o = owner_find(reg, node);
    if (o == NULL || !o->up || name.len == 0 || name.len > INF_NAME_MAX) {
        return INF_ENOENT;
    }
    uint32_t hash = name_hash(&reg->store, name);
    uint32_t id = owned_row(reg, o, hash, name, false);
    if (id == 0) id = owned_row(reg, o, hash, name, true);
    if (id == 0) return INF_ENOENT;
    entry_of(reg, row_at(&reg->store, id), out);
    return 0;
}

uint64_t inf_registry_count(const inf_registry *reg) {
    uint64_t count = reg->shown_count;
    for (uint32_t i = 0; reg->unsettled != 0 && i < reg->owner_count; i++) {
        if (!reg->owners[i]->up) count -= reg->owners[i]->shown;
    }
    return count;
}

bool inf_registry_next(const inf_registry *reg, uint64_t *at, inf_entry *out) {
    while (*at < reg->store.used) {
        const row *r = row_at(&reg->store, (uint32_t)++ * at);
        if (!is_visible(reg, r)) continue;
        entry_of(reg, r, out);
        return true;
    }
    return false;
}

int inf_registry_random(const inf_registry *reg, uint64_t chance,
                        inf_entry *out) {
    for (uint32_t i = 0; i < reg->shown_count; i++) {
        uint32_t id = reg->shown[(chance + i) % reg->shown_count];
        if (!is_visible(reg, row_at(&reg->store, id))) continue;
        entry_of(reg, row_at(&reg->store, id), out);
        return 0;
    }
    return INF_ENOENT;
}

int inf_registry_hint(inf_registry *reg, const inf_entry *row_seen) {
    if (row_seen->name.len == 0 || row_seen->name.len > INF_NAME_MAX ||
        row_seen->implementation.len > INF_NAME_MAX) {
        return INF_ENAME;
    }
    owner *o = owner_find(reg, row_seen->claim.node);
    if (o == NULL || o == reg->self || !o->up) return INF_ENOENT;
    uint64_t boot = row_seen->claim.boot;
    uint64_t stamp = row_seen->claim.stamp;
    if (boot != 0 && boot != o->boot) return INF_ESTALE;
    if (stamp <= o->stamp) return INF_ESTALE;
    uint32_t hash = name_hash(&reg->store, row_seen->name);
    uint32_t known = owned_row(reg, o, hash, row_seen->name, true);
    if (known != 0 && row_at(&reg->store, known)->stamp >= stamp) return 0;
    if (o->hint_count == INF_REGISTRY_HINTS_MAX) return INF_EFULL;
    inf_entry entry = *row_seen;
    entry.seq = 0;
    uint32_t id = 0;
    int rc = owner_add(reg, o, &entry, ROW_HINT, &id);
    if (rc != 0) return rc;
    list_append(&reg->store, &o->hints, id);
    o->hint_count++;
    consider(reg, id);
    return 0;
}

/* ---- owners ------------------------------------------------------------ */

void owner_reset(inf_registry *reg, owner *o, uint64_t boot) {
    owner_empty(reg, o);
    o->boot = boot;
    o->high = 0;
}

static void each_row(inf_registry *reg, const row_list *list,
                     void (*visit)(inf_registry *reg, uint32_t id)) {
    uint32_t id = list->first;
    while (id != 0) {
        const row *r = row_at(&reg->store, id);
        uint32_t next = r->next;
        if ((r->flags & ROW_DEAD) == 0) visit(reg, id);
        id = next;
    }
}

/* The owner whose rows are settled now; there is one. */
static owner *settling(inf_registry *reg) {
    if (reg->settling != NULL) return reg->settling;
    uint32_t i = 0;
    while (!reg->owners[i]->unsettled)
        i++;
    reg->settle_at = 0;
    reg->settling = reg->owners[i];
    return reg->settling;
}

static void settled(inf_registry *reg) {
    reg->settling->unsettled = false;
    reg->settling = NULL;
    reg->unsettled--;
}

bool inf_registry_settle(inf_registry *reg) {
    uint32_t turned = 0;
    for (uint32_t looks = 0; looks < SETTLE_LOOKS; looks++) {
        if (reg->unsettled == 0 || turned == SETTLE_ROWS) break;
        owner *o = settling(reg);
        if (reg->settle_at == reg->store.used) {
            settled(reg);
            continue;
        }
        uint32_t id = ++reg->settle_at;
        const row *r = row_at(&reg->store, id);
        bool as_wanted = (r->shown != 0) == o->up;
        if (r->owner != o->place || as_wanted || (r->flags & ROW_DEAD) != 0) {
            continue;
        }
        turned++;
        if (o->up) {
            consider(reg, id);
        } else {
            withdraw(reg, id);
        }
    }
    return reg->unsettled != 0;
}

static void set_up(inf_registry *reg, owner *o, bool up) {
    if (o->up == up) return;
    o->up = up;
    if (o->unsettled || o->rows > SETTLE_ROWS) {
        if (!o->unsettled) reg->unsettled++;
        if (reg->settling == o) reg->settling = NULL; /* from the beginning */
        o->unsettled = true;
        (void)inf_registry_settle(reg);
        return;
    }
    void (*visit)(inf_registry *, uint32_t) = up ? consider : withdraw;
    each_row(reg, &o->list, visit);
    each_row(reg, &o->old, visit);
    each_row(reg, &o->hints, visit);
}

/* Keeps the number of owners that wait for their purge. */
static void set_held(inf_registry *reg, owner *o, bool held) {
    bool was = o->down_at_ms != 0;
    if (was && !held) reg->held--;
    if (!was && held) reg->held++;
    if (!held) o->down_at_ms = 0;
}

int inf_registry_up(inf_registry *reg, inf_slice node, uint64_t boot) {
    owner *o = owner_find(reg, inf_node_id(node));
    if (o == NULL) {
        int rc = owner_new(reg, node, &o);
        if (rc != 0) return rc;
        o->boot = boot;
    }
    if (o == reg->self || boot < o->boot) return INF_ESTALE;
    if (!inf_slice_eq(o->name, node)) return INF_EEXISTS;
    set_held(reg, o, false);
    if (boot > o->boot) owner_reset(reg, o, boot);
    set_up(reg, o, true);
    return 0;
}

void inf_registry_down(inf_registry *reg, uint64_t node, uint64_t now_ms) {
    owner *o = owner_find(reg, node);
    if (o == NULL || o == reg->self || !o->up) return;
    set_up(reg, o, false);
    set_held(reg, o, true);
    o->down_at_ms = now_ms != 0 ? now_ms : 1;
}

void inf_registry_purge(inf_registry *reg, uint64_t node) {
    owner *o = owner_find(reg, node);
    if (o == NULL || o == reg->self) return;
    set_up(reg, o, false);
    set_held(reg, o, false);
    owner_empty(reg, o);
    o->purged = ++reg->purges;
}

void inf_registry_purge_due(inf_registry *reg, uint64_t now_ms,
                            uint64_t hold_ms) {
    for (uint32_t i = 0; reg->held != 0 && i < reg->owner_count; i++) {
        owner *o = reg->owners[i];
        if (o->down_at_ms == 0 || now_ms < o->down_at_ms + hold_ms) continue;
        inf_registry_purge(reg, o->id);
    }
}

uint32_t inf_registry_held(const inf_registry *reg) {
    return reg->held;
}

void inf_registry_distrust(inf_registry *reg, uint64_t node) {
    owner *o = owner_find(reg, node);
    if (o != NULL && o != reg->self) owner_empty(reg, o);
}

/* ---- versions ---------------------------------------------------------- */

static void version_of(const owner *o, inf_version *out) {
    *out = (inf_version){.node = o->id,
                         .boot = o->boot,
                         .cur = o->cur,
                         .goal = o->goal,
                         .high = o->high,
                         .digest = o->digest,
                         .rows = o->rows,
                         .deletes = o->dead_count,
                         .up = o->up};
}

uint64_t inf_registry_root(const inf_registry *reg) {
    uint64_t root = 0;
    for (uint32_t i = 0; i < reg->owner_count; i++) {
        const owner *o = reg->owners[i];
        if (!o->up) continue;
        uint64_t word = inf_hash_mix(o->id ^ inf_hash_mix(o->boot));
        word = inf_hash_mix(word ^ o->cur);
        if (o->cur == o->goal) word = inf_hash_mix(word ^ o->digest);
        root += word;
    }
    return root;
}

bool inf_registry_owner_next(const inf_registry *reg, size_t *at,
                             inf_version *out) {
    if (*at >= reg->owner_count) return false;
    version_of(reg->owners[(*at)++], out);
    return true;
}

int inf_registry_owner(const inf_registry *reg, uint64_t node,
                       inf_version *out) {
    const owner *o = owner_find(reg, node);
    if (o == NULL) return INF_ENOENT;
    version_of(o, out);
    return 0;
}

inf_slice inf_registry_owner_name(const inf_registry *reg, uint64_t node) {
    const owner *o = owner_find(reg, node);
    return o != NULL ? o->name : (inf_slice){NULL, 0};
}

int inf_registry_set_prefer(inf_registry *reg, inf_prefer prefer) {
    if (reg->prefer == prefer) return 0;
    if (reg->store.indexed != 0) return INF_EEXISTS;
    reg->prefer = prefer;
    return 0;
}
