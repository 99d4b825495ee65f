/* SPDX-License-Identifier: MIT */
/* Messages as maps. Every kind is a list of fields in ascending key order, each
   a key, a type and a place in inf_message; encoder and decoder walk that list,
   so that a field is written down once. */
#include "core/packet.h"

#include <stddef.h>

enum {
    SKIP_MAX = 1 << 16, /* values in one skipped value */
    RAW16 = 0xda,
    RAW32 = 0xdb,
    NIL = 0xc0
};

typedef enum field_type {
    TYPE_U8,
    TYPE_U16,
    TYPE_U32,
    TYPE_U64,
    TYPE_BOOL,
    TYPE_TEXT, /* bytes that are never nil */
    TYPE_BYTES /* bytes that may be nil */
} field_type;

typedef struct field {
    const char *key;
    uint16_t place; /* in inf_message */
    uint8_t key_len;
    uint8_t type;  /* field_type */
    bool optional; /* left out when empty or 0 */
} field;

#define FIELD(key_, type_, member_, optional_)                                 \
    {                                                                          \
        .key = (key_), .place = (uint16_t)offsetof(inf_message, member_),      \
        .key_len = sizeof(key_) - 1, .type = (type_), .optional = (optional_)  \
    }
#define ADDR        FIELD("Addr", TYPE_BYTES, addr, false)
#define FROM        FIELD("From", TYPE_TEXT, from, false)
#define INCARNATION FIELD("Incarnation", TYPE_U32, incarnation, false)
#define META        FIELD("Meta", TYPE_BYTES, meta, false)
#define NODE        FIELD("Node", TYPE_TEXT, node, false)
#define PORT        FIELD("Port", TYPE_U16, port, false)
#define SEQ         FIELD("SeqNo", TYPE_U32, seq, false)
#define SOURCE                                                                 \
    FIELD("SourceAddr", TYPE_BYTES, source_addr, true),                        \
        FIELD("SourceNode", TYPE_TEXT, source_node, true),                     \
        FIELD("SourcePort", TYPE_U16, source_port, true)
#define VSN   FIELD("Vsn", TYPE_BYTES, vsn, false)
#define LTIME FIELD("LTime", TYPE_U64, ltime, false)

static const field ping[] = {NODE, SEQ, SOURCE};
static const field indirect[] = {
    FIELD("Nack", TYPE_BOOL, nack, false),     NODE, PORT, SEQ, SOURCE,
    FIELD("Target", TYPE_BYTES, target, false)};
static const field ack[] = {FIELD("Payload", TYPE_BYTES, payload, false), SEQ};
static const field nack[] = {SEQ};
static const field rumour[] = {FROM, INCARNATION, NODE};
static const field alive[] = {ADDR, INCARNATION, META, NODE, PORT, VSN};
static const field push_pull[] = {
    FIELD("Join", TYPE_BOOL, join, false),
    FIELD("Nodes", TYPE_U32, node_count, false),
    FIELD("UserStateLen", TYPE_U32, state_len, false)};
static const field state[] = {ADDR, INCARNATION,
                              META, FIELD("Name", TYPE_TEXT, node, false),
                              PORT, FIELD("State", TYPE_U8, state, false),
                              VSN};
static const field compressed[] = {FIELD("Algo", TYPE_U8, algo, false),
                                   FIELD("Buf", TYPE_BYTES, body, false)};
static const field error[] = {FIELD("Error", TYPE_TEXT, error, false)};
static const field stream_user[] = {
    FIELD("UserMsgLen", TYPE_U32, user_len, false)};
static const field serf_leave[] = {LTIME, NODE,
                                   FIELD("Prune", TYPE_BOOL, prune, false)};
static const field serf_join[] = {LTIME, NODE};
static const field serf_state[] = {
    FIELD("EventLTime", TYPE_U64, event_ltime, false), LTIME};
static const field serf_event[] = {
    FIELD("CC", TYPE_BOOL, coalesce, false), LTIME,
    FIELD("Name", TYPE_TEXT, node, false),
    FIELD("Payload", TYPE_BYTES, payload, false)};

typedef struct layout {
    const field *fields;
    size_t count;
} layout;

#define LAYOUT(fields_)                                                        \
    { .fields = (fields_), .count = INF_COUNT(fields_) }

static const layout layouts[INF_MAP_KINDS] = {
    [INF_MESSAGE_PING] = LAYOUT(ping),
    [INF_MESSAGE_INDIRECT] = LAYOUT(indirect),
    [INF_MESSAGE_ACK] = LAYOUT(ack),
    [INF_MESSAGE_SUSPECT] = LAYOUT(rumour),
    [INF_MESSAGE_ALIVE] = LAYOUT(alive),
    [INF_MESSAGE_DEAD] = LAYOUT(rumour),
    [INF_MESSAGE_PUSH_PULL] = LAYOUT(push_pull),
    [INF_MESSAGE_COMPRESSED] = LAYOUT(compressed),
    [INF_MESSAGE_NACK] = LAYOUT(nack),
    [INF_MESSAGE_ERROR] = LAYOUT(error),
    [INF_MAP_STATE] = LAYOUT(state),
    [INF_MAP_STREAM_USER] = LAYOUT(stream_user),
    [INF_MAP_SERF_LEAVE] = LAYOUT(serf_leave),
    [INF_MAP_SERF_JOIN] = LAYOUT(serf_join),
    [INF_MAP_SERF_STATE] = LAYOUT(serf_state),
    [INF_MAP_SERF_EVENT] = LAYOUT(serf_event)};

/* ---- writing ------------------------------------------------------------- */

void inf_pack_map(inf_buf *out, size_t count) {
    if (count < 16) {
        inf_buf_u8(out, (uint8_t)(0x80 | count));
    } else {
        inf_buf_u8(out, 0xde);
        inf_buf_u16be(out, (uint16_t)count);
    }
}

void inf_pack_raw(inf_buf *out, inf_slice bytes) {
    if (bytes.len < 32) {
        inf_buf_u8(out, (uint8_t)(0xa0 | bytes.len));
    } else if (bytes.len <= UINT16_MAX) {
        inf_buf_u8(out, RAW16);
        inf_buf_u16be(out, (uint16_t)bytes.len);
    } else {
        inf_buf_u8(out, RAW32);
        inf_buf_u32be(out, (uint32_t)bytes.len);
    }
    inf_buf_slice(out, bytes);
}

static void pack_uint(inf_buf *out, uint64_t value) {
    if (value < 0x80) {
        inf_buf_u8(out, (uint8_t)value);
    } else if (value <= UINT8_MAX) {
        inf_buf_u8(out, 0xcc);
        inf_buf_u8(out, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        inf_buf_u8(out, 0xcd);
        inf_buf_u16be(out, (uint16_t)value);
    } else if (value <= UINT32_MAX) {
        inf_buf_u8(out, 0xce);
        inf_buf_u32be(out, (uint32_t)value);
    } else {
        inf_buf_u8(out, 0xcf);
        inf_buf_u64be(out, value);
    }
}

/* The field's value as a number; 0 for bytes. */
static uint64_t number_of(const field *f, const void *place) {
    switch ((field_type)f->type) {
    case TYPE_U8:
        return *(const uint8_t *)place;
    case TYPE_U16:
        return *(const uint16_t *)place;
    case TYPE_U32:
        return *(const uint32_t *)place;
    case TYPE_U64:
        return *(const uint64_t *)place;
    case TYPE_BOOL:
        return *(const bool *)place ? 1 : 0;
    case TYPE_TEXT:
    case TYPE_BYTES:
        return 0;
    }
    return 0;
}

static bool is_bytes(const field *f) {
    return f->type == TYPE_TEXT || f->type == TYPE_BYTES;
}

static bool is_empty(const field *f, const void *place) {
    if (is_bytes(f)) return ((const inf_slice *)place)->len == 0;
    return number_of(f, place) == 0;
}

static void pack_field(inf_buf *out, const field *f, const void *place) {
    inf_pack_raw(out, inf_slice_of(f->key, f->key_len));
    if (is_bytes(f)) {
        inf_slice bytes = *(const inf_slice *)place;
        if (bytes.data == NULL && f->type == TYPE_BYTES) {
            inf_buf_u8(out, NIL);
        } else {
            inf_pack_raw(out, bytes);
        }
    } else if (f->type == TYPE_BOOL) {
        inf_buf_u8(out, *(const bool *)place ? 0xc3 : 0xc2);
    } else {
        pack_uint(out, number_of(f, place));
    }
}

void inf_message_encode(inf_buf *out, const inf_message *message) {
    if (message->kind < INF_MESSAGE_KINDS) {
        inf_buf_u8(out, (uint8_t)message->kind);
    }
    if (message->kind == INF_MESSAGE_USER) {
        inf_buf_slice(out, message->body);
        return;
    }
    const layout *map = &layouts[message->kind];
    INF_ASSERT(map->fields != NULL);
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++) {
        const field *f = &map->fields[i];
        const void *place = (const uint8_t *)message + f->place;
        if (!f->optional || !is_empty(f, place)) count++;
    }
    inf_pack_map(out, count);
    for (size_t i = 0; i < map->count; i++) {
        const field *f = &map->fields[i];
        const void *place = (const uint8_t *)message + f->place;
        if (!f->optional || !is_empty(f, place)) pack_field(out, f, place);
    }
}

/* ---- reading ------------------------------------------------------------- */

static int take(inf_cursor *in, uint64_t len, inf_slice *out) {
    *out = inf_cursor_take(in, len);
    return in->failed ? INF_ETRUNCATED : 0;
}

int inf_unpack_map(inf_cursor *in, uint32_t *count) {
    uint8_t head = inf_cursor_u8(in);
    *count = 0;
    if ((head & 0xf0) == 0x80) {
        *count = head & 0x0f;
    } else if (head == 0xde) {
        *count = inf_cursor_u16be(in);
    } else if (head == 0xdf) {
        *count = inf_cursor_u32be(in);
    } else if (!in->failed && head != NIL) {
        return INF_EMALFORMED;
    }
    return in->failed ? INF_ETRUNCATED : 0;
}

/* The length of bytes whose first byte was `head`; -1 when it is no bytes. */
static int64_t raw_length(inf_cursor *in, uint8_t head) {
    if ((head & 0xe0) == 0xa0) return head & 0x1f;
    switch (head) {
    case 0xc4: /* bin8 */
    case 0xd9: /* str8 */
        return inf_cursor_u8(in);
    case 0xc5:
    case RAW16:
        return inf_cursor_u16be(in);
    case 0xc6:
    case RAW32:
        return inf_cursor_u32be(in);
    default:
        return -1;
    }
}

int inf_unpack_raw(inf_cursor *in, inf_slice *out) {
    *out = (inf_slice){NULL, 0};
    uint8_t head = inf_cursor_u8(in);
    if (in->failed) return INF_ETRUNCATED;
    if (head == NIL) return 0;
    int64_t len = raw_length(in, head);
    if (in->failed) return INF_ETRUNCATED;
    return len < 0 ? INF_EMALFORMED : take(in, (uint64_t)len, out);
}

/* A signed number of `width` bytes; below 0 is not a number of ours. */
static int unpack_signed(inf_cursor *in, unsigned width, uint64_t *value) {
    uint64_t raw = 0;
    for (unsigned i = 0; i < width; i++)
        raw = raw << 8 | inf_cursor_u8(in);
    if (in->failed) return INF_ETRUNCATED;
    if (raw >> (8 * width - 1) != 0) return INF_EMALFORMED;
    *value = raw;
    return 0;
}

static int unpack_uint(inf_cursor *in, uint64_t *value) {
    uint8_t head = inf_cursor_u8(in);
    *value = head;
    switch (head) {
    case NIL:
        *value = 0;
        break;
    case 0xcc:
        *value = inf_cursor_u8(in);
        break;
    case 0xcd:
        *value = inf_cursor_u16be(in);
        break;
    case 0xce:
        *value = inf_cursor_u32be(in);
        break;
    case 0xcf:
        *value = inf_cursor_u64be(in);
        break;
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return unpack_signed(in, 1u << (head - 0xd0), value);
    default:
        if (!in->failed && head >= 0x80) return INF_EMALFORMED;
    }
    return in->failed ? INF_ETRUNCATED : 0;
}

static int unpack_number(inf_cursor *in, const field *f, void *place) {
    static const uint64_t most[] = {[TYPE_U8] = UINT8_MAX,
                                    [TYPE_U16] = UINT16_MAX,
                                    [TYPE_U32] = UINT32_MAX,
                                    [TYPE_U64] = UINT64_MAX};
    uint64_t value = 0;
    int rc = unpack_uint(in, &value);
    if (rc != 0) return rc;
    if (value > most[f->type]) return INF_EMALFORMED;
    if (f->type == TYPE_U8) *(uint8_t *)place = (uint8_t)value;
    if (f->type == TYPE_U16) *(uint16_t *)place = (uint16_t)value;
    if (f->type == TYPE_U32) *(uint32_t *)place = (uint32_t)value;
    if (f->type == TYPE_U64) *(uint64_t *)place = value;
    return 0;
}

static int unpack_field(inf_cursor *in, const field *f, void *place) {
    if (is_bytes(f)) return inf_unpack_raw(in, place);
    if (f->type != TYPE_BOOL) return unpack_number(in, f, place);
    uint8_t head = inf_cursor_u8(in);
    if (in->failed) return INF_ETRUNCATED;
    if (head != 0xc2 && head != 0xc3 && head != NIL) return INF_EMALFORMED;
    *(bool *)place = head == 0xc3;
    return 0;
}

/* Passes the body of a value whose head was read; *more grows by the values
   that it contains. */
static int skip_body(inf_cursor *in, uint8_t head, uint64_t *more) {
    static const uint8_t fixed[] = {
        /* ca: float32 */ 4, 8, 1, 2, 4, 8, 1, 2, 4, 8,
        /* d4: fixext1 */ 2, 3, 5, 9, 17};
    inf_slice rest;
    if (head < 0x80 || head >= 0xe0 || head == NIL || head == 0xc2 ||
        head == 0xc3) {
        return 0;
    }
    if (head < 0x90) *more += 2 * (uint64_t)(head & 0x0f);
    if (head >= 0x90 && head < 0xa0) *more += head & 0x0f;
    if (head < 0xa0) return 0;
    if (head == 0xc1) return INF_EMALFORMED;
    if (head >= 0xca && head <= 0xd8)
        return take(in, fixed[head - 0xca], &rest);
    if (head == 0xdc) *more += inf_cursor_u16be(in);
    if (head == 0xdd) *more += inf_cursor_u32be(in);
    if (head == 0xde) *more += 2 * (uint64_t)inf_cursor_u16be(in);
    if (head == 0xdf) *more += 2 * (uint64_t)inf_cursor_u32be(in);
    uint64_t len = 0;
    if (head == 0xc7) len = 1 + (uint64_t)inf_cursor_u8(in);
    if (head == 0xc8) len = 1 + (uint64_t)inf_cursor_u16be(in);
    if (head == 0xc9) len = 1 + (uint64_t)inf_cursor_u32be(in);
    int64_t raw = raw_length(in, head);
    if (raw >= 0) len = (uint64_t)raw;
    if (in->failed) return INF_ETRUNCATED;
    return take(in, len, &rest);
}

/* Nesting costs a counter and no stack: a value is done when as many values
   have been passed as were announced. */
static int skip(inf_cursor *in) {
    uint64_t more = 1;
    for (unsigned passed = 0; more > 0; passed++, more--) {
        if (passed == SKIP_MAX) return INF_EMALFORMED;
        uint8_t head = inf_cursor_u8(in);
        if (in->failed) return INF_ETRUNCATED;
        int rc = skip_body(in, head, &more);
        if (rc != 0) return rc;
    }
    return 0;
}

int inf_message_skip(inf_slice bytes, size_t *used) {
    inf_cursor in = inf_cursor_of(bytes);
    int rc = skip(&in);
    if (rc == 0) *used = bytes.len - inf_cursor_left(&in);
    return rc;
}

/* The field with that key; *next is where a sorted map has it. */
static const field *field_of(const layout *map, inf_slice key, size_t *next) {
    for (size_t i = 0; i < map->count; i++) {
        size_t at = (*next + i) % map->count;
        const field *f = &map->fields[at];
        if (f->key_len == key.len && memcmp(f->key, key.data, key.len) == 0) {
            *next = at + 1;
            return f;
        }
    }
    return NULL;
}

/* One pair of the map; keys that are not text are passed over. */
static int unpack_pair(inf_cursor *in, const layout *map, inf_message *out,
                       size_t *next) {
    inf_slice key;
    inf_cursor before = *in;
    int rc = inf_unpack_raw(in, &key);
    if (rc == INF_EMALFORMED) {
        *in = before;
        rc = skip(in);
    }
    if (rc != 0) return rc;
    const field *f = key.len != 0 ? field_of(map, key, next) : NULL;
    if (f == NULL) return skip(in);
    return unpack_field(in, f, (uint8_t *)out + f->place);
}

int inf_message_decode_map(inf_message *out, inf_message_kind kind,
                           inf_slice bytes, size_t *used) {
    const layout *map = &layouts[kind];
    INF_ASSERT(map->fields != NULL);
    *out = (inf_message){.kind = kind};
    inf_cursor in = inf_cursor_of(bytes);
    uint32_t pairs = 0;
    int rc = inf_unpack_map(&in, &pairs);
    size_t next = 0;
    for (uint32_t i = 0; rc == 0 && i < pairs; i++) {
        if (i == SKIP_MAX) return INF_EMALFORMED;
        rc = unpack_pair(&in, map, out, &next);
    }
    if (rc == 0) *used = bytes.len - inf_cursor_left(&in);
    return rc;
}

int inf_message_decode(inf_message *out, inf_slice bytes) {
    if (bytes.len == 0) return INF_ETRUNCATED;
    uint8_t kind = bytes.data[0];
    inf_slice body = inf_slice_of(bytes.data + 1, bytes.len - 1);
    if (kind == INF_MESSAGE_USER) {
        *out = (inf_message){.kind = INF_MESSAGE_USER, .body = body};
        return 0;
    }
    if (kind >= INF_MESSAGE_KINDS || layouts[kind].fields == NULL) {
        return INF_EMALFORMED;
    }
    size_t used = 0;
    return inf_message_decode_map(out, (inf_message_kind)kind, body, &used);
}
