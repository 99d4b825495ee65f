/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void inf_buf_init(inf_buf *buf, inf_alloc *mem) {
    *buf = (inf_buf){.mem = mem};
}

void inf_buf_deinit(inf_buf *buf) {
    inf_free(buf->mem, buf->data);
    inf_buf_init(buf, buf->mem);
}

void inf_buf_clear(inf_buf *buf) {
    buf->len = 0;
    buf->failed = false;
}

void inf_buf_consume(inf_buf *buf, size_t len) {
    INF_ASSERT(len <= buf->len);
    buf->len -= len;
    if (buf->len != 0) memmove(buf->data, buf->data + len, buf->len);
}

uint8_t *inf_buf_reserve(inf_buf *buf, size_t len) {
    if (buf->failed) return NULL;
    if (len <= buf->cap - buf->len) return buf->data + buf->len;
    size_t cap = buf->cap < 64 ? 64 : buf->cap;
    while (cap - buf->len < len && cap <= SIZE_MAX / 2)
        cap *= 2;
    uint8_t *data = NULL;
    if (cap - buf->len >= len) data = inf_realloc(buf->mem, buf->data, cap);
    if (data == NULL) {
        buf->failed = true;
        return NULL;
    }
    buf->data = data;
    buf->cap = cap;
    return data + buf->len;
}

void inf_buf_put(inf_buf *buf, const void *data, size_t len) {
    if (len == 0) return;
    uint8_t *room = inf_buf_reserve(buf, len);
    if (room == NULL) return;
    memcpy(room, data, len);
    buf->len += len;
}

void inf_buf_slice(inf_buf *buf, inf_slice slice) {
    inf_buf_put(buf, slice.data, slice.len);
}

void inf_buf_str(inf_buf *buf, const char *text) {
    inf_buf_put(buf, text, strlen(text));
}

void inf_buf_u8(inf_buf *buf, uint8_t value) {
    inf_buf_put(buf, &value, 1);
}

static void put_be(inf_buf *buf, uint64_t value, size_t width) {
    uint8_t bytes[8];
    for (size_t i = 0; i < width; i++) {
        bytes[i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
    inf_buf_put(buf, bytes, width);
}

void inf_buf_u16be(inf_buf *buf, uint16_t value) {
    put_be(buf, value, 2);
}

void inf_buf_u32be(inf_buf *buf, uint32_t value) {
    put_be(buf, value, 4);
}

void inf_buf_u64be(inf_buf *buf, uint64_t value) {
    put_be(buf, value, 8);
}

void inf_buf_varint(inf_buf *buf, uint64_t value) {
    uint8_t bytes[10];
    size_t len = 0;
    while (value >= 0x80) {
        bytes[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (uint8_t)value;
    inf_buf_put(buf, bytes, len);
}

void inf_buf_bytes(inf_buf *buf, inf_slice slice) {
    inf_buf_varint(buf, slice.len);
    inf_buf_slice(buf, slice);
}

void inf_buf_printf(inf_buf *buf, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len <= 0) return;
    uint8_t *room = inf_buf_reserve(buf, (size_t)len + 1);
    if (room == NULL) return;
    va_start(args, format);
    (void)vsnprintf((char *)room, (size_t)len + 1, format, args);
    va_end(args);
    buf->len += (size_t)len;
}

inf_slice inf_buf_view(const inf_buf *buf) {
    return (inf_slice){buf->data, buf->len};
}

inf_cursor inf_cursor_of(inf_slice bytes) {
    static const uint8_t nothing[1] = {0};
    const uint8_t *at = bytes.len != 0 ? bytes.data : nothing;
    return (inf_cursor){.at = at, .end = at + bytes.len};
}

size_t inf_cursor_left(const inf_cursor *cursor) {
    return (size_t)(cursor->end - cursor->at);
}

inf_slice inf_cursor_take(inf_cursor *cursor, uint64_t len) {
    if (cursor->failed || len > inf_cursor_left(cursor)) {
        cursor->failed = true;
        cursor->at = cursor->end;
        return (inf_slice){NULL, 0};
    }
    inf_slice taken = {cursor->at, (size_t)len};
    cursor->at += len;
    return taken;
}

static uint64_t get_be(inf_cursor *cursor, size_t width) {
    inf_slice bytes = inf_cursor_take(cursor, width);
    uint64_t value = 0;
    for (size_t i = 0; i < bytes.len; i++)
        value = value << 8 | bytes.data[i];
    return value;
}

uint8_t inf_cursor_u8(inf_cursor *cursor) {
    return (uint8_t)get_be(cursor, 1);
}

uint16_t inf_cursor_u16be(inf_cursor *cursor) {
    return (uint16_t)get_be(cursor, 2);
}

uint32_t inf_cursor_u32be(inf_cursor *cursor) {
    return (uint32_t)get_be(cursor, 4);
}

uint64_t inf_cursor_u64be(inf_cursor *cursor) {
    return get_be(cursor, 8);
}

uint64_t inf_cursor_varint(inf_cursor *cursor) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t byte = inf_cursor_u8(cursor);
        if (cursor->failed || (shift == 63 && byte > 1)) break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) return value;
    }
    cursor->failed = true;
    cursor->at = cursor->end;
    return 0;
}

inf_slice inf_cursor_bytes(inf_cursor *cursor) {
    return inf_cursor_take(cursor, inf_cursor_varint(cursor));
}
