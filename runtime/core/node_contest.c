/* SPDX-License-Identifier: MIT */
/* node_contest.c: two owners of one name, where the user decides who stays.

   The user's function runs outside the core, and only where one of the two FSMs
   is. Of the two, `last` would stay as the last writer and `older` would go.
   The node of `older` sees its row lose, and has the function asked first.
   Keeps it `last`, the conflict goes its usual way. Keeps it `older`, this node
   contests: it tells the node of `last`, which has its own function asked about
   the same two rows, and either refuses, and then the last writer stays, or
   asks for a proof that `older` lives, and yields.

       contest   4, stamp and boot of older, stamp and boot of last, name
       refusal   5, the same
       proof     6, a question, answered only by a node that contests

   At most one of the two ever yields. The node of `older` yields only once it
   has stopped contesting, which it never takes back, and then proves nothing
   more; the node of `last` yields only on a proof, to what it has not refused.
   Both talk on ordered streams. So a function that fails, that does not answer
   or that says something else on each node costs the user's wish, and never
   both FSMs. */
#include "core/node_impl.h"

#define CONTESTS_MAX   16384 /* of one branch; further ones wait */
#define CONTEST_MAX_MS 10000 /* for each side to make up its mind */

struct contest {
    enum { CONTEST_ASKED, CONTEST_LAST, CONTEST_OLDER } state;
    uint64_t mine; /* stamp of the row here */
    inf_claim other;
    uint64_t since_ms; /* in this state */
    inf_slice name;    /* in the same block */
};

static bool same_claim(inf_claim a, inf_claim b) {
    return a.stamp == b.stamp && a.node == b.node && a.boot == b.boot;
}

static contest *contest_of(const branch_state *b, inf_slice name) {
    return inf_map_get(&b->contests, name);
}

static void forget(inf_node *node, branch_state *b, contest *c) {
    (void)inf_map_remove(&b->contests, c->name);
    inf_free(node->mem, c);
}

void node_contests_deinit(inf_node *node, branch_state *b) {
    size_t at = 0;
    for (contest *c; (c = inf_map_next(&b->contests, &at)) != NULL;)
        inf_free(node->mem, c);
    inf_map_deinit(&b->contests);
}

static void decide(inf_node *node, contest *c, bool older) {
    c->state = older ? CONTEST_OLDER : CONTEST_LAST;
    c->since_ms = node->now_ms;
}

/* Has the user's function asked about the two rows; NULL: later. */
static contest *begin(inf_node *node, branch_state *b, const inf_entry *mine,
                      const inf_entry *other, bool mine_is_last) {
    contest *c = contest_of(b, mine->name);
    if (c != NULL) forget(node, b, c);
    if (b->contests.count >= CONTESTS_MAX) return NULL;
    c = inf_malloc(node->mem, sizeof *c + mine->name.len);
    if (c == NULL) return NULL;
    memcpy(c + 1, mine->name.data, mine->name.len);
    *c = (contest){.state = CONTEST_ASKED,
                   .mine = mine->claim.stamp,
                   .other = other->claim,
                   .since_ms = node->now_ms,
                   .name = inf_slice_of(c + 1, mine->name.len)};
    if (inf_map_set(&b->contests, c->name, c) != 0) {
        inf_free(node->mem, c);
        return NULL;
    }
    inf_row rows[2] = {node_row(mine_is_last ? mine : other),
                       node_row(mine_is_last ? other : mine)};
    inf_outbox_push(&node->outbox, &(inf_effect){.kind = INF_EFFECT_CONTEST,
                                                 .branch = b->name,
                                                 .rows = rows,
                                                 .row_count = 2});
    node_housekeep_by(node, node->now_ms + HOUSEKEEP_MS);
    return c;
}

static void say_pair(inf_node *node, branch_state *b, uint8_t kind,
                     uint64_t peer, inf_claim older, inf_claim last,
                     inf_slice name) {
    inf_buf body;
    inf_buf_init(&body, node->mem);
    inf_buf_u8(&body, kind);
    inf_buf_varint(&body, older.stamp);
    inf_buf_varint(&body, older.boot);
    inf_buf_varint(&body, last.stamp);
    inf_buf_varint(&body, last.boot);
    inf_buf_slice(&body, name);
    if (!body.failed) {
        (void)inf_synch_tell(node->synch, node_slot(node, b), peer,
                             inf_buf_view(&body));
    }
    inf_buf_deinit(&body);
}

static inf_claim my_claim(const inf_node *node, const contest *c) {
    return (inf_claim){c->mine, node->id, node->boot};
}

static void give_in(inf_node *node, contest *c, const char *why) {
    decide(node, c, false);
    inf_outbox_log(&node->outbox, INF_LOG_WARN,
                   "resolve of %.*s: %s; the last writer stays",
                   (int)c->name.len, (const char *)c->name.data, why);
}

/* ---- the node of the older row ----------------------------------------- */

bool node_contests(inf_node *node, branch_state *b, const inf_entry *mine,
                   const inf_entry *winner) {
    if (b->resolve != INF_RESOLVE_ASK) return false;
    contest *c = contest_of(b, mine->name);
    if (c == NULL || c->mine != mine->claim.stamp ||
        !same_claim(c->other, winner->claim)) {
        (void)begin(node, b, mine, winner, false);
        return true;
    }
    if (c->state == CONTEST_LAST) return false;
    if (node->now_ms >= c->since_ms + CONTEST_MAX_MS) {
        give_in(node, c,
                c->state == CONTEST_ASKED ? "no answer from the function"
                                          : "no answer from the other node");
        return false;
    }
    if (c->state == CONTEST_OLDER) {
        say_pair(node, b, TOLD_CONTEST, c->other.node, mine->claim, c->other,
                 c->name);
    }
    return true;
}

bool node_contest_proves(const inf_node *node, const branch_state *b,
                         uint64_t peer, inf_slice name) {
    const contest *c = contest_of(b, name);
    inf_entry shown;
    return c != NULL && c->state == CONTEST_OLDER && c->other.node == peer &&
           inf_registry_find(b->registry, name, &shown) == 0 &&
           shown.claim.node != node->id;
}

static void refused(inf_node *node, branch_state *b, inf_claim older,
                    inf_claim last, inf_slice name) {
    contest *c = contest_of(b, name);
    if (c == NULL || c->state != CONTEST_OLDER || c->mine != older.stamp ||
        older.boot != node->boot || !same_claim(c->other, last)) {
        return;
    }
    give_in(node, c, "the other node does not agree");
    node_conflict_of(node, b, name);
}

/* ---- the node of the last writer --------------------------------------- */

static void reply(inf_node *node, branch_state *b, const contest *c) {
    if (c->state == CONTEST_OLDER) {
        node_question(node, b, TOLD_PROOF, c->other, c->name);
    } else if (c->state == CONTEST_LAST) {
        say_pair(node, b, TOLD_REFUSAL, c->other.node, c->other,
                 my_claim(node, c), c->name);
    }
}

static void contested(inf_node *node, branch_state *b, inf_claim older,
                      inf_claim last, inf_slice name) {
    inf_entry mine;
    inf_entry other;
    if (last.boot != node->boot ||
        !inf_registry_confirms(b->registry, name, last.stamp) ||
        inf_registry_find(b->registry, name, &mine) != 0 ||
        mine.claim.node != node->id) {
        return; /* views differ still; it contests again */
    }
    if (b->resolve != INF_RESOLVE_ASK) {
        say_pair(node, b, TOLD_REFUSAL, older.node, older, last, name);
        return;
    }
    if (inf_registry_claimed(b->registry, name, older.node, &other) != 0 ||
        !same_claim(other.claim, older)) {
        return;
    }
    contest *c = contest_of(b, name);
    bool known =
        c != NULL && c->mine == last.stamp && same_claim(c->other, older);
    bool young = c != NULL && c->state == CONTEST_ASKED &&
                 node->now_ms < c->since_ms + CONTEST_MAX_MS;
    if (known) {
        reply(node, b, c);
    } else if (!young) {
        (void)begin(node, b, &mine, &other, true);
    }
}

bool node_contest_lost(const branch_state *b, const inf_entry *mine,
                       inf_claim other) {
    const contest *c = contest_of(b, mine->name);
    inf_entry rival;
    return c != NULL && c->state == CONTEST_OLDER &&
           c->mine == mine->claim.stamp && same_claim(c->other, other) &&
           inf_registry_claimed(b->registry, mine->name, other.node, &rival) ==
               0 &&
           same_claim(rival.claim, other);
}

/* ---- both --------------------------------------------------------------- */

void node_contest_told(inf_node *node, branch_state *b, uint64_t peer,
                       uint8_t kind, inf_cursor *body) {
    inf_claim older = {.stamp = inf_cursor_varint(body)};
    older.boot = inf_cursor_varint(body);
    inf_claim last = {.stamp = inf_cursor_varint(body)};
    last.boot = inf_cursor_varint(body);
    inf_slice name = inf_cursor_take(body, inf_cursor_left(body));
    if (body->failed || name.len == 0 || name.len > INF_NAME_MAX) return;
    if (kind == TOLD_CONTEST) {
        older.node = peer;
        last.node = node->id;
        contested(node, b, older, last, name);
    } else {
        older.node = node->id;
        last.node = peer;
        refused(node, b, older, last, name);
    }
}

void node_contests_sweep(inf_node *node, branch_state *b) {
    size_t at = 0;
    for (contest *c; (c = inf_map_next(&b->contests, &at)) != NULL;) {
        inf_entry mine;
        inf_entry other;
        bool stands = inf_registry_own(b->registry, c->name, &mine) == 0 &&
                      mine.claim.stamp == c->mine &&
                      inf_registry_claimed(b->registry, c->name, c->other.node,
                                           &other) == 0 &&
                      same_claim(other.claim, c->other);
        if (stands) continue;
        forget(node, b, c);
        at--; /* another may have moved into its slot */
    }
    if (b->contests.count != 0) {
        node_housekeep_by(node, node->now_ms + HOUSEKEEP_MS);
    }
}

int inf_node_verdict(inf_node *node, inf_slice branch, inf_slice name,
                     const inf_row *last, const inf_row *older,
                     inf_verdict verdict, uint64_t now_ms) {
    node_begin(node, now_ms);
    branch_state *b = node_branch(node, branch);
    contest *c = b != NULL ? contest_of(b, name) : NULL;
    if (c == NULL || c->state != CONTEST_ASKED) return INF_ENOENT;
    inf_claim pair[2] = {{last->ref, inf_node_id(last->node), last->boot},
                         {older->ref, inf_node_id(older->node), older->boot}};
    bool mine_is_last =
        same_claim(pair[0], my_claim(node, c)) && same_claim(pair[1], c->other);
    bool mine_is_older =
        same_claim(pair[1], my_claim(node, c)) && same_claim(pair[0], c->other);
    if (!mine_is_last && !mine_is_older) return INF_ENOENT;
    decide(node, c, verdict == INF_KEEP_OLDER);
    if (mine_is_last) {
        reply(node, b, c);
    } else {
        node_conflict_of(node, b, name);
    }
    node_end(node);
    return 0;
}
