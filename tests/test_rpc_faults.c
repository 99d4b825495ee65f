/* SPDX-License-Identifier: MIT */
/* Calls between three nodes over links that break, delay and reorder against
   each other, on simulated time, from one seed: SEED=n replays one run, RUNS=n
   does many. Whatever happens, a call ends once, and is carried out at most
   once in each life of its callee. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/list.h"
#include "core/rpc.h"

enum {
    NODES = 3,
    CALLS = 300,
    FAULTY_MS = 3000, /* then everything works */
    QUIET_MS = 60000,
    LIVES = 8,
    RUNS = 60
};

/* Bytes between two ends of a connection. */
typedef struct parcel {
    inf_list place;
    uint64_t due_ms;
    size_t len;
    uint8_t bytes[1024];
} parcel;

/* A connection; each end learns on its own that it broke. */
typedef struct wire {
    inf_list place;
    size_t from, to;
    inf_rpc_link out, in;
    bool out_open, in_open;
    inf_list forth, back;       /* parcels, in order */
    uint64_t forth_ms, back_ms; /* none is due before the one ahead of it */
    uint64_t lag_ms; /* so slow that what it carries may be history */
} wire;

/* What a callee does when its time has come. */
typedef struct job {
    inf_list place;
    size_t node;
    unsigned life;
    uint64_t token;
    uint64_t due_ms;
    uint32_t call;
} job;

typedef struct call {
    size_t from;
    unsigned from_life;
    unsigned ends;
    int status;
    uint8_t runs[NODES][LIVES];
} call;

typedef struct sim {
    inf_rng rng;
    uint64_t now_ms;
    inf_rpc *nodes[NODES];
    unsigned life[NODES];
    call calls[CALLS];
    uint32_t call_count;
    inf_list wires;
    inf_list jobs;
    unsigned breaks, repeats;
} sim;

static bool faulty(const sim *s) {
    return s->now_ms < FAULTY_MS;
}

static bool chance(sim *s, unsigned percent) {
    return faulty(s) && inf_rng_below(&s->rng, 100) < percent;
}

static inf_slice name_of(size_t node) {
    static const char *const names[NODES] = {"a", "b", "c"};
    return inf_slice_str(names[node]);
}

/* ---- wires ------------------------------------------------------------- */

static void post(sim *s, inf_list *queue, uint64_t *last_ms, uint64_t lag_ms,
                 inf_slice head, inf_slice body) {
    parcel *p = calloc(1, sizeof *p);
    assert_true(head.len + body.len <= sizeof p->bytes);
    memcpy(p->bytes, head.data, head.len);
    if (body.len != 0) memcpy(p->bytes + head.len, body.data, body.len);
    p->len = head.len + body.len;
    p->due_ms = s->now_ms + 1 + inf_rng_below(&s->rng, faulty(s) ? 30 : 3);
    p->due_ms += lag_ms;
    if (p->due_ms < *last_ms) p->due_ms = *last_ms;
    *last_ms = p->due_ms;
    inf_list_init(&p->place);
    inf_list_push(queue, &p->place);
}

static void drop_parcels(inf_list *queue) {
    while (!inf_list_empty(queue)) {
        parcel *p = INF_LIST_OWNER(queue->next, parcel, place);
        inf_list_remove(&p->place);
        free(p);
    }
}

static wire *dial(sim *s, size_t from, size_t to) {
    inf_buf hello;
    wire *w = calloc(1, sizeof *w);
    w->from = from;
    w->to = to;
    w->out_open = w->in_open = true;
    if (chance(s, 20)) w->lag_ms = inf_rng_below(&s->rng, 600);
    inf_list_init(&w->forth);
    inf_list_init(&w->back);
    inf_list_init(&w->place);
    inf_list_push(&s->wires, &w->place);
    inf_buf_init(&hello, inf_alloc_libc());
    assert_int_equal(
        inf_rpc_link_dialled(s->nodes[from], &w->out, name_of(to), &hello), 0);
    post(s, &w->forth, &w->forth_ms, w->lag_ms, inf_buf_view(&hello),
         (inf_slice){NULL, 0});
    inf_buf_deinit(&hello);
    return w;
}

static void close_out(sim *s, wire *w) {
    if (!w->out_open) return;
    w->out_open = false;
    drop_parcels(&w->back);
    inf_rpc_link_down(s->nodes[w->from], &w->out, true, INF_EUNREACHABLE,
                      s->now_ms);
}

static void close_in(sim *s, wire *w) {
    if (!w->in_open) return;
    w->in_open = false;
    drop_parcels(&w->forth);
    inf_rpc_link_down(s->nodes[w->to], &w->in, true, INF_EUNREACHABLE,
                      s->now_ms);
}

static void free_wire(wire *w) {
    drop_parcels(&w->forth);
    drop_parcels(&w->back);
    inf_list_remove(&w->place);
    free(w);
}

/* The wire that a link belongs to, as either end. */
static wire *wire_of(sim *s, const inf_rpc_link *link) {
    for (inf_list *i = s->wires.next; i != &s->wires; i = i->next) {
        wire *w = INF_LIST_OWNER(i, wire, place);
        if (&w->out == link || &w->in == link) return w;
    }
    fail_msg("a link of nobody");
    return NULL;
}

static void send_back(sim *s, const inf_rpc_send *send) {
    wire *w = wire_of(s, send->link);
    assert_true(w->in_open);
    if (!w->out_open) return; /* into the void: its end is not known yet */
    post(s, &w->back, &w->back_ms, 0, inf_slice_of(send->head, send->head_len),
         send->body);
}

/* ---- nodes ------------------------------------------------------------- */

static void boot(sim *s, size_t node) {
    inf_rpc_config config = {.node = name_of(node),
                             .boot = 1000 + s->life[node],
                             .seed = inf_rng_next(&s->rng)};
    assert_int_equal(inf_rpc_new(&s->nodes[node], &config), 0);
}

/* It dies with all it knows, and is there again at once. */
static void reboot(sim *s, size_t node) {
    if (s->life[node] + 1 == LIVES) return;
    for (inf_list *i = s->wires.next; i != &s->wires; i = i->next) {
        wire *w = INF_LIST_OWNER(i, wire, place);
        if (w->from == node) close_out(s, w);
        if (w->to == node) close_in(s, w);
    }
    inf_rpc_free(s->nodes[node]);
    s->life[node]++;
    boot(s, node);
}

static void run_request(sim *s, size_t node, const inf_rpc_news *news) {
    job *j = calloc(1, sizeof *j);
    assert_int_equal(news->body.len, sizeof j->call);
    memcpy(&j->call, news->body.data, sizeof j->call);
    j->node = node;
    j->life = s->life[node];
    j->token = news->token;
    j->due_ms = s->now_ms + inf_rng_below(&s->rng, faulty(s) ? 120 : 5);
    inf_list_init(&j->place);
    inf_list_push(&s->jobs, &j->place);
}

static void note_end(sim *s, const inf_rpc_news *news) {
    call *c = &s->calls[news->tag];
    c->ends++;
    c->status = news->result.status;
    assert_int_equal(c->ends, 1);
    if (c->status != 0) return;
    unsigned runs = 0;
    for (size_t i = 0; i < NODES; i++) {
        for (size_t life = 0; life < LIVES; life++)
            runs += c->runs[i][life];
    }
    assert_true(runs >= 1);
}

static void take_news(sim *s, size_t node, inf_rpc_news *news) {
    if (news->kind == INF_RPC_REQUEST) run_request(s, node, news);
    if (news->kind == INF_RPC_RESULT) note_end(s, news);
    if (news->kind == INF_RPC_AGAIN) {
        s->repeats++;
        send_back(s, &news->send);
    }
    if (news->kind == INF_RPC_REPLACED) {
        close_in(s, wire_of(s, news->send.link));
    }
    inf_rpc_news_deinit(news);
}

/* Carries out, or refuses, what is due. */
static void do_jobs(sim *s) {
    inf_list *i = s->jobs.next;
    while (i != &s->jobs) {
        job *j = INF_LIST_OWNER(i, job, place);
        inf_rpc_send send;
        i = i->next;
        if (j->due_ms > s->now_ms) continue;
        inf_list_remove(&j->place);
        if (j->life == s->life[j->node]) {
            int status = 0;
            if (chance(s, 10)) status = INF_ENOENT;
            if (chance(s, 5)) status = INF_EFULL;
            uint8_t *runs = &s->calls[j->call].runs[j->node][j->life];
            if (status == 0) ++*runs;
            assert_in_range(*runs, 0, 1);
            int rc = inf_rpc_answer(s->nodes[j->node], j->token, status,
                                    inf_slice_of(&j->call, sizeof j->call),
                                    s->now_ms, &send);
            assert_in_range(rc, 0, 1);
            if (rc == 1) send_back(s, &send);
        }
        free(j);
    }
}

/* Sends what is due, to where its name lives: the call's number says where. */
static void look_up(sim *s, size_t node) {
    inf_rpc *rpc = s->nodes[node];
    inf_rpc_call *due = NULL;
    while ((due = inf_rpc_due(rpc)) != NULL) {
        inf_rpc_send send;
        const inf_target *target = inf_rpc_call_target(due);
        size_t to = (size_t)(target->name.data[0] - 'a');
        if (chance(s, 10)) {
            inf_rpc_missing(rpc, due, INF_ENOENT, s->now_ms);
            continue;
        }
        if (!inf_rpc_found(rpc, due, name_of(to), s->now_ms, &send)) continue;
        if (chance(s, 5)) {
            inf_rpc_unsent(rpc, due, INF_EFULL, s->now_ms);
            continue;
        }
        wire *w = send.link != NULL ? wire_of(s, send.link) : dial(s, node, to);
        post(s, &w->forth, &w->forth_ms, w->lag_ms,
             inf_slice_of(send.head, send.head_len), send.body);
    }
}

static void send_acks(sim *s, size_t node) {
    inf_rpc_send send;
    while (inf_rpc_ack(s->nodes[node], &send)) {
        wire *w = wire_of(s, send.link);
        post(s, &w->forth, &w->forth_ms, w->lag_ms,
             inf_slice_of(send.head, send.head_len), send.body);
    }
}

static void deliver(sim *s, wire *w, inf_list *queue, bool forth) {
    while (!inf_list_empty(queue)) {
        parcel *p = INF_LIST_OWNER(queue->next, parcel, place);
        inf_rpc_news news;
        size_t node = forth ? w->to : w->from;
        if (p->due_ms > s->now_ms) return;
        inf_list_remove(&p->place);
        int rc =
            inf_rpc_input(s->nodes[node], forth ? &w->in : &w->out,
                          inf_slice_of(p->bytes, p->len), s->now_ms, &news);
        if (rc == 0) {
            take_news(s, node, &news);
        } else {
            close_in(s, w); /* a link of the past */
        }
        free(p);
    }
}

static void carry(sim *s) {
    inf_list *i = s->wires.next;
    while (i != &s->wires) {
        wire *w = INF_LIST_OWNER(i, wire, place);
        i = i->next;
        if (w->in_open) deliver(s, w, &w->forth, true);
        if (w->out_open) deliver(s, w, &w->back, false);
        /* Either end may notice first, and late: what is on its way to the
           other still arrives. */
        if (w->out_open && chance(s, 1)) {
            s->breaks++;
            close_out(s, w);
        }
        bool late = faulty(s) && inf_rng_below(&s->rng, 1000) < 2;
        if (w->in_open && (late || (!w->out_open && !faulty(s)))) {
            close_in(s, w);
        }
        if (w->out_open && !w->in_open && (chance(s, 20) || !faulty(s))) {
            close_out(s, w);
        }
        if (!w->out_open && !w->in_open) free_wire(w);
    }
}

static void begin_call(sim *s) {
    uint32_t number = s->call_count++;
    call *c = &s->calls[number];
    char name = (char)('a' + inf_rng_below(&s->rng, NODES));
    inf_retry_policy policy = {.attempts = 1000000,
                               .poll_interval_ms = 1,
                               .rpc_timeout_ms = 60,
                               .backoff_base_ms = 2,
                               .backoff_max_ms = 40};
    inf_target target = {.branch = inf_slice_str("m"),
                         .name = inf_slice_of(&name, 1)};
    c->from = (size_t)inf_rng_below(&s->rng, NODES);
    c->from_life = s->life[c->from];
    assert_int_equal(inf_rpc_call_new(s->nodes[c->from], &target,
                                      inf_slice_of(&number, sizeof number),
                                      &policy, number, s->now_ms),
                     0);
}

static void step(sim *s) {
    s->now_ms++;
    if (s->call_count < CALLS && inf_rng_below(&s->rng, 10) < 2) begin_call(s);
    if (inf_rng_below(&s->rng, 1000) < 2 && faulty(s)) {
        reboot(s, (size_t)inf_rng_below(&s->rng, NODES));
    }
    carry(s);
    do_jobs(s);
    for (size_t i = 0; i < NODES; i++) {
        inf_rpc_news news;
        inf_rpc_tick(s->nodes[i], s->now_ms);
        if (chance(s, 1)) {
            inf_rpc_node_gone(s->nodes[i], name_of((i + 1) % NODES), s->now_ms);
        }
        while (inf_rpc_take(s->nodes[i], &news))
            take_news(s, i, &news);
        send_acks(s, i);
        look_up(s, i);
    }
}

static bool all_ended(const sim *s) {
    if (s->call_count < CALLS) return false;
    for (size_t i = 0; i < CALLS; i++) {
        const call *c = &s->calls[i];
        if (c->ends == 0 && c->from_life == s->life[c->from]) return false;
    }
    return true;
}

static void take_down(sim *s) {
    while (!inf_list_empty(&s->wires)) {
        wire *w = INF_LIST_OWNER(s->wires.next, wire, place);
        close_out(s, w);
        close_in(s, w);
        free_wire(w);
    }
    while (!inf_list_empty(&s->jobs)) {
        job *j = INF_LIST_OWNER(s->jobs.next, job, place);
        inf_list_remove(&j->place);
        free(j);
    }
    for (size_t i = 0; i < NODES; i++)
        inf_rpc_free(s->nodes[i]);
    free(s);
}

static void run(uint64_t seed, unsigned *breaks, unsigned *repeats) {
    sim *s = calloc(1, sizeof *s);
    inf_rng_seed(&s->rng, seed);
    inf_list_init(&s->wires);
    inf_list_init(&s->jobs);
    for (size_t i = 0; i < NODES; i++)
        boot(s, i);
    while (!all_ended(s)) {
        if (s->now_ms > FAULTY_MS + QUIET_MS) {
            fail_msg("seed %llu: a call has not ended",
                     (unsigned long long)seed);
        }
        step(s);
    }
    for (size_t i = 0; i < CALLS; i++) {
        const call *c = &s->calls[i];
        if (c->ends == 1) assert_int_equal(c->status, 0);
    }
    *breaks += s->breaks;
    *repeats += s->repeats;
    take_down(s);
}

static void calls_end_once_and_run_at_most_once_a_life(void **state) {
    const char *seed = getenv("SEED"), *runs = getenv("RUNS");
    uint64_t first = seed != NULL ? strtoull(seed, NULL, 10) : 1;
    uint64_t count = runs != NULL ? strtoull(runs, NULL, 10) : RUNS;
    unsigned breaks = 0, repeats = 0;
    if (seed != NULL && runs == NULL) count = 1;
    for (uint64_t i = 0; i < count; i++) {
        *(uint64_t *)*state = first + i;
        run(first + i, &breaks, &repeats);
    }
    (void)fprintf(stderr, "%llu seeds, %u breaks, %u answers given again\n",
                  (unsigned long long)count, breaks, repeats);
    assert_true(breaks > count);
    assert_true(repeats > count / 10); /* or no fault ever bit */
}

/* Where to look when it failed. */
static int say_seed(void **state) {
    print_message("last seed: %llu\n", *(unsigned long long *)*state);
    free(*state);
    return 0;
}

static int keep_seed(void **state) {
    *state = calloc(1, sizeof(uint64_t));
    return *state != NULL ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            calls_end_once_and_run_at_most_once_a_life, keep_seed, say_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
