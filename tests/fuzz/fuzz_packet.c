/* SPDX-License-Identifier: MIT */
/* A datagram under a wrapping that its first byte chooses, the rest as it came.
   Every message in it that decodes must encode to bytes that decode to the
   same. */
#include "core/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct tally {
    size_t messages;
    size_t bytes;
} tally;

static void look(void *ctx, inf_slice bytes) {
    tally *t = ctx;
    t->messages++;
    t->bytes += bytes.len;
    inf_message message;
    if (inf_message_decode(&message, bytes) != 0) return;
    inf_buf once;
    inf_buf again;
    inf_buf_init(&once, inf_alloc_libc());
    inf_buf_init(&again, inf_alloc_libc());
    inf_message_encode(&once, &message);
    inf_message second;
    INF_ASSERT(inf_message_decode(&second, inf_buf_view(&once)) == 0);
    inf_message_encode(&again, &second);
    INF_ASSERT(inf_slice_eq(inf_buf_view(&once), inf_buf_view(&again)));
    inf_buf_deinit(&once);
    inf_buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t key[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                    8, 9, 10, 11, 12, 13, 14, 15};
    if (size == 0) return 0;
    inf_keyring *keys = NULL;
    INF_ASSERT(inf_keyring_new(&keys, inf_alloc_libc()) == 0);
    INF_ASSERT(inf_keyring_add(keys, inf_slice_of(key, sizeof key)) == 0);
    inf_framing framing = {.keys = data[0] & 1 ? keys : NULL,
                           .label = inf_slice_str(data[0] & 2 ? "lab" : "")};
    inf_packet_reader reader;
    inf_packet_reader_init(&reader, inf_alloc_libc());
    tally t = {0};
    (void)inf_packet_read(&reader, &framing, inf_slice_of(data + 1, size - 1),
                          look, &t);
    INF_ASSERT(t.messages <= (size_t)255 * 255);
    INF_ASSERT(t.bytes <= (size_t)2 * INF_PACKET_INFLATE + 2 * size);
    inf_packet_reader_deinit(&reader);
    inf_keyring_free(keys);
    return 0;
}
