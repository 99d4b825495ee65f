/* SPDX-License-Identifier: MIT */
/* synch_read.c: what each frame makes us do. */
#include "core/synch_impl.h"

/* ---- greeting ---------------------------------------------------------- */

static void supersede(inf_synch *synch, link *l, uint64_t boot) {
    (void)say(synch, l,
              &(inf_frame){.kind = INF_FRAME_SUPERSEDED, .boot = boot});
}

static void dialled_hello(inf_synch *synch, link *l, const inf_frame *frame) {
    peer *p = l->peer;
    if (l->their_id != p->id || frame->boot != p->boot) {
        link_drop(synch, l); /* membership will say who lives there now */
        return;
    }
    if (frame->knows > synch->boot) {
        synch->store.superseded(synch->store.ctx, frame->knows);
    }
    inf_heap_remove(&synch->timers, &l->due.item);
    requests_linked(synch, p);
    synch->store.linked(synch->store.ctx, p->id);
}

static void accepted_hello(inf_synch *synch, link *l, const inf_frame *frame) {
    peer *p = peer_find(synch, l->their_id);
    if (frame->knows > synch->boot) {
        synch->store.superseded(synch->store.ctx, frame->knows);
    }
    if (p == NULL || frame->boot > p->boot) return; /* waits for membership */
    if (frame->boot < p->boot) {
        supersede(synch, l, p->boot);
        return; /* it closes, or its greeting runs out */
    }
    link_attach(synch, l, p);
}

static void hello_in(inf_synch *synch, link *l, const inf_frame *frame) {
    if (l->greeted) return;
    if (frame->version < INF_SYNCH_VERSION) {
        inf_outbox_log(synch->outbox, INF_LOG_WARN,
                       "registry stream: a peer speaks version %u",
                       (unsigned)frame->version);
        link_drop(synch, l);
        return;
    }
    l->greeted = true;
    l->since_ms = synch->now_ms;
    l->their_id = inf_hash(frame->name, INF_NODE_ID_SEED);
    l->their_boot = frame->boot;
    if (l->dialled) {
        dialled_hello(synch, l, frame);
    } else if (l->their_id == synch->id) {
        supersede(synch, l, synch->boot > frame->boot ? synch->boot : 0);
    } else {
        accepted_hello(synch, l, frame);
    }
}

/* ---- changes ----------------------------------------------------------- */

static void pull_in(inf_synch *synch, link *l, unsigned slot,
                    const inf_span *span) {
    inf_version mine;
    if (synch->store.version(synch->store.ctx, slot, span->node, &mine) != 0) {
        return;
    }
    inf_diff_cursor cursor = {.boot = mine.boot};
    if (span->boot == mine.boot) cursor.at = span->from;
    if (l->dialled && span->node == synch->id) {
        l->flows[slot] =
            (flow){.cursor = cursor, .acked = cursor.at, .on = true};
        synch->unflushed = true;
    } else if (span->boot <= mine.boot) {
        job_transfer(synch, l, slot, span->node, cursor);
    }
}

static void pull_again(inf_synch *synch, link *l, unsigned slot,
                       uint64_t node) {
    inf_version have;
    if (synch->store.version(synch->store.ctx, slot, node, &have) != 0) return;
    (void)say(synch, l,
              &(inf_frame){
                  .kind = INF_FRAME_PULL,
                  .scope = synch->scope_ids[slot],
                  .span = {.node = node, .boot = have.boot, .from = have.cur}});
}

static void delta_in(inf_synch *synch, link *l, unsigned slot,
                     const inf_frame *frame) {
    const inf_span *span = &frame->span;
    int rc = synch->store.apply(synch->store.ctx, slot, l->peer->id, span,
                                frame->bytes);
    if (rc == INF_EMALFORMED) {
        inf_outbox_log(synch->outbox, INF_LOG_WARN,
                       "registry stream: malformed changes from %.*s",
                       (int)l->peer->name.len,
                       (const char *)l->peer->name.data);
        link_drop(synch, l);
        return;
    }
    if (rc == INF_EGAP) pull_again(synch, l, slot, span->node);
    const peer *owner = peer_find(synch, span->node);
    if (owner != NULL && owner->accepted != NULL &&
        owner->accepted->flows[slot].on) { /* whoever brought them */
        owner->accepted->flows[slot].ack_due = true;
        uint64_t due_ms = synch->now_ms + ACKS_AFTER_MS;
        if (synch->request_count != 0) { /* the answer may wait for it */
            due_ms = synch->now_ms;
            synch->unflushed = true;
        }
        if (due_ms < synch->acks_at_ms) synch->acks_at_ms = due_ms;
    }
}

static void ack_in(inf_synch *synch, link *l, unsigned slot, uint64_t to) {
    flow *f = &l->flows[slot];
    if (!l->dialled || to <= f->acked || to > f->cursor.at) return;
    f->acked = to;
    link *in = l->peer->accepted;
    if (in != NULL && in->job_first < in->job_count) synch->unflushed = true;
}

/* ---- repair ------------------------------------------------------------ */

static void root_in(inf_synch *synch, link *l, unsigned slot, uint64_t root) {
    if (root == synch->store.root(synch->store.ctx, slot)) {
        synch->mismatches[slot] = 0;
    } else if (++synch->mismatches[slot] >= 2) {
        synch->mismatches[slot] = 0;
        say_vector(synch, l, slot, 0);
    }
}

/* Another's stream that flows by itself needs no help, unless it has stood
   still since the last look. */
bool flows_by_itself(inf_synch *synch, unsigned slot, const inf_version *have) {
    peer *p = peer_find(synch, have->node);
    if (p == NULL || p->accepted == NULL || !p->accepted->flows[slot].on) {
        return false;
    }
    flow *f = &p->accepted->flows[slot];
    bool moved = f->seen != have->cur;
    f->seen = have->cur;
    return moved;
}

/* Own changes are being written: what the peer lacks may be among them. */
static bool under_way(const link *l, unsigned slot, uint64_t cur) {
    const flow *own = own_flow(l, slot);
    return own != NULL && (own->cursor.at < cur || l->peer->dialled->writing);
}

static void compare(inf_synch *synch, link *l, unsigned slot, bool asked,
                    const inf_version *theirs) {
    inf_version ours;
    if (synch->store.version(synch->store.ctx, slot, theirs->node, &ours) !=
            0 ||
        !ours.up) {
        return; /* nothing moves about owners that are down here */
    }
    bool self = theirs->node == synch->id;
    bool behind = theirs->boot > ours.boot ||
                  (theirs->boot == ours.boot && theirs->cur > ours.cur);
    if (behind && !self && !flows_by_itself(synch, slot, &ours)) {
        pull_again(synch, l, slot, theirs->node);
        return;
    }
    bool ahead = ours.boot > theirs->boot ||
                 (theirs->boot == ours.boot && ours.cur > theirs->cur);
    bool flowing = self && (asked ? under_way(l, slot, ours.cur)
                                  : own_flow(l, slot) != NULL);
    if (ahead && !flowing) {
        bool same = ours.boot == theirs->boot;
        job_transfer(
            synch, l, slot, theirs->node,
            (inf_diff_cursor){.boot = ours.boot, .at = same ? theirs->cur : 0});
    }
    bool comparable = theirs->boot == ours.boot && theirs->cur == ours.cur &&
                      ours.goal == ours.cur && theirs->digest != 0;
    if (comparable && theirs->node == l->peer->id &&
        theirs->digest != ours.digest) {
        inf_outbox_log(synch->outbox, INF_LOG_ERROR,
                       "registry: rows of %.*s differ at the same count; "
                       "fetching them anew",
                       (int)l->peer->name.len,
                       (const char *)l->peer->name.data);
        synch->store.distrust(synch->store.ctx, slot, theirs->node);
        pull_again(synch, l, slot, theirs->node);
    }
}

static void vector_in(inf_synch *synch, link *l, unsigned slot,
                      const inf_frame *frame) {
    inf_cursor entries = inf_cursor_of(frame->bytes);
    inf_version theirs, mine;
    inf_diff_cursor cursor = {0};
    bool asked = frame->request != 0;
    if (synch->store.version(synch->store.ctx, slot, synch->id, &mine) != 0) {
        return;
    }
    while (inf_frame_version_next(&entries, &theirs)) {
        compare(synch, l, slot, asked, &theirs);
        if (theirs.node != synch->id) continue;
        cursor.boot = mine.boot;
        cursor.at = theirs.boot == mine.boot ? theirs.cur : 0;
    }
    if (!asked) return;
    uint64_t until = under_way(l, slot, mine.cur) ? mine.cur : 0;
    job_done(synch, l, slot, frame->request, until, cursor);
}

static void synch_in(inf_synch *synch, link *l, unsigned slot,
                     const inf_frame *frame) {
    bool same = frame->root == synch->store.root(synch->store.ctx, slot);
    (void)say(synch, l,
              &(inf_frame){.kind = same ? INF_FRAME_DONE : INF_FRAME_NEED,
                           .scope = frame->scope,
                           .request = frame->request});
}

/* ---- all --------------------------------------------------------------- */

static void scoped_in(inf_synch *synch, link *l, unsigned slot,
                      const inf_frame *frame) {
    switch (frame->kind) {
    case INF_FRAME_PULL:
        pull_in(synch, l, slot, &frame->span);
        break;
    case INF_FRAME_DELTA:
        delta_in(synch, l, slot, frame);
        break;
    case INF_FRAME_ACK:
        ack_in(synch, l, slot, frame->to);
        break;
    case INF_FRAME_ROOT:
        root_in(synch, l, slot, frame->root);
        break;
    case INF_FRAME_VECTOR:
        vector_in(synch, l, slot, frame);
        break;
    case INF_FRAME_SYNCH:
        synch_in(synch, l, slot, frame);
        break;
    case INF_FRAME_NEED:
        request_need(synch, l, frame->request);
        break;
    case INF_FRAME_DONE:
        request_answered(synch, l->peer->id, frame->request);
        break;
    case INF_FRAME_TELL:
        synch->store.told(synch->store.ctx, slot, l->peer->id, frame->bytes);
        break;
    case INF_FRAME_HELLO:
    case INF_FRAME_SUPERSEDED:
        break;
    }
}

void frame_in(inf_synch *synch, link *l, const inf_frame *frame) {
    if (frame->kind == INF_FRAME_HELLO) {
        hello_in(synch, l, frame);
        return;
    }
    if (frame->kind == INF_FRAME_SUPERSEDED) {
        if (frame->boot > synch->boot) {
            synch->store.superseded(synch->store.ctx, frame->boot);
        }
        link_drop(synch, l);
        return;
    }
    if (!l->greeted || l->peer == NULL) return; /* it will be asked for again */
    int slot = slot_of(synch, frame->scope);
    if (slot >= 0) {
        scoped_in(synch, l, (unsigned)slot, frame);
    } else if (frame->kind == INF_FRAME_SYNCH) { /* nothing to reconcile here */
        (void)say(synch, l,
                  &(inf_frame){.kind = INF_FRAME_DONE,
                               .scope = frame->scope,
                               .request = frame->request});
    }
}
