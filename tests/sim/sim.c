/* SPDX-License-Identifier: MIT */
/* The world's clock and its nodes. One heap holds everything that will happen;
   microseconds order it, ties go by insertion. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim_world.h"

uint64_t sim_seed(void) {
    const char *text = getenv("SEED");
    if (text != NULL) return strtoull(text, NULL, 0);
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_nsec ^ ((uint64_t)now.tv_sec << 20);
}

sim *sim_new(const sim_options *options) {
    sim *s = calloc(1, sizeof *s);
    INF_ASSERT(s != NULL);
    s->options = *options;
    if (s->options.link.latency_us == 0 && s->options.link.jitter_us == 0) {
        s->options.link.latency_us = 200;
        s->options.link.jitter_us = 200;
    }
    if (s->options.tuning.probe_interval_ms == 0) {
        s->options.tuning = inf_member_tuning_of(INF_PROFILE_LAN);
    }
    s->link = s->options.link;
    s->nodes = calloc(options->nodes, sizeof *s->nodes);
    INF_ASSERT(s->nodes != NULL);
    s->now_us = 1000000;
    s->trace_now = getenv("SIM_TRACE") != NULL;
    inf_rng_seed(&s->rng, options->seed);
    inf_heap_init(&s->heap, inf_alloc_libc());
    inf_map_init(&s->streams, inf_alloc_libc(), (inf_hash_key){{1}});
    inf_map_init(&s->ends, inf_alloc_libc(), (inf_hash_key){{2}});
    for (size_t i = 0; i < options->nodes; i++) {
        sim_machine *n = &s->nodes[i];
        n->index = i;
        n->port = 7946;
        n->clock_ms = 3600000; /* it may jump back */
        n->tick = (sim_event){.kind = SIM_TICK, .node = i};
        n->inbox_last = &n->inbox;
        n->held_last = &n->held;
    }
    printf("# seed %llu\n", (unsigned long long)options->seed);
    return s;
}

static void print_trace(const sim *s) {
    size_t count = s->noted < SIM_LINES ? s->noted : SIM_LINES;
    printf("# SEED=%llu replays; the last happenings:\n",
           (unsigned long long)s->options.seed);
    for (size_t i = s->noted - count; i < s->noted; i++)
        printf("#   %s\n", s->lines[i % SIM_LINES]);
}

void sim_free(sim *s) {
    if (s == NULL) return;
    if (!s->passed) print_trace(s);
    for (size_t i = 0; i < s->options.nodes; i++) {
        sim_machine *n = &s->nodes[i];
        if (n->unit != NULL) s->options.kind->death(n->unit);
        sim_inbox_clear(n);
    }
    for (inf_heap_item *item; (item = inf_heap_first(&s->heap)) != NULL;) {
        inf_heap_remove(&s->heap, item);
        sim_event *event = (sim_event *)item;
        if (event->kind != SIM_TICK) sim_event_free(event);
    }
    sim_streams_clear(s);
    inf_heap_deinit(&s->heap);
    free(s->nodes);
    free(s->cuts);
    free(s);
}

void sim_passed(sim *s) {
    s->passed = true;
}

void *sim_ctx(const sim *s) {
    return s->options.ctx;
}

const sim_options *sim_options_of(const sim *s) {
    return &s->options;
}

inf_rng *sim_rng(sim *s) {
    return &s->rng;
}

sim_counters sim_counters_of(const sim *s) {
    return s->counters;
}

void sim_note(sim *s, const char *format, ...) {
    char *line = s->lines[s->noted++ % SIM_LINES];
    int at = snprintf(line, SIM_LINE, "%9.3f s  ", (double)s->now_us / 1e6);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line + at, SIM_LINE - (size_t)at, format, args);
    va_end(args);
    if (s->trace_now) printf("# %s\n", line);
}

/* ---- nodes --------------------------------------------------------------- */

size_t sim_count(const sim *s) {
    return s->options.nodes;
}

inf_addr sim_addr(const sim *s, size_t node) {
    return (inf_addr){
        .len = 4,
        .ip = {10, (uint8_t)(node >> 16), (uint8_t)(node >> 8), (uint8_t)node},
        .port = s->nodes[node].port};
}

sim_machine *sim_machine_at(sim *s, const inf_addr *addr) {
    if (addr->len != 4 || addr->ip[0] != 10) return NULL;
    size_t node = (size_t)addr->ip[1] << 16 | (size_t)addr->ip[2] << 8 |
                  (size_t)addr->ip[3];
    return node < s->options.nodes ? &s->nodes[node] : NULL;
}

inf_slice sim_name(size_t node) {
    static char names[8][16];
    static size_t turn;
    char *name = names[turn++ % 8];
    int len = snprintf(name, sizeof names[0], "n%zu", node);
    return inf_slice_of(name, (size_t)len);
}

size_t sim_node_of(inf_slice name) {
    size_t node = 0;
    if (name.len < 2 || name.data[0] != 'n') return SIZE_MAX;
    for (size_t i = 1; i < name.len; i++)
        node = node * 10 + (size_t)(name.data[i] - '0');
    return node;
}

uint64_t sim_node_ms(const sim *s, size_t node) {
    int64_t ms = (int64_t)(s->now_us / 1000) + s->nodes[node].clock_ms;
    return (uint64_t)ms;
}

void sim_start(sim *s, size_t node) {
    sim_machine *n = &s->nodes[node];
    INF_ASSERT(n->unit == NULL);
    n->life++;
    n->silent = false;
    n->frozen = false;
    n->deaf = false;
    sim_note(s, "n%zu starts, life %u", node, n->life);
    n->unit = s->options.kind->birth(s, node, sim_node_ms(s, node));
    INF_ASSERT(n->unit != NULL);
    sim_settle(s, node);
}

void sim_move(sim *s, size_t node) {
    INF_ASSERT(s->nodes[node].unit == NULL);
    s->nodes[node].port++;
}

static void end_process(sim *s, size_t node) {
    sim_machine *n = &s->nodes[node];
    if (n->unit == NULL) return;
    s->options.kind->death(n->unit);
    n->unit = NULL;
    inf_heap_remove(&s->heap, &n->tick.item);
    sim_inbox_clear(n);
}

void sim_kill(sim *s, size_t node) {
    sim_note(s, "n%zu is killed", node);
    end_process(s, node);
    sim_streams_break(s, node, true);
}

void sim_silence(sim *s, size_t node) {
    sim_note(s, "n%zu falls silent", node);
    s->nodes[node].silent = true;
    end_process(s, node);
    sim_streams_break(s, node, false);
}

void sim_freeze(sim *s, size_t node) {
    sim_note(s, "n%zu freezes", node);
    s->nodes[node].frozen = true;
    inf_heap_remove(&s->heap, &s->nodes[node].tick.item);
}

static void read_inbox(sim *s, sim_machine *n) {
    while (n->inbox != NULL && !n->frozen && !n->deaf) {
        sim_event *event = n->inbox;
        n->inbox = event->next;
        sim_deliver(s, event);
    }
    n->inbox_last = &n->inbox;
    n->inbox_count = 0;
    if (n->unit != NULL) sim_settle(s, n->index);
}

void sim_thaw(sim *s, size_t node) {
    sim_machine *n = &s->nodes[node];
    if (!n->frozen) return;
    sim_note(s, "n%zu thaws", node);
    n->frozen = false;
    if (n->unit == NULL) return;
    read_inbox(s, n);
}

void sim_deafen(sim *s, size_t node) {
    sim_note(s, "n%zu is deaf", node);
    s->nodes[node].deaf = true;
}

void sim_hear(sim *s, size_t node) {
    sim_machine *n = &s->nodes[node];
    if (!n->deaf) return;
    sim_note(s, "n%zu hears again", node);
    n->deaf = false;
    sim_release(s, n);
    if (n->unit != NULL) read_inbox(s, n);
}

void sim_jump(sim *s, size_t node, int64_t by_ms) {
    sim_note(s, "the clock of n%zu jumps by %lld ms", node, (long long)by_ms);
    s->nodes[node].clock_ms += by_ms;
    if (sim_awake(s, node)) sim_settle(s, node);
}

bool sim_runs(const sim *s, size_t node) {
    return s->nodes[node].unit != NULL;
}

bool sim_awake(const sim *s, size_t node) {
    return s->nodes[node].unit != NULL && !s->nodes[node].frozen;
}

void *sim_unit(const sim *s, size_t node) {
    return s->nodes[node].unit;
}

unsigned sim_life(const sim *s, size_t node) {
    return s->nodes[node].life;
}

/* ---- time ---------------------------------------------------------------- */

uint64_t sim_now_ms(const sim *s) {
    return s->now_us / 1000;
}

uint64_t sim_now_us(const sim *s) {
    return s->now_us;
}

/* Nothing further waits for this node before its next deadline. */
void sim_settle(sim *s, size_t node) {
    sim_machine *n = &s->nodes[node];
    if (n->unit == NULL || n->frozen) return;
    sim_take_effects(s, node);
    uint64_t due_ms = s->options.kind->deadline(n->unit);
    if (due_ms == INF_NEVER) {
        inf_heap_remove(&s->heap, &n->tick.item);
        return;
    }
    int64_t world_us = ((int64_t)due_ms - n->clock_ms) * 1000;
    uint64_t due_us =
        world_us > (int64_t)s->now_us ? (uint64_t)world_us : s->now_us;
    if (n->tick.item.position == 0 || n->tick.item.due_ms != due_us) {
        INF_ASSERT(inf_heap_set(&s->heap, &n->tick.item, due_us) == 0);
    }
}

static void step(sim *s) {
    inf_heap_item *item = inf_heap_first(&s->heap);
    inf_heap_remove(&s->heap, item);
    s->now_us = item->due_ms > s->now_us ? item->due_ms : s->now_us;
    s->counters.steps++;
    sim_event *event = (sim_event *)item;
    if (event->kind == SIM_TICK) {
        size_t node = event->node;
        s->options.kind->tick(s->nodes[node].unit, sim_node_ms(s, node));
        sim_settle(s, node);
        return;
    }
    sim_deliver(s, event);
}

static void run_to(sim *s, uint64_t end_us) {
    while (inf_heap_due_ms(&s->heap) <= end_us)
        step(s);
    s->now_us = end_us;
}

void sim_run_ms(sim *s, uint64_t ms) {
    run_to(s, s->now_us + ms * 1000);
}

bool sim_run_until(sim *s, bool (*holds)(sim *s), uint64_t limit_ms) {
    uint64_t end_us = s->now_us + limit_ms * 1000;
    while (!holds(s)) {
        if (s->now_us >= end_us) return false;
        run_to(s, s->now_us + 10000);
    }
    return true;
}
