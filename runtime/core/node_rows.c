/* SPDX-License-Identifier: MIT */
/* node_rows.c: branches and their rows, as the face shows them. */
#include "core/node_impl.h"

uint64_t node_scope(inf_slice branch) {
    return inf_hash(branch, 0x73636f7065);
}

branch_state *node_branch(const inf_node *node, inf_slice name) {
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        const branch_state *b = &node->branches[i];
        if (b->registry != NULL && inf_slice_eq(b->name, name)) {
            return (branch_state *)(uintptr_t)b;
        }
    }
    return NULL;
}

unsigned node_slot(const inf_node *node, const branch_state *b) {
    return (unsigned)(b - node->branches);
}

inf_row node_row(const inf_entry *entry) {
    return (inf_row){.name = entry->name,
                     .implementation = entry->implementation,
                     .node = entry->owner,
                     .ref = entry->claim.stamp,
                     .boot = entry->claim.boot,
                     .worker = entry->worker};
}

/* ---- what changes, as effects ------------------------------------------ */

/* Slices in a batch are offsets until it is sent: the bytes may move. */
static inf_slice batch_keep(row_batch *batch, inf_slice bytes) {
    uintptr_t at = batch->bytes.len;
    inf_buf_slice(&batch->bytes, bytes);
    return (inf_slice){(const uint8_t *)at, bytes.len};
}

static inf_slice batch_place(const row_batch *batch, inf_slice kept) {
    return inf_slice_of(batch->bytes.data + (uintptr_t)kept.data, kept.len);
}

static void batch_add(row_batch *batch, const inf_entry *entry) {
    inf_row row = node_row(entry);
    row.name = batch_keep(batch, row.name);
    row.implementation = batch_keep(batch, row.implementation);
    row.node = batch_keep(batch, row.node);
    batch->rows[batch->count++] = row;
}

static void batch_send(inf_node *node) {
    row_batch *batch = &node->batch;
    if (batch->count != 0 && !batch->bytes.failed) {
        for (size_t i = 0; i < batch->count; i++) {
            inf_row *row = &batch->rows[i];
            row->name = batch_place(batch, row->name);
            row->implementation = batch_place(batch, row->implementation);
            row->node = batch_place(batch, row->node);
        }
        inf_outbox_push(&node->outbox,
                        &(inf_effect){.kind = INF_EFFECT_ROWS,
                                      .change = batch->change,
                                      .branch = batch->branch->name,
                                      .rows = batch->rows,
                                      .row_count = batch->count,
                                      .count = batch->count});
    }
    batch->count = 0;
    inf_buf_clear(&batch->bytes);
}

void node_rows_flush(inf_node *node) {
    row_batch *batch = &node->batch;
    if (batch->branch == NULL) return;
    batch_send(node);
    if (batch->untold != 0) {
        inf_outbox_push(&node->outbox,
                        &(inf_effect){.kind = INF_EFFECT_ROWS,
                                      .change = batch->change,
                                      .branch = batch->branch->name,
                                      .count = batch->untold});
    }
    batch->untold = 0;
    batch->branch = NULL;
}

void inf_node_want_rows(inf_node *node, inf_rows_for who, bool wanted) {
    unsigned bit = (unsigned)who;
    node->rows_for = wanted ? node->rows_for | bit : node->rows_for & ~bit;
}

static inf_change change_of(inf_registry_change change) {
    switch (change) {
    case INF_ROW_SHOWN:
        return INF_CHANGE_JOIN;
    case INF_ROW_HIDDEN:
        return INF_CHANGE_LEAVE;
    case INF_ROW_CONFLICT:
        break;
    }
    return INF_CHANGE_CONFLICT;
}

static void row_changed(void *ctx, inf_registry_change change,
                        const inf_entry *entry, const inf_entry *lost) {
    branch_state *b = ctx;
    inf_node *node = b->node;
    row_batch *batch = &node->batch;
    if (node->rows_for == 0) return;
    if (batch->branch != b || batch->change != change_of(change)) {
        node_rows_flush(node);
    }
    batch->branch = b;
    batch->change = change_of(change);
    bool each = (node->rows_for & (unsigned)INF_ROWS_FOR_USER) != 0;
    if (++batch->told > ROWS_A_CALL && !each) {
        batch->untold++;
        return;
    }
    if (batch->count == ROWS_A_BATCH) batch_send(node);
    batch_add(batch, entry);
    if (lost != NULL) batch_add(batch, lost);
}

/* ---- branches ---------------------------------------------------------- */

static inf_hash_key random_key(inf_node *node) {
    inf_hash_key key;
    for (size_t i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (uint8_t)(inf_rng_next(&node->rng) >> 24);
    return key;
}

/* The slot of a branch that ran before, or a free one; NULL when all are taken
   or another branch has the same id. */
/* The branch does not run, and need not be remembered. Should it run again, its
   own changes go on to be counted from beyond all that are forgotten: peers
   take lower numbers for old news. */
static void forget_branch(inf_node *node, branch_state *b) {
    if (b->last_seq > node->forgotten_seq) node->forgotten_seq = b->last_seq;
    node_gate_deinit(node, b);
    inf_free(node->mem, (void *)(uintptr_t)b->name.data);
    *b = (branch_state){.runs = false};
}

/* The branch's own slot, else a free one, else that of one that runs no more;
   NULL: all run. */
static branch_state *branch_slot(inf_node *node, inf_slice name) {
    branch_state *found = NULL;
    uint64_t scope = node_scope(name);
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        branch_state *b = &node->branches[i];
        if (b->name.len == 0) {
            if (found == NULL || found->name.len != 0) found = b;
        } else if (inf_slice_eq(b->name, name)) {
            return b;
        } else if (b->scope == scope) {
            return NULL;
        } else if (!b->runs && found == NULL) {
            found = b;
        }
    }
    if (found == NULL) return NULL;
    if (found->name.len != 0) forget_branch(node, found);
    uint8_t *copy = inf_malloc(node->mem, name.len);
    if (copy == NULL) return NULL;
    memcpy(copy, name.data, name.len);
    found->name = inf_slice_of(copy, name.len);
    found->scope = scope;
    found->node = node;
    found->last_seq = node->forgotten_seq;
    return found;
}

static inf_prefer prefer_of(const branch_state *b) {
    return b->resolve == INF_RESOLVE_OLDEST ? INF_PREFER_FIRST
                                            : INF_PREFER_LAST;
}

static int open_registry(inf_node *node, branch_state *b) {
    inf_map_init(&b->contests, node->mem, random_key(node));
    return inf_registry_new(
        &b->registry, &(inf_registry_config){.mem = node->mem,
                                             .node = node->name,
                                             .boot = node->boot,
                                             .first_seq = b->last_seq,
                                             .key = random_key(node),
                                             .rows_max = INF_ROWS_MAX,
                                             .deletes_max = node->deletes_max,
                                             .prefer = prefer_of(b),
                                             .listener = {b, row_changed}});
}

static void close_registry(inf_node *node, branch_state *b) {
    inf_version mine;
    if (inf_registry_owner(b->registry, node->id, &mine) == 0) {
        b->last_seq = mine.cur + 1;
    }
    node_rows_flush(node);
    inf_synch_scope_close(node->synch, node_slot(node, b));
    inf_registry_free(b->registry);
    node_contests_deinit(node, b);
    b->registry = NULL;
    b->runs = false;
    node_gate_deinit(node, b);
}

int inf_node_branch_add(inf_node *node, inf_slice name, uint64_t now_ms) {
    node_begin(node, now_ms);
    if (name.len == 0 || name.len > INF_NAME_MAX) return INF_ENAME;
    if (node_branch(node, name) != NULL) return 0;
    if (node->leaving || node->superseded) return INF_ECLOSED;
    branch_state *b = branch_slot(node, name);
    if (b == NULL) return INF_EFULL;
    int rc = open_registry(node, b);
    if (rc != 0) {
        forget_branch(node, b);
        return rc;
    }
    b->runs = true;
    inf_synch_scope_open(node->synch, node_slot(node, b), b->scope);
    rc = node_announce(node);
    if (rc != 0) {
        close_registry(node, b);
        forget_branch(node, b);
        return rc;
    }
    bool alone = inf_member_live(node->member) <= 1;
    b->open_at_ms = alone ? 0 : node->now_ms + node->gossip_ms * 5 / 2;
    node->views_stale = true;
    node_review_members(node);
    node_end(node);
    return 0;
}

int inf_node_branch_remove(inf_node *node, inf_slice name, uint64_t now_ms) {
    node_begin(node, now_ms);
    branch_state *b = node_branch(node, name);
    if (b == NULL) return INF_ENOENT;
    close_registry(node, b);
    (void)node_announce(node);
    node_review_members(node);
    node_end(node);
    return 0;
}

void node_branches_deinit(inf_node *node) {
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        branch_state *b = &node->branches[i];
        if (b->registry != NULL) node_contests_deinit(node, b);
        inf_registry_free(b->registry);
        node_gate_deinit(node, b);
        inf_free(node->mem, (void *)(uintptr_t)b->name.data);
    }
}

int inf_node_resolve(inf_node *node, inf_slice name, inf_resolve resolve) {
    branch_state *b = node_branch(node, name);
    if (b == NULL) return INF_ENOENT;
    b->resolve = resolve;
    return inf_registry_set_prefer(b->registry, prefer_of(b));
}

/* ---- rows -------------------------------------------------------------- */

int inf_node_claim(inf_node *node, inf_slice branch, inf_slice name,
                   inf_slice implementation, uint64_t now_ms, inf_row *row) {
    node_begin(node, now_ms);
    branch_state *b = node_branch(node, branch);
    if (b == NULL) return INF_ENOENT;
    if (node->leaving || node->superseded) return INF_ECLOSED;
    inf_entry entry;
    if (inf_registry_find(b->registry, name, &entry) == 0 ||
        inf_registry_own(b->registry, name, &entry) == 0) {
        *row = node_row(&entry);
        return INF_EEXISTS;
    }
    int rc = inf_registry_put(b->registry, name, implementation, 0, &node->hlc,
                              node_wall_ms(node), &entry);
    if (rc != 0) return rc;
    inf_synch_changed(node->synch);
    node_end(node);
    *row = node_row(&entry);
    return 0;
}

int inf_node_release(inf_node *node, inf_slice branch, inf_slice name,
                     uint64_t ref, uint64_t now_ms) {
    node_begin(node, now_ms);
    branch_state *b = node_branch(node, branch);
    if (b == NULL) return INF_ENOENT;
    int rc = inf_registry_remove(b->registry, name, ref);
    if (rc == 0) inf_synch_changed(node->synch);
    node_end(node);
    return rc;
}

int inf_node_whereis(const inf_node *node, inf_slice branch, inf_slice name,
                     inf_row *row) {
    const branch_state *b = node_branch(node, branch);
    inf_entry entry;
    if (b == NULL || inf_registry_find(b->registry, name, &entry) != 0) {
        return INF_ENOENT;
    }
    *row = node_row(&entry);
    return 0;
}

int inf_node_lost(const inf_node *node, inf_slice branch, inf_slice name,
                  inf_row *row) {
    const branch_state *b = node_branch(node, branch);
    inf_entry entry;
    inf_member_view member;
    if (b == NULL || inf_registry_find(b->registry, name, &entry) == 0 ||
        inf_registry_lost(b->registry, name, &entry) != 0) {
        return INF_ENOENT;
    }
    *row = node_row(&entry);
    if (!inf_node_member_find(node, row->node, &member)) return INF_ENOENT;
    return member.state == INF_MEMBER_DEAD ? 0 : INF_ENOENT;
}

int inf_node_hint(inf_node *node, inf_slice branch, const inf_row *row,
                  uint64_t now_ms) {
    node_begin(node, now_ms);
    branch_state *b = node_branch(node, branch);
    if (b == NULL) return INF_ENOENT;
    inf_entry entry = {.name = row->name,
                       .implementation = row->implementation,
                       .owner = row->node,
                       .claim = {row->ref, inf_node_id(row->node), row->boot},
                       .worker = row->worker};
    int rc = inf_registry_hint(b->registry, &entry);
    node_end(node);
    return rc;
}

uint64_t inf_node_count(const inf_node *node, inf_slice branch) {
    const branch_state *b = node_branch(node, branch);
    return b != NULL ? inf_registry_count(b->registry) : 0;
}

bool inf_node_version_next(const inf_node *node, inf_slice branch, size_t *at,
                           inf_version *out) {
    const branch_state *b = node_branch(node, branch);
    return b != NULL && inf_registry_owner_next(b->registry, at, out);
}

bool inf_node_row_next(const inf_node *node, inf_slice branch, uint64_t *at,
                       inf_row *row) {
    const branch_state *b = node_branch(node, branch);
    inf_entry entry;
    if (b == NULL || !inf_registry_next(b->registry, at, &entry)) return false;
    *row = node_row(&entry);
    return true;
}

int inf_node_random(const inf_node *node, inf_slice branch, uint64_t chance,
                    inf_row *row) {
    const branch_state *b = node_branch(node, branch);
    inf_entry entry;
    if (b == NULL || inf_registry_random(b->registry, chance, &entry) != 0) {
        return INF_ENOENT;
    }
    *row = node_row(&entry);
    return 0;
}

/* The same choice for a branch that does not run here. */
static int place_elsewhere(const inf_node *node, inf_slice branch,
                           inf_slice name, inf_slice *member) {
    uint64_t scope = node_scope(branch);
    uint64_t best = 0;
    size_t at = 0;
    inf_member_view view;
    while (inf_member_next(node->member, &at, &view)) {
        if (!inf_node_runs(node, view.name, branch)) continue;
        uint64_t pair[2] = {best, inf_node_id(view.name)};
        size_t from = best != 0 ? 0 : 1;
        uint64_t chosen = node_choose(pair + from, 2 - from, scope, name);
        if (chosen != best) *member = view.name;
        best = chosen;
    }
    return best != 0 ? 0 : INF_ENOENT;
}

int inf_node_place(const inf_node *node, inf_slice branch, inf_slice name,
                   inf_slice *member) {
    const branch_state *b = node_branch(node, branch);
    if (b == NULL) return place_elsewhere(node, branch, name, member);
    uint64_t id = node_choose(b->ids, b->id_count, b->scope, name);
    *member = inf_registry_owner_name(b->registry, id);
    return member->len != 0 ? 0 : INF_ENOENT;
}

int inf_node_synch(inf_node *node, inf_slice branch, const inf_slice *members,
                   size_t count, uint32_t timeout_ms, uint64_t token,
                   uint64_t now_ms) {
    node_begin(node, now_ms);
    branch_state *b = node_branch(node, branch);
    if (b == NULL) return INF_ENOENT;
    size_t room = count != 0 ? count : b->id_count;
    uint64_t *ids = inf_malloc(node->mem, (room + 1) * sizeof *ids);
    if (ids == NULL) return INF_ENOMEM;
    inf_buf unknown;
    inf_buf_init(&unknown, node->mem);
    size_t known = 0;
    for (size_t i = 0; i < room; i++) {
        uint64_t id = count != 0 ? inf_node_id(members[i]) : b->ids[i];
        if (id == node->id) continue;
        if (count != 0 && !inf_node_runs(node, members[i], branch)) {
            if (unknown.len != 0) inf_buf_u8(&unknown, ',');
            inf_buf_slice(&unknown, members[i]);
        } else {
            ids[known++] = id;
        }
    }
    int rc = inf_synch_request(node->synch, node_slot(node, b), ids, known,
                               inf_buf_view(&unknown), timeout_ms, token,
                               node->now_ms);
    inf_buf_deinit(&unknown);
    inf_free(node->mem, ids);
    node_end(node);
    return rc;
}
