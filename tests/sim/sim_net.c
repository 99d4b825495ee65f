/* SPDX-License-Identifier: MIT */
/* The network: datagrams with a weather, and streams that deliver in order
   until they break. A process that is frozen still has a machine: its kernel
   accepts connections and keeps what comes. */
#include <stdio.h>
#include <stdlib.h>

#include "sim_world.h"

enum {
    STUCK_LOOK_US = 100000,  /* a cut stream tries again */
    STUCK_MAX_US = 15000000, /* then it breaks */
    NO_ANSWER_US = 3000000   /* a dial into nowhere, if no sooner timeout */
};

/* ---- weather ------------------------------------------------------------- */

void sim_weather(sim *s, sim_link link) {
    s->link = link;
}

void sim_side(sim *s, size_t node, unsigned side) {
    s->nodes[node].side = side;
}

void sim_split(sim *s, size_t first) {
    sim_note(s, "split before n%zu", first);
    for (size_t i = 0; i < s->options.nodes; i++)
        s->nodes[i].side = i < first ? 1 : 2;
}

void sim_cut(sim *s, size_t from, size_t to) {
    sim_note(s, "n%zu is cut off from n%zu", to, from);
    s->cuts = realloc(s->cuts, (s->cut_count + 1) * sizeof *s->cuts);
    INF_ASSERT(s->cuts != NULL);
    s->cuts[s->cut_count++] = (sim_cut_link){from, to};
}

void sim_heal(sim *s) {
    sim_note(s, "the network heals");
    s->cut_count = 0;
    for (size_t i = 0; i < s->options.nodes; i++)
        s->nodes[i].side = 0;
}

static bool passes(const sim *s, size_t from, size_t to) {
    if (s->nodes[from].side != s->nodes[to].side) return false;
    if (s->nodes[to].silent || s->nodes[from].silent) return false;
    for (size_t i = 0; i < s->cut_count; i++) {
        if (s->cuts[i].from == from && s->cuts[i].to == to) return false;
    }
    return true;
}

static uint64_t travel_us(sim *s) {
    return s->link.latency_us +
           inf_rng_below(&s->rng, (uint64_t)s->link.jitter_us + 1);
}

/* ---- events -------------------------------------------------------------- */

static sim_event *event_new(sim_event_kind kind, size_t node, inf_slice bytes) {
    sim_event *event = calloc(1, sizeof *event + bytes.len);
    INF_ASSERT(event != NULL);
    event->kind = kind;
    event->node = node;
    event->len = bytes.len;
    event->bytes = (uint8_t *)(event + 1);
    if (bytes.len != 0) memcpy(event->bytes, bytes.data, bytes.len);
    return event;
}

static const inf_slice nothing = {NULL, 0};

void sim_event_free(sim_event *event) {
    free(event);
}

static void happen(sim *s, sim_event *event, uint64_t after_us) {
    INF_ASSERT(inf_heap_set(&s->heap, &event->item, s->now_us + after_us) == 0);
}

void sim_inbox_clear(sim_machine *n) {
    while (n->inbox != NULL) {
        sim_event *event = n->inbox;
        n->inbox = event->next;
        sim_event_free(event);
    }
    while (n->held != NULL) {
        sim_event *event = n->held;
        n->held = event->next;
        sim_event_free(event);
    }
    n->inbox_last = &n->inbox;
    n->held_last = &n->held;
    n->inbox_count = 0;
}

static void put_aside(sim_machine *n, sim_event *event) {
    if (event->kind == SIM_PACKET && n->inbox_count >= SIM_INBOX) {
        sim_event_free(event);
        return;
    }
    event->next = NULL;
    *n->inbox_last = event;
    n->inbox_last = &event->next;
    n->inbox_count++;
}

/* ---- datagrams ----------------------------------------------------------- */

static void hold(sim_machine *n, sim_event *event) {
    event->next = NULL;
    *n->held_last = event;
    n->held_last = &event->next;
}

static void send_packet(sim *s, size_t from, const inf_effect *effect) {
    sim_machine *to = sim_machine_at(s, &effect->addr);
    s->counters.packets++;
    s->counters.bytes += effect->bytes.len;
    unsigned copies = inf_rng_unit(&s->rng) < s->link.twice ? 2 : 1;
    for (unsigned i = 0; i < copies; i++) {
        bool lost = inf_rng_unit(&s->rng) < s->link.loss;
        if (to == NULL || lost || !passes(s, from, to->index)) {
            s->counters.lost++;
            continue;
        }
        if (effect->addr.port != to->port) continue;
        sim_event *event = event_new(SIM_PACKET, to->index, effect->bytes);
        event->from = sim_addr(s, from);
        if (s->nodes[from].deaf) {
            hold(&s->nodes[from], event);
        } else {
            happen(s, event, travel_us(s));
        }
    }
}

void sim_release(sim *s, sim_machine *n) {
    while (n->held != NULL) {
        sim_event *event = n->held;
        n->held = event->next;
        happen(s, event, travel_us(s));
    }
    n->held_last = &n->held;
}

/* ---- streams ------------------------------------------------------------- */

static sim_pipe *pipe_find(const sim *s, uint64_t id) {
    return inf_map_get(&s->streams, inf_slice_of(&id, sizeof id));
}

static sim_pipe *pipe_of(const sim *s, size_t node, uint64_t stream) {
    sim_end_key key = {node, stream};
    return inf_map_get(&s->ends, inf_slice_of(&key, sizeof key));
}

static void list_end(sim *s, sim_pipe *pipe, unsigned side) {
    inf_slice key = inf_slice_of(&pipe->ends[side].key, sizeof(sim_end_key));
    INF_ASSERT(inf_map_set(&s->ends, key, pipe) == 0);
}

static void unlist_end(sim *s, sim_end *end) {
    if (end->key.stream == 0) return;
    (void)inf_map_remove(&s->ends, inf_slice_of(&end->key, sizeof end->key));
    end->key.stream = 0;
}

static void pipe_free(sim *s, sim_pipe *pipe) {
    for (size_t i = 0; i < 2; i++) {
        unlist_end(s, &pipe->ends[i]);
        inf_buf_deinit(&pipe->ends[i].coming);
    }
    (void)inf_map_remove(&s->streams, inf_slice_of(&pipe->id, sizeof pipe->id));
    free(pipe);
}

void sim_streams_clear(sim *s) {
    size_t at = 0;
    for (sim_pipe *pipe; (pipe = inf_map_next(&s->streams, &at)) != NULL;) {
        inf_buf_deinit(&pipe->ends[0].coming);
        inf_buf_deinit(&pipe->ends[1].coming);
        free(pipe);
    }
    inf_map_deinit(&s->streams);
    inf_map_deinit(&s->ends);
}

static void dial(sim *s, size_t from, const inf_effect *effect) {
    sim_machine *to = sim_machine_at(s, &effect->addr);
    sim_pipe *pipe = calloc(1, sizeof *pipe);
    INF_ASSERT(pipe != NULL);
    pipe->id = ++s->last_pipe;
    pipe->ends[0].key = (sim_end_key){from, effect->stream};
    pipe->ends[0].life = s->nodes[from].life;
    pipe->ends[1].key = (sim_end_key){to != NULL ? to->index : from, 0};
    inf_buf_init(&pipe->ends[0].coming, inf_alloc_libc());
    inf_buf_init(&pipe->ends[1].coming, inf_alloc_libc());
    INF_ASSERT(inf_map_set(&s->streams,
                           inf_slice_of(&pipe->id, sizeof pipe->id),
                           pipe) == 0);
    list_end(s, pipe, 0);
    s->counters.streams++;
    bool reaches =
        to != NULL && passes(s, from, to->index) && !s->nodes[from].deaf;
    sim_event *event = event_new(reaches ? SIM_OPEN : SIM_BROKEN,
                                 reaches ? to->index : from, nothing);
    event->pipe = pipe->id;
    event->from = effect->addr; /* whom it is for */
    event->status = INF_ETIMEDOUT;
    uint64_t wait_us = (uint64_t)effect->timeout_ms * 1000;
    if (wait_us == 0 || wait_us > NO_ANSWER_US) wait_us = NO_ANSWER_US;
    happen(s, event, reaches ? travel_us(s) : wait_us);
}

static void break_end(sim *s, sim_pipe *pipe, unsigned side, int status,
                      uint64_t after_us) {
    sim_event *event =
        event_new(SIM_BROKEN, (size_t)pipe->ends[side].key.node, nothing);
    event->pipe = pipe->id;
    event->side = side;
    event->status = status;
    happen(s, event, after_us);
}

static void pump_later(sim *s, sim_pipe *pipe, unsigned side,
                       uint64_t after_us) {
    if (pipe->ends[side].pumping) return;
    pipe->ends[side].pumping = true;
    sim_event *event =
        event_new(SIM_PUMP, (size_t)pipe->ends[side].key.node, nothing);
    event->pipe = pipe->id;
    event->side = side;
    happen(s, event, after_us);
}

static unsigned side_of(const sim_pipe *pipe, size_t node, uint64_t stream) {
    return pipe->ends[0].key.node == node && pipe->ends[0].key.stream == stream
               ? 0
               : 1;
}

static void write_stream(sim *s, size_t node, const inf_effect *effect) {
    sim_pipe *pipe = pipe_of(s, node, effect->stream);
    if (pipe == NULL) return;
    unsigned far = 1 - side_of(pipe, node, effect->stream);
    inf_buf_slice(&pipe->ends[far].coming, effect->bytes);
    s->counters.stream_bytes += effect->bytes.len;
    pump_later(s, pipe, far, travel_us(s));
    s->options.kind->drained(s->nodes[node].unit, effect->stream,
                             sim_node_ms(s, node));
}

static void close_stream(sim *s, size_t node, const inf_effect *effect) {
    sim_pipe *pipe = pipe_of(s, node, effect->stream);
    if (pipe == NULL) return;
    unsigned side = side_of(pipe, node, effect->stream);
    unlist_end(s, &pipe->ends[side]);
    pipe->ends[side].told = true;
    pipe->ends[1 - side].finished = true;
    if (pipe->ends[1 - side].told) {
        pipe_free(s, pipe);
    } else {
        pump_later(s, pipe, 1 - side, travel_us(s));
    }
}

void sim_streams_break(sim *s, size_t node, bool loudly) {
    size_t at = 0;
    for (sim_pipe *pipe; (pipe = inf_map_next(&s->streams, &at)) != NULL;) {
        for (unsigned side = 0; side < 2; side++) {
            sim_end *end = &pipe->ends[side];
            if (end->key.node != node || end->told) continue;
            end->told = true;
            if (loudly && !pipe->ends[1 - side].told) {
                break_end(s, pipe, 1 - side, INF_ESYSTEM, travel_us(s));
            }
        }
    }
}

/* ---- what arrives -------------------------------------------------------- */

static void packet_arrives(sim *s, sim_event *event) {
    void *unit = s->nodes[event->node].unit;
    s->options.kind->packet(unit, &event->from,
                            inf_slice_of(event->bytes, event->len),
                            sim_node_ms(s, event->node));
}

static void answer_dial(sim *s, sim_pipe *pipe, int status) {
    sim_event *event =
        event_new(SIM_OPENED, (size_t)pipe->ends[0].key.node, nothing);
    event->pipe = pipe->id;
    event->status = status;
    happen(s, event, travel_us(s));
}

/* The process takes the connection that its kernel has accepted. */
static void process_accepts(sim *s, sim_pipe *pipe, size_t node) {
    sim_end *end = &pipe->ends[1];
    inf_addr from = sim_addr(s, (size_t)pipe->ends[0].key.node);
    from.port = (uint16_t)(40000 + pipe->id % 20000);
    uint64_t stream = 0;
    int rc = s->options.kind->accepted(s->nodes[node].unit, &from,
                                       sim_node_ms(s, node), &stream);
    if (rc != 0) {
        break_end(s, pipe, 0, INF_ESYSTEM, travel_us(s));
        return;
    }
    end->key = (sim_end_key){node, stream};
    end->life = s->nodes[node].life;
    pipe->accepted = true;
    list_end(s, pipe, 1);
    if (end->coming.len != 0 || end->finished) pump_later(s, pipe, 1, 0);
}

static void dial_arrives(sim *s, sim_event *event, sim_pipe *pipe) {
    sim_machine *n = &s->nodes[event->node];
    if (event->status != 1) { /* not yet answered by the kernel */
        bool listens = n->unit != NULL && event->from.port == n->port;
        answer_dial(s, pipe, listens ? 0 : INF_EUNREACHABLE);
        if (!listens) return;
    }
    process_accepts(s, pipe, event->node);
}

static void dial_answered(sim *s, sim_event *event, sim_pipe *pipe) {
    sim_end *end = &pipe->ends[0];
    if (end->told) return;
    void *unit = s->nodes[event->node].unit;
    uint64_t stream = end->key.stream;
    if (event->status == 0) {
        s->options.kind->connected(unit, stream, sim_node_ms(s, event->node));
        return;
    }
    end->told = true;
    unlist_end(s, end);
    s->options.kind->closed(unit, stream, event->status,
                            sim_node_ms(s, event->node));
    pipe_free(s, pipe);
}

static void end_arrives(sim *s, sim_event *event, sim_pipe *pipe) {
    sim_end *end = &pipe->ends[event->side];
    uint64_t stream = end->key.stream;
    if (end->told || stream == 0) return;
    end->told = true;
    unlist_end(s, end);
    bool over = pipe->ends[1 - event->side].told;
    int status = event->status;
    size_t node = event->node;
    if (over) pipe_free(s, pipe);
    s->options.kind->closed(s->nodes[node].unit, stream, status,
                            sim_node_ms(s, node));
}

static bool stuck(sim *s, sim_event *event, sim_pipe *pipe) {
    size_t from = (size_t)pipe->ends[1 - event->side].key.node;
    if (passes(s, from, event->node)) {
        pipe->stuck_us = 0;
        return false;
    }
    if (pipe->stuck_us == 0) pipe->stuck_us = s->now_us;
    if (s->now_us - pipe->stuck_us > STUCK_MAX_US) {
        break_end(s, pipe, 0, INF_ETIMEDOUT, 0);
        break_end(s, pipe, 1, INF_ETIMEDOUT, 0);
    } else {
        pump_later(s, pipe, event->side, STUCK_LOOK_US);
    }
    return true;
}

static void bytes_arrive(sim *s, sim_event *event, sim_pipe *pipe) {
    sim_end *end = &pipe->ends[event->side];
    end->pumping = false;
    if (end->told || stuck(s, event, pipe)) return;
    if (end->key.stream == 0) return; /* accepted later; that pumps again */
    uint64_t id = pipe->id;
    if (end->coming.len != 0) {
        inf_buf taken = end->coming;
        inf_buf_init(&end->coming, inf_alloc_libc());
        s->options.kind->bytes(s->nodes[event->node].unit, end->key.stream,
                               inf_buf_view(&taken),
                               sim_node_ms(s, event->node));
        inf_buf_deinit(&taken);
        sim_take_effects(s, event->node);
    }
    pipe = pipe_find(s, id);
    if (pipe == NULL || !pipe->ends[event->side].finished) return;
    event->status = 0;
    end_arrives(s, event, pipe);
}

static void dispatch(sim *s, sim_event *event) {
    sim_pipe *pipe = pipe_find(s, event->pipe);
    switch (event->kind) {
    case SIM_TICK:
        break;
    case SIM_PACKET:
        packet_arrives(s, event);
        break;
    case SIM_OPEN:
        if (pipe != NULL) dial_arrives(s, event, pipe);
        break;
    case SIM_OPENED:
        if (pipe != NULL) dial_answered(s, event, pipe);
        break;
    case SIM_PUMP:
        if (pipe != NULL) bytes_arrive(s, event, pipe);
        break;
    case SIM_BROKEN:
        if (pipe != NULL) end_arrives(s, event, pipe);
        break;
    }
}

/* No process: datagrams vanish, dials are refused by the machine. */
static void nobody_home(sim *s, sim_event *event) {
    sim_pipe *pipe = pipe_find(s, event->pipe);
    if (event->kind != SIM_OPEN || pipe == NULL) return;
    if (!s->nodes[event->node].silent) {
        answer_dial(s, pipe, INF_EUNREACHABLE);
    } else {
        break_end(s, pipe, 0, INF_ETIMEDOUT, NO_ANSWER_US);
    }
}

void sim_deliver(sim *s, sim_event *event) {
    sim_machine *n = &s->nodes[event->node];
    if (n->unit == NULL) {
        nobody_home(s, event);
        sim_event_free(event);
        return;
    }
    if (n->frozen || n->deaf) {
        sim_pipe *pipe = pipe_find(s, event->pipe);
        if (event->kind == SIM_OPEN && pipe != NULL && event->status != 1) {
            bool listens = event->from.port == n->port;
            answer_dial(s, pipe, listens ? 0 : INF_EUNREACHABLE);
            event->status = 1;
        }
        put_aside(n, event);
        return;
    }
    size_t node = event->node;
    dispatch(s, event);
    sim_event_free(event);
    sim_settle(s, node);
}

/* ---- what a node wants --------------------------------------------------- */

void sim_take_effects(sim *s, size_t node) {
    sim_machine *n = &s->nodes[node];
    inf_effect effect;
    while (n->unit != NULL && s->options.kind->poll(n->unit, &effect)) {
        switch (effect.kind) {
        case INF_EFFECT_PACKET:
            send_packet(s, node, &effect);
            break;
        case INF_EFFECT_DIAL:
            dial(s, node, &effect);
            break;
        case INF_EFFECT_WRITE:
            write_stream(s, node, &effect);
            break;
        case INF_EFFECT_CLOSE:
            close_stream(s, node, &effect);
            break;
        case INF_EFFECT_LOG:
            sim_note(s, "n%zu: %.*s", node, (int)effect.bytes.len,
                     (const char *)effect.bytes.data);
            break;
        case INF_EFFECT_MEMBER:
        case INF_EFFECT_ROWS:
        case INF_EFFECT_LOST:
        case INF_EFFECT_CONTEST:
        case INF_EFFECT_USER:
        case INF_EFFECT_DONE:
            break;
        }
        if (s->options.watch != NULL) s->options.watch(s, node, &effect);
        inf_effect_deinit(&effect);
    }
}
