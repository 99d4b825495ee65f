/* SPDX-License-Identifier: MIT */
/* sim_world.h: what the files of the simulator share. */
#ifndef INF_TESTS_SIM_WORLD_H
#define INF_TESTS_SIM_WORLD_H

#include "base/heap.h"
#include "base/map.h"
#include "sim.h"

enum {
    SIM_LINES = 400, /* of the trace that are kept */
    SIM_LINE = 160,  /* bytes of one */
    SIM_INBOX = 4096 /* datagrams that wait for a frozen process */
};

typedef enum sim_event_kind {
    SIM_TICK,   /* of `node`; part of the machine */
    SIM_PACKET, /* bytes from `from` for `node` */
    SIM_OPEN,   /* a dial reaches `node`: stream `pipe` */
    SIM_OPENED, /* its answer reaches the dialler; `status` */
    SIM_PUMP,   /* bytes of `pipe` reach side `side` */
    SIM_BROKEN  /* side `side` of `pipe` learns the end; `status` */
} sim_event_kind;

typedef struct sim_event {
    inf_heap_item item; /* first; due_ms counts microseconds */
    sim_event_kind kind;
    size_t node;
    inf_addr from;
    uint64_t pipe;
    unsigned side;
    int status;
    struct sim_event *next; /* in an inbox */
    size_t len;
    uint8_t *bytes; /* behind the event, in the same block */
} sim_event;

typedef struct sim_machine {
    size_t index;
    void *unit; /* NULL: no process */
    unsigned life;
    unsigned side;
    uint16_t port;
    int64_t clock_ms; /* ahead of the world's */
    bool frozen;
    bool silent;     /* the machine itself is off */
    bool deaf;       /* the process runs, its mail waits */
    sim_event *held; /* datagrams of a deaf process */
    sim_event **held_last;
    sim_event tick;
    sim_event *inbox; /* waits for the thaw */
    sim_event **inbox_last;
    size_t inbox_count;
} sim_machine;

typedef struct sim_end_key {
    uint64_t node;
    uint64_t stream; /* as that node calls it; 0: not yet known */
} sim_end_key;

typedef struct sim_end { /* of a stream */
    sim_end_key key;
    unsigned life;
    inf_buf coming; /* bytes on their way to this end */
    bool pumping;   /* an event will deliver them */
    bool finished;  /* the other end has closed: the end comes after bytes */
    bool told;      /* this end knows that it is over, or ended it */
} sim_end;

typedef struct sim_pipe {
    uint64_t id;
    sim_end ends[2];   /* [0] dialled */
    uint64_t stuck_us; /* since when a cut holds it; 0: not */
    bool accepted;     /* the far process has it */
} sim_pipe;

typedef struct sim_cut_link {
    size_t from;
    size_t to;
} sim_cut_link;

struct sim {
    sim_options options;
    sim_link link;
    sim_machine *nodes;
    sim_cut_link *cuts;
    size_t cut_count;
    uint64_t now_us;
    inf_heap heap;
    inf_rng rng;
    inf_map streams; /* of sim_pipe, by id */
    inf_map ends;    /* of sim_pipe, by sim_end_key */
    uint64_t last_pipe;
    sim_counters counters;
    bool passed;
    bool trace_now;
    size_t noted;
    char lines[SIM_LINES][SIM_LINE];
};

sim_machine *sim_machine_at(sim *s, const inf_addr *addr);
void sim_take_effects(sim *s, size_t node);
/** Makes the event happen, or lets it wait in a frozen process's inbox; frees
    it. */
void sim_deliver(sim *s, sim_event *event);
void sim_event_free(sim_event *event);
void sim_inbox_clear(sim_machine *n);
/** Sends what a deaf process could not. */
void sim_release(sim *s, sim_machine *n);
void sim_streams_clear(sim *s);
/** Breaks the streams of a node that died; `loudly`: its machine says so. */
void sim_streams_break(sim *s, size_t node, bool loudly);

#endif
