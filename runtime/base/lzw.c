/* SPDX-License-Identifier: MIT */
#include "base/lzw.h"

enum {
    CLEAR = 256,
    END = 257,
    FIRST = 258, /* of the codes that the table defines */
    WIDTH_MIN = 9,
    WIDTH_MAX = 12,
    CODES = 1 << WIDTH_MAX,
    SLOTS = CODES * 2 /* of the encoder's hash table: at most half used */
};

/* ---- encoder ------------------------------------------------------------- */

/* A slot holds prefix << 20 | byte << 12 | code; 0 is empty, for no code that
   the table defines is 0. */
typedef struct encoder {
    inf_buf *out;
    uint64_t bits; /* not yet written, lowest first */
    unsigned bit_count;
    unsigned width;
    uint32_t last; /* the code that the last emitted one defined */
    uint32_t slots[SLOTS];
} encoder;

static void emit(encoder *lzw, uint32_t code) {
    lzw->bits |= (uint64_t)code << lzw->bit_count;
    lzw->bit_count += lzw->width;
    while (lzw->bit_count >= 8) {
        inf_buf_u8(lzw->out, (uint8_t)lzw->bits);
        lzw->bits >>= 8;
        lzw->bit_count -= 8;
    }
}

static uint32_t *slot_of(encoder *lzw, uint32_t prefix, uint8_t byte) {
    uint32_t key = prefix << 8 | byte;
    uint32_t at = (key * UINT32_C(2654435761)) >> 19;
    while (lzw->slots[at] != 0 && lzw->slots[at] >> 12 != key) {
        at = (at + 1) & (SLOTS - 1);
    }
    return &lzw->slots[at];
}

/* Counts one emitted code and widens in step with the decoder; true when the
   table is full and has been cleared: index 4095 is never used. */
static bool advance(encoder *lzw) {
    lzw->last++;
    if (lzw->last == UINT32_C(1) << lzw->width) lzw->width++;
    if (lzw->last < CODES - 1) return false;
    emit(lzw, CLEAR);
    lzw->width = WIDTH_MIN;
    lzw->last = END;
    memset(lzw->slots, 0, sizeof lzw->slots);
    return true;
}

void inf_lzw_encode(inf_buf *out, inf_slice plain) {
    encoder lzw = {.out = out, .width = WIDTH_MIN, .last = END};
    emit(&lzw, CLEAR);
    if (plain.len != 0) {
        uint32_t prefix = plain.data[0];
        for (size_t i = 1; i < plain.len; i++) {
            uint8_t byte = plain.data[i];
            uint32_t *slot = slot_of(&lzw, prefix, byte);
            if (*slot != 0) {
                prefix = *slot & (CODES - 1);
                continue;
            }
            emit(&lzw, prefix);
            uint32_t key = prefix << 8 | byte;
            prefix = byte;
            if (!advance(&lzw)) *slot = key << 12 | lzw.last;
        }
        emit(&lzw, prefix);
        (void)advance(&lzw);
    }
    emit(&lzw, END);
    if (lzw.bit_count > 0) inf_buf_u8(out, (uint8_t)lzw.bits);
}

/* ---- decoder ------------------------------------------------------------- */

typedef struct decoder {
    inf_cursor in;
    uint32_t bits;
    unsigned bit_count;
    unsigned width;
    uint32_t next; /* the code that will be defined next */
    uint32_t last; /* the previous code, or CODES after a clear */
    uint16_t prefix[CODES];
    uint8_t suffix[CODES];
    uint8_t run[CODES]; /* a string, written from its end */
} decoder;

/* The next code, or -1 when the bits run out. */
static int32_t next_code(decoder *lzw) {
    while (lzw->bit_count < lzw->width) {
        if (inf_cursor_left(&lzw->in) == 0) return -1;
        lzw->bits |= (uint32_t)inf_cursor_u8(&lzw->in) << lzw->bit_count;
        lzw->bit_count += 8;
    }
    uint32_t code = lzw->bits & ((UINT32_C(1) << lzw->width) - 1);
    lzw->bits >>= lzw->width;
    lzw->bit_count -= lzw->width;
    return (int32_t)code;
}

/* Unrolls a defined code into the tail of `run`; returns where it starts. */
static size_t unroll(decoder *lzw, uint32_t code, size_t end) {
    size_t at = end;
    while (code >= FIRST) {
        lzw->run[--at] = lzw->suffix[code];
        code = lzw->prefix[code];
    }
    lzw->run[--at] = (uint8_t)code;
    return at;
}

/* One code that is neither clear nor end. */
static int expand(decoder *lzw, uint32_t code, inf_buf *out, size_t room) {
    bool fresh = lzw->last == CODES;
    size_t end = CODES;
    if (code > lzw->next || (code >= FIRST && fresh)) return INF_EMALFORMED;
    if (code == lzw->next && fresh) return INF_EMALFORMED;
    size_t at = 0;
    if (code == lzw->next) { /* the string it will define ends as it starts */
        at = unroll(lzw, lzw->last, end - 1);
        lzw->run[end - 1] = lzw->run[at];
    } else {
        at = unroll(lzw, code, end);
    }
    if (end - at > room) return INF_ETOOBIG;
    inf_buf_put(out, lzw->run + at, end - at);
    if (!fresh && lzw->next < CODES) {
        lzw->prefix[lzw->next] = (uint16_t)lzw->last;
        lzw->suffix[lzw->next] = lzw->run[at];
        lzw->next++;
        if (lzw->next == UINT32_C(1) << lzw->width && lzw->width < WIDTH_MAX) {
            lzw->width++;
        }
    }
    lzw->last = code;
    return 0;
}

static void reset(decoder *lzw) {
    lzw->width = WIDTH_MIN;
    lzw->next = FIRST;
    lzw->last = CODES;
}

int inf_lzw_decode(inf_buf *out, inf_slice packed, size_t max) {
    size_t start = out->len;
    decoder lzw;
    lzw.in = inf_cursor_of(packed);
    lzw.bits = 0;
    lzw.bit_count = 0;
    reset(&lzw);
    int rc = 0;
    while (rc == 0) {
        int32_t code = next_code(&lzw);
        if (code == END) break;
        if (code < 0) {
            rc = INF_ETRUNCATED;
        } else if (code == CLEAR) {
            reset(&lzw);
        } else {
            rc = expand(&lzw, (uint32_t)code, out, max - (out->len - start));
        }
    }
    if (rc == 0 && out->failed) rc = INF_ENOMEM;
    if (rc != 0) out->len = start;
    return rc;
}
