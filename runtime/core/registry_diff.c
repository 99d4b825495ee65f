/* SPDX-License-Identifier: MIT */
/* registry_diff.c: the changes of one owner, as bytes, out and in.

   A run of changes (from, to] goes to `goal`, what the sender has in all. The
   receiver's rows are then the owner's rows after `to` changes, short of those
   that changed again up to `goal`, which are still to come: so a long transfer
   may stop anywhere and go on from `to`, from whoever has more, and nothing is
   staged. Until `goal` is reached the receiver passes nothing on.

   Deletes are remembered only for a while. Whoever is behind what is forgotten
   (the floor) gets a full transfer: rows from the beginning, each run numbered,
   to be taken in one sequence from one sender, because only that sender knows
   which deletes it left out. Rows that the full transfer does not confirm go
   when it is complete, so what was right all along never blinks.

   Each op is: tag u8, length varint, body.
     put  seq - last seq, zigzag(stamp - last stamp), worker, implementation
          (0: bytes follow and join the list; k: the k-th of the list), name
     del  seq - last seq, name
   All numbers are varints, names to the end of the body. Ops of an unknown tag
   are skipped by their length. */
#include "core/registry_impl.h"

#define DICTIONARY_MAX 255u
#define STAMP_MAX      (UINT64_MAX >> 1)

enum { OP_PUT = 1, OP_DEL = 2 };

/* What numbers and implementations are relative to, within one run. */
typedef struct op_state {
    uint64_t seq;
    uint64_t stamp;
    uint32_t impl_count;
    inf_slice impls[DICTIONARY_MAX];
} op_state;

/* ---- out --------------------------------------------------------------- */

static uint64_t zigzag(uint64_t delta) {
    return delta << 1 ^ (0 - (delta >> 63));
}

static uint64_t unzigzag(uint64_t word) {
    return word >> 1 ^ (0 - (word & 1));
}

static size_t varint_size(uint64_t value) {
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        size++;
    }
    return size;
}

/* The number of the implementation in this run, 0 when it is new. */
static uint32_t impl_number(op_state *state, inf_slice impl) {
    for (uint32_t i = 0; i < state->impl_count; i++) {
        if (state->impls[i].data == impl.data) return i + 1;
    }
    if (state->impl_count < DICTIONARY_MAX) {
        state->impls[state->impl_count++] = impl;
    }
    return 0;
}

static void encode_put(const inf_registry *reg, op_state *state, const row *r,
                       inf_buf *out) {
    inf_slice name = row_name(&reg->store, r);
    inf_slice impl = row_implementation(&reg->store, r);
    uint32_t number = impl_number(state, impl);
    uint64_t step = zigzag(r->stamp - state->stamp);
    size_t size = varint_size(r->seq - state->seq) + varint_size(step) +
                  varint_size(r->worker) + varint_size(number) + name.len;
    if (number == 0) size += varint_size(impl.len) + impl.len;
    inf_buf_u8(out, OP_PUT);
    inf_buf_varint(out, size);
    inf_buf_varint(out, r->seq - state->seq);
    inf_buf_varint(out, step);
    inf_buf_varint(out, r->worker);
    inf_buf_varint(out, number);
    if (number == 0) inf_buf_bytes(out, impl);
    inf_buf_slice(out, name);
    state->seq = r->seq;
    state->stamp = r->stamp;
}

static void encode_del(const inf_registry *reg, op_state *state, const row *r,
                       inf_buf *out) {
    inf_slice name = row_name(&reg->store, r);
    inf_buf_u8(out, OP_DEL);
    inf_buf_varint(out, varint_size(r->seq - state->seq) + name.len);
    inf_buf_varint(out, r->seq - state->seq);
    inf_buf_slice(out, name);
    state->seq = r->seq;
}

/* The first row after `at`, found from the nearer end. */
static uint32_t first_after(const inf_registry *reg, const owner *o,
                            const inf_diff_cursor *cursor) {
    if (cursor->row != 0 && cursor->row <= reg->store.used) {
        const row *r = row_at(&reg->store, cursor->row);
        if (r->owner == o->place && r->seq == cursor->at &&
            (r->flags & ROW_HINT) == 0 && r->name_len != 0) {
            return r->next;
        }
    }
    if (cursor->at < o->cur / 2) {
        uint32_t id = o->list.first;
        while (id != 0 && row_at(&reg->store, id)->seq <= cursor->at)
            id = row_at(&reg->store, id)->next;
        return id;
    }
    uint32_t after = 0;
    uint32_t id = o->list.last;
    while (id != 0 && row_at(&reg->store, id)->seq > cursor->at) {
        after = id;
        id = row_at(&reg->store, id)->prev;
    }
    return after;
}

/* Chooses between changes and a full transfer. */
static void settle_cursor(inf_registry *reg, const owner *o,
                          inf_diff_cursor *cursor) {
    if (cursor->boot != o->boot && cursor->boot != 0) {
        *cursor = (inf_diff_cursor){0};
    }
    cursor->boot = o->boot;
    if (cursor->at >= o->floor) {
        cursor->full = 0;
        return;
    }
    if (cursor->full != 0 && cursor->floor == o->floor) return;
    if (++reg->full_number == 0) reg->full_number = 1;
    cursor->at = 0;
    cursor->row = 0;
    cursor->floor = o->floor;
    cursor->full = reg->full_number;
}

int inf_registry_diff(inf_registry *reg, uint64_t node, inf_diff_cursor *cursor,
                      size_t cap, inf_span *span, inf_buf *ops) {
    owner *o = owner_find(reg, node);
    if (o == NULL || o->cur < o->goal) return INF_ENOENT;
    if (cursor->boot == o->boot && cursor->at >= o->cur) return 0;
    settle_cursor(reg, o, cursor);
    if (cursor->at >= o->cur) return 0;
    op_state state = {.seq = cursor->at};
    size_t start = ops->len;
    uint32_t id = first_after(reg, o, cursor);
    uint32_t last = 0;
    for (; id != 0 && ops->len - start < cap;
         id = row_at(&reg->store, id)->next) {
        const row *r = row_at(&reg->store, id);
        last = id;
        if ((r->flags & ROW_DEAD) == 0) {
            encode_put(reg, &state, r, ops);
        } else if (cursor->at != 0) {
            encode_del(reg, &state, r, ops);
        }
    }
    if (ops->failed) return INF_ENOMEM;
    uint64_t to = id == 0 ? o->cur : row_at(&reg->store, last)->seq;
    *span = (inf_span){.node = o->id,
                       .boot = o->boot,
                       .from = cursor->at,
                       .to = to,
                       .goal = o->cur,
                       .stamp = id == 0 ? o->stamp : state.stamp,
                       .full = cursor->full};
    cursor->at = to;
    cursor->row = last;
    return 1;
}

/* ---- in ---------------------------------------------------------------- */

typedef struct op {
    uint8_t tag; /* 0: unknown, to be skipped */
    inf_entry entry;
} op;

static bool decode_put(inf_cursor *body, op_state *state, inf_entry *entry) {
    state->stamp += unzigzag(inf_cursor_varint(body));
    uint64_t worker = inf_cursor_varint(body);
    uint64_t number = inf_cursor_varint(body);
    if (number > state->impl_count || worker > UINT16_MAX) return false;
    if (number == 0) {
        entry->implementation = inf_cursor_bytes(body);
        if (entry->implementation.len > INF_NAME_MAX) return false;
        if (state->impl_count < DICTIONARY_MAX) {
            state->impls[state->impl_count++] = entry->implementation;
        }
    } else {
        entry->implementation = state->impls[number - 1];
    }
    entry->claim.stamp = state->stamp;
    entry->worker = (uint16_t)worker;
    return state->stamp != 0 && state->stamp <= STAMP_MAX;
}

/* The next op; false at the end or when the bytes are wrong, which sets
   cursor->failed. */
static bool op_next(inf_cursor *cursor, op_state *state, uint64_t to, op *out) {
    if (cursor->failed || inf_cursor_left(cursor) == 0) return false;
    *out = (op){.tag = inf_cursor_u8(cursor)};
    inf_cursor body = inf_cursor_of(inf_cursor_bytes(cursor));
    if (cursor->failed) return false;
    if (out->tag != OP_PUT && out->tag != OP_DEL) {
        out->tag = 0;
        return true;
    }
    uint64_t step = inf_cursor_varint(&body);
    bool good = step != 0 && step <= to - state->seq;
    if (good && out->tag == OP_PUT) {
        good = decode_put(&body, state, &out->entry);
    }
    size_t left = inf_cursor_left(&body);
    out->entry.name = inf_cursor_take(&body, left);
    if (!good || body.failed || left == 0 || left > INF_NAME_MAX) {
        cursor->failed = true;
        return false;
    }
    state->seq += step;
    out->entry.seq = state->seq;
    return true;
}

static bool ops_valid(const inf_span *span, inf_slice ops) {
    inf_cursor cursor = inf_cursor_of(ops);
    op_state state = {.seq = span->from};
    op each;
    while (op_next(&cursor, &state, span->to, &each)) {
    }
    return !cursor.failed;
}

/* A full transfer begins: what was there waits in `old` to be confirmed. */
static void begin_full(inf_registry *reg, owner *o, uint64_t source,
                       uint32_t number) {
    owner_forget_deletes(reg, o);
    if (o->old.last != 0 && o->list.first != 0) {
        row_at(&reg->store, o->old.last)->next = o->list.first;
        row_at(&reg->store, o->list.first)->prev = o->old.last;
        o->old.last = o->list.last;
    } else if (o->list.first != 0) {
        o->old = o->list;
    }
    o->list = (row_list){0, 0};
    o->cur = 0;
    o->full = number;
    o->full_source = source;
}

/* Is this run the right one now? 0, or why not; may begin a full transfer. */
static int admit(inf_registry *reg, owner *o, uint64_t source,
                 const inf_span *span) {
    if (span->goal < o->high) return INF_ESTALE;
    if (span->full != 0 && span->from == 0) {
        if (span->goal <= o->cur) return INF_ESTALE;
        begin_full(reg, o, source, span->full);
        return 0;
    }
    if (span->full != 0) {
        bool ours = o->full == span->full && o->full_source == source;
        if (ours) return o->cur == span->from ? 0 : INF_EGAP;
        return o->full != 0 ? INF_ESTALE : INF_EGAP;
    }
    if (span->to <= o->cur) return INF_ESTALE;
    bool from_nothing = span->from == 0 && o->cur != 0; /* lacks deletes */
    return span->from > o->cur || from_nothing ? INF_EGAP : 0;
}

/* Applies ops after o->cur; stops early when memory or room runs out. */
static int apply_ops(inf_registry *reg, owner *o, const inf_span *span,
                     inf_slice ops) {
    inf_cursor cursor = inf_cursor_of(ops);
    op_state state = {.seq = span->from};
    uint64_t had = o->cur;
    op each;
    while (op_next(&cursor, &state, span->to, &each)) {
        if (each.tag == 0 || each.entry.seq <= had) continue;
        if (each.tag == OP_DEL) {
            owner_delete(reg, o, each.entry.name, each.entry.seq);
        } else {
            int rc = owner_put(reg, o, &each.entry);
            if (rc != 0) return rc;
        }
        o->cur = each.entry.seq;
    }
    return 0;
}

/* What follows from having reached o->cur. */
static void arrive(inf_registry *reg, owner *o, const inf_span *span,
                   bool complete) {
    bool unsaid = span->from == 0 || span->full != 0; /* deletes left out */
    if (unsaid && o->floor < span->to) o->floor = span->to;
    if (span->full == 0) o->full = 0;
    if (o->goal < span->goal) o->goal = span->goal;
    if (!complete) return;
    o->cur = span->to;
    if (o->stamp < span->stamp) o->stamp = span->stamp;
    owner_sweep_hints(reg, o, o->stamp);
    if (o->cur < o->goal) return;
    owner_drop_old(reg, o);
    o->goal = o->high = o->cur;
    o->full = 0;
}

int inf_registry_apply(inf_registry *reg, uint64_t source, const inf_span *span,
                       inf_slice ops) {
    owner *o = owner_find(reg, span->node);
    if (o == NULL || o == reg->self) return INF_ENOENT;
    if (span->boot < o->boot) return INF_ESTALE;
    if (span->to < span->from || span->goal < span->to ||
        span->stamp > STAMP_MAX || !ops_valid(span, ops)) {
        return INF_EMALFORMED;
    }
    if (span->boot > o->boot) owner_reset(reg, o, span->boot);
    int rc = admit(reg, o, source, span);
    if (rc != 0) return rc;
    rc = apply_ops(reg, o, span, ops);
    arrive(reg, o, span, rc == 0);
    return rc;
}
