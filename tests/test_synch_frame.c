/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/error.h"
#include "core/synch_frame.h"
#include "golden.h"

enum { SCOPE = 7 };

static void a_frame_is_whole_or_nothing(void **state) {
    (void)state;
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    inf_frame frame = {.kind = INF_FRAME_DELTA,
                       .scope = SCOPE,
                       .span = {.node = 3,
                                .boot = 1,
                                .from = 300,
                                .to = 301,
                                .goal = 5000,
                                .stamp = UINT64_C(1) << 60,
                                .full = 4},
                       .bytes = inf_slice_str("ops")};
    inf_frame_encode(&out, &frame);
    inf_frame back;
    size_t used = 0;
    for (size_t len = 0; len < out.len; len++) {
        assert_int_equal(
            inf_frame_decode(inf_slice_of(out.data, len), &back, &used), 0);
    }
    assert_int_equal(inf_frame_decode(inf_buf_view(&out), &back, &used), 1);
    assert_int_equal(used, out.len);
    assert_int_equal(back.span.node, frame.span.node);
    assert_int_equal(back.span.from, frame.span.from);
    assert_int_equal(back.span.to, frame.span.to);
    assert_int_equal(back.span.goal, frame.span.goal);
    assert_int_equal(back.span.stamp, frame.span.stamp);
    assert_int_equal(back.span.full, frame.span.full);
    assert_true(inf_slice_eq(back.bytes, frame.bytes));
    inf_buf_deinit(&out);
}

/* Each kind once, as other versions will read and write it. */
static const inf_frame every_kind[] = {
    {.kind = INF_FRAME_HELLO, .version = 1, .boot = 300, .knows = 5},
    {.kind = INF_FRAME_PULL,
     .scope = SCOPE,
     .span = {.node = 0x1122334455667788, .boot = 300, .from = 1000}},
    {.kind = INF_FRAME_DELTA,
     .scope = SCOPE,
     .span = {.node = 0x1122334455667788,
              .boot = 300,
              .from = 1000,
              .to = 1002,
              .goal = 1010,
              .stamp = 1 << 20,
              .full = 3}},
    {.kind = INF_FRAME_ACK, .scope = SCOPE, .to = 1002},
    {.kind = INF_FRAME_ROOT, .scope = SCOPE, .root = 0x0123456789abcdef},
    {.kind = INF_FRAME_SYNCH, .scope = SCOPE, .request = 9, .root = 2},
    {.kind = INF_FRAME_NEED, .scope = SCOPE, .request = 9},
    {.kind = INF_FRAME_DONE, .scope = SCOPE, .request = 9},
    {.kind = INF_FRAME_TELL, .scope = SCOPE},
    {.kind = INF_FRAME_SUPERSEDED, .boot = 301},
};

static void frames_are_byte_for_byte_what_they_were(void **state) {
    (void)state;
    inf_buf out;
    inf_buf_init(&out, inf_alloc_libc());
    for (size_t i = 0; i < INF_COUNT(every_kind); i++) {
        inf_frame frame = every_kind[i];
        if (frame.kind == INF_FRAME_HELLO) frame.name = inf_slice_str("anna");
        if (frame.kind == INF_FRAME_TELL) frame.bytes = inf_slice_str("hello");
        inf_frame_encode(&out, &frame);
    }
    inf_slice want = golden("synch_frames");
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.data, want.data, want.len);
    inf_buf_deinit(&out);
}

static void wrong_lengths_are_refused(void **state) {
    (void)state;
    static const uint8_t huge[] = {0xff, 0, 0, 0, 1, 0};
    static const uint8_t tiny[] = {0, 0, 0, 1, 1, 0};
    static const uint8_t short_body[] = {0, 0, 0, 3, 4, 0, 9};
    static const uint8_t unknown[] = {0, 0, 0, 3, 99, 0, 9};
    inf_frame frame;
    size_t used = 0;
    assert_int_equal(
        inf_frame_decode(inf_slice_of(huge, sizeof huge), &frame, &used),
        INF_ETOOBIG);
    assert_int_equal(
        inf_frame_decode(inf_slice_of(tiny, sizeof tiny), &frame, &used),
        INF_EMALFORMED);
    assert_int_equal(
        inf_frame_decode(inf_slice_of(short_body, sizeof short_body), &frame,
                         &used),
        INF_EMALFORMED);
    assert_int_equal(
        inf_frame_decode(inf_slice_of(unknown, sizeof unknown), &frame, &used),
        1);
    assert_int_equal(frame.kind, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_frame_is_whole_or_nothing),
        cmocka_unit_test(frames_are_byte_for_byte_what_they_were),
        cmocka_unit_test(wrong_lengths_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
