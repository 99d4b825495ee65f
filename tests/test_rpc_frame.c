/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/error.h"
#include "base/rng.h"
#include "core/rpc_frame.h"

static inf_rpc_frame some_call(void) {
    return (inf_rpc_frame){.type = INF_RPC_CALL,
                           .id = 1000000,
                           .low = 999000,
                           .remaining_ms = 5000,
                           .acks = {999999, 1000007, 3},
                           .ack_count = 3,
                           .body = inf_slice_str("the body")};
}

static void check_same(const inf_rpc_frame *a, const inf_rpc_frame *b) {
    assert_int_equal(a->type, b->type);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->status, b->status);
    assert_true(a->boot == b->boot && a->epoch == b->epoch);
    assert_true(a->id == b->id && a->low == b->low);
    assert_true(a->remaining_ms == b->remaining_ms);
    assert_int_equal(a->ack_count, b->ack_count);
    for (size_t i = 0; i < a->ack_count; i++) {
        assert_true(a->acks[i] == b->acks[i]);
    }
    assert_true(inf_slice_eq(a->caller, b->caller));
    assert_true(inf_slice_eq(a->callee, b->callee));
    assert_true(inf_slice_eq(a->body, b->body));
}

static void there_and_back(const inf_rpc_frame *frame) {
    inf_buf buf;
    inf_rpc_frame out;
    inf_buf_init(&buf, inf_alloc_libc());
    inf_rpc_frame_encode(&buf, frame);
    assert_int_equal(inf_rpc_frame_size(inf_buf_view(&buf)), buf.len);
    assert_int_equal(inf_rpc_frame_decode(inf_buf_view(&buf), &out), 0);
    check_same(frame, &out);
    for (size_t len = 0; len < buf.len; len++) {
        inf_slice part = inf_slice_of(buf.data, len);
        assert_true(inf_rpc_frame_decode(part, &out) < 0);
    }
    inf_buf_deinit(&buf);
}

static void every_frame_survives_the_wire(void **state) {
    (void)state;
    inf_rpc_frame hello = {.type = INF_RPC_HELLO,
                           .version = INF_RPC_VERSION,
                           .caller = inf_slice_str("a"),
                           .callee = inf_slice_str("node b"),
                           .boot = UINT64_C(1790000000000),
                           .epoch = 300};
    inf_rpc_frame reply = {.type = INF_RPC_REPLY,
                           .boot = UINT64_MAX,
                           .id = UINT64_MAX,
                           .status = INF_EFULL,
                           .body = inf_slice_str("why")};
    inf_rpc_frame bye = {.type = INF_RPC_BYE,
                         .status = INF_EVERSION,
                         .body = inf_slice_str("too old")};
    inf_rpc_frame call = some_call();
    inf_rpc_frame empty = {.type = INF_RPC_CALL, .id = 1, .low = 1};
    inf_rpc_frame ack = {.type = INF_RPC_ACK,
                         .low = 1000,
                         .acks = {5, UINT64_MAX},
                         .ack_count = 2};
    there_and_back(&ack);
    there_and_back(&hello);
    there_and_back(&reply);
    there_and_back(&bye);
    there_and_back(&call);
    there_and_back(&empty);
}

static void the_bytes_are_what_the_picture_says(void **state) {
    (void)state;
    static const uint8_t reply[] = {0, 0,    0,    12, 3, 0, 0,   0,
                                    0, 0x12, 0x34, 0,  1, 7, 254, 'x'};
    static const uint8_t call[] = {0, 0, 0, 7, 2, 9, 2, 0, 1, 4, 'y'};
    inf_buf buf;
    inf_buf_init(&buf, inf_alloc_libc());
    inf_rpc_frame frame = {.type = INF_RPC_REPLY,
                           .boot = 0x12340001,
                           .id = 7,
                           .status = -254,
                           .body = inf_slice_str("x")};
    inf_rpc_frame_encode(&buf, &frame);
    assert_int_equal(buf.len, sizeof reply);
    assert_memory_equal(buf.data, reply, sizeof reply);

    inf_buf_clear(&buf);
    frame = (inf_rpc_frame){.type = INF_RPC_CALL,
                            .id = 9,
                            .low = 7,
                            .acks = {7},
                            .ack_count = 1,
                            .body = inf_slice_str("y")};
    inf_rpc_frame_encode(&buf, &frame);
    assert_int_equal(buf.len, sizeof call);
    assert_memory_equal(buf.data, call, sizeof call);
    inf_buf_deinit(&buf);
}

static void the_longest_head_fits(void **state) {
    (void)state;
    uint8_t head[INF_RPC_HEAD_MAX];
    inf_rpc_frame frame = {.type = INF_RPC_CALL,
                           .id = UINT64_MAX,
                           .low = 0,
                           .remaining_ms = UINT64_MAX,
                           .ack_count = INF_RPC_ACKS_MAX};
    for (size_t i = 0; i < INF_RPC_ACKS_MAX; i++)
        frame.acks[i] = UINT64_MAX / 2 + 2;
    assert_in_range(inf_rpc_frame_head(head, &frame), 300, sizeof head);
}

static void a_stream_is_cut_only_at_whole_frames(void **state) {
    (void)state;
    static const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff};
    static const uint8_t empty[] = {0, 0, 0, 0};
    static const uint8_t small[] = {0, 0, 0, 2, 9, 9};
    assert_int_equal(inf_rpc_frame_size(inf_slice_of(small, 3)), 0);
    assert_int_equal(inf_rpc_frame_size(inf_slice_of(small, 4)), 6);
    assert_int_equal(inf_rpc_frame_size(inf_slice_of(huge, 4)), INF_ETOOBIG);
    assert_int_equal(inf_rpc_frame_size(inf_slice_of(empty, 4)),
                     INF_EMALFORMED);
}

static void another_version_is_named_as_such(void **state) {
    (void)state;
    static const uint8_t hello[] = {0, 0, 0, 3, 1, 77, 5};
    inf_rpc_frame frame;
    assert_int_equal(
        inf_rpc_frame_decode(inf_slice_of(hello, sizeof hello), &frame),
        INF_EVERSION);
    assert_int_equal(frame.version, 77);
}

static void changed_bytes_never_do_harm(void **state) {
    (void)state;
    inf_rng rng;
    inf_buf buf;
    inf_rpc_frame out, frame = some_call();
    inf_rng_seed(&rng, 3);
    inf_buf_init(&buf, inf_alloc_libc());
    for (int i = 0; i < 20000; i++) {
        inf_buf_clear(&buf);
        inf_rpc_frame_encode(&buf, &frame);
        size_t at = 4 + (size_t)inf_rng_below(&rng, buf.len - 4);
        buf.data[at] = (uint8_t)inf_rng_next(&rng);
        int rc = inf_rpc_frame_decode(inf_buf_view(&buf), &out);
        assert_true(rc <= 0);
        if (rc == 0 && out.type == INF_RPC_CALL) {
            assert_true(out.low <= out.id && out.id != 0);
            assert_true(out.ack_count <= INF_RPC_ACKS_MAX);
        }
    }
    inf_buf_deinit(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_frame_survives_the_wire),
        cmocka_unit_test(the_bytes_are_what_the_picture_says),
        cmocka_unit_test(the_longest_head_fits),
        cmocka_unit_test(a_stream_is_cut_only_at_whole_frames),
        cmocka_unit_test(another_version_is_named_as_such),
        cmocka_unit_test(changed_bytes_never_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
