/* SPDX-License-Identifier: MIT */
/* host_world.h: several nodes in one process, on real sockets. Each has a
   control thread of its own, all share one worker loop. */
#ifndef INF_TESTS_HOST_WORLD_H
#define INF_TESTS_HOST_WORLD_H

#include "test.h"

#include "base/error.h"
#include "host/host.h"

enum { NODES = 4, HELD_MAX = 64, WAIT_MS = 20000 };

typedef enum manners {
    ANSWER, /* answer at once with what was asked */
    KEEP,   /* answer when told */
    DENY,   /* nothing is carried out: not here */
} manners;

struct world;

typedef struct node {
    struct world *world;
    inf_host *host;
    char name[8];
    manners manners;
    unsigned requests; /* that came in */
    uint64_t held[HELD_MAX];
    size_t held_count;
    unsigned joins, fails, rows_came, rows_went, dones, logs;
    unsigned rows_take_ms; /* what the script does with each event of rows */
    int done_status;
    uint64_t done_count;
    bool closing;
} node;

typedef struct world {
    uv_loop_t loop;
    uv_timer_t beat; /* so that the loop looks around now and then */
    node nodes[NODES];
    unsigned results;  /* calls that ended */
    unsigned failures; /* those of them that did not end well */
    uint64_t sum_of_tags;
    int status; /* of the last one */
    int cause;
    uint32_t attempts;
    uint64_t elapsed_ms;
    char body[64];
    size_t body_len;
    char by[INF_NODE_NAME_MAX + 1];
    unsigned calls_left; /* made from inside on_result */
} world;

/** A condition that a test waits for. */
typedef bool condition(world *w);

static const inf_slice nothing = {NULL, 0};

int world_setup(void **state);
/** Closes every node, whatever a test did; nothing may be left in the loop. */
int world_teardown(void **state);
/** The branch of every name in these tests. */
inf_slice world_branch(void);
inf_retry_policy world_policy(uint32_t attempts);
/** Runs the loop until it holds; false when it does not in WAIT_MS. */
bool world_run_until(world *w, condition *holds);
/** What node `i`, named "a", "b", ..., is started with. */
inf_host_config world_config(world *w, size_t i);
void world_start_with(world *w, size_t i, const inf_host_config *config);
void world_start(world *w, size_t i);
/** Nodes a, b and c, which have met. */
void world_start_three(world *w);
void world_join(world *w, size_t from, size_t to);
size_t world_running(const world *w);
/** Every node has every node that runs as alive, and no other. */
bool world_all_see_all(world *w);

/** Ends it without a goodbye, as if it had been killed. */
void node_stop(node *n);
size_t node_live_members(node *n);
void node_call(node *from, const char *to, inf_slice body, uint64_t tag);
void node_call_name(node *from, const char *name, uint32_t attempts,
                    uint64_t tag);
void node_claim(node *n, const char *name);
bool node_knows(node *n, const char *name, const char *owner);

#endif
