/* SPDX-License-Identifier: MIT */
/* One run: birth, a time of faults and wishes, the heal, rest. */
#include "sim_cluster.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim_cluster_parts.h"

/* On streams, for each node, in ten seconds of rest: roots, and a push/pull. */
#define QUIET_BYTES 4000

void cluster_fail(cluster *c, const char *format, ...) {
    if (c->report.failed) return;
    c->report.failed = true;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(c->report.why, sizeof c->report.why, format, args);
    va_end(args);
    sim_note(c->world, "FAILED: %s", c->report.why);
}

inf_slice cluster_name(size_t name) {
    static char texts[4][16];
    static size_t turn;
    char *text = texts[turn++ % 4];
    int len = snprintf(text, sizeof texts[0], "name-%zu", name);
    return inf_slice_of(text, (size_t)len);
}

inf_node *cluster_node(const cluster *c, size_t node) {
    return sim_unit(c->world, node);
}

uint64_t cluster_ms(const cluster *c, size_t node) {
    return sim_node_ms(c->world, node);
}

cluster_options cluster_options_of(cluster_profile profile, uint64_t seed) {
    static const inf_resolve ways[] = {INF_RESOLVE_LAST, INF_RESOLVE_LAST,
                                       INF_RESOLVE_ASK, INF_RESOLVE_ASK,
                                       INF_RESOLVE_OLDEST};
    return (cluster_options){.profile = profile,
                             .seed = seed,
                             .names = 12,
                             .run_ms =
                                 profile == CLUSTER_HEALTHY ? 60000 : 120000,
                             .quiet_ms = 150000,
                             .deletes_max = 24,
                             .hold_ms = 25000,
                             .resolve = ways[seed % INF_COUNT(ways)],
                             .mad = seed % 10 == 2,
                             .stream_bytes = seed % 2 == 0 ? 0 : 60};
}

/* ---- faults ------------------------------------------------------------ */

static size_t any_node(cluster *c) {
    return (size_t)inf_rng_below(&c->rng, c->nodes);
}

static void crash(cluster *c, size_t node, bool silently) {
    if (!sim_runs(c->world, node)) return;
    model_crashed(c, node);
    calls_crashed(c, node);
    c->last_ref[node] = 0;
    if (silently) {
        sim_silence(c->world, node);
    } else {
        sim_kill(c->world, node);
    }
}

static void revive(cluster *c, size_t node) {
    if (sim_runs(c->world, node)) return;
    if (c->options.profile == CLUSTER_FAULTS &&
        inf_rng_below(&c->rng, 3) == 0) { /* a machine that is short of it */
        c->memory[node].scarce_until_ms =
            sim_now_ms(c->world) + inf_rng_below(&c->rng, 10000);
    }
    sim_start(c->world, node);
    calls_born(c, node);
    check_record(c, node);
}

static void weather(cluster *c) {
    static const double losses[] = {0, 0.02, 0.2, 0.5};
    static const double twices[] = {0, 0.1, 0.5};
    static const uint32_t delays[] = {10000, 50000, 500000, 3000000};
    sim_link link = {.latency_us = 200};
    link.loss = losses[inf_rng_below(&c->rng, INF_COUNT(losses))];
    link.twice = twices[inf_rng_below(&c->rng, INF_COUNT(twices))];
    link.jitter_us = delays[inf_rng_below(&c->rng, INF_COUNT(delays))];
    sim_note(c->world, "weather: loss %.2f, twice %.2f, jitter %u us",
             link.loss, link.twice, link.jitter_us);
    sim_weather(c->world, link);
}

static void split(cluster *c) {
    for (size_t i = 0; i < c->nodes; i++)
        sim_side(c->world, i, (unsigned)inf_rng_below(&c->rng, 2));
    sim_note(c->world, "a split");
}

static void freeze(cluster *c, size_t node) {
    if (!sim_awake(c->world, node)) return;
    sim_freeze(c->world, node);
    c->frozen_until[node] =
        sim_now_ms(c->world) + inf_rng_below(&c->rng, 30000);
}

static void fault(cluster *c) {
    uint64_t kind = inf_rng_below(&c->rng, 100);
    size_t node = any_node(c);
    if (kind < 22) {
        split(c);
    } else if (kind < 32) {
        for (uint64_t i = 1 + inf_rng_below(&c->rng, 3); i != 0; i--)
            sim_cut(c->world, any_node(c), any_node(c));
    } else if (kind < 52) {
        sim_heal(c->world);
    } else if (kind < 60) {
        crash(c, node, inf_rng_below(&c->rng, 3) == 0);
    } else if (kind < 74) {
        revive(c, node);
    } else if (kind < 80) {
        freeze(c, node);
    } else if (kind < 88) {
        calls_break_one(c);
    } else if (kind < 92) {
        sim_jump(c->world, node, (int64_t)inf_rng_below(&c->rng, 20000) - 5000);
    } else {
        weather(c);
    }
}

/* One node at a time goes and comes back, with time in between. */
static void roll(cluster *c, uint64_t since_ms) {
    uint64_t phase = since_ms % 20000;
    size_t node = (size_t)(since_ms / 20000) % c->nodes;
    if (phase > 5000 && phase < 11000) crash(c, node, false);
    if (phase >= 11000) revive(c, node);
}

static void thaw_due(cluster *c, bool all) {
    for (size_t i = 0; i < c->nodes; i++) {
        bool due = sim_now_ms(c->world) >= c->frozen_until[i];
        if (sim_runs(c->world, i) && !sim_awake(c->world, i) && (due || all)) {
            sim_thaw(c->world, i);
        }
    }
}

/* ---- one run ----------------------------------------------------------- */

/* Time passes in small steps, so that words arrive when they are due. */
static void pass(cluster *c, uint64_t ms) {
    uint64_t end_ms = sim_now_ms(c->world) + ms;
    while (sim_now_ms(c->world) < end_ms) {
        sim_run_ms(c->world, 5);
        model_words(c);
        calls_step(c);
    }
}

static void busy_time(cluster *c) {
    uint64_t start_ms = sim_now_ms(c->world);
    uint64_t end_ms = start_ms + c->options.run_ms;
    while (sim_now_ms(c->world) < end_ms && !c->report.failed) {
        bool rolling = c->options.profile == CLUSTER_ROLLING;
        pass(c, 10 + inf_rng_below(&c->rng, rolling ? 60 : 390));
        for (uint64_t i = inf_rng_below(&c->rng, 4); i != 0; i--)
            model_client(c);
        for (uint64_t i = inf_rng_below(&c->rng, 4); i != 0; i--)
            model_caller(c);
        if (c->options.profile == CLUSTER_FAULTS &&
            inf_rng_below(&c->rng, 100) < 6) {
            fault(c);
        }
        if (c->options.profile == CLUSTER_ROLLING) {
            roll(c, sim_now_ms(c->world) - start_ms);
        }
        thaw_due(c, false);
        check_always(c);
    }
}

static void heal(cluster *c) {
    sim_heal(c->world);
    sim_weather(c->world, sim_options_of(c->world)->link);
    thaw_due(c, true);
    for (size_t i = 0; i < c->nodes; i++)
        revive(c, i);
    for (size_t i = 0; i < c->nodes; i++)
        c->memory[i].scarce_until_ms = 0;
}

/* E3: a name of which a copy lived at the heal lives on, unless the copy that
   was chosen went by itself in the very round trip. */
static void count_lost(cluster *c, const bool *lived) {
    for (size_t name = 0; name < c->options.names; name++) {
        if (lived[name] && model_running(c, name) == 0) c->report.lost++;
    }
}

/* No wish is under way any more; FSMs that are to stop still do. */
static void forget_wishes(cluster *c) {
    size_t kept = 0;
    for (size_t i = 0; i < c->word_count; i++) {
        if (c->words[i].kind >= WORD_LOST) c->words[kept++] = c->words[i];
    }
    c->word_count = kept;
}

/* Until nothing has been wrong for ten seconds: a suspicion from before the
   heal may still run out after it, and be refuted. */
static void rest(cluster *c) {
    bool lived[CLUSTER_NAMES_MAX] = {false};
    char why[200] = "";
    for (size_t i = 0; i < c->options.names; i++)
        lived[i] = model_running(c, i) != 0;
    forget_wishes(c);
    uint64_t healed_ms = sim_now_ms(c->world);
    uint64_t wrong_ms = healed_ms;
    uint64_t before = sim_counters_of(c->world).stream_bytes;
    while (!c->report.failed && sim_now_ms(c->world) < wrong_ms + 10000) {
        if (!check_rest(c, why, sizeof why)) {
            sim_note(c->world, "no rest: %s", why);
            wrong_ms = sim_now_ms(c->world);
            before = sim_counters_of(c->world).stream_bytes;
        }
        if (wrong_ms - healed_ms > c->options.quiet_ms) {
            cluster_fail(c, "no rest: %s", why);
            return;
        }
        pass(c, 100);
        check_always(c);
    }
    c->report.converged_ms = wrong_ms - healed_ms;
    c->report.quiet_bytes = sim_counters_of(c->world).stream_bytes - before;
    count_lost(c, lived);
    if (c->report.quiet_bytes > QUIET_BYTES * c->nodes) { /* E5 */
        cluster_fail(c, "E5: %llu bytes at rest",
                     (unsigned long long)c->report.quiet_bytes);
    }
}

/* Much later nothing is kept that nobody needs. */
static void late(cluster *c) {
    if (c->report.failed || c->options.seed % 4 != 0) return;
    pass(c, 20000); /* streams that lead nowhere are noticed */
    check_forgotten(c);
    if (c->options.seed % 16 != 0) return;
    pass(c, 80000); /* calls are patient, and answers kept for a minute */
    calls_check_memory(c);
}

static void births(cluster *c) {
    for (size_t i = 0; i < c->nodes; i++) {
        c->skew_ms[i] = (int64_t)inf_rng_below(&c->rng, 120000) - 60000;
        if (inf_rng_below(&c->rng, 2) == 0) c->skew_ms[i] = 0;
        sim_jump(c->world, i, 1000000); /* room to jump back */
        sim_start(c->world, i);
        calls_born(c, i);
        check_record(c, i);
    }
    pass(c, c->options.profile == CLUSTER_FAULTS ? 1000 : 10000);
}

static void clean(cluster *c) {
    for (size_t i = 0; i < c->nodes * LIVES_MAX; i++) {
        free(c->histories[i].digests);
        free(c->histories[i].known);
    }
    free(c->histories);
    free(c->marks);
    calls_free(c);
    free(c->ghosts);
    free(c->words);
    if (!c->report.failed) sim_passed(c->world);
    sim_free(c->world);
}

static void begin(cluster *c, const cluster_options *options) {
    *c = (cluster){.options = *options};
    inf_rng_seed(&c->rng, options->seed ^ 0x5eed);
    c->nodes = options->nodes != 0 ? options->nodes
                                   : 3 + (size_t)inf_rng_below(&c->rng, 4);
    c->histories = calloc(c->nodes * LIVES_MAX, sizeof *c->histories);
    c->marks = calloc(c->nodes * c->nodes, sizeof *c->marks);
    INF_ASSERT(c->histories != NULL && c->marks != NULL);
    sim_options world = {.kind = &sim_node_kind,
                         .nodes = c->nodes,
                         .seed = options->seed,
                         .ctx = c,
                         .watch = model_watch};
    c->world = sim_new(&world);
    calls_new(c);
    if (options->profile == CLUSTER_ROLLING) { /* news take their time */
        sim_weather(c->world,
                    (sim_link){.latency_us = 1000, .jitter_us = 49000});
    }
    births(c);
}

static cluster_report end(cluster *c) {
    if (!c->report.failed) {
        heal(c);
        rest(c);
        late(c);
    }
    cluster_report report = c->report;
    clean(c);
    return report;
}

cluster_report cluster_run(const cluster_options *options) {
    cluster c;
    begin(&c, options);
    uint64_t doubles = c.report.doubles;
    busy_time(&c);
    if (options->profile != CLUSTER_FAULTS && c.report.doubles != doubles) {
        cluster_fail(&c, "I10: a name ran twice in a healthy cluster");
    }
    return end(&c);
}

cluster_report cluster_partition(const cluster_options *options) {
    cluster c;
    begin(&c, options);
    pass(&c, 10000);
    sim_split(c.world, c.nodes / 2);
    pass(&c, 20000);
    for (size_t name = 0; name < options->names; name++) {
        model_start(&c, 0, name);
        pass(&c, 100);
        model_start(&c, c.nodes - 1, name);
    }
    pass(&c, 30000);
    check_always(&c);
    return end(&c);
}
