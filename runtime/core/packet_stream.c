/* SPDX-License-Identifier: MIT */
/* Streams: one message each way, without a length in front. The reader takes
   the wrapping off as it arrives, and notes how far the message is whole, so
   that a byte is looked at a bounded number of times. */
#include "base/lzw.h"
#include "core/packet.h"

enum {
    STAGE_LABEL,
    STAGE_SEAL,
    STAGE_PACKED,
    STAGE_HEADER,
    STAGE_MAPS,
    STAGE_DONE,
    FRAME_HEADER = 5,   /* 0a and the length */
    MAP_MAX = 16384,    /* bytes of one map */
    NODES_MAX = 1 << 20 /* maps in one push/pull */
};

/* ---- writing ------------------------------------------------------------- */

/* The frame's five bytes and the label are the seal's associated data. */
static int put_sealed(const inf_framing *framing, inf_slice plain,
                      inf_alloc *mem, inf_buf *out) {
    inf_buf aad;
    inf_buf_init(&aad, mem);
    inf_buf_u8(&aad, INF_MESSAGE_ENCRYPTED);
    inf_buf_u32be(&aad, (uint32_t)(plain.len + INF_SEAL_OVERHEAD));
    inf_buf_slice(out, inf_buf_view(&aad));
    inf_buf_slice(&aad, framing->label);
    int rc = aad.failed ? INF_ENOMEM : 0;
    if (rc == 0) {
        rc = inf_keyring_seal(framing->keys, out, plain, inf_buf_view(&aad), 1,
                              NULL);
    }
    inf_buf_deinit(&aad);
    return rc;
}

int inf_stream_frame(const inf_framing *framing, bool dialled,
                     inf_slice message, inf_alloc *mem, inf_buf *out) {
    inf_buf packed;
    inf_buf wrapped;
    inf_buf_init(&packed, mem);
    inf_buf_init(&wrapped, mem);
    if (framing->compress) {
        inf_lzw_encode(&packed, message);
        inf_message_encode(&wrapped,
                           &(inf_message){.kind = INF_MESSAGE_COMPRESSED,
                                          .body = inf_buf_view(&packed)});
        message = inf_buf_view(&wrapped);
    }
    int rc = packed.failed || wrapped.failed ? INF_ENOMEM : 0;
    if (rc == 0 && dialled && framing->label.len != 0) {
        inf_buf_u8(out, INF_LABEL_HEADER);
        inf_buf_u8(out, (uint8_t)framing->label.len);
        inf_buf_slice(out, framing->label);
    }
    if (rc == 0 && inf_keyring_count(framing->keys) != 0) {
        rc = put_sealed(framing, message, mem, out);
    } else if (rc == 0) {
        inf_buf_slice(out, message);
    }
    if (rc == 0 && out->failed) rc = INF_ENOMEM;
    inf_buf_deinit(&packed);
    inf_buf_deinit(&wrapped);
    return rc;
}

/* ---- reading ------------------------------------------------------------- */

/* Each step returns 1 when it is through, 0 for want of bytes, or an error. */

void inf_stream_init(inf_stream_reader *reader, inf_alloc *mem, bool accepted) {
    *reader = (inf_stream_reader){.accepted = accepted};
    inf_buf_init(&reader->raw, mem);
    inf_buf_init(&reader->plain, mem);
}

void inf_stream_deinit(inf_stream_reader *reader) {
    inf_buf_deinit(&reader->raw);
    inf_buf_deinit(&reader->plain);
}

/* What was unwrapped into `plain` takes the place of `raw`. */
static int unwrapped(inf_stream_reader *reader) {
    inf_buf held = reader->raw;
    reader->raw = reader->plain;
    reader->plain = held;
    inf_buf_clear(&reader->plain);
    reader->whole = true;
    return 1;
}

static int read_label(inf_stream_reader *reader, const inf_framing *framing) {
    inf_slice raw = inf_buf_view(&reader->raw);
    if (raw.len == 0) return 0;
    bool has = raw.data[0] == INF_LABEL_HEADER;
    bool want = reader->accepted && framing->label.len != 0;
    if (has != want) return INF_EVERSION;
    if (!has) return 1;
    if (raw.len < 2) return 0;
    if (raw.data[1] != framing->label.len) return INF_EVERSION;
    if (raw.len < 2 + framing->label.len) return 0;
    inf_slice found = inf_slice_of(raw.data + 2, framing->label.len);
    if (!inf_slice_eq(found, framing->label)) return INF_EVERSION;
    inf_buf_consume(&reader->raw, 2 + framing->label.len);
    return 1;
}

static int open_frame(inf_stream_reader *reader, const inf_framing *framing,
                      inf_slice sealed) {
    inf_buf aad;
    inf_buf_init(&aad, reader->raw.mem);
    inf_buf_put(&aad, reader->raw.data, FRAME_HEADER);
    inf_buf_slice(&aad, framing->label);
    int rc = aad.failed ? INF_ENOMEM : 0;
    if (rc == 0) {
        rc = inf_keyring_open(framing->keys, &reader->plain, sealed,
                              inf_buf_view(&aad));
    }
    inf_buf_deinit(&aad);
    reader->sealed = rc == 0;
    return rc != 0 ? rc : unwrapped(reader);
}

static int read_seal(inf_stream_reader *reader, const inf_framing *framing) {
    if (reader->raw.len == 0) return 0;
    bool sealed = reader->raw.data[0] == INF_MESSAGE_ENCRYPTED;
    if (sealed != (inf_keyring_count(framing->keys) != 0)) return INF_ECRYPT;
    if (!sealed) return 1;
    if (reader->raw.len < FRAME_HEADER) return 0;
    inf_cursor in = inf_cursor_of(inf_buf_view(&reader->raw));
    (void)inf_cursor_u8(&in);
    uint32_t len = inf_cursor_u32be(&in);
    if (len > INF_STREAM_MAX) return INF_ETOOBIG;
    if (len < INF_SEAL_OVERHEAD) return INF_EMALFORMED;
    inf_slice block = inf_cursor_take(&in, len);
    return in.failed ? 0 : open_frame(reader, framing, block);
}

static int read_packed(inf_stream_reader *reader) {
    inf_slice raw = inf_buf_view(&reader->raw);
    if (raw.len == 0) return 0;
    if (raw.data[0] != INF_MESSAGE_COMPRESSED) return 1;
    inf_message packed;
    int rc = inf_message_decode(&packed, raw);
    if (rc == INF_ETRUNCATED) return 0;
    if (rc == 0 && packed.algo != 0) rc = INF_EMALFORMED;
    if (rc == 0) {
        rc = inf_lzw_decode(&reader->plain, packed.body, INF_STREAM_INFLATE);
    }
    if (rc == INF_ETRUNCATED) rc = INF_EMALFORMED; /* the codes, not the map */
    return rc != 0 ? rc : unwrapped(reader);
}

/* A map that is not whole yet may still become so, unless it is huge. */
static int awaited(const inf_stream_reader *reader, int rc) {
    if (rc != INF_ETRUNCATED) return rc;
    return reader->raw.len - reader->scanned > MAP_MAX ? INF_ETOOBIG : 0;
}

static int read_header(inf_stream_reader *reader) {
    inf_slice raw = inf_buf_view(&reader->raw);
    if (raw.len == 0) return 0;
    inf_slice body = inf_slice_of(raw.data + 1, raw.len - 1);
    inf_message_kind kind = INF_MAP_STREAM_USER;
    if (raw.data[0] != INF_MESSAGE_USER) {
        kind = (inf_message_kind)raw.data[0];
        if (kind != INF_MESSAGE_PING && kind != INF_MESSAGE_ACK &&
            kind != INF_MESSAGE_PUSH_PULL && kind != INF_MESSAGE_ERROR) {
            return INF_EMALFORMED;
        }
    }
    inf_message header;
    size_t used = 0;
    int rc = inf_message_decode_map(&header, kind, body, &used);
    if (rc != 0) return awaited(reader, rc);
    if (header.node_count > NODES_MAX) return INF_ETOOBIG;
    reader->scanned = 1 + used;
    reader->left = header.node_count;
    reader->tail = (uint64_t)header.state_len + header.user_len;
    return reader->tail > INF_STREAM_MAX ? INF_ETOOBIG : 1;
}

static int read_maps(inf_stream_reader *reader) {
    inf_slice raw = inf_buf_view(&reader->raw);
    while (reader->left > 0) {
        inf_slice rest =
            inf_slice_of(raw.data + reader->scanned, raw.len - reader->scanned);
        size_t used = 0;
        int rc = inf_message_skip(rest, &used);
        if (rc != 0) return awaited(reader, rc);
        reader->scanned += used;
        reader->left--;
    }
    return raw.len - reader->scanned >= reader->tail ? 1 : 0;
}

static int read_stage(inf_stream_reader *reader, const inf_framing *framing) {
    switch (reader->stage) {
    case STAGE_LABEL:
        return read_label(reader, framing);
    case STAGE_SEAL:
        return read_seal(reader, framing);
    case STAGE_PACKED:
        return read_packed(reader);
    case STAGE_HEADER:
        return read_header(reader);
    default:
        return read_maps(reader);
    }
}

int inf_stream_read(inf_stream_reader *reader, const inf_framing *framing,
                    inf_slice bytes, inf_slice *message) {
    if (!reader->whole) inf_buf_slice(&reader->raw, bytes);
    if (reader->raw.failed) return INF_ENOMEM;
    if (!reader->whole && reader->raw.len > INF_STREAM_MAX + MAP_MAX) {
        return INF_ETOOBIG;
    }
    while (reader->stage < STAGE_DONE) {
        int rc = read_stage(reader, framing);
        if (rc == 0 && reader->whole) return INF_EMALFORMED;
        if (rc <= 0) return rc;
        reader->stage++;
    }
    size_t len = reader->scanned + (size_t)reader->tail;
    *message = inf_slice_of(reader->raw.data, len);
    return 1;
}
