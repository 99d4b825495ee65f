/* SPDX-License-Identifier: MIT */
/* Many worlds, each from one seed. SEED=n begins there, RUNS=n makes that many
   of each kind; PROFILE=0, 1 or 2 makes only healthy, rolling or faulty ones;
   ENOUGH=n ends everything once n have failed.
 */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#include "registry_seeds.h"
#include "sim_cluster.h"

typedef struct totals {
    uint64_t runs, starts, doubles, stops, yields, wrong, lost, refused,
        refusals, calls, answered;
    uint64_t slowest_ms, sum_ms, quiet_bytes;
} totals;

static uint64_t number_of(const char *name, uint64_t otherwise) {
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static void add(totals *t, const cluster_report *r) {
    t->runs++;
    t->starts += r->starts;
    t->doubles += r->doubles;
    t->stops += r->stops;
    t->yields += r->yields;
    t->wrong += r->wrong;
    t->lost += r->lost;
    t->refused += r->refused;
    t->calls += r->calls;
    t->refusals += r->refusals;
    t->answered += r->answered;
    t->sum_ms += r->converged_ms;
    if (r->converged_ms > t->slowest_ms) t->slowest_ms = r->converged_ms;
    if (r->quiet_bytes > t->quiet_bytes) t->quiet_bytes = r->quiet_bytes;
}

static void print(const char *what, const totals *t) {
    printf("# %s: %llu runs, %llu starts, %llu doubles, %llu stops, "
           "%llu yields, %llu names lost, %llu refusals, %llu of %llu calls "
           "answered, at rest after %llu ms "
           "(at most %llu), %llu bytes in 10 s of rest\n",
           what, (unsigned long long)t->runs, (unsigned long long)t->starts,
           (unsigned long long)t->doubles, (unsigned long long)t->stops,
           (unsigned long long)t->yields, (unsigned long long)t->lost,
           (unsigned long long)t->refused, (unsigned long long)t->answered,
           (unsigned long long)t->calls,
           (unsigned long long)(t->runs != 0 ? t->sum_ms / t->runs : 0),
           (unsigned long long)t->slowest_ms,
           (unsigned long long)t->quiet_bytes);
}

static int one(cluster_profile profile, uint64_t seed, totals *t) {
    cluster_options options = cluster_options_of(profile, seed);
    cluster_report report = cluster_run(&options);
    add(t, &report);
    if (!report.failed) return 0;
    printf("# PROFILE=%d SEED=%llu RUNS=1 fails: %s\n", (int)profile,
           (unsigned long long)seed, report.why);
    return 1;
}

static totals many(cluster_profile profile, const char *what, uint64_t runs) {
    totals t = {0};
    int failed = 0;
    uint64_t only = number_of("PROFILE", (uint64_t)profile);
    if (only != (uint64_t)profile) return t;
    runs = number_of("RUNS", runs);
    uint64_t seed =
        getenv("SEED") != NULL ? number_of("SEED", 1) : sim_seed() % 1000000000;
    uint64_t enough = number_of("ENOUGH", UINT64_MAX);
    for (uint64_t i = 0; i < runs; i++) {
        failed += one(profile, seed + i, &t);
        if ((uint64_t)failed >= enough) exit(1);
    }
    print(what, &t);
    assert_int_equal(failed, 0);
    return t;
}

static void a_healthy_cluster_runs_each_name_once(void **state) {
    (void)state;
    totals t = many(CLUSTER_HEALTHY, "healthy", 30);
    if (t.runs == 0) return;
    assert_true(t.starts > 10 * t.runs);
    assert_int_equal(t.doubles, 0);
}

static void a_rolling_restart_runs_each_name_once(void **state) {
    (void)state;
    totals t = many(CLUSTER_ROLLING, "rolling", 30);
    if (t.runs == 0) return;
    assert_true(t.starts > 10 * t.runs);
    assert_int_equal(t.doubles, 0);
}

static void whatever_breaks_all_agree_after_the_heal(void **state) {
    (void)state;
    totals t = many(CLUSTER_FAULTS, "faults", 100);
    /* The chosen copy may go by itself within the round trip. */
    assert_true(t.lost <= 1 + t.runs / 500);
    if (t.runs < 20) return;
    assert_true(t.doubles != 0 && t.yields != 0); /* the faults did bite */
    assert_true(t.answered != 0 && t.answered < t.calls);
    assert_true(t.refusals != 0);
}

/* Worlds split in two for half a minute; `change` may change each. */
static totals split_worlds(uint64_t runs,
                           void (*change)(cluster_options *options)) {
    totals t = {0};
    if (number_of("PROFILE", CLUSTER_FAULTS) != CLUSTER_FAULTS) return t;
    uint64_t seed =
        getenv("SEED") != NULL ? number_of("SEED", 1) : sim_seed() % 1000000000;
    runs = number_of("RUNS", runs);
    for (uint64_t i = 0; i < runs; i++) {
        cluster_options options = cluster_options_of(CLUSTER_FAULTS, seed + i);
        options.nodes = 2 + (seed + i) % 6;
        options.names = 40;
        options.mad = false;
        if (change != NULL) change(&options);
        cluster_report report = cluster_partition(&options);
        add(&t, &report);
        assert_false(report.failed);
        assert_int_equal(report.doubles, report.yields);
        assert_int_equal(report.lost, 0);
    }
    print("split", &t);
    if (t.runs >= 10) assert_true(t.doubles > 100); /* the split did bite */
    return t;
}

static void soon_after_a_heal_each_name_runs_once(void **state) {
    (void)state;
    totals t = split_worlds(100, NULL);
    assert_true(t.slowest_ms <= 5000);
}

static void ask_the_user(cluster_options *options) {
    options->resolve = INF_RESOLVE_ASK;
}

static void the_user_decides_who_stays_after_a_heal(void **state) {
    (void)state;
    totals t = split_worlds(20, ask_the_user);
    assert_int_equal(t.wrong, 0);
}

static void ask_the_mad(cluster_options *options) {
    options->resolve = INF_RESOLVE_ASK;
    options->mad = true;
}

static void a_user_who_says_anything_loses_no_name(void **state) {
    (void)state;
    totals t = split_worlds(10, ask_the_mad);
    if (t.runs >= 10) assert_true(t.wrong != 0);
}

static void thirty_nodes_live_through_it_as_well(void **state) {
    (void)state;
    totals t = {0};
    cluster_options options =
        cluster_options_of(CLUSTER_FAULTS, sim_seed() % 1000000000);
    options.nodes = 30;
    options.names = 40;
    options.run_ms = 60000;
    cluster_report report = cluster_run(&options);
    add(&t, &report);
    print("thirty", &t);
    assert_false(report.failed);
}

static void seeds_that_once_failed_pass(void **state) {
    (void)state;
    totals t = {0};
    int failed = 0;
    for (size_t i = 0; i < INF_COUNT(registry_seeds); i++) {
        failed += one(registry_seeds[i].profile, registry_seeds[i].seed, &t);
    }
    assert_int_equal(failed, 0);
    assert_int_equal(t.lost, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_healthy_cluster_runs_each_name_once),
        cmocka_unit_test(a_rolling_restart_runs_each_name_once),
        cmocka_unit_test(whatever_breaks_all_agree_after_the_heal),
        cmocka_unit_test(soon_after_a_heal_each_name_runs_once),
        cmocka_unit_test(the_user_decides_who_stays_after_a_heal),
        cmocka_unit_test(a_user_who_says_anything_loses_no_name),
        cmocka_unit_test(thirty_nodes_live_through_it_as_well),
        cmocka_unit_test(seeds_that_once_failed_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
