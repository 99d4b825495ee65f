/* SPDX-License-Identifier: MIT */
/* The model in Lua's place: a start goes to the name's home, which claims it or
   says who has it; the answer is a hint to whoever asked. */
#include <stdio.h>
#include <stdlib.h>

#include "sim_cluster_parts.h"
#include "sim_world.h"

#define RPC_JITTER_MS 20

/* ---- words ------------------------------------------------------------- */

bool model_reaches(const sim *s, size_t from, size_t to) {
    if (s->nodes[from].side != s->nodes[to].side) return false;
    if (s->nodes[from].silent || s->nodes[to].silent) return false;
    for (size_t i = 0; i < s->cut_count; i++) {
        if (s->cuts[i].from == from && s->cuts[i].to == to) return false;
    }
    return true;
}

static void say_at(cluster *c, const word *w, uint64_t due_ms) {
    if (c->word_count == c->word_cap) {
        c->word_cap = c->word_cap == 0 ? 64 : c->word_cap * 2;
        c->words = realloc(c->words, c->word_cap * sizeof *c->words);
        INF_ASSERT(c->words != NULL);
    }
    c->words[c->word_count] = *w;
    c->words[c->word_count++].due_ms = due_ms;
}

static void say(cluster *c, const word *w) {
    if (!model_reaches(c->world, w->from, w->to)) return;
    uint64_t delay = 1 + inf_rng_below(&c->rng, RPC_JITTER_MS);
    if (c->options.profile == CLUSTER_FAULTS &&
        inf_rng_below(&c->rng, 50) == 0) {
        delay += inf_rng_below(&c->rng, 8000); /* very late */
    }
    say_at(c, w, sim_now_ms(c->world) + delay);
}

/* ---- FSMs -------------------------------------------------------------- */

size_t model_ghost(const cluster *c, size_t node, size_t name) {
    for (size_t i = c->ghost_count; i-- != 0;) {
        const ghost *g = &c->ghosts[i];
        if (g->lives && g->node == node && g->name == name) return i;
    }
    return SIZE_MAX;
}

static ghost *ghost_of(cluster *c, size_t node, size_t name) {
    size_t at = model_ghost(c, node, name);
    return at != SIZE_MAX ? &c->ghosts[at] : NULL;
}

size_t model_running(const cluster *c, size_t name) {
    size_t count = 0;
    for (size_t i = 0; i < c->ghost_count; i++) {
        count += c->ghosts[i].lives && c->ghosts[i].name == name;
    }
    return count;
}

void model_crashed(cluster *c, size_t node) {
    for (size_t i = 0; i < c->ghost_count; i++) {
        ghost *g = &c->ghosts[i];
        if (!g->lives || g->node != node) continue;
        g->lives = false;
        g->ended_ms = sim_now_ms(c->world);
        g->crashed = true;
    }
}

static void begins(cluster *c, size_t node, size_t name, uint64_t ref) {
    if (ref <= c->last_ref[node]) {
        cluster_fail(c, "I6: n%zu gave a stamp that does not rise", node);
    }
    c->last_ref[node] = ref;
    size_t running = model_running(c, name);
    c->report.starts++;
    c->report.doubles += running != 0;
    if (running != 0) sim_note(c->world, "name %zu runs twice", name);
    if (c->ghost_count == c->ghost_cap) {
        c->ghost_cap = c->ghost_cap == 0 ? 256 : c->ghost_cap * 2;
        c->ghosts = realloc(c->ghosts, c->ghost_cap * sizeof *c->ghosts);
        INF_ASSERT(c->ghosts != NULL);
    }
    c->ghosts[c->ghost_count++] = (ghost){.name = name,
                                          .node = node,
                                          .life = sim_life(c->world, node),
                                          .ref = ref,
                                          .lives = true};
}

static void ends(cluster *c, ghost *g) {
    inf_node *node = cluster_node(c, g->node);
    g->lives = false;
    g->ended_ms = sim_now_ms(c->world);
    int rc = inf_node_release(node, CLUSTER_BRANCH, cluster_name(g->name),
                              g->ref, cluster_ms(c, g->node));
    if (rc != 0) cluster_fail(c, "I3: a row went without its FSM");
    check_record(c, g->node);
    sim_settle(c->world, g->node);
}

/* ---- starting ---------------------------------------------------------- */

static void tell_started(cluster *c, const word *start, const inf_row *row) {
    word answer = {.kind = WORD_STARTED,
                   .from = start->to,
                   .to = start->origin,
                   .name = start->name,
                   .ref = row->ref,
                   .boot = row->boot};
    (void)snprintf(answer.owner, sizeof answer.owner, "%.*s",
                   (int)row->node.len, (const char *)row->node.data);
    say(c, &answer);
}

static void start_here(cluster *c, const word *start) {
    size_t node = start->to;
    inf_node *unit = cluster_node(c, node);
    inf_row row;
    int rc = inf_node_claim(unit, CLUSTER_BRANCH, cluster_name(start->name),
                            inf_slice_str("order"), cluster_ms(c, node), &row);
    if (rc == 0) {
        begins(c, node, start->name, row.ref);
        sim_note(c->world, "n%zu starts name %zu", node, start->name);
        check_record(c, node);
    }
    if (rc == 0 || rc == INF_EEXISTS) tell_started(c, start, &row);
    sim_settle(c->world, node);
}

static void start_in(cluster *c, const word *start) {
    inf_node *unit = cluster_node(c, start->to);
    inf_slice home;
    int rc =
        inf_node_start_gate(unit, CLUSTER_BRANCH, cluster_name(start->name),
                            cluster_ms(c, start->to), &home);
    if (rc == 0) {
        start_here(c, start);
    } else if (rc == 1 && start->hops > 0) {
        word on = *start;
        on.from = start->to;
        on.to = sim_node_of(home);
        on.hops--;
        say(c, &on);
    } else {
        c->report.refused++;
    }
}

static void stop_in(cluster *c, const word *w) {
    ghost *g = ghost_of(c, w->to, w->name);
    if (g == NULL) return;
    g->dropped = true;
    sim_note(c->world, "n%zu stops name %zu", w->to, w->name);
    c->report.stops++;
    ends(c, g);
}

static void started_in(cluster *c, const word *w) {
    inf_row row = {.name = cluster_name(w->name),
                   .implementation = inf_slice_str("order"),
                   .node = inf_slice_str(w->owner),
                   .ref = w->ref,
                   .boot = w->boot};
    (void)inf_node_hint(cluster_node(c, w->to), CLUSTER_BRANCH, &row,
                        cluster_ms(c, w->to));
    sim_settle(c->world, w->to);
}

static inf_row row_of(const claim *k) {
    return (inf_row){.node = sim_name(k->node), .boot = k->boot, .ref = k->ref};
}

/* The user's function: any will do that looks at the two rows alone. */
static bool older_stays(const claim *last, const claim *older) {
    return inf_hash_mix(older->ref + older->node) <
           inf_hash_mix(last->ref + last->node);
}

/* I8: who is told to go was told by a winner that lived a moment ago; a clock
   that stood still takes the moment for shorter than it was. */
static void check_winner(cluster *c, const word *w) {
    const uint64_t moment_ms = 1000 + 5000;
    for (size_t i = 0; i < c->ghost_count; i++) {
        const ghost *g = &c->ghosts[i];
        if (g->node != w->last.node || g->ref != w->last.ref) continue;
        uint64_t now_ms = sim_now_ms(c->world);
        if (g->lives || now_ms <= g->ended_ms + moment_ms) return;
    }
    cluster_fail(c, "I8: n%zu gives name %zu up for an FSM that is no more",
                 w->to, w->name);
}

static void lost_in(cluster *c, const word *w) {
    ghost *g = ghost_of(c, w->to, w->name);
    if (g == NULL || g->ref != w->older.ref) return;
    inf_node *unit = cluster_node(c, w->to);
    inf_row winner = row_of(&w->last);
    if (!inf_node_yields(unit, CLUSTER_BRANCH, cluster_name(w->name), g->ref,
                         &winner, cluster_ms(c, w->to))) {
        sim_settle(c->world, w->to);
        return;
    }
    bool newer = w->last.ref > w->older.ref;
    const claim *last = newer ? &w->last : &w->older;
    const claim *older = newer ? &w->older : &w->last;
    c->report.wrong += older_stays(last, older) == newer;
    g->yielded = true;
    g->winner_node = w->last.node;
    g->winner_ref = w->last.ref;
    c->report.yields++;
    ends(c, g);
}

static void judge_in(cluster *c, const word *w) {
    inf_row last = row_of(&w->last);
    inf_row older = row_of(&w->older);
    bool stays = older_stays(&w->last, &w->older);
    if (c->options.mad) stays = inf_rng_below(&c->rng, 2) == 0;
    (void)inf_node_verdict(
        cluster_node(c, w->to), CLUSTER_BRANCH, cluster_name(w->name), &last,
        &older, stays ? INF_KEEP_OLDER : INF_KEEP_LAST, cluster_ms(c, w->to));
    sim_settle(c->world, w->to);
}

static void hear(cluster *c, const word *w) {
    bool to_oneself = w->kind >= WORD_LOST;
    if (to_oneself && sim_life(c->world, w->to) != w->life) return;
    switch (w->kind) {
    case WORD_START:
        start_in(c, w);
        break;
    case WORD_STARTED:
        started_in(c, w);
        break;
    case WORD_STOP:
        stop_in(c, w);
        break;
    case WORD_JUDGE:
        judge_in(c, w);
        break;
    case WORD_LOST:
        lost_in(c, w);
        break;
    }
}

void model_words(cluster *c) {
    uint64_t now_ms = sim_now_ms(c->world);
    for (size_t i = 0; i < c->word_count;) {
        word w = c->words[i];
        if (w.due_ms > now_ms) {
            i++;
            continue;
        }
        if (sim_runs(c->world, w.to) && !sim_awake(c->world, w.to)) {
            c->words[i].due_ms = now_ms + 100; /* waits for the thaw */
            i++;
            continue;
        }
        c->words[i] = c->words[--c->word_count];
        if (sim_runs(c->world, w.to)) hear(c, &w);
    }
}

static claim claim_of(const inf_row *row) {
    return (claim){sim_node_of(row->node), row->boot, row->ref};
}

static size_t name_of(const inf_row *row) {
    return (size_t)atoi((const char *)row->name.data + 5);
}

/* The user's function is asked when the loop gets there. */
static void contest(cluster *c, size_t node, const inf_effect *effect) {
    sim *s = c->world;
    uint64_t delay_ms = inf_rng_below(&c->rng, 200);
    if (c->options.mad) {
        if (inf_rng_below(&c->rng, 3) == 0) return; /* it never answers */
        delay_ms = inf_rng_below(&c->rng, 20000);
    }
    sim_note(s, "n%zu: who keeps name %zu?", node, name_of(&effect->rows[0]));
    word w = {.kind = WORD_JUDGE,
              .from = node,
              .to = node,
              .life = sim_life(s, node),
              .name = name_of(&effect->rows[0]),
              .last = claim_of(&effect->rows[0]),
              .older = claim_of(&effect->rows[1])};
    say_at(c, &w, sim_now_ms(s) + delay_ms);
}

void model_watch(sim *s, size_t node, const inf_effect *effect) {
    cluster *c = sim_ctx(s);
    calls_noticed(c, node, effect);
    if (effect->kind == INF_EFFECT_CONTEST) contest(c, node, effect);
    if (effect->kind != INF_EFFECT_LOST) return;
    const inf_row *row = &effect->rows[0];
    size_t name = name_of(row);
    sim_note(s, "n%zu loses name %zu to %.*s", node, name, (int)row->node.len,
             (const char *)row->node.data);
    word w = {.kind = WORD_LOST,
              .from = node,
              .to = node,
              .life = sim_life(s, node),
              .name = name,
              .last = claim_of(row),
              .older = {node, sim_life(s, node), effect->rows[1].ref}};
    check_winner(c, &w);
    say_at(c, &w, sim_now_ms(s) + inf_rng_below(&c->rng, 200));
}

/* ---- clients ----------------------------------------------------------- */

static void client_stops(cluster *c, size_t node, size_t name) {
    inf_row row;
    if (inf_node_whereis(cluster_node(c, node), CLUSTER_BRANCH,
                         cluster_name(name), &row) != 0) {
        return;
    }
    say(c, &(word){.kind = WORD_STOP,
                   .from = node,
                   .to = sim_node_of(row.node),
                   .name = name});
}

void model_start(cluster *c, size_t node, size_t name) {
    start_in(c, &(word){.kind = WORD_START,
                        .from = node,
                        .to = node,
                        .name = name,
                        .origin = node,
                        .hops = 2});
}

void model_caller(cluster *c) {
    size_t node = (size_t)inf_rng_below(&c->rng, c->nodes);
    size_t name = (size_t)inf_rng_below(&c->rng, c->options.names);
    if (sim_awake(c->world, node)) calls_begin(c, node, name);
}

void model_client(cluster *c) {
    size_t node = (size_t)inf_rng_below(&c->rng, c->nodes);
    size_t name = (size_t)inf_rng_below(&c->rng, c->options.names);
    uint64_t wish = inf_rng_below(&c->rng, 100);
    if (!sim_awake(c->world, node)) return;
    if (wish < 70) {
        model_start(c, node, name);
    } else {
        client_stops(c, node, name);
    }
}
