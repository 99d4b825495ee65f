/* SPDX-License-Identifier: MIT */
/* fuzz_rpc: a stream of any bytes is cut into frames, each of which is taken
   apart and put together again; then the same stream is played to both ends of
   a link, which may refuse it and nothing else. */
#include "base/error.h"
#include "core/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was decoded and encoded once is the same ever after. */
static void there_and_back(const inf_rpc_frame *frame) {
    inf_buf first, second;
    inf_rpc_frame again;
    inf_buf_init(&first, inf_alloc_libc());
    inf_buf_init(&second, inf_alloc_libc());
    inf_rpc_frame_encode(&first, frame);
    INF_ASSERT(inf_rpc_frame_decode(inf_buf_view(&first), &again) == 0);
    inf_rpc_frame_encode(&second, &again);
    INF_ASSERT(inf_slice_eq(inf_buf_view(&first), inf_buf_view(&second)));
    inf_buf_deinit(&first);
    inf_buf_deinit(&second);
}

static inf_rpc *new_rpc(const char *name) {
    inf_rpc *rpc = NULL;
    inf_rpc_config config = {.node = inf_slice_str(name), .boot = 1, .seed = 1};
    INF_ASSERT(inf_rpc_new(&rpc, &config) == 0);
    return rpc;
}

/* Two calls to the peer, so that there is something to answer. */
static void begin_calls(inf_rpc *rpc, inf_rpc_link *link) {
    inf_buf hello;
    inf_rpc_send send;
    inf_rpc_call *call = NULL;
    inf_retry_policy policy = inf_retry_policy_default();
    inf_target target = {.name = inf_slice_str("n"),
                         .branch = inf_slice_str("b")};
    inf_buf_init(&hello, inf_alloc_libc());
    (void)inf_rpc_link_dialled(rpc, link, inf_slice_str("b"), &hello);
    inf_buf_deinit(&hello);
    for (uint64_t tag = 0; tag < 2; tag++) {
        (void)inf_rpc_call_new(rpc, &target, (inf_slice){NULL, 0}, &policy, tag,
                               0);
    }
    while ((call = inf_rpc_due(rpc)) != NULL) {
        (void)inf_rpc_found(rpc, call, inf_slice_str("b"), 0, &send);
    }
}

/* Plays the frames to one end; stops where it would close the link. */
static void play(inf_rpc *rpc, inf_rpc_link *link, inf_slice stream) {
    uint64_t now_ms = 0;
    while (stream.len != 0) {
        inf_rpc_news news;
        inf_rpc_send send;
        int64_t len = inf_rpc_frame_size(stream);
        if (len <= 0 || (uint64_t)len > stream.len) return;
        inf_slice frame = inf_slice_of(stream.data, (size_t)len);
        stream = inf_slice_of(stream.data + len, stream.len - (size_t)len);
        if (inf_rpc_input(rpc, link, frame, ++now_ms, &news) != 0) return;
        if (news.kind == INF_RPC_REQUEST && (news.token & 1) != 0) {
            (void)inf_rpc_answer(rpc, news.token, 0, news.body, now_ms, &send);
        }
        inf_rpc_news_deinit(&news);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    inf_rpc_frame frame;
    inf_slice stream = inf_slice_of(data, size);
    if (inf_rpc_frame_decode(stream, &frame) == 0) there_and_back(&frame);

    inf_rpc *caller = new_rpc("a"), *callee = new_rpc("b");
    inf_rpc_link dialled = {0}, accepted = {0};
    begin_calls(caller, &dialled);
    play(caller, &dialled, stream);
    play(callee, &accepted, stream);
    inf_rpc_link_down(caller, &dialled, true, INF_EUNREACHABLE, 1000);
    inf_rpc_link_down(callee, &accepted, true, INF_EUNREACHABLE, 1000);
    inf_rpc_free(caller);
    inf_rpc_free(callee);
    return 0;
}
