/* SPDX-License-Identifier: MIT */
/* A stream under a wrapping that the first byte chooses, in pieces whose size
   the second chooses. However it is cut, the outcome is the same. */
#include "core/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct outcome {
    int rc;
    size_t len;
} outcome;

static outcome read_in(const inf_framing *framing, bool accepted,
                       inf_slice bytes, size_t step) {
    inf_stream_reader reader;
    inf_slice message = {NULL, 0};
    outcome end = {0};
    inf_stream_init(&reader, inf_alloc_libc(), accepted);
    for (size_t at = 0; at < bytes.len && end.rc == 0; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        end.rc = inf_stream_read(&reader, framing,
                                 inf_slice_of(bytes.data + at, len), &message);
    }
    if (end.rc == 1) end.len = message.len;
    inf_stream_deinit(&reader);
    return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const uint8_t key[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                    8, 9, 10, 11, 12, 13, 14, 15};
    if (size < 2 || size > 20000) return 0;
    inf_keyring *keys = NULL;
    INF_ASSERT(inf_keyring_new(&keys, inf_alloc_libc()) == 0);
    INF_ASSERT(inf_keyring_add(keys, inf_slice_of(key, sizeof key)) == 0);
    inf_framing framing = {.keys = data[0] & 1 ? keys : NULL,
                           .label = inf_slice_str(data[0] & 2 ? "lab" : "")};
    bool accepted = (data[0] & 4) != 0;
    inf_slice bytes = inf_slice_of(data + 2, size - 2);
    outcome whole = read_in(&framing, accepted, bytes, bytes.len + 1);
    outcome pieces = read_in(&framing, accepted, bytes, data[1] % 64 + 1u);
    /* A fault may be told as another one when less of it is known. */
    INF_ASSERT((whole.rc == 1) == (pieces.rc == 1));
    INF_ASSERT(whole.len == pieces.len);
    inf_keyring_free(keys);
    return 0;
}
