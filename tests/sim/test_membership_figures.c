/* SPDX-License-Identifier: MIT */
/* Figures of membership: what the papers and the measured original say must
   come out of the simulated world. Seeds are fixed: these are measurements, and
   each prints its row. */
#include "../test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim.h"

/* What a watched run has shown. Times are in microseconds. */
typedef struct record {
    size_t subject; /* who was silenced; SIZE_MAX: nobody */
    uint64_t since_us;
    uint64_t probed_us; /* the first datagram to the subject since then */
    uint64_t first_us;  /* first told that it failed */
    uint64_t last_us;
    unsigned failed;
    unsigned updated;
    uint64_t updated_us;
    bool *slow;             /* per node: takes part in the anomaly */
    uint64_t false_all;     /* told of healthy ones that they failed */
    uint64_t false_healthy; /* of these, told at healthy ones */
    uint64_t *last_ping_us; /* prober * n + target */
    uint64_t longest_us;
    size_t nodes;
} record;

static void see_member(sim *s, size_t node, const inf_effect *effect) {
    record *r = sim_ctx(s);
    size_t about = sim_node_of(effect->name);
    if (effect->change == INF_CHANGE_UPDATE) {
        r->updated++;
        r->updated_us = sim_now_us(s);
    }
    if (effect->change != INF_CHANGE_FAIL) return;
    if (r->slow != NULL && !r->slow[about]) {
        r->false_all++;
        if (!r->slow[node]) r->false_healthy++;
    }
    if (about != r->subject) return;
    if (r->failed++ == 0) r->first_us = sim_now_us(s);
    r->last_us = sim_now_us(s);
}

static void see_packet(sim *s, size_t node, const inf_effect *effect) {
    record *r = sim_ctx(s);
    size_t to = (size_t)effect->addr.ip[2] << 8 | effect->addr.ip[3];
    bool ping = effect->bytes.len != 0 &&
                effect->bytes.data[0] == 0; /* sent in the clear */
    if (ping && to == r->subject && r->probed_us == 0) {
        r->probed_us = sim_now_us(s);
    }
    if (r->last_ping_us == NULL || !ping) return;
    uint64_t *last = &r->last_ping_us[node * r->nodes + to];
    if (*last != 0 && sim_now_us(s) - *last > r->longest_us) {
        r->longest_us = sim_now_us(s) - *last;
    }
    *last = sim_now_us(s);
}

/* A row of the results, where FIGURES names a file for them. */
static void row(const char *format, ...) INF_PRINTF(1, 2);

static void row(const char *format, ...) {
    const char *path = getenv("FIGURES");
    FILE *file = path != NULL ? fopen(path, "a") : NULL;
    if (file == NULL) return;
    va_list args;
    va_start(args, format);
    (void)vfprintf(file, format, args);
    va_end(args);
    (void)fclose(file);
}

static void watch(sim *s, size_t node, const inf_effect *effect) {
    if (effect->kind == INF_EFFECT_MEMBER) see_member(s, node, effect);
    if (effect->kind == INF_EFFECT_PACKET) see_packet(s, node, effect);
}

static sim *world(record *r, size_t nodes, uint64_t seed,
                  inf_member_tuning tuning) {
    *r = (record){.subject = SIZE_MAX, .nodes = nodes};
    sim *s = sim_new(&(sim_options){.kind = &sim_member_kind,
                                    .nodes = nodes,
                                    .seed = seed,
                                    .tuning = tuning,
                                    .link = {.latency_us = 50, .jitter_us = 50},
                                    .ctx = r,
                                    .watch = watch});
    for (size_t i = 0; i < nodes; i++)
        sim_start(s, i);
    for (size_t i = 1; i < nodes; i++)
        sim_join(s, i, i % 4 == 0 ? 0 : i - 1);
    assert_true(sim_run_until(s, sim_agreed, 120000));
    sim_run_ms(s, 10000); /* the gossip of joining dies down */
    return s;
}

static void end(sim *s) {
    sim_passed(s);
    sim_free(s);
}

static void silence(sim *s, size_t subject) {
    record *r = sim_ctx(s);
    r->subject = subject;
    r->since_us = sim_now_us(s);
    r->probed_us = 0;
    r->failed = 0;
    sim_silence(s, subject);
}

static bool all_know(sim *s) {
    record *r = sim_ctx(s);
    return r->failed + 1 >= r->nodes;
}

static bool probed(sim *s) {
    record *r = sim_ctx(s);
    return r->probed_us != 0;
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a;
    double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return count % 2 != 0 ? values[count / 2]
                          : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static inf_member_tuning swim(void) {
    inf_member_tuning tuning = inf_member_tuning_plain(INF_PROFILE_LAN);
    tuning.local_health = false;
    tuning.dynamic_suspicion = false;
    tuning.buddy = false;
    tuning.compress = false;
    tuning.crc = false;
    return tuning;
}

/* ---- SWIM ---------------------------------------------------------------- */

static void a_crash_is_first_probed_after_1_58_periods(void **state) {
    (void)state;
    enum { NODES = 30, RUNS = 400 };
    double sum = 0;
    for (uint64_t seed = 1; seed <= RUNS / 10; seed++) {
        record r;
        sim *s = world(&r, NODES, seed, swim());
        for (int i = 0; i < 10; i++) { /* one at a time, back at once */
            size_t subject = (size_t)inf_rng_below(sim_rng(s), NODES);
            r.subject = subject;
            r.since_us = sim_now_us(s);
            r.probed_us = 0;
            assert_true(sim_run_until(s, probed, 60000));
            uint64_t periods = (r.probed_us - r.since_us) / 1000000 + 1;
            sum += (double)periods;
            sim_run_ms(s, 1000 + inf_rng_below(sim_rng(s), 1000));
        }
        end(s);
    }
    double mean = sum / RUNS;
    double theory = 1 / (1 - pow(1 - 1.0 / (NODES - 1), NODES - 1));
    printf("# periods to the first probe: %.3f, theory %.3f\n", mean, theory);
    row("first probe\t%d\t%.3f\t%.3f\n", NODES, mean, theory);
    assert_true(fabs(mean - theory) < 0.15);
}

static void nobody_waits_longer_than_2n_1_periods(void **state) {
    (void)state;
    enum { NODES = 20 };
    record r;
    sim *s = world(&r, NODES, 3, swim());
    r.last_ping_us = calloc((size_t)NODES * NODES, sizeof *r.last_ping_us);
    assert_non_null(r.last_ping_us);
    sim_run_ms(s, UINT64_C(30000) * NODES);
    double periods = (double)r.longest_us / 1e6;
    printf("# longest between two probes of one by another: %.2f periods, "
           "bound %d\n",
           periods, 2 * NODES - 1);
    row("longest gap\t%d\t%.2f\t%d\n", NODES, periods, 2 * NODES - 1);
    assert_true(periods <= 2 * NODES - 1);
    assert_true(periods > NODES); /* or it was no shuffle */
    free(r.last_ping_us);
    r.last_ping_us = NULL;
    end(s);
}

/* ---- memberlist ---------------------------------------------------------- */

typedef struct detection {
    double first;
    double all;
    double update;
} detection;

enum { RUNS_MAX = 64 };

/* One world; a member dies, all learn, it comes back, the next one dies. */
static detection measure(size_t nodes, size_t runs, inf_member_tuning tuning) {
    double first[RUNS_MAX];
    double all[RUNS_MAX];
    double update[RUNS_MAX];
    record r;
    sim *s = world(&r, nodes, 100, tuning);
    for (size_t i = 0; i < runs; i++) {
        uint8_t meta[] = {0xff, 0x81, 0xa1, 'x', 0xa1, (uint8_t)i};
        uint64_t start_us = sim_now_us(s);
        size_t subject = (size_t)inf_rng_below(sim_rng(s), nodes);
        r.updated = 0;
        assert_int_equal(inf_member_set_meta(sim_member(s, subject),
                                             inf_slice_of(meta, sizeof meta),
                                             sim_node_ms(s, subject)),
                         0);
        sim_settle(s, subject);
        sim_run_ms(s, 3000 + inf_rng_below(sim_rng(s), 1000));
        assert_true(r.updated + 3 >= nodes - 1);
        update[i] = (double)(r.updated_us - start_us) / 1e6;
        silence(s, subject);
        assert_true(sim_run_until(s, all_know, 120000));
        first[i] = (double)(r.first_us - r.since_us) / 1e6;
        all[i] = (double)(r.last_us - r.since_us) / 1e6;
        r.subject = SIZE_MAX;
        sim_start(s, subject);
        sim_join(s, subject, subject == 0 ? 1 : 0);
        assert_true(sim_run_until(s, sim_agreed, 120000));
        sim_run_ms(s, 10000);
    }
    end(s);
    return (detection){median(first, runs), median(all, runs),
                       median(update, runs)};
}

static void within(double value, double want, double part) {
    if (fabs(value - want) > want * part) {
        fail_msg("%.2f is not within %.0f %% of %.2f", value, part * 100, want);
    }
}

static void like_memberlist(size_t nodes, size_t runs, double first,
                            double all) {
    inf_member_tuning plain = inf_member_tuning_plain(INF_PROFILE_LAN);
    detection d = measure(nodes, runs, plain);
    detection ours =
        measure(nodes, runs, inf_member_tuning_of(INF_PROFILE_LAN));
    printf(
        "# n=%zu: memberlist first %.2f all %.2f s; like it %.2f %.2f, update "
        "%.2f s; improved %.2f %.2f, update %.2f s\n",
        nodes, first, all, d.first, d.all, d.update, ours.first, ours.all,
        ours.update);
    row("detection\t%zu\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\n", nodes,
        first, all, d.first, d.all, ours.first, ours.all, ours.update);
    within(d.first, first, 0.1);
    within(d.all, all, 0.1);
    assert_true(ours.first <= d.first * 1.08); /* the medians' own noise */
}

static void ten_detect_as_memberlist_was_measured(void **state) {
    (void)state;
    like_memberlist(10, 64, 6.10, 6.11);
}

static void thirty_detect_as_memberlist_was_measured(void **state) {
    (void)state;
    like_memberlist(30, 24, 7.41, 7.61);
}

static void a_hundred_detect_as_memberlist_was_measured(void **state) {
    (void)state;
    like_memberlist(100, 12, 9.32, 9.65);
}

/* Several machines fall silent at once; when does the last survivor know the
   last of them? */
static double measure_many(size_t nodes, size_t dead,
                           inf_member_tuning tuning) {
    enum { RUNS = 61 };
    double took[RUNS];
    for (size_t i = 0; i < RUNS; i++) {
        record r;
        sim *s = world(&r, nodes, 300 + i, tuning);
        uint64_t start_us = sim_now_us(s);
        for (size_t j = 0; j < dead; j++)
            sim_silence(s, j);
        assert_true(sim_run_until(s, sim_agreed, 200000));
        took[i] = (double)(sim_now_us(s) - start_us) / 1e6;
        end(s);
    }
    return median(took, RUNS);
}

static void several_deaths_are_known_sooner_than_by_memberlist(void **state) {
    (void)state;
    static const size_t sizes[] = {10, 30};
    inf_member_tuning plain = inf_member_tuning_plain(INF_PROFILE_LAN);
    inf_member_tuning improved = inf_member_tuning_of(INF_PROFILE_LAN);
    for (size_t i = 0; i < INF_COUNT(sizes); i++) {
        size_t n = sizes[i];
        double theirs = measure_many(n, n / 3, plain);
        double ours = measure_many(n, n / 3, improved);
        printf("# %zu of %zu silent at once, known to all: like memberlist "
               "%.2f s, improved %.2f s\n",
               n / 3, n, theirs, ours);
        row("several\t%zu\t%zu\t%.2f\t%.2f\n", n, n / 3, theirs, ours);
        assert_true(ours < theirs);
    }
}

/* ---- Lifeguard ----------------------------------------------------------- */

typedef struct storm {
    uint64_t false_all;
    uint64_t false_healthy;
    uint64_t packets;
} storm;

/* Some of 128 members are deaf again and again (the paper's experiment). */
static storm weather_storm(inf_member_tuning tuning, size_t slow,
                           uint64_t deaf_ms, uint64_t gap_ms) {
    enum { NODES = 128, LENGTH_MS = 68000 };
    record r;
    bool marks[NODES] = {false};
    tuning.suspicion_mult = 5; /* alpha */
    sim *s = world(&r, NODES, 11, tuning);
    for (size_t i = 0; i < slow; i++)
        marks[i * (NODES / slow)] = true;
    r.slow = marks;
    uint64_t packets = sim_counters_of(s).packets;
    for (uint64_t at = 0; at < LENGTH_MS; at += deaf_ms + gap_ms) {
        for (size_t i = 0; i < NODES; i++) {
            if (marks[i]) sim_deafen(s, i);
        }
        sim_run_ms(s, deaf_ms);
        for (size_t i = 0; i < NODES; i++)
            sim_hear(s, i);
        sim_run_ms(s, gap_ms);
    }
    storm seen = {.false_all = r.false_all,
                  .false_healthy = r.false_healthy,
                  .packets = sim_counters_of(s).packets - packets};
    end(s);
    return seen;
}

static void lifeguard_spares_the_healthy(void **state) {
    (void)state;
    static const uint64_t deaf_ms[] = {16384, 32768};
    storm before = {0};
    storm after = {0};
    storm improved = {0};
    for (size_t i = 0; i < INF_COUNT(deaf_ms); i++) {
        for (int kind = 0; kind < 3; kind++) {
            inf_member_tuning tuning = swim();
            if (kind == 1) tuning = inf_member_tuning_plain(INF_PROFILE_LAN);
            if (kind == 2) tuning = inf_member_tuning_of(INF_PROFILE_LAN);
            storm one = weather_storm(tuning, 16, deaf_ms[i], 1024);
            storm *sum = kind == 0 ? &before : kind == 1 ? &after : &improved;
            sum->false_all += one.false_all;
            sum->false_healthy += one.false_healthy;
            sum->packets += one.packets;
            printf("# 16 of 128 deaf for %.1f s, %s: false %llu, at healthy "
                   "%llu, packets %llu\n",
                   (double)deaf_ms[i] / 1000,
                   kind == 0   ? "SWIM"
                   : kind == 1 ? "Lifeguard"
                               : "improved",
                   (unsigned long long)one.false_all,
                   (unsigned long long)one.false_healthy,
                   (unsigned long long)one.packets);
        }
    }
    row("false positives\tSWIM\t%llu\tLifeguard\t%llu\timproved\t%llu\n",
        (unsigned long long)before.false_all,
        (unsigned long long)after.false_all,
        (unsigned long long)improved.false_all);
    row("packets\tSWIM\t%llu\tLifeguard\t%llu\timproved\t%llu\n",
        (unsigned long long)before.packets, (unsigned long long)after.packets,
        (unsigned long long)improved.packets);
    assert_true(before.false_all > 100); /* or the storm did not bite */
    assert_true(after.false_all * 50 <= before.false_all);
    assert_true(improved.false_all * 50 <= before.false_all);
    assert_true(improved.packets * 100 <= before.packets * 111);
}

/* ---- load ---------------------------------------------------------------- */

static void what_a_node_says_does_not_grow_with_the_cluster(void **state) {
    (void)state;
    static const size_t sizes[] = {10, 100, 1000};
    /* A thousand take a minute of CPU: only when the results are wanted. */
    size_t count = getenv("FIGURES") != NULL ? 3 : 2;
    for (size_t i = 0; i < count; i++) {
        record r;
        sim *s = world(&r, sizes[i], 5, inf_member_tuning_of(INF_PROFILE_LAN));
        sim_run_ms(s, 60000); /* all gossip dies down */
        sim_counters before = sim_counters_of(s);
        sim_run_ms(s, 60000);
        sim_counters after = sim_counters_of(s);
        double seconds = 60 * (double)sizes[i];
        double packets = (double)(after.packets - before.packets) / seconds;
        double bytes = (double)(after.bytes - before.bytes) / seconds;
        printf(
            "# %zu members: each sends %.2f datagrams, %.0f bytes a second\n",
            sizes[i], packets, bytes);
        row("load\t%zu\t%.2f\t%.0f\n", sizes[i], packets, bytes);
        within(packets, 2, 0.05); /* a ping and an ack */
        end(s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_is_first_probed_after_1_58_periods),
        cmocka_unit_test(nobody_waits_longer_than_2n_1_periods),
        cmocka_unit_test(ten_detect_as_memberlist_was_measured),
        cmocka_unit_test(thirty_detect_as_memberlist_was_measured),
        cmocka_unit_test(a_hundred_detect_as_memberlist_was_measured),
        cmocka_unit_test(several_deaths_are_known_sooner_than_by_memberlist),
        cmocka_unit_test(lifeguard_spares_the_healthy),
        cmocka_unit_test(what_a_node_says_does_not_grow_with_the_cluster)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
