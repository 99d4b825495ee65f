/* SPDX-License-Identifier: MIT */
/* msgpack.h: MessagePack, one value at a time, from and to bytes. A writer
   takes the shortest form of each value; a reader gives tokens and believes no
   length that the remaining bytes cannot hold. `raw` is the string of the
   format before its revision of 2013, which memberlist and Serf still speak:
   it has no 8-bit length, and text and bytes look alike. */
#ifndef INF_BASE_MSGPACK_H
#define INF_BASE_MSGPACK_H

#include "base/buf.h"

typedef enum inf_msgpack_kind {
    INF_MSGPACK_NIL,
    INF_MSGPACK_BOOL,
    INF_MSGPACK_INT,   /* fits int64_t */
    INF_MSGPACK_UINT,  /* above INT64_MAX */
    INF_MSGPACK_FLOAT, /* 32 or 64 bits */
    INF_MSGPACK_BYTES, /* str or bin: they are taken alike */
    INF_MSGPACK_ARRAY, /* `count` values follow */
    INF_MSGPACK_MAP,   /* `count` keys and values follow, in turn */
    INF_MSGPACK_EXT    /* `ext` and `bytes` */
} inf_msgpack_kind;

typedef struct inf_msgpack_token {
    inf_msgpack_kind kind;
    bool boolean;
    int8_t ext;
    uint32_t count;
    int64_t integer;
    uint64_t natural; /* also set for an INT that is not negative */
    double number;
    inf_slice bytes; /* borrowed from what is being read */
} inf_msgpack_token;

/**
 * Reads the next value, or the head of the next array or map.
 * @return 0, INF_ETRUNCATED (the bytes end too early, or could not hold as
 *         many values as an array or map claims), INF_EMALFORMED (the byte c1).
 *         After an error the cursor has failed and *out is nil.
 */
int inf_msgpack_read(inf_cursor *cursor, inf_msgpack_token *out);
/** Passes over one value with all it contains; `depth` bounds the nesting.
    @return 0 or as inf_msgpack_read, INF_ETOOBIG when nested deeper. */
int inf_msgpack_skip(inf_cursor *cursor, unsigned depth);
/** Reads a value that must be of one kind; INF_EMALFORMED when it is not. */
int inf_msgpack_expect(inf_cursor *cursor, inf_msgpack_kind kind,
                       inf_msgpack_token *out);

void inf_msgpack_nil(inf_buf *buf);
void inf_msgpack_bool(inf_buf *buf, bool value);
void inf_msgpack_int(inf_buf *buf, int64_t value);
void inf_msgpack_uint(inf_buf *buf, uint64_t value);
/** Always 64 bits: a number arrives as the number it was. */
void inf_msgpack_float(inf_buf *buf, double value);
/** At most UINT32_MAX bytes, as all of these. */
void inf_msgpack_str(inf_buf *buf, inf_slice bytes);
/** The head of an array: `count` values must follow. */
void inf_msgpack_array(inf_buf *buf, uint32_t count);
/** The head of a map: `count` keys and values must follow, in turn. */
void inf_msgpack_map(inf_buf *buf, uint32_t count);

#endif
