/* SPDX-License-Identifier: MIT */
/* synch_write.c: one write at a time on each stream, put together when the
   stream is free: small frames first, then own changes, then what was asked
   for. */
#include "core/synch_impl.h"

bool say(inf_synch *synch, link *l, const inf_frame *frame) {
    if (l->dead || l->out.len > INF_SYNCH_WAITING) return false;
    size_t before = l->out.len;
    inf_frame_encode(&l->out, frame);
    if (l->out.failed) {
        inf_buf_clear(&l->out);
        l->out.len = before;
        return false;
    }
    synch->unflushed = true;
    return true;
}

void say_vector(inf_synch *synch, link *l, unsigned slot, uint64_t number) {
    inf_buf_clear(&synch->scratch);
    size_t at = 0;
    uint64_t count = 0;
    inf_version each;
    while (synch->store.next(synch->store.ctx, slot, &at, &each)) {
        bool other = each.node != synch->id && each.node != l->peer->id;
        if (!each.up) continue;
        if (number != 0 && other && flows_by_itself(synch, slot, &each))
            continue;
        inf_frame_version_put(&synch->scratch, &each);
        count++;
    }
    if (synch->scratch.failed ||
        synch->scratch.len > INF_SYNCH_FRAME_MAX - 64) {
        return;
    }
    (void)say(synch, l,
              &(inf_frame){.kind = INF_FRAME_VECTOR,
                           .scope = synch->scope_ids[slot],
                           .request = number,
                           .count = count,
                           .bytes = inf_buf_view(&synch->scratch)});
}

/* ---- jobs -------------------------------------------------------------- */

static job *job_new(inf_synch *synch, link *l) {
    if (l->job_first == l->job_count) l->job_first = l->job_count = 0;
    if (l->job_count - l->job_first >= JOBS_MAX) return NULL;
    if (l->job_count == l->job_cap && l->job_first != 0) {
        size_t waiting = l->job_count - l->job_first;
        memmove(l->jobs, l->jobs + l->job_first, waiting * sizeof *l->jobs);
        l->job_first = 0;
        l->job_count = waiting;
    } else if (l->job_count == l->job_cap) {
        size_t cap = l->job_cap == 0 ? 8 : l->job_cap * 2;
        job *grown = inf_realloc(synch->mem, l->jobs, cap * sizeof *grown);
        if (grown == NULL) return NULL;
        l->jobs = grown;
        l->job_cap = cap;
    }
    synch->unflushed = true;
    return &l->jobs[l->job_count++];
}

void job_transfer(inf_synch *synch, link *l, unsigned slot, uint64_t node,
                  inf_diff_cursor cursor) {
    for (size_t i = l->job_first; i < l->job_count; i++) {
        job *known = &l->jobs[i];
        if (known->kind == JOB_TRANSFER && known->slot == slot &&
            known->node == node) {
            return;
        }
    }
    job *new_job = job_new(synch, l);
    if (new_job == NULL) return;
    *new_job = (job){
        .kind = JOB_TRANSFER, .slot = slot, .node = node, .cursor = cursor};
}

void job_done(inf_synch *synch, link *l, unsigned slot, uint64_t number,
              uint64_t until, inf_diff_cursor cursor) {
    job *new_job = job_new(synch, l);
    if (new_job == NULL) return;
    *new_job = (job){.kind = JOB_DONE,
                     .slot = slot,
                     .node = 1,
                     .request = number,
                     .until = until,
                     .cursor = cursor};
}

const flow *own_flow(const link *l, unsigned slot) {
    const link *out = l->peer != NULL ? l->peer->dialled : NULL;
    return out != NULL && out->flows[slot].on ? &out->flows[slot] : NULL;
}

/* ---- writing ----------------------------------------------------------- */

/* One run of changes of one owner; false when there is none. */
static bool write_delta(inf_synch *synch, unsigned slot, uint64_t node,
                        inf_diff_cursor *cursor) {
    size_t room = synch->write_max - synch->write.len;
    inf_frame frame = {.kind = INF_FRAME_DELTA,
                       .scope = synch->scope_ids[slot]};
    inf_buf_clear(&synch->scratch);
    if (synch->store.diff(synch->store.ctx, slot, node, cursor, room,
                          &frame.span, &synch->scratch) != 1) {
        return false;
    }
    frame.bytes = inf_buf_view(&synch->scratch);
    inf_frame_encode(&synch->write, &frame);
    return true;
}

static bool full(const inf_synch *synch) {
    return synch->write.failed || synch->write.len >= synch->write_max;
}

static void write_acks(inf_synch *synch, link *l) {
    for (unsigned slot = 0; slot < INF_SYNCH_SCOPES; slot++) {
        if (!l->flows[slot].ack_due) continue;
        l->flows[slot].ack_due = false;
        inf_version have;
        if (l->peer == NULL || synch->store.version(synch->store.ctx, slot,
                                                    l->peer->id, &have) != 0) {
            continue;
        }
        inf_frame_encode(&synch->write,
                         &(inf_frame){.kind = INF_FRAME_ACK,
                                      .scope = synch->scope_ids[slot],
                                      .to = have.cur});
    }
}

static void write_own(inf_synch *synch, link *l) {
    for (unsigned slot = 0; slot < INF_SYNCH_SCOPES && !full(synch); slot++) {
        flow *f = &l->flows[slot];
        while (f->on && !full(synch) &&
               write_delta(synch, slot, synch->id, &f->cursor)) {
            synch->own_at_ms = synch->now_ms + OWN_EVERY_MS;
        }
    }
    l->behind = full(synch);
}

/* Whether the peer has what it lacked when it asked: by the flow of our own
   rows, or, when that has ended meanwhile, from here. */
static bool merged(inf_synch *synch, const link *l, job *done) {
    const flow *own = own_flow(l, done->slot);
    if (own != NULL) return own->acked >= done->until;
    while (!full(synch)) {
        if (!write_delta(synch, done->slot, synch->id, &done->cursor)) {
            return true;
        }
    }
    return false;
}

static void write_jobs(inf_synch *synch, link *l) {
    while (l->job_first < l->job_count && !full(synch)) {
        job *next = &l->jobs[l->job_first];
        bool open = (synch->scopes >> next->slot & 1) != 0 && next->node != 0;
        if (open && next->kind == JOB_TRANSFER &&
            write_delta(synch, next->slot, next->node, &next->cursor)) {
            continue;
        }
        if (open && next->kind == JOB_DONE) {
            if (next->until != 0 && !merged(synch, l, next)) return;
            inf_frame_encode(&synch->write,
                             &(inf_frame){.kind = INF_FRAME_DONE,
                                          .scope = synch->scope_ids[next->slot],
                                          .request = next->request});
        }
        l->job_first++;
    }
}

/* `own`, `acks`: the time has come for own changes, and for acks. */
static void pump(inf_synch *synch, link *l, bool own, bool acks) {
    if (l->dead || !l->open) return;
    if (l->writing) {
        if (acks) synch->acks_at_ms = synch->now_ms + ACKS_AFTER_MS;
        return;
    }
    inf_buf_clear(&synch->write);
    inf_buf_slice(&synch->write, inf_buf_view(&l->out));
    inf_buf_clear(&l->out);
    if (!l->dialled) {
        if (acks) write_acks(synch, l);
    } else if (l->greeted && (own || l->behind)) {
        write_own(synch, l);
    }
    write_jobs(synch, l);
    if (synch->write.failed) { /* part of it is lost: begin anew */
        inf_buf_deinit(&synch->write);
        link_drop(synch, l);
        return;
    }
    if (synch->write.len == 0) return;
    inf_outbox_write(synch->outbox, l->stream, inf_buf_view(&synch->write));
    l->writing = true;
}

void inf_synch_flush(inf_synch *synch, uint64_t now_ms) {
    synch_now(synch, now_ms);
    bury(synch);
    if (!synch->unflushed) return;
    synch->unflushed = false;
    bool own = now_ms >= synch->own_at_ms;
    bool acks = now_ms >= synch->acks_at_ms;
    if (acks) synch->acks_at_ms = INF_NEVER;
    for (link *l = synch->links; l != NULL; l = l->next)
        pump(synch, l, own, acks);
    /* Another look after own changes have gone: it ends the haste, or takes all
       that came meanwhile. */
    synch->own_waits = synch->own_at_ms > now_ms;
}

uint64_t inf_synch_written_ms(const inf_synch *synch) {
    uint64_t own_ms = synch->own_waits ? synch->own_at_ms : INF_NEVER;
    return own_ms < synch->acks_at_ms ? own_ms : synch->acks_at_ms;
}

bool inf_synch_unflushed(const inf_synch *synch) {
    return synch->unflushed;
}
