/* SPDX-License-Identifier: MIT */
/* sim_cluster_parts.h: what the files of the model share. */
#ifndef INF_TESTS_SIM_SIM_CLUSTER_PARTS_H
#define INF_TESTS_SIM_SIM_CLUSTER_PARTS_H

#include "base/error.h"
#include "sim_cluster.h"

#define CLUSTER_BRANCH inf_slice_str("orders")

/* An FSM that runs, or ran. */
typedef struct ghost {
    size_t name;
    size_t node;
    unsigned life;
    uint64_t ref;
    bool lives;
    uint64_t ended_ms;
    bool yielded; /* stopped because it lost its name */
    bool crashed; /* died with its node */
    bool dropped; /* stopped by a client */
    size_t winner_node;
    uint64_t winner_ref;
} ghost;

typedef enum word_kind {
    WORD_START,
    WORD_STARTED,
    WORD_STOP,
    WORD_LOST, /* from here on: a node to itself */
    WORD_JUDGE
} word_kind;

/* What names one registration. */
typedef struct claim {
    size_t node;
    uint64_t boot;
    uint64_t ref;
} claim;

/* Something said between nodes, or to oneself later. */
typedef struct word {
    word_kind kind;
    uint64_t due_ms;
    size_t from;
    size_t to;
    unsigned life; /* of the receiver, for a word to oneself */
    size_t name;
    size_t origin;
    int hops;
    uint64_t ref;
    uint64_t boot;
    char owner[16];
    claim last;  /* the one that stays, or would */
    claim older; /* the one that goes, or would */
} word;

/* The rows of one life of one owner after each of its changes. */
typedef struct history {
    uint64_t *digests; /* by change; index 0: nothing */
    bool *known;
    size_t count;
    size_t cap;
} history;

typedef struct mark {
    uint64_t boot;
    uint64_t high;
} mark;

typedef struct calls calls;

/* Where a node's memory comes from. */
typedef struct memory {
    inf_alloc alloc;
    struct cluster *cluster;
    uint64_t scarce_until_ms; /* until then large blocks are often refused */
} memory;

typedef struct cluster {
    sim *world;
    cluster_options options;
    cluster_report report;
    inf_rng rng;
    size_t nodes;
    int64_t skew_ms[CLUSTER_NODES_MAX];
    calls *calls;
    memory memory[CLUSTER_NODES_MAX];
    ghost *ghosts;
    size_t ghost_count;
    size_t ghost_cap;
    word *words;
    size_t word_count;
    size_t word_cap;
    history *histories; /* node * lives + life */
    mark *marks;        /* node * nodes + owner: what `node` had */
    uint64_t last_ref[CLUSTER_NODES_MAX];
    uint64_t frozen_until[CLUSTER_NODES_MAX];
    unsigned marked_life[CLUSTER_NODES_MAX];
} cluster;

enum { LIVES_MAX = 256 };

void cluster_fail(cluster *c, const char *format, ...) INF_PRINTF(2, 3);
inf_slice cluster_name(size_t name);
inf_node *cluster_node(const cluster *c, size_t node);
uint64_t cluster_ms(const cluster *c, size_t node);

/* ---- sim_cluster_model.c: Lua's part ----------------------------------- */

void model_watch(sim *s, size_t node, const inf_effect *effect);
/* A client of that node wants the name started. */
void model_start(cluster *c, size_t node, size_t name);
/* One random wish of one random client: a start or a stop. */
void model_client(cluster *c);
/* A random client calls a random FSM. */
void model_caller(cluster *c);
/* What has been said and is due arrives. */
void model_words(cluster *c);
void model_crashed(cluster *c, size_t node);
size_t model_running(const cluster *c, size_t name);

/* Where the FSM of that name is among the ghosts, if it runs on that node; or
   SIZE_MAX. */
size_t model_ghost(const cluster *c, size_t node, size_t name);
/* Does anything said get from one node to the other? */
bool model_reaches(const sim *s, size_t from, size_t to);

/* ---- sim_cluster_calls.c: calls, and who carries them ------------------- */

void calls_new(cluster *c);
void calls_free(cluster *c);
void calls_born(cluster *c, size_t node);
void calls_crashed(cluster *c, size_t node);
/* Somebody on that node calls the FSM of that name. */
void calls_begin(cluster *c, size_t node, size_t name);
/* An effect that a worker would see. */
void calls_noticed(cluster *c, size_t node, const inf_effect *effect);
/* A link breaks, with whatever is on it. */
void calls_break_one(cluster *c);
/* What has been written and is due arrives. */
void calls_step(cluster *c);
/* Long after the last call nothing of any is kept. */
void calls_check_memory(cluster *c);

/* ---- sim_cluster_check.c: ghosts look ---------------------------------- */

/* Keeps what the owner's rows are after its change. */
void check_record(cluster *c, size_t node);
/* What must hold at all times. */
void check_always(cluster *c);
/* After some rest no owner remembers a delete. */
void check_forgotten(cluster *c);
/* Everybody has the same, and it is what runs. `why` may be NULL. */
bool check_rest(cluster *c, char *why, size_t size);

#endif
