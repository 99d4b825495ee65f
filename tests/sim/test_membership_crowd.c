/* SPDX-License-Identifier: MIT */
/* What a member says and hears does not depend on how many there are: datagrams
   and bytes of whole members in clusters of up to ten thousand, when nothing
   happens and when one node a second has news of itself. FIGURES names a file
   for the rows; without it only what takes seconds is run. */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/member_part.h" /* inf_push_pull_ms */
#include "sim_crowd.h"

typedef struct load {
    double packets; /* sent by one member in a second */
    double bytes;
    double heard; /* bytes that came */
} load;

typedef struct world {
    sim_crowd crowd; /* first */
    unsigned updates;
    unsigned failures;
} world;

static void watch(sim *s, size_t node, const inf_effect *effect) {
    world *w = sim_ctx(s);
    (void)node;
    if (effect->kind != INF_EFFECT_MEMBER) return;
    if (effect->change == INF_CHANGE_UPDATE) w->updates++;
    if (effect->change == INF_CHANGE_SUSPECT ||
        effect->change == INF_CHANGE_FAIL) {
        w->failures++;
    }
}

static load measure(sim *s, uint64_t seconds, bool news) {
    world *w = sim_ctx(s);
    load sum = {0};
    INF_ASSERT(w->crowd.whole != 0);
    for (int sign = -1; sign <= 1; sign += 2) {
        for (size_t i = 0; i < w->crowd.whole; i++) {
            inf_member_stats stats =
                inf_member_stats_of(sim_crowd_member(s, i));
            sum.packets += sign * (double)stats.packets_out;
            sum.bytes += sign * (double)stats.bytes_out;
            sum.heard += sign * (double)stats.bytes_in;
        }
        for (uint64_t t = 0; sign < 0 && t < seconds; t++) {
            uint8_t meta[] = {0xff, 0x81, 0xa1, 'x', 0xa1, (uint8_t)(t + 1)};
            size_t teller = (size_t)t % w->crowd.whole;
            if (news) {
                assert_int_equal(
                    inf_member_set_meta(sim_crowd_member(s, teller),
                                        inf_slice_of(meta, sizeof meta),
                                        sim_node_ms(s, teller)),
                    0);
                sim_settle(s, teller);
            }
            sim_run_ms(s, 1000);
        }
    }
    double parts = (double)w->crowd.whole * (double)seconds;
    return (load){sum.packets / parts, sum.bytes / parts, sum.heard / parts};
}

static void row(const char *kind, size_t nodes, size_t whole, load quiet,
                load busy) {
    const char *path = getenv("FIGURES");
    printf("# %zu members, %zu of them whole: quiet %.2f datagrams %.0f bytes "
           "a second; one update a second: %.2f, %.0f\n",
           nodes, whole, quiet.packets, quiet.bytes, busy.packets, busy.bytes);
    if (path == NULL) return;
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    (void)fprintf(file, "%s\t%zu\t%zu\t%.2f\t%.0f\t%.2f\t%.0f\n", kind, nodes,
                  whole, quiet.packets, quiet.bytes, busy.packets, busy.bytes);
    (void)fclose(file);
}

/* Bytes of the list of all, as it travels once every 30 s among the few and
   every 5 minutes among ten thousand. */
static void list_row(const sim *s) {
    static const inf_framing framing = {.compress = true};
    const char *path = getenv("FIGURES");
    uint64_t every_ms = inf_push_pull_ms(30000, sim_count(s));
    inf_buf list, frame;
    inf_buf_init(&list, inf_alloc_libc());
    inf_buf_init(&frame, inf_alloc_libc());
    sim_crowd_list(s, 1700007, &list); /* as clocks would give them */
    assert_int_equal(inf_stream_frame(&framing, true, inf_buf_view(&list),
                                      inf_alloc_libc(), &frame),
                     0);
    printf("# %zu members: a list of %zu bytes goes out and comes in every "
           "%.0f s\n",
           sim_count(s), frame.len, (double)every_ms / 1000);
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file != NULL) {
        (void)fprintf(file, "list\t%zu\t%zu\t%.0f\n", sim_count(s), frame.len,
                      (double)every_ms / 1000);
        (void)fclose(file);
    }
    inf_buf_deinit(&list);
    inf_buf_deinit(&frame);
}

typedef struct result {
    load quiet;
    load busy;
} result;

static result run(size_t nodes, size_t whole) {
    enum { SECONDS = 20, SETTLE_MS = 10000 };
    world w = {.crowd = {.whole = whole}};
    inf_member_tuning tuning = inf_member_tuning_of(INF_PROFILE_LAN);
    tuning.push_pull_interval_ms = 0;
    sim *s = sim_new(&(sim_options){.kind = &sim_crowd_kind,
                                    .nodes = nodes,
                                    .seed = 7,
                                    .tuning = tuning,
                                    .ctx = &w,
                                    .watch = watch});
    sim_crowd_start(s);
    list_row(s);
    sim_run_ms(s, 5000);
    load quiet = measure(s, SECONDS, false);
    w.updates = 0;
    load busy = measure(s, SECONDS, true);
    sim_run_ms(s, SETTLE_MS);
    row("crowd", nodes, whole, quiet, busy);
    /* Each update has reached all whole members but its teller. */
    double reached = (double)w.updates / (SECONDS * ((double)whole - 1));
    assert_true(reached > 0.999);
    assert_int_equal(w.failures, 0);
    sim_passed(s);
    sim_free(s);
    return (result){quiet, busy};
}

static void within(double value, double want, double part) {
    if (fabs(value - want) > want * part) {
        fail_msg("%.2f is not within %.0f %% of %.2f", value, part * 100, want);
    }
}

static void among_a_crowd_a_member_does_as_among_its_kind(void **state) {
    (void)state;
    result real = run(300, 300);
    result crowd = run(300, 60);
    within(crowd.quiet.packets, real.quiet.packets, 0.05);
    within(crowd.quiet.bytes, real.quiet.bytes, 0.05);
    within(crowd.busy.packets, real.busy.packets, 0.1);
    within(crowd.busy.bytes, real.busy.bytes, 0.1);
}

static void ten_thousand_cost_a_member_what_a_thousand_do(void **state) {
    (void)state;
    if (getenv("FIGURES") == NULL) return; /* minutes */
    result real = run(1000, 1000);
    result thousand = run(1000, 200);
    result all = run(10000, 200);
    within(thousand.busy.bytes, real.busy.bytes, 0.1);
    within(all.quiet.packets, thousand.quiet.packets, 0.02);
    within(all.quiet.bytes, thousand.quiet.bytes, 0.05);
    /* News is sent 4 log10(n+1) times: 20 where it was 16. */
    within(all.busy.bytes, thousand.busy.bytes, 0.3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(among_a_crowd_a_member_does_as_among_its_kind),
        cmocka_unit_test(ten_thousand_cost_a_member_what_a_thousand_do)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
