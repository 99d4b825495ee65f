/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "core/effect.h"

static int open_outbox(void **state) {
    static inf_outbox outbox;
    inf_outbox_init(&outbox, inf_alloc_libc());
    *state = &outbox;
    return 0;
}

static int close_outbox(void **state) {
    inf_outbox_deinit(*state);
    return 0;
}

static void effects_come_out_in_order(void **state) {
    inf_outbox *outbox = *state;
    for (uint64_t i = 1; i <= 100; i++)
        inf_outbox_close(outbox, i);
    inf_effect effect;
    for (uint64_t i = 1; i <= 100; i++) {
        assert_true(inf_outbox_take(outbox, &effect));
        assert_int_equal(effect.kind, INF_EFFECT_CLOSE);
        assert_true(effect.stream == i);
        inf_effect_deinit(&effect);
        if (i % 10 == 0) inf_outbox_close(outbox, 1000 + i);
    }
    assert_int_equal(outbox->count, 10);
}

static void an_effect_owns_its_bytes(void **state) {
    inf_outbox *outbox = *state;
    uint8_t name[] = "order-7";
    uint8_t node[] = "a";
    inf_row row = {
        .name = inf_slice_of(name, 7), .node = inf_slice_of(node, 1), .ref = 3};
    inf_outbox_push(outbox, &(inf_effect){.kind = INF_EFFECT_ROWS,
                                          .branch = inf_slice_str("orders"),
                                          .rows = &row,
                                          .row_count = 1});
    memset(name, 'x', sizeof name);
    memset(node, 'x', sizeof node);
    memset(&row, 0, sizeof row);

    inf_effect effect;
    assert_true(inf_outbox_take(outbox, &effect));
    assert_true(inf_slice_eq(effect.branch, inf_slice_str("orders")));
    assert_true(inf_slice_eq(effect.rows[0].name, inf_slice_str("order-7")));
    assert_true(inf_slice_eq(effect.rows[0].node, inf_slice_str("a")));
    assert_int_equal(effect.rows[0].ref, 3);
    inf_effect_deinit(&effect);
}

static void every_stream_has_a_name_of_its_own(void **state) {
    inf_outbox *outbox = *state;
    inf_addr addr = {.len = 4, .ip = {127, 0, 0, 1}, .port = 1};
    uint64_t dialled = inf_outbox_dial(outbox, &addr, 100);
    uint64_t accepted = inf_outbox_stream(outbox);
    assert_true(dialled != accepted);
    inf_effect effect;
    assert_true(inf_outbox_take(outbox, &effect));
    assert_true(effect.stream == dialled);
    assert_true(inf_addr_eq(&effect.addr, &addr));
    inf_effect_deinit(&effect);
    assert_false(inf_outbox_take(outbox, &effect));
}

static void a_long_log_line_is_cut_not_lost(void **state) {
    inf_outbox *outbox = *state;
    char text[2000];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    inf_outbox_log(outbox, INF_LOG_WARN, "%s", text);
    inf_effect effect;
    assert_true(inf_outbox_take(outbox, &effect));
    assert_int_equal(effect.level, INF_LOG_WARN);
    assert_int_equal(effect.bytes.len, 511);
    inf_effect_deinit(&effect);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(effects_come_out_in_order, open_outbox,
                                        close_outbox),
        cmocka_unit_test_setup_teardown(an_effect_owns_its_bytes, open_outbox,
                                        close_outbox),
        cmocka_unit_test_setup_teardown(every_stream_has_a_name_of_its_own,
                                        open_outbox, close_outbox),
        cmocka_unit_test_setup_teardown(a_long_log_line_is_cut_not_lost,
                                        open_outbox, close_outbox),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
