/* SPDX-License-Identifier: MIT */
/* Datagrams: what goes around messages.

       f4 len label | version nonce ... tag | 0c crc32 | 09 LZW | 07 compound

   The CRC stands beneath the seal and is recognised there only. The label is
   the seal's associated data. */
#include <zlib.h>

#include "base/lzw.h"
#include "core/packet.h"

enum {
    CRC_HEADER = 5,
    NESTING_MAX = 2,   /* one LZW and one compound, in either order */
    WORTH_PACKING = 48 /* shorter messages never get smaller */
};

/* ---- writing ------------------------------------------------------------- */

void inf_packet_init(inf_packet_writer *writer, inf_alloc *mem) {
    inf_buf_init(&writer->body, mem);
    writer->count = 0;
}

void inf_packet_deinit(inf_packet_writer *writer) {
    inf_buf_deinit(&writer->body);
}

void inf_packet_clear(inf_packet_writer *writer) {
    inf_buf_clear(&writer->body);
    writer->count = 0;
}

size_t inf_packet_size(const inf_packet_writer *writer) {
    return 2 + 2 * writer->count + writer->body.len;
}

int inf_packet_add(inf_packet_writer *writer, inf_slice message) {
    if (writer->count == INF_PACKET_PARTS || message.len > UINT16_MAX) {
        return INF_EFULL;
    }
    inf_buf_slice(&writer->body, message);
    writer->len[writer->count++] = (uint16_t)message.len;
    return writer->body.failed ? INF_ENOMEM : 0;
}

size_t inf_framing_overhead(const inf_framing *framing) {
    size_t size = framing->label.len != 0 ? 2 + framing->label.len : 0;
    if (inf_keyring_count(framing->keys) != 0) size += INF_SEAL_OVERHEAD;
    return size;
}

static void put_compound(const inf_packet_writer *writer, inf_buf *out) {
    if (writer->count != 1) {
        inf_buf_u8(out, INF_MESSAGE_COMPOUND);
        inf_buf_u8(out, (uint8_t)writer->count);
        for (size_t i = 0; i < writer->count; i++)
            inf_buf_u16be(out, writer->len[i]);
    }
    inf_buf_slice(out, inf_buf_view(&writer->body));
}

/* Appends `plain` wrapped as LZW; its length decides whether it was worth it.
 */
static void put_packed(inf_buf *out, inf_slice plain, inf_alloc *mem) {
    inf_buf packed;
    inf_buf_init(&packed, mem);
    inf_lzw_encode(&packed, plain);
    inf_message_encode(out, &(inf_message){.kind = INF_MESSAGE_COMPRESSED,
                                           .body = inf_buf_view(&packed)});
    if (packed.failed) out->failed = true;
    inf_buf_deinit(&packed);
}

/* Writes 4 bytes into the header that was left open. */
static void close_crc(inf_buf *buf, size_t start) {
    if (buf->failed) return;
    const uint8_t *rest = buf->data + start + CRC_HEADER;
    size_t len = buf->len - start - CRC_HEADER;
    uint32_t sum = (uint32_t)crc32(0, rest, (uInt)len);
    for (size_t i = 0; i < 4; i++)
        buf->data[start + 1 + i] = (uint8_t)(sum >> (24 - 8 * i));
}

/* The datagram but for seal and label. */
static void put_clear(const inf_packet_writer *writer, bool compress, bool crc,
                      inf_buf *out) {
    static const uint8_t header[CRC_HEADER] = {INF_MESSAGE_CRC};
    size_t start = out->len;
    if (crc) inf_buf_put(out, header, sizeof header);
    size_t body = out->len;
    put_compound(writer, out);
    size_t plain_len = out->len - body;
    if (compress && plain_len >= WORTH_PACKING && !out->failed) {
        inf_buf packed;
        inf_buf_init(&packed, out->mem);
        put_packed(&packed, inf_slice_of(out->data + body, plain_len),
                   out->mem);
        if (packed.len < plain_len && !packed.failed) {
            out->len = body;
            inf_buf_slice(out, inf_buf_view(&packed));
        }
        inf_buf_deinit(&packed);
    }
    if (crc) close_crc(out, start);
}

static void put_label(inf_buf *out, inf_slice label) {
    if (label.len == 0) return;
    inf_buf_u8(out, INF_LABEL_HEADER);
    inf_buf_u8(out, (uint8_t)label.len);
    inf_buf_slice(out, label);
}

int inf_packet_finish(const inf_packet_writer *writer,
                      const inf_framing *framing, bool crc, inf_buf *scratch,
                      inf_buf *out) {
    inf_buf_clear(out);
    put_label(out, framing->label);
    if (inf_keyring_count(framing->keys) == 0) {
        put_clear(writer, framing->compress, crc, out);
        return out->failed ? INF_ENOMEM : 0;
    }
    inf_buf_clear(scratch);
    put_clear(writer, framing->compress, crc, scratch);
    if (scratch->failed || out->failed) return INF_ENOMEM;
    return inf_keyring_seal(framing->keys, out, inf_buf_view(scratch),
                            framing->label, 1, NULL);
}

/* ---- reading ------------------------------------------------------------- */

void inf_packet_reader_init(inf_packet_reader *reader, inf_alloc *mem) {
    inf_buf_init(&reader->plain, mem);
    inf_buf_init(&reader->inflated, mem);
}

void inf_packet_reader_deinit(inf_packet_reader *reader) {
    inf_buf_deinit(&reader->plain);
    inf_buf_deinit(&reader->inflated);
}

typedef struct unwrapping {
    inf_packet_reader *reader;
    inf_packet_visitor *visit;
    void *ctx;
} unwrapping;

static int unwrap(unwrapping *how, inf_slice bytes, unsigned depth);

static int inflate_into(unwrapping *how, inf_slice bytes, unsigned depth) {
    inf_message packed;
    int rc = inf_message_decode(&packed, bytes);
    if (rc == 0 && packed.algo != 0) rc = INF_EMALFORMED;
    inf_buf *out = &how->reader->inflated;
    /* A second one in the same datagram would pull the first from under its
       messages, and nobody sends it. */
    if (rc == 0 && out->len != 0) rc = INF_EMALFORMED;
    if (rc == 0) rc = inf_lzw_decode(out, packed.body, INF_PACKET_INFLATE);
    if (rc != 0) return rc;
    return unwrap(how, inf_buf_view(out), depth + 1);
}

/* Whole parts count even when the rest is missing. */
static int take_apart(unwrapping *how, inf_slice bytes, unsigned depth) {
    inf_cursor lens = inf_cursor_of(bytes);
    (void)inf_cursor_u8(&lens);
    size_t count = inf_cursor_u8(&lens);
    inf_cursor parts = lens;
    (void)inf_cursor_take(&parts, 2 * count);
    if (parts.failed) return INF_ETRUNCATED;
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        inf_slice part = inf_cursor_take(&parts, inf_cursor_u16be(&lens));
        if (parts.failed) return INF_ETRUNCATED;
        if (part.len == 0) continue;
        int fault = unwrap(how, part, depth + 1);
        if (rc == 0) rc = fault;
    }
    return rc;
}

static int unwrap(unwrapping *how, inf_slice bytes, unsigned depth) {
    if (bytes.len == 0) return INF_ETRUNCATED;
    uint8_t kind = bytes.data[0];
    bool wrapped =
        kind == INF_MESSAGE_COMPOUND || kind == INF_MESSAGE_COMPRESSED;
    if (!wrapped) {
        how->visit(how->ctx, bytes);
        return 0;
    }
    if (depth == NESTING_MAX) return INF_EMALFORMED;
    if (kind == INF_MESSAGE_COMPOUND) return take_apart(how, bytes, depth);
    return inflate_into(how, bytes, depth);
}

/* Takes the label header off; 0, or INF_EVERSION when it is not ours. */
static int take_label(inf_slice *bytes, inf_slice label) {
    inf_slice found = {NULL, 0};
    if (bytes->len != 0 && bytes->data[0] == INF_LABEL_HEADER) {
        inf_cursor in = inf_cursor_of(*bytes);
        (void)inf_cursor_u8(&in);
        size_t len = inf_cursor_u8(&in);
        found = inf_cursor_take(&in, len);
        if (in.failed || len == 0) return INF_EMALFORMED;
        *bytes = inf_slice_of(in.at, inf_cursor_left(&in));
    }
    return inf_slice_eq(found, label) ? 0 : INF_EVERSION;
}

static int check_crc(inf_slice *bytes) {
    if (bytes->len < CRC_HEADER || bytes->data[0] != INF_MESSAGE_CRC) return 0;
    inf_cursor in = inf_cursor_of(*bytes);
    (void)inf_cursor_u8(&in);
    uint32_t want = inf_cursor_u32be(&in);
    *bytes = inf_slice_of(in.at, inf_cursor_left(&in));
    uint32_t sum = (uint32_t)crc32(0, bytes->data, (uInt)bytes->len);
    return sum == want ? 0 : INF_EMALFORMED;
}

int inf_packet_read(inf_packet_reader *reader, const inf_framing *framing,
                    inf_slice datagram, inf_packet_visitor *visit, void *ctx) {
    inf_buf_clear(&reader->plain);
    inf_buf_clear(&reader->inflated);
    int rc = take_label(&datagram, framing->label);
    if (rc == 0 && inf_keyring_count(framing->keys) != 0) {
        rc = inf_keyring_open(framing->keys, &reader->plain, datagram,
                              framing->label);
        if (rc == INF_EVERSION) rc = INF_ECRYPT; /* not sealed at all */
        datagram = inf_buf_view(&reader->plain);
    }
    if (rc == 0) rc = check_crc(&datagram);
    if (rc != 0) return rc;
    unwrapping how = {.reader = reader, .visit = visit, .ctx = ctx};
    return unwrap(&how, datagram, 0);
}
