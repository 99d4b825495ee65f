/* SPDX-License-Identifier: MIT */
#include "base/msgpack.h"

#include "base/error.h"

/* Bytes of the format's table; the fixed forms are ranges. */
enum {
    FIX_MAP = 0x80,
    FIX_ARRAY = 0x90,
    FIX_STR = 0xa0,
    NIL = 0xc0,
    NEVER_USED = 0xc1,
    FALSE_BYTE = 0xc2,
    TRUE_BYTE = 0xc3,
    BIN_8 = 0xc4,
    BIN_16 = 0xc5,
    BIN_32 = 0xc6,
    EXT_8 = 0xc7,
    EXT_16 = 0xc8,
    EXT_32 = 0xc9,
    FLOAT_32 = 0xca,
    FLOAT_64 = 0xcb,
    UINT_8 = 0xcc,
    UINT_16 = 0xcd,
    UINT_32 = 0xce,
    UINT_64 = 0xcf,
    INT_8 = 0xd0,
    INT_16 = 0xd1,
    INT_32 = 0xd2,
    INT_64 = 0xd3,
    FIX_EXT_1 = 0xd4,
    FIX_EXT_2 = 0xd5,
    FIX_EXT_4 = 0xd6,
    FIX_EXT_8 = 0xd7,
    FIX_EXT_16 = 0xd8,
    STR_8 = 0xd9,
    STR_16 = 0xda,
    STR_32 = 0xdb,
    ARRAY_16 = 0xdc,
    ARRAY_32 = 0xdd,
    MAP_16 = 0xde,
    MAP_32 = 0xdf,
    FIX_NEGATIVE = 0xe0
};

static void token_signed(inf_msgpack_token *out, int64_t value) {
    out->kind = INF_MSGPACK_INT;
    out->integer = value;
    out->natural = value >= 0 ? (uint64_t)value : 0;
}

static void token_unsigned(inf_msgpack_token *out, uint64_t value) {
    out->kind = value > INT64_MAX ? INF_MSGPACK_UINT : INF_MSGPACK_INT;
    out->integer = value > INT64_MAX ? 0 : (int64_t)value;
    out->natural = value;
}

static void token_float(inf_msgpack_token *out, double value) {
    out->kind = INF_MSGPACK_FLOAT;
    out->number = value;
}

static double float_of_32(uint32_t bits) {
    float value = 0;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static double float_of_64(uint64_t bits) {
    double value = 0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static void token_bytes(inf_msgpack_token *out, inf_cursor *cursor,
                        uint64_t len) {
    out->kind = INF_MSGPACK_BYTES;
    out->bytes = inf_cursor_take(cursor, len);
}

static void token_ext(inf_msgpack_token *out, inf_cursor *cursor,
                      uint64_t len) {
    out->kind = INF_MSGPACK_EXT;
    out->ext = (int8_t)inf_cursor_u8(cursor);
    out->bytes = inf_cursor_take(cursor, len);
}

/* Every value takes a byte at least: a larger count is a lie. */
static void token_list(inf_msgpack_token *out, inf_cursor *cursor,
                       inf_msgpack_kind kind, uint32_t count) {
    uint64_t values = (uint64_t)count * (kind == INF_MSGPACK_MAP ? 2 : 1);
    out->kind = kind;
    out->count = count;
    if (values > inf_cursor_left(cursor)) cursor->failed = true;
}

/* The forms with a byte of their own, c0 to df. */
static int read_form(inf_cursor *at, uint8_t form, inf_msgpack_token *out) {
    switch (form) {
    case NIL:
        break;
    case NEVER_USED:
        return INF_EMALFORMED;
    case FALSE_BYTE:
    case TRUE_BYTE:
        out->kind = INF_MSGPACK_BOOL;
        out->boolean = form == TRUE_BYTE;
        break;
    case BIN_8:
    case STR_8:
        token_bytes(out, at, inf_cursor_u8(at));
        break;
    case BIN_16:
    case STR_16:
        token_bytes(out, at, inf_cursor_u16be(at));
        break;
    case BIN_32:
    case STR_32:
        token_bytes(out, at, inf_cursor_u32be(at));
        break;
    case EXT_8:
        token_ext(out, at, inf_cursor_u8(at));
        break;
    case EXT_16:
        token_ext(out, at, inf_cursor_u16be(at));
        break;
    case EXT_32:
        token_ext(out, at, inf_cursor_u32be(at));
        break;
    case ARRAY_16:
        token_list(out, at, INF_MSGPACK_ARRAY, inf_cursor_u16be(at));
        break;
    case ARRAY_32:
        token_list(out, at, INF_MSGPACK_ARRAY, inf_cursor_u32be(at));
        break;
    case MAP_16:
        token_list(out, at, INF_MSGPACK_MAP, inf_cursor_u16be(at));
        break;
    case MAP_32:
        token_list(out, at, INF_MSGPACK_MAP, inf_cursor_u32be(at));
        break;
    default: /* FIX_EXT_1 to FIX_EXT_16: numbers have been taken already */
        token_ext(out, at, UINT64_C(1) << (form - FIX_EXT_1));
        break;
    }
    return 0;
}

/* The forms of numbers, ca to d3; false when it is none of them. */
static bool read_number(inf_cursor *at, uint8_t form, inf_msgpack_token *out) {
    switch (form) {
    case FLOAT_32:
        token_float(out, float_of_32(inf_cursor_u32be(at)));
        return true;
    case FLOAT_64:
        token_float(out, float_of_64(inf_cursor_u64be(at)));
        return true;
    case UINT_8:
        token_unsigned(out, inf_cursor_u8(at));
        return true;
    case UINT_16:
        token_unsigned(out, inf_cursor_u16be(at));
        return true;
    case UINT_32:
        token_unsigned(out, inf_cursor_u32be(at));
        return true;
    case UINT_64:
        token_unsigned(out, inf_cursor_u64be(at));
        return true;
    case INT_8:
        token_signed(out, (int8_t)inf_cursor_u8(at));
        return true;
    case INT_16:
        token_signed(out, (int16_t)inf_cursor_u16be(at));
        return true;
    case INT_32:
        token_signed(out, (int32_t)inf_cursor_u32be(at));
        return true;
    case INT_64:
        token_signed(out, (int64_t)inf_cursor_u64be(at));
        return true;
    default:
        return false;
    }
}

int inf_msgpack_read(inf_cursor *cursor, inf_msgpack_token *out) {
    int rc = 0;
    *out = (inf_msgpack_token){.kind = INF_MSGPACK_NIL};
    uint8_t form = inf_cursor_u8(cursor);
    if (cursor->failed) return INF_ETRUNCATED;
    if (form < FIX_MAP) {
        token_signed(out, form);
    } else if (form < FIX_ARRAY) {
        token_list(out, cursor, INF_MSGPACK_MAP, form & 0x0f);
    } else if (form < FIX_STR) {
        token_list(out, cursor, INF_MSGPACK_ARRAY, form & 0x0f);
    } else if (form < NIL) {
        token_bytes(out, cursor, form & 0x1f);
    } else if (form >= FIX_NEGATIVE) {
        token_signed(out, (int8_t)form);
    } else if (!read_number(cursor, form, out)) {
        rc = read_form(cursor, form, out);
    }
    if (cursor->failed) rc = INF_ETRUNCATED;
    if (rc == 0) return 0;
    cursor->failed = true;
    cursor->at = cursor->end;
    *out = (inf_msgpack_token){.kind = INF_MSGPACK_NIL};
    return rc;
}

int inf_msgpack_skip(inf_cursor *cursor, unsigned depth) {
    inf_msgpack_token token;
    int rc = inf_msgpack_read(cursor, &token);
    if (rc != 0) return rc;
    uint64_t values = token.count;
    if (token.kind == INF_MSGPACK_MAP) values *= 2;
    if (values != 0 && depth == 0) return INF_ETOOBIG;
    while (rc == 0 && values-- != 0) {
        rc = inf_msgpack_skip(cursor, depth - 1);
    }
    return rc;
}

int inf_msgpack_expect(inf_cursor *cursor, inf_msgpack_kind kind,
                       inf_msgpack_token *out) {
    int rc = inf_msgpack_read(cursor, out);
    if (rc != 0) return rc;
    return out->kind == kind ? 0 : INF_EMALFORMED;
}

void inf_msgpack_nil(inf_buf *buf) {
    inf_buf_u8(buf, NIL);
}

void inf_msgpack_bool(inf_buf *buf, bool value) {
    inf_buf_u8(buf, value ? TRUE_BYTE : FALSE_BYTE);
}

/* A form and its operand in one piece: the path of most values. */
static void put_form(inf_buf *buf, uint8_t form, uint64_t value, size_t width) {
    uint8_t bytes[9] = {form};
    for (size_t i = 0; i < width; i++) {
        bytes[1 + i] = (uint8_t)(value >> (8 * (width - 1 - i)));
    }
    inf_buf_put(buf, bytes, 1 + width);
}

void inf_msgpack_uint(inf_buf *buf, uint64_t value) {
    if (value < 0x80) {
        inf_buf_u8(buf, (uint8_t)value);
    } else if (value <= UINT8_MAX) {
        put_form(buf, UINT_8, value, 1);
    } else if (value <= UINT16_MAX) {
        put_form(buf, UINT_16, value, 2);
    } else if (value <= UINT32_MAX) {
        put_form(buf, UINT_32, value, 4);
    } else {
        put_form(buf, UINT_64, value, 8);
    }
}

void inf_msgpack_int(inf_buf *buf, int64_t value) {
    if (value >= 0) {
        inf_msgpack_uint(buf, (uint64_t)value);
    } else if (value >= -32) {
        inf_buf_u8(buf, (uint8_t)value);
    } else if (value >= INT8_MIN) {
        put_form(buf, INT_8, (uint64_t)value, 1);
    } else if (value >= INT16_MIN) {
        put_form(buf, INT_16, (uint64_t)value, 2);
    } else if (value >= INT32_MIN) {
        put_form(buf, INT_32, (uint64_t)value, 4);
    } else {
        put_form(buf, INT_64, (uint64_t)value, 8);
    }
}

void inf_msgpack_float(inf_buf *buf, double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    put_form(buf, FLOAT_64, bits, 8);
}

/* A length with 16 or 32 bits; `form` is the one of 16, the next is of 32. */
static void put_length(inf_buf *buf, uint8_t form, size_t len) {
    INF_ASSERT(len <= UINT32_MAX);
    if (len <= UINT16_MAX) {
        put_form(buf, form, len, 2);
    } else {
        put_form(buf, (uint8_t)(form + 1), len, 4);
    }
}

void inf_msgpack_str(inf_buf *buf, inf_slice bytes) {
    if (bytes.len < 32) {
        inf_buf_u8(buf, (uint8_t)(FIX_STR | bytes.len));
    } else if (bytes.len <= UINT8_MAX) {
        put_form(buf, STR_8, bytes.len, 1);
    } else {
        put_length(buf, STR_16, bytes.len);
    }
    inf_buf_slice(buf, bytes);
}

void inf_msgpack_array(inf_buf *buf, uint32_t count) {
    if (count < 16) {
        inf_buf_u8(buf, (uint8_t)(FIX_ARRAY | count));
    } else {
        put_length(buf, ARRAY_16, count);
    }
}

void inf_msgpack_map(inf_buf *buf, uint32_t count) {
    if (count < 16) {
        inf_buf_u8(buf, (uint8_t)(FIX_MAP | count));
    } else {
        put_length(buf, MAP_16, count);
    }
}
