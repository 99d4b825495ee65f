/* SPDX-License-Identifier: MIT */
/* packet.h: memberlist's wire format, protocol 5: one encoder, one decoder.

   Datagram, from outside in:   label | sealed | CRC | LZW | compound | message
   Stream, from outside in:     label | sealed frame | LZW | message

   A message is a type byte and a MessagePack map with keys in ascending order,
   in the old profile without str8 and bin. Decoding accepts any key order,
   unknown and missing keys, nil, and every width of number; it allocates
   nothing from a declared length, and what it returns is borrowed. */
#ifndef INF_CORE_PACKET_H
#define INF_CORE_PACKET_H

#include "base/buf.h"
#include "base/error.h"
#include "core/keyring.h"

#define INF_PACKET_PARTS   255         /* messages in one compound */
#define INF_PACKET_INFLATE 65536       /* bytes a datagram may inflate to */
#define INF_STREAM_MAX     (20u << 20) /* bytes of one message on a stream */
#define INF_STREAM_INFLATE (40u << 20) /* bytes it may inflate to */

typedef enum inf_message_kind {
    INF_MESSAGE_PING,
    INF_MESSAGE_INDIRECT,
    INF_MESSAGE_ACK,
    INF_MESSAGE_SUSPECT,
    INF_MESSAGE_ALIVE,
    INF_MESSAGE_DEAD,
    INF_MESSAGE_PUSH_PULL,
    INF_MESSAGE_COMPOUND,
    INF_MESSAGE_USER,
    INF_MESSAGE_COMPRESSED,
    INF_MESSAGE_ENCRYPTED,
    INF_MESSAGE_NACK,
    INF_MESSAGE_CRC,
    INF_MESSAGE_ERROR,
    INF_MESSAGE_KINDS,
    /* Maps without a type byte of their own. */
    INF_MAP_STATE = INF_MESSAGE_KINDS, /* a node in a push/pull */
    INF_MAP_STREAM_USER,               /* header of a user message (stream) */
    INF_MAP_SERF_LEAVE,                /* Serf: after 08 00 */
    INF_MAP_SERF_JOIN,                 /* Serf: after 08 01 */
    INF_MAP_SERF_STATE,                /* Serf: user state after 02 */
    INF_MAP_SERF_EVENT,                /* Serf: after 08 03 */
    INF_MAP_KINDS
} inf_message_kind;

#define INF_LABEL_HEADER 0xf4 /* first byte of a label header */

/** Any message, flat: a kind uses the fields of its map and no other. */
typedef struct inf_message {
    inf_message_kind kind;
    uint32_t seq;
    uint32_t incarnation;
    uint32_t node_count; /* push/pull */
    uint32_t state_len;  /* push/pull: bytes of user state */
    uint32_t user_len;   /* user message on a stream */
    uint16_t port;
    uint16_t source_port; /* left out when 0 */
    uint8_t state;        /* of a node: 0 alive, 1 suspect, 2 dead, 3 left */
    uint8_t algo;         /* compression: 0 is LZW */
    bool nack;
    bool join;
    bool prune;            /* Serf */
    bool coalesce;         /* Serf: CC */
    uint64_t ltime;        /* Serf: Lamport time */
    uint64_t event_ltime;  /* Serf: of user events */
    inf_slice node;        /* whom it is about, or for */
    inf_slice from;        /* who says so */
    inf_slice addr;        /* 4 or 16 bytes */
    inf_slice target;      /* 4 or 16 bytes */
    inf_slice meta;        /* data NULL: nil */
    inf_slice vsn;         /* 6 bytes */
    inf_slice payload;     /* data NULL: nil */
    inf_slice source_addr; /* left out when empty */
    inf_slice source_node; /* left out when empty */
    inf_slice error;
    inf_slice body; /* USER: all after the type byte; COMPRESSED: Buf */
} inf_message;

/** Appends a message: type byte, if the kind has one, and map. Not for
    COMPOUND, ENCRYPTED and CRC, which are framing. */
void inf_message_encode(inf_buf *out, const inf_message *message);
/** Reads a message with its type byte. Trailing bytes are ignored.
    0, INF_ETRUNCATED, INF_EMALFORMED. */
int inf_message_decode(inf_message *out, inf_slice bytes);
/** Reads the map of a kind, without type byte; *used is its length. Only on 0
    is `out` meaningful. */
int inf_message_decode_map(inf_message *out, inf_message_kind kind,
                           inf_slice bytes, size_t *used);
/** Finds the end of the value that starts here, whatever it is. */
int inf_message_skip(inf_slice bytes, size_t *used);

/* ---- tags: Serf's map of strings ----------------------------------------- */

/** Appends the header of a map of `count` pairs. */
void inf_pack_map(inf_buf *out, size_t count);
void inf_pack_raw(inf_buf *out, inf_slice bytes);
/** Reads the header of a map. */
int inf_unpack_map(inf_cursor *in, uint32_t *count);
/** Reads bytes in either family, or nil (data NULL). */
int inf_unpack_raw(inf_cursor *in, inf_slice *out);

/* ---- datagrams ----------------------------------------------------------- */

/** How a cluster wraps what it says. */
typedef struct inf_framing {
    const inf_keyring *keys; /* NULL or empty: in the clear */
    inf_slice label;
    bool compress;
} inf_framing;

/** Messages on their way into one datagram. */
typedef struct inf_packet_writer {
    inf_buf body;
    uint16_t len[INF_PACKET_PARTS];
    size_t count;
} inf_packet_writer;

void inf_packet_init(inf_packet_writer *writer, inf_alloc *mem);
void inf_packet_deinit(inf_packet_writer *writer);
/** Empties it for the next datagram. */
void inf_packet_clear(inf_packet_writer *writer);
/** Bytes a datagram of these parts has at most, but for CRC, seal, label. */
size_t inf_packet_size(const inf_packet_writer *writer);
/** Adds a message; INF_EFULL beyond 255 of them or 65535 bytes in one. */
int inf_packet_add(inf_packet_writer *writer, inf_slice message);
/** Bytes that seal and label add to a datagram. */
size_t inf_framing_overhead(const inf_framing *framing);
/** Replaces `out` with the datagram. `scratch` is overwritten.
    0, INF_ENOMEM, INF_ECRYPT. */
int inf_packet_finish(const inf_packet_writer *writer,
                      const inf_framing *framing, bool crc, inf_buf *scratch,
                      inf_buf *out);

/** Gets each message of a datagram, type byte first. */
typedef void inf_packet_visitor(void *ctx, inf_slice message);

/** Two buffers that decoding a datagram needs; they keep their memory. */
typedef struct inf_packet_reader {
    inf_buf plain;
    inf_buf inflated;
} inf_packet_reader;

void inf_packet_reader_init(inf_packet_reader *reader, inf_alloc *mem);
void inf_packet_reader_deinit(inf_packet_reader *reader);
/**
 * Unwraps a datagram and visits its messages: at most one LZW and one compound
 * around a message.
 * @return 0, INF_ECRYPT (alien key, or not sealed though we are), INF_EVERSION
 *         (alien label), INF_EMALFORMED, INF_ETRUNCATED, INF_ETOOBIG,
 *         INF_ENOMEM; messages before the fault have been visited.
 */
int inf_packet_read(inf_packet_reader *reader, const inf_framing *framing,
                    inf_slice datagram, inf_packet_visitor *visit, void *ctx);

/* ---- streams ------------------------------------------------------------- */

/** Appends the framed form of one message; the side that dialled writes the
    label. 0, INF_ENOMEM, INF_ECRYPT. */
int inf_stream_frame(const inf_framing *framing, bool dialled,
                     inf_slice message, inf_alloc *mem, inf_buf *out);

/** A message arriving on a stream, piece by piece. */
typedef struct inf_stream_reader {
    inf_buf raw;    /* as it came, not yet unwrapped */
    inf_buf plain;  /* the message */
    size_t scanned; /* bytes of it known to be whole */
    uint64_t left;  /* maps still to come in it */
    uint64_t tail;  /* raw bytes after the maps */
    uint8_t stage;  /* how much wrapping is off */
    bool accepted;  /* the peer dialled, so it writes the label */
    bool sealed;    /* it came encrypted */
    bool whole;     /* no further bytes can help */
} inf_stream_reader;

void inf_stream_init(inf_stream_reader *reader, inf_alloc *mem, bool accepted);
void inf_stream_deinit(inf_stream_reader *reader);
/**
 * Takes bytes in.
 * @return 1 and *message (borrowed until the reader changes) once it is whole,
 *         0 when more bytes are needed, or INF_ECRYPT, INF_EVERSION (label),
 *         INF_EMALFORMED, INF_ETOOBIG, INF_ENOMEM.
 */
int inf_stream_read(inf_stream_reader *reader, const inf_framing *framing,
                    inf_slice bytes, inf_slice *message);

#endif
