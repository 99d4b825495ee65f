/* SPDX-License-Identifier: MIT */
/* Ghosts look: what must hold at all times, and what must hold at rest. The
   marks I1 to I10 and E1 to E5 are those of the protocol's description. */
#include <stdio.h>
#include <stdlib.h>

#include "sim_cluster_parts.h"

static uint64_t id_of(size_t node) {
    return inf_hash(sim_name(node), INF_NODE_ID_SEED);
}

static size_t owner_of(const cluster *c, uint64_t id) {
    for (size_t i = 0; i < c->nodes; i++) {
        if (id_of(i) == id) return i;
    }
    return SIZE_MAX;
}

static bool version_at(const cluster *c, size_t node, size_t owner,
                       inf_version *out) {
    size_t at = 0;
    while (inf_node_version_next(cluster_node(c, node), CLUSTER_BRANCH, &at,
                                 out)) {
        if (out->node == id_of(owner)) return true;
    }
    return false;
}

static history *history_of(const cluster *c, size_t node, uint64_t boot) {
    INF_ASSERT(boot < LIVES_MAX);
    return &c->histories[node * LIVES_MAX + boot];
}

void check_record(cluster *c, size_t node) {
    inf_version own;
    if (!version_at(c, node, node, &own)) return;
    history *h = history_of(c, node, own.boot);
    if (own.cur >= h->cap) {
        size_t cap = h->cap == 0 ? 256 : h->cap * 2;
        while (cap <= own.cur)
            cap *= 2;
        h->digests = realloc(h->digests, cap * sizeof *h->digests);
        h->known = realloc(h->known, cap * sizeof *h->known);
        INF_ASSERT(h->digests != NULL && h->known != NULL);
        for (size_t i = h->cap; i < cap; i++)
            h->known[i] = false;
        h->cap = cap;
    }
    h->digests[own.cur] = own.digest;
    h->known[own.cur] = true;
    if (own.cur > h->count) h->count = own.cur;
}

/* I1: a whole replica is the owner's rows after as many changes.
   I4: nobody is ahead of the owner. */
static void check_replica(cluster *c, size_t node, size_t owner,
                          const inf_version *have) {
    if (have->boot == 0) return;
    const history *h = history_of(c, owner, have->boot);
    if (have->cur > h->count || have->high > h->count) {
        cluster_fail(c, "I4: n%zu is ahead of the owner n%zu", node, owner);
        return;
    }
    bool whole = have->cur == have->goal;
    uint64_t want = have->cur == 0 ? 0 : h->digests[have->cur];
    if (whole && (have->cur == 0 || h->known[have->cur]) &&
        want != have->digest) {
        cluster_fail(c,
                     "I1: n%zu: rows of n%zu after %llu changes are not the "
                     "owner's",
                     node, owner, (unsigned long long)have->cur);
    }
}

/* E4: deletes are remembered within bounds, and not once all have them. */
static void check_deletes(cluster *c, size_t node, const inf_version *have) {
    uint64_t most = c->options.deletes_max + have->rows / 4;
    if (have->deletes > most) {
        cluster_fail(c, "E4: n%zu remembers %llu deletes", node,
                     (unsigned long long)have->deletes);
    }
}

/* I2: what was known is never known less. */
static void check_marks(cluster *c, size_t node, size_t owner,
                        const inf_version *have) {
    mark *m = &c->marks[node * c->nodes + owner];
    bool fell =
        have->boot < m->boot || (have->boot == m->boot && have->high < m->high);
    if (fell) {
        cluster_fail(c, "I2: n%zu knows less about n%zu than before", node,
                     owner);
    }
    *m = (mark){have->boot, have->high};
}

/* Nothing shows of members that are not up. */
static void check_owner_lives(cluster *c, size_t node, inf_slice owner) {
    inf_member_view view;
    bool known = inf_node_member_find(cluster_node(c, node), owner, &view);
    if (!known || view.state == INF_MEMBER_DEAD ||
        view.state == INF_MEMBER_LEFT) {
        cluster_fail(c, "I9: n%zu shows a row of %.*s, which is dead", node,
                     (int)owner.len, (const char *)owner.data);
    }
}

/* I3, locally: the rows a node shows of itself are its own FSMs. */
static void check_shown(cluster *c, size_t node) {
    uint64_t at = 0;
    inf_row row;
    while (
        inf_node_row_next(cluster_node(c, node), CLUSTER_BRANCH, &at, &row)) {
        if (sim_node_of(row.node) != node) {
            check_owner_lives(c, node, row.node);
            continue;
        }
        bool runs = false;
        for (size_t i = 0; i < c->ghost_count && !runs; i++) {
            const ghost *g = &c->ghosts[i];
            runs = g->lives && g->node == node && g->ref == row.ref;
        }
        if (!runs)
            cluster_fail(c, "I3: n%zu shows an FSM it does not run", node);
    }
}

void check_always(cluster *c) {
    for (size_t node = 0; node < c->nodes; node++) {
        if (!sim_runs(c->world, node)) continue;
        if (c->marked_life[node] != sim_life(c->world, node)) {
            c->marked_life[node] = sim_life(c->world, node);
            for (size_t i = 0; i < c->nodes; i++)
                c->marks[node * c->nodes + i] = (mark){0, 0};
        }
        size_t at = 0;
        inf_version have;
        while (inf_node_version_next(cluster_node(c, node), CLUSTER_BRANCH, &at,
                                     &have)) {
            size_t owner = owner_of(c, have.node);
            check_deletes(c, node, &have);
            if (owner == node || owner == SIZE_MAX) continue;
            check_replica(c, node, owner, &have);
            check_marks(c, node, owner, &have);
        }
        check_shown(c, node);
    }
}

/* ---- at rest ----------------------------------------------------------- */

#define REST(condition, ...)                                                   \
    do {                                                                       \
        if (!(condition)) {                                                    \
            if (why != NULL) (void)snprintf(why, size, __VA_ARGS__);           \
            return false;                                                      \
        }                                                                      \
    } while (0)

/* E1: the same versions and digests everywhere. */
static bool same_versions(cluster *c, char *why, size_t size) {
    for (size_t node = 0; node < c->nodes; node++) {
        for (size_t owner = 0; owner < c->nodes; owner++) {
            inf_version have;
            inf_version own;
            REST(version_at(c, owner, owner, &own), "E1: n%zu has no rows",
                 owner);
            REST(version_at(c, node, owner, &have), "E1: n%zu misses n%zu",
                 node, owner);
            REST(have.up, "E1: n%zu holds n%zu for down", node, owner);
            REST(have.boot == own.boot && have.cur == own.cur &&
                     have.digest == own.digest && have.goal == own.goal,
                 "E1: n%zu has %llu (to %llu) of %llu changes of n%zu", node,
                 (unsigned long long)have.cur, (unsigned long long)have.goal,
                 (unsigned long long)own.cur, owner);
        }
    }
    return true;
}

static const ghost *running(const cluster *c, size_t name) {
    for (size_t i = 0; i < c->ghost_count; i++) {
        if (c->ghosts[i].lives && c->ghosts[i].name == name) {
            return &c->ghosts[i];
        }
    }
    return NULL;
}

/* E2, I5, I9: each name runs at most once, each view shows exactly that. */
static bool true_views(cluster *c, char *why, size_t size) {
    uint64_t names = 0;
    for (size_t name = 0; name < c->options.names; name++) {
        size_t count = model_running(c, name);
        const ghost *g = running(c, name);
        REST(count <= 1, "E2: name %zu runs %zu times", name, count);
        names += count;
        for (size_t node = 0; node < c->nodes; node++) {
            inf_row row;
            int rc = inf_node_whereis(cluster_node(c, node), CLUSTER_BRANCH,
                                      cluster_name(name), &row);
            REST((rc == 0) == (g != NULL), "E2: n%zu: name %zu is %s", node,
                 name, g != NULL ? "missing" : "a zombie");
            REST(g == NULL ||
                     (row.ref == g->ref && sim_node_of(row.node) == g->node),
                 "I5: n%zu: name %zu is elsewhere", node, name);
        }
    }
    for (size_t node = 0; node < c->nodes; node++) {
        REST(inf_node_count(cluster_node(c, node), CLUSTER_BRANCH) == names,
             "E1: n%zu counts wrongly", node);
        REST(inf_node_ready(cluster_node(c, node), CLUSTER_BRANCH,
                            cluster_ms(c, node)),
             "E1: n%zu is not ready", node);
    }
    return true;
}

void check_forgotten(cluster *c) {
    for (size_t node = 0; node < c->nodes; node++) {
        inf_version own;
        if (version_at(c, node, node, &own) && own.deletes != 0) {
            cluster_fail(c, "E4: n%zu remembers deletes that all have", node);
        }
    }
}

bool check_rest(cluster *c, char *why, size_t size) {
    for (size_t i = 0; i < c->word_count; i++) {
        REST(c->words[i].kind != WORD_LOST, "E2: an FSM is still to stop");
    }
    return same_versions(c, why, size) && true_views(c, why, size);
}
