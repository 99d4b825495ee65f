/* SPDX-License-Identifier: MIT */
#include "core/synch_frame.h"

#include "base/error.h"

#define VERSION_SIZE_MIN 18 /* two ids, two varints */

bool inf_frame_version_next(inf_cursor *entries, inf_version *out) {
    if (entries->failed || inf_cursor_left(entries) == 0) return false;
    *out = (inf_version){.node = inf_cursor_u64be(entries),
                         .boot = inf_cursor_varint(entries),
                         .cur = inf_cursor_varint(entries),
                         .digest = inf_cursor_u64be(entries)};
    return !entries->failed;
}

void inf_frame_version_put(inf_buf *out, const inf_version *version) {
    inf_buf_u64be(out, version->node);
    inf_buf_varint(out, version->boot);
    inf_buf_varint(out, version->cur);
    inf_buf_u64be(out, version->cur == version->goal ? version->digest : 0);
}

static inf_slice rest(inf_cursor *cursor) {
    return inf_cursor_take(cursor, inf_cursor_left(cursor));
}

static void decode_hello(inf_cursor *at, inf_frame *out) {
    out->version = inf_cursor_u8(at);
    out->name = inf_cursor_bytes(at);
    out->boot = inf_cursor_varint(at);
    out->knows = inf_cursor_varint(at);
    if (out->name.len == 0 || out->name.len > INF_NODE_NAME_MAX) {
        at->failed = true;
    }
}

static void decode_delta(inf_cursor *at, inf_frame *out) {
    inf_span *span = &out->span;
    span->node = inf_cursor_u64be(at);
    span->boot = inf_cursor_varint(at);
    span->from = inf_cursor_varint(at);
    if (out->kind == INF_FRAME_PULL) return;
    uint64_t steps = inf_cursor_varint(at);
    uint64_t behind = inf_cursor_varint(at);
    span->stamp = inf_cursor_varint(at);
    uint64_t full = inf_cursor_varint(at);
    span->to = span->from + steps;
    span->goal = span->to + behind;
    if (span->to < span->from || span->goal < span->to || full > UINT32_MAX) {
        at->failed = true;
    }
    span->full = (uint32_t)full;
    out->bytes = rest(at);
}

static void decode_vector(inf_cursor *at, inf_frame *out) {
    out->request = inf_cursor_varint(at);
    out->count = inf_cursor_varint(at);
    if (out->count > inf_cursor_left(at) / VERSION_SIZE_MIN) {
        at->failed = true;
        return;
    }
    const uint8_t *start = at->at;
    inf_version each;
    for (uint64_t i = 0; i < out->count; i++) {
        if (!inf_frame_version_next(at, &each)) {
            at->failed = true;
            return;
        }
    }
    out->bytes = inf_slice_of(start, (size_t)(at->at - start));
}

static void decode_body(inf_cursor *at, inf_frame *out) {
    if (out->kind != INF_FRAME_HELLO && out->kind != INF_FRAME_SUPERSEDED) {
        out->scope = inf_cursor_u64be(at);
    }
    switch (out->kind) {
    case INF_FRAME_HELLO:
        decode_hello(at, out);
        break;
    case INF_FRAME_PULL:
    case INF_FRAME_DELTA:
        decode_delta(at, out);
        break;
    case INF_FRAME_ACK:
        out->to = inf_cursor_varint(at);
        break;
    case INF_FRAME_ROOT:
        out->root = inf_cursor_u64be(at);
        break;
    case INF_FRAME_VECTOR:
        decode_vector(at, out);
        break;
    case INF_FRAME_SYNCH:
        out->request = inf_cursor_varint(at);
        out->root = inf_cursor_u64be(at);
        break;
    case INF_FRAME_NEED:
    case INF_FRAME_DONE:
        out->request = inf_cursor_varint(at);
        break;
    case INF_FRAME_TELL:
        out->bytes = rest(at);
        break;
    case INF_FRAME_SUPERSEDED:
        out->boot = inf_cursor_varint(at);
        break;
    }
}

int inf_frame_decode(inf_slice bytes, inf_frame *out, size_t *used) {
    if (bytes.len < 4) return 0;
    inf_cursor cursor = inf_cursor_of(bytes);
    uint32_t len = inf_cursor_u32be(&cursor);
    if (len < 2) return INF_EMALFORMED;
    if (len > INF_SYNCH_FRAME_MAX) return INF_ETOOBIG;
    if (inf_cursor_left(&cursor) < len) return 0;
    *used = (size_t)len + 4;
    inf_cursor body = inf_cursor_of(inf_cursor_take(&cursor, len));
    uint8_t kind = inf_cursor_u8(&body);
    (void)inf_cursor_u8(&body); /* flags, none yet */
    *out = (inf_frame){0};
    if (kind < INF_FRAME_HELLO || kind > INF_FRAME_SUPERSEDED) return 1;
    out->kind = (inf_frame_kind)kind;
    decode_body(&body, out);
    return body.failed ? INF_EMALFORMED : 1;
}

static void encode_delta(inf_buf *out, const inf_frame *frame) {
    const inf_span *span = &frame->span;
    inf_buf_u64be(out, span->node);
    inf_buf_varint(out, span->boot);
    inf_buf_varint(out, span->from);
    if (frame->kind == INF_FRAME_PULL) return;
    inf_buf_varint(out, span->to - span->from);
    inf_buf_varint(out, span->goal - span->to);
    inf_buf_varint(out, span->stamp);
    inf_buf_varint(out, span->full);
    inf_buf_slice(out, frame->bytes);
}

static void encode_hello(inf_buf *out, const inf_frame *frame) {
    inf_buf_u8(out, frame->version);
    inf_buf_bytes(out, frame->name);
    inf_buf_varint(out, frame->boot);
    inf_buf_varint(out, frame->knows);
}

static void encode_body(inf_buf *out, const inf_frame *frame) {
    if (frame->kind != INF_FRAME_HELLO && frame->kind != INF_FRAME_SUPERSEDED) {
        inf_buf_u64be(out, frame->scope);
    }
    switch (frame->kind) {
    case INF_FRAME_HELLO:
        encode_hello(out, frame);
        break;
    case INF_FRAME_PULL:
    case INF_FRAME_DELTA:
        encode_delta(out, frame);
        break;
    case INF_FRAME_ACK:
        inf_buf_varint(out, frame->to);
        break;
    case INF_FRAME_ROOT:
        inf_buf_u64be(out, frame->root);
        break;
    case INF_FRAME_VECTOR:
        inf_buf_varint(out, frame->request);
        inf_buf_varint(out, frame->count);
        inf_buf_slice(out, frame->bytes);
        break;
    case INF_FRAME_SYNCH:
        inf_buf_varint(out, frame->request);
        inf_buf_u64be(out, frame->root);
        break;
    case INF_FRAME_NEED:
    case INF_FRAME_DONE:
        inf_buf_varint(out, frame->request);
        break;
    case INF_FRAME_TELL:
        inf_buf_slice(out, frame->bytes);
        break;
    case INF_FRAME_SUPERSEDED:
        inf_buf_varint(out, frame->boot);
        break;
    }
}

void inf_frame_encode(inf_buf *out, const inf_frame *frame) {
    size_t start = out->len;
    inf_buf_u32be(out, 0);
    inf_buf_u8(out, (uint8_t)frame->kind);
    inf_buf_u8(out, 0);
    encode_body(out, frame);
    if (out->failed) return;
    size_t len = out->len - start - 4;
    for (size_t i = 0; i < 4; i++) {
        out->data[start + i] = (uint8_t)(len >> (24 - 8 * i));
    }
}
