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

void node_question(inf_node *node, branch_state *b, uint8_t kind,
                   inf_claim claim, inf_slice name) {
    inf_buf body;
    inf_buf_init(&body, node->mem);
    inf_buf_u8(&body, kind);
    inf_buf_varint(&body, node->now_ms);
    inf_buf_varint(&body, claim.stamp);
    inf_buf_varint(&body, claim.boot);
    inf_buf_slice(&body, name);
    if (!body.failed) {
        (void)inf_synch_tell(node->synch, node_slot(node, b), claim.node,
                             inf_buf_view(&body));
    }
    inf_buf_deinit(&body);
}

/* Our row loses: does its FSM have to go? */
static void press(inf_node *node, branch_state *b, const inf_entry *mine,
                  const inf_entry *winner) {
    if (node_contests(node, b, mine, winner)) return;
    node_question(node, b, TOLD_QUESTION, winner->claim, winner->name);
}

void node_conflict_of(inf_node *node, branch_state *b, inf_slice name) {
    inf_entry mine;
    inf_entry winner;
    if (inf_registry_own(b->registry, name, &mine) != 0 ||
        !inf_registry_confirms(b->registry, name, mine.claim.stamp) ||
        inf_registry_find(b->registry, name, &winner) != 0 ||
        winner.claim.node == node->id) {
        return;
    }
    press(node, b, &mine, &winner);
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
            press(node, b, &mine, &winner);
        }
        node_housekeep_by(node, node->now_ms + HOUSEKEEP_MS);
    }
}

static void answer(inf_node *node, branch_state *b, uint64_t peer, uint8_t kind,
                   uint64_t asked_ms, inf_claim claim, inf_slice name) {
    bool alive = claim.boot == node->boot && !node->leaving &&
                 inf_registry_confirms(b->registry, name, claim.stamp);
    if (kind == TOLD_PROOF) alive &= node_contest_proves(node, b, peer, name);
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

static void push_lost(inf_node *node, const branch_state *b, inf_row winner,
                      inf_row ours) {
    inf_row rows[2] = {winner, ours};
    inf_outbox_push(&node->outbox, &(inf_effect){.kind = INF_EFFECT_LOST,
                                                 .branch = b->name,
                                                 .rows = rows,
                                                 .row_count = 2});
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
    if (node_contest_lost(b, &mine, claim)) {
        (void)inf_registry_claimed(b->registry, name, claim.node, &winner);
    }
    bool same = winner.claim.stamp == claim.stamp &&
                winner.claim.node == claim.node &&
                winner.claim.boot == claim.boot;
    if (!same || !inf_registry_confirms(b->registry, name, mine.claim.stamp)) {
        return;
    }
    inf_registry_yield(b->registry, name, mine.claim.stamp);
    push_lost(node, b, node_row(&winner), node_row(&mine));
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
    if (kind == TOLD_QUESTION || kind == TOLD_PROOF) {
        claim.node = node->id;
        answer(node, b, peer, kind, asked_ms, claim, name);
    } else if (alive && fresh) {
        claim.node = peer;
        yield(node, b, claim, name);
    }
}

bool inf_node_yields(inf_node *node, inf_slice branch, inf_slice name,
                     uint64_t lost_ref, const inf_row *winner,
                     uint64_t now_ms) {
    node_begin(node, now_ms);
    branch_state *b = node_branch(node, branch);
    inf_entry mine;
    inf_entry other;
    if (b == NULL || node->superseded ||
        inf_registry_own(b->registry, name, &mine) != 0 ||
        mine.claim.stamp != lost_ref) {
        return true;
    }
    uint64_t id = inf_node_id(winner->node);
    if (inf_registry_claimed(b->registry, name, id, &other) == 0 &&
        other.claim.stamp == winner->ref && other.claim.boot == winner->boot) {
        return true;
    }
    inf_registry_unyield(b->registry, name, lost_ref);
    node_housekeep_by(node, node->now_ms + 1);
    return false;
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
            inf_row winner = node_row(&entry);
            winner.boot = boot;
            push_lost(node, b, winner, node_row(&entry));
        }
    }
}
