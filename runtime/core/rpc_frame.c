/* SPDX-License-Identifier: MIT */
#include "core/rpc_frame.h"

#include "base/error.h"

#define LENGTH_SIZE 4

/* ---- writing ----------------------------------------------------------- */

/* Writes into memory that is known to be large enough. */
static uint8_t *put_be(uint8_t *at, uint64_t value, size_t width) {
    for (size_t i = 0; i < width; i++) {
        at[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
    return at + width;
}

static uint8_t *put_varint(uint8_t *at, uint64_t value) {
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* An ack as its distance from the call's id; the lowest bit is the side. */
static uint64_t ack_distance(uint64_t id, uint64_t ack) {
    return ack < id ? (id - ack) << 1 : (ack - id) << 1 | 1;
}

static uint8_t *put_call(uint8_t *at, const inf_rpc_frame *frame) {
    INF_ASSERT(frame->ack_count <= INF_RPC_ACKS_MAX);
    at = put_varint(at, frame->id);
    at = put_varint(at, frame->id - frame->low);
    at = put_varint(at, frame->remaining_ms);
    at = put_varint(at, frame->ack_count);
    for (size_t i = 0; i < frame->ack_count; i++) {
        at = put_varint(at, ack_distance(frame->id, frame->acks[i]));
    }
    return at;
}

static uint8_t *put_ack(uint8_t *at, const inf_rpc_frame *frame) {
    INF_ASSERT(frame->ack_count <= INF_RPC_ACKS_MAX && frame->body.len == 0);
    at = put_varint(at, frame->low);
    at = put_varint(at, frame->ack_count);
    for (size_t i = 0; i < frame->ack_count; i++)
        at = put_varint(at, frame->acks[i]);
    return at;
}

static uint8_t *put_reply(uint8_t *at, const inf_rpc_frame *frame) {
    at = put_be(at, frame->boot, 8);
    at = put_varint(at, frame->id);
    *at++ = (uint8_t)-frame->status;
    return at;
}

size_t inf_rpc_frame_head(uint8_t head[INF_RPC_HEAD_MAX],
                          const inf_rpc_frame *frame) {
    uint8_t *at = head + LENGTH_SIZE;
    *at++ = (uint8_t)frame->type;
    switch (frame->type) {
    case INF_RPC_CALL:
        at = put_call(at, frame);
        break;
    case INF_RPC_REPLY:
        at = put_reply(at, frame);
        break;
    case INF_RPC_ACK:
        at = put_ack(at, frame);
        break;
    case INF_RPC_HELLO:
    case INF_RPC_BYE:
        INF_ASSERT(frame->type == INF_RPC_CALL); /* these have no head */
        break;
    }
    size_t len = (size_t)(at - head);
    (void)put_be(head, len - LENGTH_SIZE + frame->body.len, LENGTH_SIZE);
    return len;
}

/* HELLO and BYE are rare and short: written first, measured afterwards. */
static void encode_rare(inf_buf *buf, const inf_rpc_frame *frame) {
    size_t start = buf->len;
    inf_buf_u32be(buf, 0);
    inf_buf_u8(buf, (uint8_t)frame->type);
    if (frame->type == INF_RPC_HELLO) {
        inf_buf_u8(buf, frame->version);
        inf_buf_bytes(buf, frame->caller);
        inf_buf_u64be(buf, frame->boot);
        inf_buf_varint(buf, frame->epoch);
        inf_buf_bytes(buf, frame->callee);
    } else {
        inf_buf_u8(buf, (uint8_t)-frame->status);
        inf_buf_bytes(buf, frame->body);
    }
    if (buf->failed) return;
    (void)put_be(buf->data + start, buf->len - start - LENGTH_SIZE,
                 LENGTH_SIZE);
}

void inf_rpc_frame_encode(inf_buf *buf, const inf_rpc_frame *frame) {
    uint8_t head[INF_RPC_HEAD_MAX];
    if (frame->type == INF_RPC_HELLO || frame->type == INF_RPC_BYE) {
        encode_rare(buf, frame);
        return;
    }
    inf_buf_put(buf, head, inf_rpc_frame_head(head, frame));
    inf_buf_slice(buf, frame->body);
}

/* ---- reading ----------------------------------------------------------- */

int64_t inf_rpc_frame_size(inf_slice stream) {
    if (stream.len < LENGTH_SIZE) return 0;
    inf_cursor cursor = inf_cursor_of(stream);
    uint32_t length = inf_cursor_u32be(&cursor);
    if (length == 0) return INF_EMALFORMED;
    if (length > INF_RPC_FRAME_MAX) return INF_ETOOBIG;
    return (int64_t)length + LENGTH_SIZE;
}

static inf_slice rest_of(inf_cursor *cursor) {
    return inf_cursor_take(cursor, inf_cursor_left(cursor));
}

static bool is_node_name(inf_slice name) {
    return name.len >= 1 && name.len <= INF_NODE_NAME_MAX;
}

static int decode_hello(inf_cursor *cursor, inf_rpc_frame *out) {
    out->version = inf_cursor_u8(cursor);
    if (!cursor->failed && out->version != INF_RPC_VERSION) return INF_EVERSION;
    out->caller = inf_cursor_bytes(cursor);
    out->boot = inf_cursor_u64be(cursor);
    out->epoch = inf_cursor_varint(cursor);
    out->callee = inf_cursor_bytes(cursor);
    if (cursor->failed) return INF_ETRUNCATED;
    if (inf_cursor_left(cursor) != 0) return INF_EMALFORMED;
    if (!is_node_name(out->caller) || !is_node_name(out->callee)) {
        return INF_EMALFORMED;
    }
    return 0;
}

static int decode_acks(inf_cursor *cursor, inf_rpc_frame *out) {
    uint64_t count = inf_cursor_varint(cursor);
    if (count > INF_RPC_ACKS_MAX) return INF_EMALFORMED;
    for (size_t i = 0; i < count; i++) {
        uint64_t code = inf_cursor_varint(cursor);
        uint64_t distance = code >> 1;
        bool above = (code & 1) != 0;
        if (!above && distance > out->id) return INF_EMALFORMED;
        out->acks[i] = above ? out->id + distance : out->id - distance;
    }
    out->ack_count = (size_t)count;
    return 0;
}

static int decode_call(inf_cursor *cursor, inf_rpc_frame *out) {
    out->id = inf_cursor_varint(cursor);
    uint64_t span = inf_cursor_varint(cursor);
    if (span > out->id || (out->id == 0 && !cursor->failed)) {
        return INF_EMALFORMED;
    }
    out->low = out->id - span;
    out->remaining_ms = inf_cursor_varint(cursor);
    int rc = decode_acks(cursor, out);
    if (cursor->failed) return INF_ETRUNCATED;
    out->body = rest_of(cursor);
    return rc;
}

static int decode_reply(inf_cursor *cursor, inf_rpc_frame *out) {
    out->boot = inf_cursor_u64be(cursor);
    out->id = inf_cursor_varint(cursor);
    out->status = -(int)inf_cursor_u8(cursor);
    if (cursor->failed) return INF_ETRUNCATED;
    out->body = rest_of(cursor);
    return 0;
}

static int decode_bye(inf_cursor *cursor, inf_rpc_frame *out) {
    out->status = -(int)inf_cursor_u8(cursor);
    out->body = inf_cursor_bytes(cursor);
    if (cursor->failed) return INF_ETRUNCATED;
    return inf_cursor_left(cursor) == 0 ? 0 : INF_EMALFORMED;
}

static int decode_ack(inf_cursor *cursor, inf_rpc_frame *out) {
    out->low = inf_cursor_varint(cursor);
    uint64_t count = inf_cursor_varint(cursor);
    if (count > INF_RPC_ACKS_MAX) return INF_EMALFORMED;
    for (size_t i = 0; i < count; i++)
        out->acks[i] = inf_cursor_varint(cursor);
    out->ack_count = (size_t)count;
    if (cursor->failed) return INF_ETRUNCATED;
    return inf_cursor_left(cursor) == 0 ? 0 : INF_EMALFORMED;
}

int inf_rpc_frame_decode(inf_slice bytes, inf_rpc_frame *out) {
    *out = (inf_rpc_frame){0};
    int64_t size = inf_rpc_frame_size(bytes);
    if (size < 0) return (int)size;
    if (size == 0 || (uint64_t)size > bytes.len) return INF_ETRUNCATED;
    if ((uint64_t)size < bytes.len) return INF_EMALFORMED;
    inf_cursor cursor = inf_cursor_of(bytes);
    (void)inf_cursor_u32be(&cursor);
    uint8_t type = inf_cursor_u8(&cursor);
    out->type = (inf_rpc_type)type;
    if (type == INF_RPC_HELLO) return decode_hello(&cursor, out);
    if (type == INF_RPC_CALL) return decode_call(&cursor, out);
    if (type == INF_RPC_REPLY) return decode_reply(&cursor, out);
    if (type == INF_RPC_BYE) return decode_bye(&cursor, out);
    if (type == INF_RPC_ACK) return decode_ack(&cursor, out);
    return INF_EMALFORMED;
}
