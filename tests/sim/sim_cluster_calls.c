/* SPDX-License-Identifier: MIT */
/* Calls in the world: the real rpc of each node, and a model of the worker that
   carries its frames. A link keeps the order of what is written on it and waits
   for a cut to heal, as TCP does, or breaks at any moment with whatever is on
   it; its two ends learn of that at different times. An FSM counts how often it
   has been asked for each call. */
#include <stdlib.h>

#include "core/rpc_parts.h"
#include "sim_cluster_parts.h"

#define STUCK_MS   8000  /* a link that carries nothing for so long breaks */
#define PATIENCE   20000 /* ms, of a call */
#define ANSWER_MAX 4000  /* ms, of a slow FSM */

typedef struct frame {
    struct frame *next;
    bool to_callee;
    uint64_t due_ms;
    size_t len;
    uint8_t bytes[];
} frame;

typedef struct conduit {
    struct conduit *next;
    size_t from;
    size_t to;
    inf_rpc_link out; /* the caller's end */
    inf_rpc_link in;  /* the callee's */
    bool out_up;
    bool in_up;
    uint64_t out_ends_ms; /* INF_NEVER, or when that end learns that it broke */
    uint64_t in_ends_ms;
    frame *first;
    frame *last;
} conduit;

/* What an FSM has still to answer. */
typedef struct errand {
    struct errand *next;
    size_t node;
    uint64_t token;
    uint64_t call;
    uint64_t due_ms;
    bool applied;
} errand;

typedef struct call {
    size_t name;
    size_t ghosts[4]; /* that carried it out */
    size_t count;
    bool ended;
} call;

struct calls {
    inf_rpc *rpc[CLUSTER_NODES_MAX];
    uint64_t now_ms[CLUSTER_NODES_MAX]; /* of its clock, which never falls */
    conduit *conduits;
    errand *errands;
    call *all;
    size_t count;
    size_t cap;
};

static uint64_t node_ms(cluster *c, size_t node) {
    uint64_t now_ms = cluster_ms(c, node);
    if (now_ms > c->calls->now_ms[node]) c->calls->now_ms[node] = now_ms;
    return c->calls->now_ms[node];
}

/* ---- links ------------------------------------------------------------- */

static void drop_frames(conduit *t) {
    for (frame *f = t->first; f != NULL;) {
        frame *next = f->next;
        free(f);
        f = next;
    }
    t->first = t->last = NULL;
}

static void write_on(cluster *c, conduit *t, bool to_callee, inf_slice head,
                     inf_slice body) {
    frame *f = malloc(sizeof *f + head.len + body.len);
    INF_ASSERT(f != NULL);
    *f = (frame){.to_callee = to_callee,
                 .due_ms = sim_now_ms(c->world) + inf_rng_below(&c->rng, 20),
                 .len = head.len + body.len};
    memcpy(f->bytes, head.data, head.len);
    if (body.len != 0) memcpy(f->bytes + head.len, body.data, body.len);
    if (t->last != NULL) {
        t->last->next = f;
    } else {
        t->first = f;
    }
    t->last = f;
}

static void breaks(cluster *c, conduit *t) {
    uint64_t now_ms = sim_now_ms(c->world);
    uint64_t out_ms = now_ms + inf_rng_below(&c->rng, 500);
    uint64_t in_ms = now_ms + inf_rng_below(&c->rng, 500);
    if (out_ms < t->out_ends_ms) t->out_ends_ms = out_ms;
    if (in_ms < t->in_ends_ms) t->in_ends_ms = in_ms;
    if (inf_rng_below(&c->rng, 2) == 0) drop_frames(t);
}

static void end_out(cluster *c, conduit *t) {
    if (!t->out_up) return;
    t->out_up = false;
    inf_rpc_link_down(c->calls->rpc[t->from], &t->out, true, INF_EUNREACHABLE,
                      node_ms(c, t->from));
}

static void end_in(cluster *c, conduit *t) {
    if (!t->in_up) return;
    t->in_up = false;
    inf_rpc_link_down(c->calls->rpc[t->to], &t->in, true, INF_EUNREACHABLE,
                      node_ms(c, t->to));
}

static conduit *conduit_of(const cluster *c, const inf_rpc_link *link) {
    conduit *t = c->calls->conduits;
    while (t != NULL && &t->out != link && &t->in != link)
        t = t->next;
    return t;
}

static void close_link(cluster *c, const inf_rpc_link *link) {
    conduit *t = conduit_of(c, link);
    if (t == NULL) return;
    breaks(c, t);
    if (link == &t->out) {
        end_out(c, t);
    } else {
        end_in(c, t);
    }
}

static conduit *dial(cluster *c, size_t from, size_t to) {
    conduit *t = calloc(1, sizeof *t);
    INF_ASSERT(t != NULL);
    *t = (conduit){.next = c->calls->conduits,
                   .from = from,
                   .to = to,
                   .out_up = true,
                   .in_up = true,
                   .out_ends_ms = INF_NEVER,
                   .in_ends_ms = INF_NEVER};
    c->calls->conduits = t;
    inf_buf hello;
    inf_buf_init(&hello, inf_alloc_libc());
    INF_ASSERT(inf_rpc_link_dialled(c->calls->rpc[from], &t->out, sim_name(to),
                                    &hello) == 0);
    write_on(c, t, true, inf_buf_view(&hello), (inf_slice){NULL, 0});
    inf_buf_deinit(&hello);
    return t;
}

static void send_on(cluster *c, const inf_rpc_send *send) {
    conduit *t = conduit_of(c, send->link);
    if (t == NULL) return;
    write_on(c, t, send->link == &t->out,
             inf_slice_of(send->head, send->head_len), send->body);
}

/* ---- the caller -------------------------------------------------------- */

/* What the worker does, on the view of the node. */
static int locate(const inf_node *node, const inf_target *target,
                  inf_row *row) {
    inf_member_view member;
    if (inf_node_whereis(node, target->branch, target->name, row) != 0) {
        return inf_node_lost(node, target->branch, target->name, row) == 0
                   ? INF_EUNREACHABLE
                   : INF_ENOENT;
    }
    bool there = inf_node_member_find(node, row->node, &member) &&
                 member.state != INF_MEMBER_DEAD &&
                 member.state != INF_MEMBER_LEFT;
    return there ? 0 : INF_ENOENT;
}

static void look_up(cluster *c, size_t node, inf_rpc_call *due) {
    inf_rpc *rpc = c->calls->rpc[node];
    uint64_t now_ms = node_ms(c, node);
    inf_row row;
    inf_rpc_send send;
    int rc = locate(cluster_node(c, node), inf_rpc_call_target(due), &row);
    if (rc == INF_EUNREACHABLE) {
        inf_rpc_lost(rpc, due, row.node, now_ms);
    } else if (rc != 0) {
        inf_rpc_missing(rpc, due, rc, now_ms);
    } else if (inf_rpc_found(rpc, due, row.node, now_ms, &send)) {
        if (send.link == NULL) {
            send.link = &dial(c, node, sim_node_of(row.node))->out;
        }
        send_on(c, &send);
    }
}

static void ended(cluster *c, inf_rpc_news *news) {
    call *done = &c->calls->all[news->tag];
    if (done->ended)
        cluster_fail(c, "I7: call %llu ended twice",
                     (unsigned long long)news->tag);
    done->ended = true;
    c->report.answered += news->result.status == 0;
    bool certain = news->result.status != 0 && !news->result.uncertain;
    if (certain && done->count != 0) {
        cluster_fail(c, "I7: call %llu ended as if it had not been carried out",
                     (unsigned long long)news->tag);
    }
    if (news->result.status == 0 && done->count == 0) {
        cluster_fail(c, "I7: call %llu was answered and never carried out",
                     (unsigned long long)news->tag);
    }
}

/* ---- the callee -------------------------------------------------------- */

static void answer(cluster *c, size_t node, uint64_t token, int status) {
    inf_rpc_send send;
    if (inf_rpc_answer(c->calls->rpc[node], token, status,
                       inf_slice_str("done"), node_ms(c, node), &send) == 1) {
        send_on(c, &send);
    }
}

/* The FSM that runs here carries the call out; false when there is none. */
static bool apply(cluster *c, size_t node, uint64_t number) {
    call *asked = &c->calls->all[number];
    size_t which = model_ghost(c, node, asked->name);
    if (which == SIZE_MAX) return false;
    for (size_t i = 0; i < asked->count; i++) {
        if (asked->ghosts[i] != which) continue;
        cluster_fail(c, "I7: call %llu was carried out twice by one FSM",
                     (unsigned long long)number);
    }
    INF_ASSERT(asked->count < INF_COUNT(asked->ghosts));
    asked->ghosts[asked->count++] = which;
    return true;
}

static void requested(cluster *c, size_t node, const inf_rpc_news *news) {
    uint64_t number;
    INF_ASSERT(news->body.len == sizeof number);
    memcpy(&number, news->body.data, sizeof number);
    if (inf_rng_below(&c->rng, 4) != 0) {
        answer(c, node, news->token, apply(c, node, number) ? 0 : INF_ENOENT);
        return;
    }
    errand *slow = malloc(sizeof *slow);
    INF_ASSERT(slow != NULL);
    bool first = inf_rng_below(&c->rng, 2) == 0;
    *slow = (errand){.next = c->calls->errands,
                     .node = node,
                     .token = news->token,
                     .call = number,
                     .due_ms = sim_now_ms(c->world) +
                               inf_rng_below(&c->rng, ANSWER_MAX),
                     .applied = first && apply(c, node, number)};
    c->calls->errands = slow;
}

static void hear(cluster *c, size_t node, inf_rpc_news *news) {
    switch (news->kind) {
    case INF_RPC_NOTHING:
        break;
    case INF_RPC_REQUEST:
        requested(c, node, news);
        break;
    case INF_RPC_RESULT:
        ended(c, news);
        break;
    case INF_RPC_AGAIN:
        send_on(c, &news->send);
        break;
    case INF_RPC_REPLACED:
        close_link(c, news->send.link);
        break;
    case INF_RPC_GOODBYE:
        break;
    }
    inf_rpc_news_deinit(news);
}

/* ---- time -------------------------------------------------------------- */

static void deliver(cluster *c, conduit *t, frame *f) {
    size_t node = f->to_callee ? t->to : t->from;
    inf_rpc_link *link = f->to_callee ? &t->in : &t->out;
    inf_rpc_news news;
    int rc =
        inf_rpc_input(c->calls->rpc[node], link, inf_slice_of(f->bytes, f->len),
                      node_ms(c, node), &news);
    if (rc != 0) {
        close_link(c, link);
    } else {
        bool goodbye = news.kind == INF_RPC_GOODBYE;
        hear(c, node, &news);
        if (goodbye) close_link(c, link);
    }
}

/* The first frame of a direction, if it can arrive now. */
static frame *take_frame(cluster *c, conduit *t, bool to_callee) {
    uint64_t now_ms = sim_now_ms(c->world);
    size_t from = to_callee ? t->from : t->to;
    size_t to = to_callee ? t->to : t->from;
    frame *before = NULL;
    frame *f = t->first;
    while (f != NULL && f->to_callee != to_callee) {
        before = f;
        f = f->next;
    }
    if (f == NULL || f->due_ms > now_ms) return NULL;
    if (now_ms > f->due_ms + STUCK_MS) {
        breaks(c, t);
        return NULL;
    }
    bool up = to_callee ? t->in_up : t->out_up;
    bool back = model_reaches(c->world, to, from); /* for acknowledgements */
    if (!up || !back || !model_reaches(c->world, from, to) ||
        !sim_awake(c->world, to)) {
        return NULL;
    }
    if (before != NULL) before->next = f->next;
    if (before == NULL) t->first = f->next;
    if (t->last == f) t->last = before;
    return f;
}

static void carry(cluster *c, conduit *t) {
    uint64_t now_ms = sim_now_ms(c->world);
    for (int way = 0; way < 2; way++) {
        frame *f = NULL;
        while ((f = take_frame(c, t, way == 0)) != NULL) {
            deliver(c, t, f);
            free(f);
        }
    }
    if (now_ms >= t->out_ends_ms) end_out(c, t);
    if (now_ms >= t->in_ends_ms) end_in(c, t);
}

static void forget_dead_links(cluster *c) {
    conduit **at = &c->calls->conduits;
    while (*at != NULL) {
        conduit *t = *at;
        if (t->out_up || t->in_up) {
            at = &t->next;
            continue;
        }
        *at = t->next;
        drop_frames(t);
        free(t);
    }
}

static void answer_due(cluster *c) {
    errand **at = &c->calls->errands;
    while (*at != NULL) {
        errand *slow = *at;
        if (slow->due_ms > sim_now_ms(c->world) ||
            !sim_awake(c->world, slow->node)) {
            at = &slow->next;
            continue;
        }
        *at = slow->next;
        bool done = slow->applied || apply(c, slow->node, slow->call);
        answer(c, slow->node, slow->token, done ? 0 : INF_ENOENT);
        free(slow);
    }
}

void calls_step(cluster *c) {
    for (conduit *t = c->calls->conduits; t != NULL; t = t->next)
        carry(c, t);
    forget_dead_links(c);
    answer_due(c);
    for (size_t node = 0; node < c->nodes; node++) {
        inf_rpc *rpc = c->calls->rpc[node];
        if (rpc == NULL || !sim_awake(c->world, node)) continue;
        uint64_t now_ms = node_ms(c, node);
        if (inf_rpc_deadline(rpc) <= now_ms) inf_rpc_tick(rpc, now_ms);
        inf_rpc_send ack;
        while (inf_rpc_ack(rpc, &ack))
            send_on(c, &ack);
        inf_rpc_call *due = NULL;
        while ((due = inf_rpc_due(rpc)) != NULL)
            look_up(c, node, due);
        inf_rpc_news news;
        while (inf_rpc_take(rpc, &news))
            hear(c, node, &news);
    }
}

/* ---- nodes ------------------------------------------------------------- */

void calls_born(cluster *c, size_t node) {
    inf_rpc_config config = {.node = sim_name(node),
                             .boot = sim_life(c->world, node),
                             .seed = inf_rng_next(&c->rng)};
    INF_ASSERT(inf_rpc_new(&c->calls->rpc[node], &config) == 0);
}

void calls_crashed(cluster *c, size_t node) {
    for (conduit *t = c->calls->conduits; t != NULL; t = t->next) {
        if (t->from != node && t->to != node) continue;
        if (t->from == node) end_out(c, t);
        if (t->to == node) end_in(c, t);
        breaks(c, t);
    }
    errand **at = &c->calls->errands;
    while (*at != NULL) {
        errand *slow = *at;
        if (slow->node != node) {
            at = &slow->next;
            continue;
        }
        *at = slow->next;
        free(slow);
    }
    inf_rpc_free(c->calls->rpc[node]);
    c->calls->rpc[node] = NULL;
}

void calls_noticed(cluster *c, size_t node, const inf_effect *effect) {
    inf_rpc *rpc = c->calls->rpc[node];
    if (rpc == NULL) return;
    if (effect->kind == INF_EFFECT_ROWS && effect->change == INF_CHANGE_JOIN) {
        for (size_t i = 0; i < effect->row_count; i++) {
            inf_rpc_name_arrived(rpc, effect->branch, effect->rows[i].name);
        }
        if (effect->count > effect->row_count) inf_rpc_names_arrived(rpc);
    }
    bool gone =
        effect->change == INF_CHANGE_FAIL || effect->change == INF_CHANGE_LEAVE;
    if (effect->kind == INF_EFFECT_MEMBER && gone) {
        const inf_rpc_link *to = inf_rpc_link_to(rpc, effect->name);
        const inf_rpc_link *from = inf_rpc_link_from(rpc, effect->name);
        bool dead = effect->change == INF_CHANGE_FAIL;
        inf_rpc_node_gone(rpc, effect->name, node_ms(c, node));
        if (to != NULL) close_link(c, to);
        if (from != NULL && dead) close_link(c, from);
    }
}

void calls_break_one(cluster *c) {
    size_t count = 0;
    for (conduit *t = c->calls->conduits; t != NULL; t = t->next)
        count++;
    if (count == 0) return;
    conduit *t = c->calls->conduits;
    for (uint64_t skip = inf_rng_below(&c->rng, count); skip != 0; skip--)
        t = t->next;
    sim_note(c->world, "the link n%zu -> n%zu breaks", t->from, t->to);
    breaks(c, t);
}

void calls_begin(cluster *c, size_t node, size_t name) {
    struct calls *k = c->calls;
    if (k->count == k->cap) {
        k->cap = k->cap == 0 ? 1024 : k->cap * 2;
        k->all = realloc(k->all, k->cap * sizeof *k->all);
        INF_ASSERT(k->all != NULL);
    }
    uint64_t number = k->count++;
    k->all[number] = (call){.name = name};
    inf_retry_policy policy = inf_retry_policy_default();
    policy.poll_interval_ms = 10;
    policy.rpc_timeout_ms = 200 + (uint32_t)inf_rng_below(&c->rng, 3000);
    bool patient = c->options.seed % 4 == 1;
    policy.timeout_ms = patient ? 5 * PATIENCE : PATIENCE;
    inf_target target = {.branch = CLUSTER_BRANCH, .name = cluster_name(name)};
    c->report.calls++;
    INF_ASSERT(inf_rpc_call_new(k->rpc[node], &target,
                                inf_slice_of(&number, sizeof number), &policy,
                                number, node_ms(c, node)) == 0);
}

/* ---- the end ----------------------------------------------------------- */

void calls_check_memory(cluster *c) {
    for (size_t node = 0; node < c->nodes; node++) {
        const inf_rpc *rpc = c->calls->rpc[node];
        if (rpc == NULL) continue;
        if (inf_rpc_call_count(rpc) != 0 || rpc->request_count != 0) {
            cluster_fail(c, "I7: n%zu has calls that do not end", node);
        }
        size_t at = 0;
        const inf_rpc_peer *peer = NULL;
        while ((peer = inf_map_next(&rpc->peers, &at)) != NULL) {
            if (peer->requests.count == 0) continue;
            cluster_fail(c, "E4: n%zu keeps %zu answers for nobody", node,
                         peer->requests.count);
        }
    }
}

void calls_new(cluster *c) {
    c->calls = calloc(1, sizeof *c->calls);
    INF_ASSERT(c->calls != NULL);
}

void calls_free(cluster *c) {
    for (size_t node = 0; node < c->nodes; node++) {
        if (c->calls->rpc[node] != NULL) calls_crashed(c, node);
    }
    forget_dead_links(c);
    free(c->calls->all);
    free(c->calls);
}
