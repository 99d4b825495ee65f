/* SPDX-License-Identifier: MIT */
/* node_conflict.c: two owners of one name, after views differed.

   Every node's view shows the same winner, so only the loser's node acts: it
   asks the winner's node whether that very claim is alive. When the answer
   comes and the claim still wins, our FSM is told to stop (INF_EFFECT_LOST);
   its row goes when the caller releases the name. Nobody stops on a mere row,
   so a row whose FSM has died in between cannot end the last live copy. An FSM
   that is itself being stopped confirms nothing.

       question  1, when asked, stamp, boot of the asked, name to the end
       answer    2, alive u8, when asked, stamp, boot, name to the end

   An answer that was long under way says what was, not what is: it may be older
   than the end of the winner, whose news is queued behind it. So it counts only
   for a while after the question; the next one is asked within a second. */
#include "core/node_impl.h"

#define ANSWER_MAX_MS 1000 /* from question to answer, by the asker's clock */

static bool ask(inf_node *node, branch_state *b, const inf_entry *winner) {
    inf_buf body;
    inf_buf_init(&body, node->mem);
    inf_buf_u8(&body, TOLD_QUESTION);
    inf_buf_varint(&body, node->now_ms);
    inf_buf_varint(&body, winner->claim.stamp);
    inf_buf_varint(&body, winner->claim.boot);
    inf_buf_slice(&body, winner->name);
    bool said =
        !body.failed && inf_synch_tell(node->synch, node_slot(node, b),
                                       winner->claim.node, inf_buf_view(&body));
    inf_buf_deinit(&body);
    return said;
}

void node_conflicts(inf_node *node) {
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        branch_state *b = &node->branches[i];
        if (b->registry == NULL || inf_registry_losing(b->registry) == 0) {
            continue;
        }
        uint64_t at = 0;
        inf_entry mine;
        inf_entry winner;
        while (inf_registry_losing_next(b->registry, &at, &mine, &winner)) {
            (void)ask(node, b, &winner);
        }
        node_housekeep_by(node, node->now_ms + HOUSEKEEP_MS);
    }
}

static void answer(inf_node *node, branch_state *b, uint64_t peer,
                   uint64_t asked_ms, inf_claim claim, inf_slice name) {
    bool alive = claim.boot == node->boot && !node->leaving &&
                 inf_registry_confirms(b->registry, name, claim.stamp);
    inf_buf body;
    inf_buf_init(&body, node->mem);
    inf_buf_u8(&body, TOLD_ANSWER);
    inf_buf_u8(&body, alive ? 1 : 0);
    inf_buf_varint(&body, asked_ms);
    inf_buf_varint(&body, claim.stamp);
    inf_buf_varint(&body, claim.boot);
    inf_buf_slice(&body, name);
    if (!body.failed) {
        (void)inf_synch_tell(node->synch, node_slot(node, b), peer,
                             inf_buf_view(&body));
    }
    inf_buf_deinit(&body);
}

/* The winner is alive: is it still the winner? Then ours goes. */
static void yield(inf_node *node, branch_state *b, inf_claim claim,
                  inf_slice name) {
    inf_entry winner;
    inf_entry mine;
    if (inf_registry_find(b->registry, name, &winner) != 0 ||
        inf_registry_own(b->registry, name, &mine) != 0) {
        return;
    }
    bool same = winner.claim.stamp == claim.stamp &&
                winner.claim.node == claim.node &&
                winner.claim.boot == claim.boot;
    if (!same || !inf_registry_confirms(b->registry, name, mine.claim.stamp)) {
        return;
    }
    inf_registry_yield(b->registry, name, mine.claim.stamp);
    inf_row row = node_row(&winner);
    inf_outbox_push(&node->outbox, &(inf_effect){.kind = INF_EFFECT_LOST,
                                                 .branch = b->name,
                                                 .lost_ref = mine.claim.stamp,
                                                 .rows = &row,
                                                 .row_count = 1});
}

void node_conflict_told(inf_node *node, branch_state *b, uint64_t peer,
                        uint8_t kind, inf_cursor *body) {
    bool alive = kind == TOLD_ANSWER && inf_cursor_u8(body) == 1;
    uint64_t asked_ms = inf_cursor_varint(body);
    bool fresh =
        asked_ms <= node->now_ms && node->now_ms - asked_ms <= ANSWER_MAX_MS;
    inf_claim claim = {.stamp = inf_cursor_varint(body)};
    claim.boot = inf_cursor_varint(body);
    inf_slice name = inf_cursor_take(body, inf_cursor_left(body));
    if (body->failed || name.len == 0 || name.len > INF_NAME_MAX) return;
    if (kind == TOLD_QUESTION) {
        claim.node = node->id;
        answer(node, b, peer, asked_ms, claim, name);
    } else if (alive && fresh) {
        claim.node = peer;
        yield(node, b, claim, name);
    }
}

void node_superseded(inf_node *node, uint64_t boot) {
    if (node->superseded || boot <= node->boot) return;
    node->superseded = true;
    inf_outbox_log(&node->outbox, INF_LOG_ERROR,
                   "another, later node has the name %.*s: everything here "
                   "stops",
                   (int)node->name.len, (const char *)node->name.data);
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        branch_state *b = &node->branches[i];
        if (b->registry == NULL) continue;
        uint64_t at = 0;
        inf_entry entry;
        while (inf_registry_next(b->registry, &at, &entry)) {
            if (entry.claim.node != node->id) continue;
            inf_row row = node_row(&entry);
            row.boot = boot;
            inf_outbox_push(&node->outbox,
                            &(inf_effect){.kind = INF_EFFECT_LOST,
                                          .branch = b->name,
                                          .lost_ref = entry.claim.stamp,
                                          .rows = &row,
                                          .row_count = 1});
        }
    }
}
