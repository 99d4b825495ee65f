/* SPDX-License-Identifier: MIT */
/* node_gate.c: at most one start of a name, without consensus.

   The home of a name, chosen by rendezvous hashing (Thaler and Ravishankar,
   1996) over the live members that run the branch, decides whether it starts.
   That is safe while views agree. When the view changes, homes move, and the
   new home may not have heard of what the old one started. So each member tells
   each other which view it has and how many changes of its own it had made by
   then; a home serves names that moved to it only when all members of its view
   have said to have the same view, and their changes up to that point are here;
   or when that has taken too long, for a member that does not talk must not
   stop everybody. What slips through then is a conflict, and ends as one. */
#include "core/node_impl.h"

#define HOLD_MAX_MS 3000 /* longest wait for a view to settle */

uint64_t node_choose(const uint64_t *ids, size_t count, uint64_t scope,
                     inf_slice name) {
    uint64_t key = inf_hash(name, scope);
    uint64_t best = 0;
    uint64_t weight = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t each = inf_hash_mix(key ^ inf_hash_mix(ids[i]));
        if (best != 0 && (each < weight || (each == weight && ids[i] < best))) {
            continue;
        }
        best = ids[i];
        weight = each;
    }
    return best;
}

void node_gate_deinit(inf_node *node, branch_state *b) {
    inf_free(node->mem, b->ids);
    inf_free(node->mem, b->former_ids);
    inf_free(node->mem, b->witnesses);
    b->ids = b->former_ids = NULL;
    b->witnesses = NULL;
    b->id_count = b->former_count = b->witness_count = 0;
    b->view = 0;
    b->settled = b->was_settled = false;
}

/* ---- views ------------------------------------------------------------- */

static void sort_ids(uint64_t *ids, size_t count) {
    for (size_t i = 1; i < count; i++) {
        uint64_t id = ids[i];
        size_t at = i;
        for (; at != 0 && ids[at - 1] > id; at--)
            ids[at] = ids[at - 1];
        ids[at] = id;
    }
}

/* The ids of the live members that run the branch; NULL without memory. */
static uint64_t *gather(inf_node *node, const branch_state *b, size_t *count) {
    size_t live = 0;
    size_t at = 0;
    inf_version each;
    while (inf_registry_owner_next(b->registry, &at, &each))
        live += each.up ? 1 : 0;
    uint64_t *ids = inf_malloc(node->mem, live * sizeof *ids);
    if (ids == NULL) return NULL;
    *count = 0;
    at = 0;
    while (inf_registry_owner_next(b->registry, &at, &each)) {
        if (each.up) ids[(*count)++] = each.node;
    }
    sort_ids(ids, *count);
    return ids;
}

static uint64_t word_of(const uint64_t *ids, size_t count) {
    uint64_t word = inf_hash(inf_slice_of(ids, count * sizeof *ids), count);
    return word != 0 ? word : 1;
}

void node_view_to(inf_node *node, branch_state *b, uint64_t peer) {
    inf_version mine;
    if (b->view == 0 || inf_registry_owner(b->registry, node->id, &mine) != 0) {
        return;
    }
    inf_buf body;
    inf_buf_init(&body, node->mem);
    inf_buf_u8(&body, TOLD_VIEW);
    inf_buf_u64be(&body, b->view);
    inf_buf_varint(&body, mine.boot);
    inf_buf_varint(&body, mine.cur);
    if (!body.failed) {
        (void)inf_synch_tell(node->synch, node_slot(node, b), peer,
                             inf_buf_view(&body));
    }
    inf_buf_deinit(&body);
}

static void view_changed(inf_node *node, branch_state *b, uint64_t *ids,
                         size_t count) {
    inf_free(node->mem, b->former_ids);
    b->former_ids = b->ids;
    b->former_count = b->id_count;
    b->was_settled = b->settled;
    b->ids = ids;
    b->id_count = count;
    b->view = word_of(ids, count);
    b->view_at_ms = node->now_ms;
    b->settled = false;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] != node->id) node_view_to(node, b, ids[i]);
    }
}

void node_views(inf_node *node) {
    if (!node->views_stale) return;
    node->views_stale = false;
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        branch_state *b = &node->branches[i];
        if (b->registry == NULL) continue;
        size_t count = 0;
        uint64_t *ids = gather(node, b, &count);
        bool same = ids != NULL && count == b->id_count &&
                    memcmp(ids, b->ids, count * sizeof *ids) == 0;
        if (ids == NULL || same) {
            inf_free(node->mem, ids);
        } else {
            view_changed(node, b, ids, count);
        }
    }
}

static witness *witness_of(const branch_state *b, uint64_t peer) {
    for (size_t i = 0; i < b->witness_count; i++) {
        if (b->witnesses[i].peer == peer) return &b->witnesses[i];
    }
    return NULL;
}

void node_view_told(inf_node *node, branch_state *b, uint64_t peer,
                    inf_cursor *body) {
    witness said = {.peer = peer, .view = inf_cursor_u64be(body)};
    said.boot = inf_cursor_varint(body);
    said.head = inf_cursor_varint(body);
    if (body->failed) return;
    witness *known = witness_of(b, peer);
    if (known != NULL) {
        *known = said;
        return;
    }
    size_t size = (b->witness_count + 1) * sizeof *b->witnesses;
    witness *grown = inf_realloc(node->mem, b->witnesses, size);
    if (grown == NULL) return;
    b->witnesses = grown;
    b->witnesses[b->witness_count++] = said;
}

/* ---- the gate ---------------------------------------------------------- */

/* Has everybody said to see the same, and is all they had then here? */
static bool agreed(const inf_node *node, const branch_state *b) {
    for (size_t i = 0; i < b->id_count; i++) {
        if (b->ids[i] == node->id) continue;
        const witness *said = witness_of(b, b->ids[i]);
        inf_version have;
        if (said == NULL || said->view != b->view ||
            inf_registry_owner(b->registry, b->ids[i], &have) != 0 ||
            have.boot != said->boot || have.cur < said->head) {
            return false;
        }
    }
    return true;
}

static bool settle(inf_node *node, branch_state *b) {
    if (b->settled) return true;
    if (node->joining || node->now_ms < b->open_at_ms) return false;
    bool waited = node->now_ms >= b->view_at_ms + HOLD_MAX_MS;
    b->settled = waited || agreed(node, b);
    return b->settled;
}

bool inf_node_ready(inf_node *node, inf_slice name, uint64_t now_ms) {
    node_begin(node, now_ms);
    node_views(node);
    branch_state *b = node_branch(node, name);
    return b != NULL && settle(node, b);
}

uint64_t inf_node_view(const inf_node *node, inf_slice name) {
    const branch_state *b = node_branch(node, name);
    return b != NULL ? b->view : 0;
}

int inf_node_start_gate(inf_node *node, inf_slice branch, inf_slice name,
                        uint64_t now_ms, inf_slice *home) {
    node_begin(node, now_ms);
    node_views(node);
    branch_state *b = node_branch(node, branch);
    if (b == NULL) {
        return inf_node_place(node, branch, name, home) == 0 ? 1 : INF_ENOENT;
    }
    uint64_t id = node_choose(b->ids, b->id_count, b->scope, name);
    *home = inf_registry_owner_name(b->registry, id);
    if (id != node->id) return settle(node, b) ? 1 : INF_ENOTREADY;
    if (settle(node, b)) return 0;
    bool stayed = b->was_settled && node_choose(b->former_ids, b->former_count,
                                                b->scope, name) == node->id;
    return stayed ? 0 : INF_ENOTREADY;
}
