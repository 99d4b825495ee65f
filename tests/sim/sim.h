/* SPDX-License-Identifier: MIT */
/* sim.h: a simulated world. Many cores in one process, on simulated time, on a
   virtual network that can delay, lose, double and reorder datagrams, cut
   links one way or both, break streams, freeze and kill processes, silence
   machines, jump clocks. Everything follows from one seed.

   What is driven is a `sim_kind`: the whole node (sim_node_kind) or membership
   alone (sim_member_kind). */
#ifndef INF_TESTS_SIM_SIM_H
#define INF_TESTS_SIM_SIM_H

#include "base/rng.h"
#include "core/effect.h"
#include "core/member.h"

typedef struct sim sim;

/** A core under the four verbs. `unit` is what birth returned. */
typedef struct sim_kind {
    void *(*birth)(sim *s, size_t node, uint64_t now_ms);
    void (*death)(void *unit);
    void (*packet)(void *unit, const inf_addr *from, inf_slice bytes,
                   uint64_t now_ms);
    int (*accepted)(void *unit, const inf_addr *from, uint64_t now_ms,
                    uint64_t *stream);
    void (*connected)(void *unit, uint64_t stream, uint64_t now_ms);
    void (*bytes)(void *unit, uint64_t stream, inf_slice bytes,
                  uint64_t now_ms);
    void (*drained)(void *unit, uint64_t stream, uint64_t now_ms);
    void (*closed)(void *unit, uint64_t stream, int status, uint64_t now_ms);
    void (*tick)(void *unit, uint64_t now_ms);
    uint64_t (*deadline)(void *unit);
    bool (*poll)(void *unit, inf_effect *out);
} sim_kind;

extern const sim_kind sim_member_kind;

/** The weather on every link. */
typedef struct sim_link {
    uint32_t latency_us; /* at least */
    uint32_t jitter_us;  /* more, evenly: datagrams overtake each other */
    double loss;         /* of datagrams */
    double twice;        /* of datagrams: arrive two times */
} sim_link;

typedef struct sim_options {
    const sim_kind *kind;
    size_t nodes;
    uint64_t seed;
    sim_link link;            /* all zero: 200 us and up to 200 more */
    inf_member_tuning tuning; /* probe_interval_ms 0: LAN */
    const inf_slice *keys;    /* of all nodes */
    size_t key_count;
    const char *label;
    void *ctx; /* the test's own */
    /** Sees every effect that is not for the network; may be NULL. */
    void (*watch)(sim *s, size_t node, const inf_effect *effect);
} sim_options;

/** Prints the seed. Nodes are born by sim_start. */
sim *sim_new(const sim_options *options);
/** Prints the last happenings unless sim_passed was called. */
void sim_free(sim *s);
void sim_passed(sim *s);
/** SEED of the environment; without it, a new one for each run. */
uint64_t sim_seed(void);
void *sim_ctx(const sim *s);
const sim_options *sim_options_of(const sim *s);
inf_rng *sim_rng(sim *s);
/** Keeps a line for the trace; SIM_TRACE=1 prints it at once. */
void sim_note(sim *s, const char *format, ...) INF_PRINTF(2, 3);

/* ---- nodes --------------------------------------------------------------- */

size_t sim_count(const sim *s);
/** Starts a process on the node's machine; again after its death: a new life,
    same name and address. */
void sim_start(sim *s, size_t node);
/** The next life will have another port. */
void sim_move(sim *s, size_t node);
/** kill -9: the machine answers for it, streams break. */
void sim_kill(sim *s, size_t node);
/** Power off: nothing comes back. */
void sim_silence(sim *s, size_t node);
/** The process stands still until sim_thaw; what arrives waits. */
void sim_freeze(sim *s, size_t node);
void sim_thaw(sim *s, size_t node);
/** The process goes on, but nothing it sends leaves and nothing reaches it
    until sim_hear; then all of it does at once. Lifeguard's "slow member". */
void sim_deafen(sim *s, size_t node);
void sim_hear(sim *s, size_t node);
/** Moves the node's own clock. */
void sim_jump(sim *s, size_t node, int64_t by_ms);
bool sim_runs(const sim *s, size_t node);
/** Alive and not frozen. */
bool sim_awake(const sim *s, size_t node);
void *sim_unit(const sim *s, size_t node);
/** How many lives it has begun. */
unsigned sim_life(const sim *s, size_t node);
inf_addr sim_addr(const sim *s, size_t node);
/** "n7"; static, overwritten by the eighth next call. */
inf_slice sim_name(size_t node);
/** The node that the name belongs to, or SIZE_MAX. */
size_t sim_node_of(inf_slice name);
/** The node's own time now. */
uint64_t sim_node_ms(const sim *s, size_t node);
/** Takes the effects and the new deadline of a node after a call from
    outside; every direct call of a core must be followed by it. */
void sim_settle(sim *s, size_t node);

/* ---- network ------------------------------------------------------------- */

void sim_weather(sim *s, sim_link link);
/** Nodes with different sides do not hear each other. All begin on side 0. */
void sim_side(sim *s, size_t node, unsigned side);
/** Nodes below `first` against the rest. */
void sim_split(sim *s, size_t first);
/** Cuts one direction. */
void sim_cut(sim *s, size_t from, size_t to);
/** All sides one, no cuts. */
void sim_heal(sim *s);

typedef struct sim_counters {
    uint64_t packets;
    uint64_t bytes;
    uint64_t lost;
    uint64_t streams;
    uint64_t stream_bytes;
    uint64_t steps; /* events of the world */
} sim_counters;
sim_counters sim_counters_of(const sim *s);

/* ---- time ---------------------------------------------------------------- */

uint64_t sim_now_ms(const sim *s);
uint64_t sim_now_us(const sim *s);
void sim_run_ms(sim *s, uint64_t ms);
/** Runs until the condition holds, looking every 10 ms; false when it has not
    after `limit_ms`. */
bool sim_run_until(sim *s, bool (*holds)(sim *s), uint64_t limit_ms);

/* ---- membership alone ---------------------------------------------------- */

inf_member *sim_member(const sim *s, size_t node);
/** The member in what sim_member_kind's birth returned. */
inf_member *sim_member_of(void *unit);
/** The node's keys; NULL without any in the options. */
inf_keyring *sim_keyring(const sim *s, size_t node);
/** Joins the node to another; both run. */
void sim_join(sim *s, size_t node, size_t to);
/** The state in which one node holds another; INF_MEMBER_LEFT + 1: unknown. */
int sim_believes(const sim *s, size_t node, size_t about);
/** Every awake node holds every running node alive, and no other. */
bool sim_agreed(sim *s);
/** Every awake node but the subject holds the subject neither alive nor
    suspect. */
bool sim_all_know_dead(const sim *s, size_t subject);

#endif
