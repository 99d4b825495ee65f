/* SPDX-License-Identifier: MIT */
/* Many worlds of membership, each from one seed. First a minute or two of
   faults drawn by chance, in which nothing may happen that never may; then all
   faults end, and everybody must agree again. SEED=n begins with that world,
   RUNS=n makes that many. */
#include "../test.h"

#include <stdio.h>
#include <stdlib.h>

#include "membership_seeds.h"
#include "sim.h"

enum { NODES_MAX = 16, AGREE_MS = 900000 };

typedef struct chaos {
    uint32_t incarnation[NODES_MAX]; /* in this life */
    unsigned life[NODES_MAX];
    bool leaving[NODES_MAX];
    char why[160]; /* what should not have happened; empty: nothing */
} chaos;

static void complain(chaos *c, const char *what, size_t node) {
    if (c->why[0] != '\0') return;
    (void)snprintf(c->why, sizeof c->why, "n%zu %s", node, what);
}

static void watch(sim *s, size_t node, const inf_effect *effect) {
    static const char *const words[] = {"joined",   "changed", "is suspect",
                                        "is alive", "failed",  "left",
                                        "conflicts"};
    chaos *c = sim_ctx(s);
    if (effect->kind == INF_EFFECT_PACKET && effect->bytes.len > 1400) {
        complain(c, "sent a datagram that is too large", node);
    }
    if (effect->kind != INF_EFFECT_MEMBER) return;
    sim_note(s, "n%zu: %.*s %s", node, (int)effect->name.len,
             (const char *)effect->name.data, words[effect->change]);
    if (sim_node_of(effect->name) == node) {
        complain(c, "told of itself", node);
    }
}

/* What holds at every moment. */
static void check(sim *s) {
    chaos *c = sim_ctx(s);
    for (size_t i = 0; i < sim_count(s); i++) {
        if (!sim_runs(s, i)) continue;
        inf_member_view self;
        inf_member *member = sim_member(s, i);
        if (c->life[i] != sim_life(s, i)) {
            c->life[i] = sim_life(s, i);
            c->incarnation[i] = 0;
        }
        if (!inf_member_find(member, sim_name(i), &self) || !self.self) {
            complain(c, "does not know itself", i);
            continue;
        }
        if (self.state != INF_MEMBER_ALIVE && !c->leaving[i]) {
            complain(c, "takes itself for dead", i);
        }
        if (self.incarnation < c->incarnation[i]) {
            complain(c, "fell back in its incarnation", i);
        }
        c->incarnation[i] = self.incarnation;
        uint64_t deadline = inf_member_deadline(member);
        if (sim_awake(s, i) && deadline < sim_node_ms(s, i)) {
            complain(c, "wants a tick in the past", i);
        }
    }
}

static void restart(sim *s, size_t node) {
    chaos *c = sim_ctx(s);
    /* n0 stays where it is: somebody must be where a stranger looks. */
    if (node != 0 && inf_rng_below(sim_rng(s), 3) == 0) sim_move(s, node);
    c->leaving[node] = false;
    sim_start(s, node);
    size_t to = (size_t)inf_rng_below(sim_rng(s), sim_count(s));
    sim_join(s, node, to == node ? (node + 1) % sim_count(s) : to);
    if (node != 0) sim_join(s, node, 0);
}

static void leave(sim *s, size_t node) {
    chaos *c = sim_ctx(s);
    if (!sim_awake(s, node)) return;
    c->leaving[node] = true;
    (void)inf_member_leave(sim_member(s, node), 1, sim_node_ms(s, node));
    sim_settle(s, node);
}

static void change_weather(sim *s) {
    static const sim_link weathers[] = {
        {.latency_us = 200, .jitter_us = 200},
        {.latency_us = 1000, .jitter_us = 80000, .loss = 0.1, .twice = 0.1},
        {.latency_us = 100000, .jitter_us = 200000, .loss = 0.3},
        {.latency_us = 500, .jitter_us = 500, .loss = 0.02, .twice = 0.3}};
    sim_weather(s, weathers[inf_rng_below(sim_rng(s), INF_COUNT(weathers))]);
}

static void disturb(sim *s) {
    size_t n = sim_count(s);
    size_t node = (size_t)inf_rng_below(sim_rng(s), n);
    size_t other = (size_t)inf_rng_below(sim_rng(s), n);
    switch (inf_rng_below(sim_rng(s), 11)) {
    case 0:
        if (sim_runs(s, node)) sim_kill(s, node);
        break;
    case 1:
        if (sim_runs(s, node)) sim_silence(s, node);
        break;
    case 2:
    case 3:
        if (!sim_runs(s, node)) restart(s, node);
        break;
    case 4:
        sim_freeze(s, node);
        break;
    case 5:
        sim_thaw(s, node);
        break;
    case 6:
        sim_split(s, 1 + node % (n - 1));
        break;
    case 7:
        sim_heal(s);
        break;
    case 8:
        if (node != other) sim_cut(s, node, other);
        break;
    case 9:
        sim_jump(s, node, (int64_t)inf_rng_below(sim_rng(s), 60000) - 20000);
        break;
    default:
        if (inf_rng_below(sim_rng(s), 2) == 0) leave(s, node);
        change_weather(s);
    }
}

static void end_faults(sim *s) {
    chaos *c = sim_ctx(s);
    sim_heal(s);
    sim_weather(s, (sim_link){.latency_us = 200, .jitter_us = 200});
    for (size_t i = 0; i < sim_count(s); i++) {
        sim_thaw(s, i);
        if (sim_runs(s, i) && c->leaving[i]) sim_kill(s, i);
        if (!sim_runs(s, i)) restart(s, i);
    }
}

/* One world; 0 when all was well. */
static int one(uint64_t seed) {
    chaos c = {0};
    inf_rng rng;
    inf_rng_seed(&rng, seed);
    size_t nodes = 2 + (size_t)inf_rng_below(&rng, NODES_MAX - 1);
    uint64_t profile = inf_rng_below(&rng, 4);
    sim *s = sim_new(&(sim_options){
        .kind = &sim_member_kind,
        .nodes = nodes,
        .seed = seed,
        .tuning = inf_member_tuning_of(profile == 0   ? INF_PROFILE_WAN
                                       : profile == 1 ? INF_PROFILE_LOCAL
                                                      : INF_PROFILE_LAN),
        .ctx = &c,
        .watch = watch});
    for (size_t i = 0; i < nodes; i++)
        sim_start(s, i);
    for (size_t i = 1; i < nodes; i++)
        sim_join(s, i, 0);
    size_t faults = 5 + (size_t)inf_rng_below(sim_rng(s), 60);
    for (size_t i = 0; i < faults; i++) {
        sim_run_ms(s, inf_rng_below(sim_rng(s), 6000));
        disturb(s);
        sim_run_ms(s, 1); /* what is due by now is done */
        check(s);
    }
    end_faults(s);
    sim_run_ms(s, 1);
    if (!sim_run_until(s, sim_agreed, AGREE_MS))
        complain(&c, "(all) disagree", 0);
    check(s);
    if (c.why[0] == '\0') sim_passed(s);
    if (c.why[0] != '\0') {
        printf("# SEED=%llu RUNS=1 fails: %s\n", (unsigned long long)seed,
               c.why);
    }
    sim_free(s);
    return c.why[0] != '\0';
}

static void worlds_agree_again_when_faults_end(void **state) {
    (void)state;
    const char *runs_text = getenv("RUNS");
    uint64_t runs = runs_text != NULL ? strtoull(runs_text, NULL, 0) : 60;
    uint64_t seed =
        getenv("SEED") != NULL ? sim_seed() : sim_seed() % 1000000000;
    int failed = 0;
    for (uint64_t i = 0; i < runs; i++)
        failed += one(seed + i);
    assert_int_equal(failed, 0);
}

static void seeds_that_once_failed_pass(void **state) {
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < INF_COUNT(membership_seeds); i++)
        failed += one(membership_seeds[i]);
    assert_int_equal(failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(worlds_agree_again_when_faults_end),
        cmocka_unit_test(seeds_that_once_failed_pass)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
