/* SPDX-License-Identifier: MIT */
/* buf.h: bytes being written (inf_buf) and bytes being read (inf_cursor).
   A writer that runs out of memory, and a reader that runs out of bytes,
   remembers it: the caller checks once, at the end. */
#ifndef INF_BASE_BUF_H
#define INF_BASE_BUF_H

#include "base/alloc.h"
#include "base/def.h"

/** A growing run of bytes. `failed` is set once memory was refused; from then
    on nothing more is written. */
typedef struct inf_buf {
    uint8_t *data; /* owned */
    size_t len;
    size_t cap;
    inf_alloc *mem; /* borrowed */
    bool failed;
} inf_buf;

void inf_buf_init(inf_buf *buf, inf_alloc *mem);
/** Frees the bytes and leaves an empty buffer that may be used again. */
void inf_buf_deinit(inf_buf *buf);
/** Forgets the content, keeps the memory. */
void inf_buf_clear(inf_buf *buf);
/** Drops the first `len` bytes. */
void inf_buf_consume(inf_buf *buf, size_t len);
/** Room for `len` more bytes, or NULL; the caller then adds to buf->len. */
uint8_t *inf_buf_reserve(inf_buf *buf, size_t len);
void inf_buf_put(inf_buf *buf, const void *data, size_t len);
void inf_buf_slice(inf_buf *buf, inf_slice slice);
void inf_buf_str(inf_buf *buf, const char *text);
void inf_buf_u8(inf_buf *buf, uint8_t value);
void inf_buf_u16be(inf_buf *buf, uint16_t value);
void inf_buf_u32be(inf_buf *buf, uint32_t value);
void inf_buf_u64be(inf_buf *buf, uint64_t value);
/** LEB128: seven bits a byte, least significant first, at most 10 bytes. */
void inf_buf_varint(inf_buf *buf, uint64_t value);
/** Varint length, then the bytes. */
void inf_buf_bytes(inf_buf *buf, inf_slice slice);
void inf_buf_printf(inf_buf *buf, const char *format, ...) INF_PRINTF(2, 3);
inf_slice inf_buf_view(const inf_buf *buf);

/** Bytes being read. After a read beyond the end `failed` is set and every
    further read gives zeros and empty slices. */
typedef struct inf_cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
} inf_cursor;

inf_cursor inf_cursor_of(inf_slice bytes);
size_t inf_cursor_left(const inf_cursor *cursor);
uint8_t inf_cursor_u8(inf_cursor *cursor);
uint16_t inf_cursor_u16be(inf_cursor *cursor);
uint32_t inf_cursor_u32be(inf_cursor *cursor);
uint64_t inf_cursor_u64be(inf_cursor *cursor);
uint64_t inf_cursor_varint(inf_cursor *cursor);
/** The next `len` bytes, borrowed from what is being read. */
inf_slice inf_cursor_take(inf_cursor *cursor, uint64_t len);
/** Varint length, then that many bytes, borrowed. */
inf_slice inf_cursor_bytes(inf_cursor *cursor);

#endif
