/* SPDX-License-Identifier: MIT */
/* infinitomata.h: a node of the cluster inside another program.

   An embedder brings a libuv loop and, when it wants to run FSMs, a lua_State.
   It starts a node on the loop, opens the Lua library in the state, and runs
   the loop as ever: gossip and the registry have a thread of their own, all
   callbacks come on the thread that runs the loop. Members, names and rings
   can be used without Lua.

   Functions return 0 or a negative code, which inf_text explains; what a
   pointer points to is copied unless it says otherwise; names are text of 1 to
   255 bytes. Nothing here may be called from two threads at once. */
#ifndef INFINITOMATA_H
#define INFINITOMATA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef INF_EXPORT
#define INF_EXPORT __attribute__((visibility("default")))
#endif

struct lua_State;
struct uv_loop_s;

/** This process's node. */
typedef struct inf_cluster inf_cluster;
/** A consistent hash ring. */
typedef struct inf_hash_ring inf_hash_ring;

/** The longest name of a node with its terminator. */
#define INF_NODE_ROOM 129
/** Room for any "HOST:PORT" with its terminator. */
#define INF_ADDRESS_ROOM 56
/** Room for the ref of any FSM with its terminator. */
#define INF_REF_ROOM 163
/** Room for an explanation with its terminator. */
#define INF_PROBLEM_ROOM 256

/** "0.1.0"; static. */
INF_EXPORT const char *inf_version_text(void);
/** A sentence for a code, "no error" for 0; static, never NULL. */
INF_EXPORT const char *inf_text(int code);

/* ---- the node ------------------------------------------------------------ */

/** A member as it is now. Texts are valid during the call that shows it. */
typedef struct inf_cluster_member {
    const char *name;
    const char *state;   /* "alive", "suspect", "dead" or "left" */
    const char *address; /* "HOST:PORT" of its gossip */
    uint64_t boot;       /* larger in each life of a name; 0: not one of ours */
    int takes_calls;     /* false for other programs that speak the gossip */
    int self;
    uint32_t incarnation; /* how often it has renewed its word that it lives */
    /* How probes of it by this node were answered; zero for this node itself.
     */
    uint32_t probes_direct;   /* by UDP */
    uint32_t probes_indirect; /* only by way of another member */
    uint32_t probes_tcp;      /* only by TCP */
    uint32_t probes_failed;   /* not at all */
    double rtt_ms;            /* there and back by UDP, smoothed */
} inf_cluster_member;

/**
 * Where a new FSM starts: the same on every node, or two nodes may start one
 * name. Called while a Lua script waits for the answer: they must not wait.
 * `ctx` is the config's. A name is `name_len` bytes, any bytes.
 */
typedef struct inf_cluster_info {
    /** Calls `add(to, node)` for each other node that matters to the branch.
        NULL: all that run it. @return 0, or negative: it failed. */
    int (*nodes)(void *ctx, const char *branch,
                 void (*add)(void *to, const char *node), void *to);
    /** Writes the node that is to run the FSM. NULL: rendezvous hashing.
        @return 0, or negative: there is none. */
    int (*whois)(void *ctx, const char *branch, const char *name,
                 size_t name_len, char node[INF_NODE_ROOM]);
} inf_cluster_info;

/** What a node is started with. Zero it, then set what is not to be default. */
typedef struct inf_config {
    struct uv_loop_s *loop; /* required; borrowed, outlives the node */
    const char *name;       /* required, of its own in the cluster */
    const char *bind;       /* "HOST:PORT", port 0: any; NULL: 127.0.0.1:7946 */
    const char *advertise;  /* NULL: what was bound */
    const char *rpc;        /* for calls; NULL: the host of bind, any port */
    const char *profile;    /* "lan" (also NULL), "wan" or "local" */
    const char *const *keys; /* 16, 24 or 32 bytes in base 64 each, NULL at the
                                end; the first one seals; NULL: none */
    const char *const *tags; /* key, value, key, value, NULL; NULL: none */
    const char *const *membership; /* setting, number, setting, number, NULL, as
                                      docs/membership.md names them; flags are 0
                                      or 1; NULL: those of the profile */
    const char *label;     /* the cluster's mark, 1 to 255 bytes; NULL: none */
    inf_cluster_info info; /* placement of new FSMs, when Lua starts them */
    /** A member came, changed or went: `what` is "join", "update", "suspect",
        "alive", "fail", "leave" or "conflict". NULL: nobody asks. */
    void (*on_member)(void *ctx, const inf_cluster_member *member,
                      const char *what);
    /** The node has a line for the log: `level` is "debug", "info", "warning"
       or "error". NULL: nobody asks; Lua, where it runs, logs it all the same.
     */
    void (*on_log)(void *ctx, const char *level, const char *line);
    void *ctx; /* of all functions here; borrowed */
} inf_config;

/**
 * Starts a node that is alone in its cluster: binds, and starts its thread.
 * @return 0 and *out; or a code, and `problem` (INF_PROBLEM_ROOM bytes, or
 *         NULL) says what failed where.
 */
INF_EXPORT int inf_cluster_start(inf_cluster **out, const inf_config *config,
                                 char *problem);
/** Contacts "HOST:PORT,HOST:PORT". `done(ctx, count)` comes once, later: how
    many answered. NULL: nobody asks. */
INF_EXPORT int inf_cluster_join(inf_cluster *cluster, const char *addresses,
                                void (*done)(void *ctx, int count), void *ctx);
/** Says goodbye and withdraws this node's names; `done(ctx, 0)` comes once,
    later, when enough members know. */
INF_EXPORT int inf_cluster_leave(inf_cluster *cluster,
                                 void (*done)(void *ctx, int count), void *ctx);
/** Stops without a goodbye. The loop must run until `closed(ctx)` (may be NULL)
    came; the node is gone then. */
INF_EXPORT void inf_cluster_stop(inf_cluster *cluster,
                                 void (*closed)(void *ctx), void *ctx);
/** Where peers reach the node's gossip, which is what they join; `text` has
    INF_ADDRESS_ROOM bytes, and is returned. */
INF_EXPORT const char *inf_cluster_address(const inf_cluster *cluster,
                                           char *text);
/** Shows every member, itself and the dead included. @return their number. */
INF_EXPORT size_t inf_cluster_members(inf_cluster *cluster,
                                      void (*show)(void *ctx,
                                                   const inf_cluster_member *),
                                      void *ctx);

/* ---- keys -----------------------------------------------------------------
 */

/** Room for the fingerprint of a key with its terminator. */
#define INF_FINGERPRINT_ROOM 17

/**
 * Has the node open what others seal with the key, in base 64. The cluster's
 * key changes while it runs, without dropping anybody, in three steps: add the
 * new key on every node, then use it on every node, then remove the old one on
 * every node. Nonzero: it is no key, there are 16, or the node was started
 * without any.
 */
INF_EXPORT int inf_cluster_add_key(inf_cluster *cluster, const char *key);
/** Has the node seal with a key that it has; nonzero when it has not. */
INF_EXPORT int inf_cluster_use_key(inf_cluster *cluster, const char *key);
/** Forgets a key; nonzero when it does not have it, or seals with it. */
INF_EXPORT int inf_cluster_remove_key(inf_cluster *cluster, const char *key);
/** Shows the fingerprint of each key, the one that seals first: 16 hex digits
    that tell keys apart and give nothing away. @return their number. */
INF_EXPORT size_t inf_cluster_keys(inf_cluster *cluster,
                                   void (*show)(void *ctx,
                                                const char *fingerprint),
                                   void *ctx);

/* ---- names -----------------------------------------------------------------
 */

/** A name and who has it. Texts are valid during the call that shows it. */
typedef struct inf_cluster_row {
    const char *name;
    size_t name_len; /* any bytes may occur, a zero too */
    const char *implementation;
    const char *node;
    const char *ref; /* of this FSM and no other, ever */
} inf_cluster_row;

/** This node runs the branch from now on: it may claim names in it. */
INF_EXPORT int inf_cluster_branch(inf_cluster *cluster, const char *branch);
/** Takes a name for something this node runs. Writes its ref (INF_REF_ROOM).
    @return 0, or a code: the name is taken, or the branch does not run here. */
INF_EXPORT int inf_cluster_claim(inf_cluster *cluster, const char *branch,
                                 const char *name, size_t name_len,
                                 const char *implementation, char *ref);
/** Gives a claimed name back. */
INF_EXPORT int inf_cluster_release(inf_cluster *cluster, const char *branch,
                                   const char *name, size_t name_len,
                                   const char *ref);
/** Shows who has the name, as this node sees it; nonzero when nobody has. */
INF_EXPORT int inf_cluster_whereis(
    inf_cluster *cluster, const char *branch, const char *name, size_t name_len,
    void (*show)(void *ctx, const inf_cluster_row *), void *ctx);
/** Shows every name of the branch. @return their number. */
INF_EXPORT size_t inf_cluster_rows(inf_cluster *cluster, const char *branch,
                                   void (*show)(void *ctx,
                                                const inf_cluster_row *),
                                   void *ctx);
/** How many names the branch has. */
INF_EXPORT uint64_t inf_cluster_count(inf_cluster *cluster, const char *branch);
/** The node that rendezvous hashing gives a name to; `node` has INF_NODE_ROOM
    bytes. Nonzero when no live member runs the branch. */
INF_EXPORT int inf_cluster_place(inf_cluster *cluster, const char *branch,
                                 const char *name, size_t name_len, char *node);

/* ---- rings -----------------------------------------------------------------
 */

/** An empty ring, or NULL: no memory. Rings with one seed agree on all keys. */
INF_EXPORT inf_hash_ring *inf_hash_ring_new(uint64_t seed);
/** NULL is fine. */
INF_EXPORT void inf_hash_ring_free(inf_hash_ring *ring);
/** Adds a node, or changes its weight (128 is usual, 0 owns nothing). */
INF_EXPORT int inf_hash_ring_add(inf_hash_ring *ring, const char *node,
                                 uint32_t weight);
/** Removes a node; nonzero when the ring does not have it. */
INF_EXPORT int inf_hash_ring_remove(inf_hash_ring *ring, const char *node);
/** Writes the owner of a key; `node` has 256 bytes. Nonzero: nobody owns. */
INF_EXPORT int inf_hash_ring_owner(const inf_hash_ring *ring, const void *key,
                                   size_t key_len, char *node);

/* ---- Lua -------------------------------------------------------------------
 */

/**
 * Opens the library in a state that has the standard libraries, on a loop: then
 * `require "infinitomata"` and `require "finitomata"` work there, and so does
 * `require "luv"`. With a node (NULL: none) the library runs on it, and asks
 * its cluster_info. The Lua files must be on package.path.
 *
 * Call it while the loop does not run; lua_close closes what the library had in
 * the loop, not the node.
 * @return LUA_OK, or a status of lua_pcall with the message pushed.
 */
INF_EXPORT int inf_open(struct lua_State *L, struct uv_loop_s *loop,
                        inf_cluster *cluster);

/** What `require "infinitomata.core"` calls; for package.preload. */
INF_EXPORT int luaopen_infinitomata_core(struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
