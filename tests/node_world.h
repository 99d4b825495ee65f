/* SPDX-License-Identifier: MIT */
/* node_world.h: four nodes, a perfect network, one clock. */
#ifndef INF_TESTS_NODE_WORLD_H
#define INF_TESTS_NODE_WORLD_H

#include "base/error.h"
#include "core/node.h"
#include "test.h"

#define BRANCH inf_slice_str("orders")
#define IMPL   inf_slice_str("order")

enum { NODES = 4, EVENTS = 256 };

typedef enum thing_kind {
    PACKET,
    ACCEPT,
    CONNECTED,
    BYTES,
    DRAINED,
    CLOSED
} thing_kind;

typedef struct thing {
    thing_kind kind;
    uint64_t due_ms;
    int node;
    int from;
    uint64_t stream; /* as `node` knows it; ACCEPT: the dialler's */
    int status;
    uint8_t *bytes;
    size_t len;
} thing;

typedef struct stream_end {
    int node;
    uint64_t stream;
    int peer;
    uint64_t peer_stream;
} stream_end;

typedef struct seen {
    inf_effect_kind kind;
    inf_change change;
    int status;
    uint64_t count;
    uint64_t token;
    char name[128];
} seen;

typedef struct world {
    inf_node *node[NODES];
    inf_addr addr[NODES];
    bool cut[NODES]; /* reaches nobody, is reached by nobody */
    uint64_t now_ms;
    thing *things;
    size_t count;
    size_t cap;
    stream_end ends[4096];
    size_t end_count;
    seen log[NODES][EVENTS];
    size_t logged[NODES];
    uint64_t written;
} world;

extern const char *const node_names[NODES];

typedef bool condition(world *w);

/** Carries out what the node wants done. */
void nodes_drain(world *w, int node);
void nodes_run_ms(world *w, uint64_t ms);
/** False when the condition has not been met in time. */
bool nodes_run_until(world *w, condition *met, uint64_t limit_ms);
/** A new life of the node. */
void nodes_birth(world *w, int i, uint64_t boot);
/** Joins it to the first node. */
void nodes_join(world *w, int i);
/** All four run the branch in one cluster. */
int nodes_setup(void **state);
/** Its streams break. */
void nodes_kill(world *w, int i);
int nodes_teardown(void **state);
/** The reference of the new row. */
uint64_t nodes_claim(world *w, int i, const char *name);
/** Who has the name as seen from a node; -1: nobody. */
int nodes_owner(const world *w, int i, const char *name);
const seen *nodes_find_event(const world *w, int node, inf_effect_kind kind,
                             inf_change change);
/** The end of a command, or NULL. */
const seen *nodes_done(const world *w, int node, uint64_t token);

#endif
