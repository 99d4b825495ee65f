/* SPDX-License-Identifier: MIT */
/* Any bytes decode to something bounded, and encode to something that decodes
   to them. */
#include "base/lzw.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { MOST = 1 << 16 };
    inf_slice input = inf_slice_of(data, size);
    inf_buf out;
    inf_buf back;
    inf_buf_init(&out, inf_alloc_libc());
    inf_buf_init(&back, inf_alloc_libc());
    int rc = inf_lzw_decode(&out, input, MOST);
    INF_ASSERT(rc == 0 ? out.len <= MOST : out.len == 0);
    inf_buf_clear(&out);
    inf_lzw_encode(&out, input);
    INF_ASSERT(inf_lzw_decode(&back, inf_buf_view(&out), size) == 0);
    INF_ASSERT(inf_slice_eq(inf_buf_view(&back), input));
    inf_buf_deinit(&out);
    inf_buf_deinit(&back);
    return 0;
}
