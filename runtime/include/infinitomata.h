/* SPDX-License-Identifier: MIT */
/* infinitomata.h: a node of the cluster inside another program.

   An embedder brings a libuv loop and, when it wants to run FSMs, a lua_State.
   It starts a node on the loop, opens the Lua library in the state, and runs
   the loop as ever: gossip and the registry have a thread of their own, all
   callbacks come on the thread that runs the loop. Members, names and rings
   can be used without Lua.

   Functions return 0 or a negative inf_code, which inf_text explains; what a
   pointer points to is copied unless it says otherwise, and pointers must not
   be NULL unless it says so. Text ends with a zero byte and is UTF-8 where
   people read it; names are 1 to 255 bytes. Functions of a node are called on
   the thread that runs its loop, those of a ring on any one thread at a time;
   nothing here waits for the network, except for the resolver of host names
   where it says so. A function that was given here may call
   functions of its node, but inf_cluster_stop only where it says so. */
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

/** A node in this process; there may be several. Made by inf_cluster_start,
   gone when `closed` of inf_cluster_stop comes. */
typedef struct inf_cluster inf_cluster;
/** A consistent hash ring: which node a key belongs to, so that few keys move
    when a node comes or goes. It knows nothing of the cluster. */
typedef struct inf_hash_ring inf_hash_ring;

/** Room for the name of any node with its terminator. */
#define INF_NODE_ROOM 129
/** Room for any other name with its terminator. */
#define INF_NAME_ROOM 256
/** Room for any "HOST:PORT" with its terminator. */
#define INF_ADDRESS_ROOM 56
/** Room for the ref of any FSM with its terminator. */
#define INF_REF_ROOM 163
/** Room for an explanation with its terminator. */
#define INF_PROBLEM_ROOM 256

/** What went wrong. A value keeps its meaning in all versions, and there may be
    more of them. */
typedef enum inf_code {
    INF_NO_MEMORY = -1,
    INF_BAD_ARGUMENT = -2, /* an argument is outside what it may be */
    INF_BAD_NAME = -3,     /* a name must have 1 to 255 bytes */
    INF_FULL = -4,         /* a bounded table is full */
    INF_TAKEN = -5,        /* somebody has the name */
    INF_UNKNOWN = -6,      /* nobody has that name, or no such thing is here */
    INF_TOO_BIG = -12,     /* larger than the limit allows */
    INF_IN_USE = -13,      /* the address is in use */
    INF_BAD_ADDRESS = -14, /* not of the form HOST:PORT, or no such host, or
                              none of this machine's */
    INF_REFUSED = -15,     /* the operating system refused */
    INF_NO_KEY = -19,      /* the node was started without keys */
    INF_CLOSED = -21       /* the node leaves, has left, or is being stopped */
} inf_code;

/** "0.1.0"; static. From any thread. */
INF_EXPORT const char *inf_version_text(void);
/** A sentence for a code, "no error" for 0; static, never NULL. From any
    thread. */
INF_EXPORT const char *inf_text(int code);

/* ---- the node ------------------------------------------------------------ */

/** A member as it is now. Texts are valid during the call that shows it. */
typedef struct inf_cluster_member {
    const char *name;
    const char *state;   /* "alive", "suspect", "dead" or "left" */
    const char *address; /* "HOST:PORT" of its gossip */
    uint64_t boot;       /* larger in each life of a name; 0: not one of ours */
    int takes_calls;     /* zero: another program that speaks the gossip */
    int self;            /* nonzero: this node */
    uint32_t incarnation; /* grows when it renews its word that it lives */
    /* How probes of it by this node were answered; zero for this node itself.
     */
    uint32_t probes_direct;   /* by UDP */
    uint32_t probes_indirect; /* only by way of another member */
    uint32_t probes_tcp;      /* only by TCP */
    uint32_t probes_failed;   /* not at all */
    double rtt_ms;            /* there and back by UDP, smoothed */
} inf_cluster_member;

/** A name and who has it. Texts are valid during the call that shows it. */
typedef struct inf_cluster_row {
    const char *name;
    size_t name_len; /* any bytes may occur, a zero too */
    const char *implementation;
    const char *node;
    const char *ref; /* of this FSM and no other, ever */
} inf_cluster_row;

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
    const char *name; /* required, of its own in the cluster: 1 to 128 bytes,
                         printable ASCII without a space */
    const char *bind; /* "HOST:PORT", port 0: any; NULL: 127.0.0.1:7946 */
    const char *advertise;   /* where others reach `bind`, port 0: the one that
                                was bound; NULL: what was bound */
    const char *rpc;         /* for calls; NULL: the host of bind, any port */
    const char *profile;     /* "lan" (also NULL), "wan" or "local" */
    const char *const *keys; /* at most 16 of 16, 24 or 32 bytes in base 64,
                                NULL at the end; the first one seals; NULL:
                                none */
    const char *const *tags; /* key, value, key, value, NULL; 512 bytes in all,
                                with the node's own; NULL: none */
    const char *const *membership; /* setting, number, setting, number, NULL, as
                                      docs/membership.md names them; flags are 0
                                      or 1; NULL: those of the profile */
    const char *label; /* the cluster's mark, at most 255 bytes; NULL: none */
    inf_cluster_info info; /* placement of new FSMs, when Lua starts them */
    /** A member came, changed or went: `what` is "join", "update", "suspect",
        "alive", "fail", "leave" or "conflict". NULL: nobody asks. */
    void (*on_member)(void *ctx, const inf_cluster_member *member,
                      const char *what);
    /** The node has a line for the log: `level` is "debug", "info", "warning"
       or "error". NULL: nobody asks; Lua, where it runs, logs it all the same.
     */
    void (*on_log)(void *ctx, const char *level, const char *line);
    /** A name of this node is another's now: both had claimed it, while they
        did not see each other, and `winner` stays. Stop what has `ref`, then
        give it back with inf_cluster_release, here or later. Names that Lua
        runs come too, and Lua sees to those. NULL: nobody asks. */
    void (*on_lost)(void *ctx, const char *branch,
                    const inf_cluster_row *winner, const char *ref);
    void *ctx; /* of all functions here; borrowed */
} inf_config;

/**
 * Starts a node that is alone in its cluster: binds, and starts its thread. A
 * HOST that is not an address is looked up, which may wait for the resolver.
 * @return 0 and *out, which inf_cluster_stop ends; or INF_BAD_ARGUMENT,
 *         INF_BAD_NAME, INF_BAD_ADDRESS, INF_IN_USE, INF_REFUSED,
 *         INF_NO_MEMORY, ...: *out is as it was, and `problem`
 *         (INF_PROBLEM_ROOM bytes, or NULL) says what failed where.
 */
INF_EXPORT int inf_cluster_start(inf_cluster **out, const inf_config *config,
                                 char *problem);
/**
 * Contacts members, at most 64: "HOST:PORT,HOST:PORT", without spaces. It has
 * joined when one answers; then it knows the members and names of the cluster.
 * A HOST that is not an address is looked up, which may wait for the resolver.
 * `done(ctx, count)` comes once, later, on the loop: how many answered. It may
 * be NULL, and comes with 0 when the node is stopped before.
 * @return 0; or INF_BAD_ADDRESS, INF_BAD_ARGUMENT (none), INF_TOO_BIG (too
 *         many), INF_CLOSED, INF_NO_MEMORY: `done` does not come.
 */
INF_EXPORT int inf_cluster_join(inf_cluster *cluster, const char *addresses,
                                void (*done)(void *ctx, int count), void *ctx);
/**
 * Says goodbye and withdraws this node's names: the others see it leave.
 * `done(ctx, 0)` (may be NULL) comes once, later, on the loop, when enough
 * members know, or when `leave_timeout` of membership is up: that is the time
 * for inf_cluster_stop, and it may be called from there.
 * @return 0; or INF_CLOSED (it has left already), INF_NO_MEMORY: `done` does
 *         not come.
 */
INF_EXPORT int inf_cluster_leave(inf_cluster *cluster,
                                 void (*done)(void *ctx, int count), void *ctx);
/**
 * Stops, without a goodbye unless it has left: the others will find it dead.
 * Call it once. The loop must run until `closed(ctx)` came; then the memory is
 * gone, and nothing of the node is in the loop. With `closed` NULL that is when
 * uv_run has nothing more to do.
 */
INF_EXPORT void inf_cluster_stop(inf_cluster *cluster,
                                 void (*closed)(void *ctx), void *ctx);
/** Where peers reach the node's gossip, which is what they join, as
   "HOST:PORT", with the real port; "" when the node is closed. `text` has
   INF_ADDRESS_ROOM bytes, and is returned. */
INF_EXPORT const char *inf_cluster_address(const inf_cluster *cluster,
                                           char *text);
/** Shows every member, itself and the dead included, each as it is at that
    moment; `show` may be NULL. @return their number, 0 when it is closed. */
INF_EXPORT size_t inf_cluster_members(inf_cluster *cluster,
                                      void (*show)(void *ctx,
                                                   const inf_cluster_member *),
                                      void *ctx);

/* ---- keys ---------------------------------------------------------------- */

/** Room for the fingerprint of a key with its terminator. */
#define INF_FINGERPRINT_ROOM 17

/**
 * Has the node open what others seal with the key, in base 64. The cluster's
 * key changes while it runs, without dropping anybody, in three steps: add the
 * new key on every node, then use it on every node, then remove the old one on
 * every node. One that it has already is no error.
 * @return 0; INF_BAD_ARGUMENT (it is no key), INF_FULL (there are 16),
 *         INF_NO_KEY (the node was started without any), INF_CLOSED.
 */
INF_EXPORT int inf_cluster_add_key(inf_cluster *cluster, const char *key);
/** Has the node seal with a key that it has. @return 0; INF_UNKNOWN (it has
    not), or as inf_cluster_add_key. */
INF_EXPORT int inf_cluster_use_key(inf_cluster *cluster, const char *key);
/** Forgets a key. @return 0; INF_UNKNOWN (it does not have it),
    INF_TAKEN (it seals with it), or as inf_cluster_add_key. */
INF_EXPORT int inf_cluster_remove_key(inf_cluster *cluster, const char *key);
/** Shows the fingerprint of each key, the one that seals first: 16 hex digits
    that tell keys apart and give nothing away. @return their number. */
INF_EXPORT size_t inf_cluster_keys(inf_cluster *cluster,
                                   void (*show)(void *ctx,
                                                const char *fingerprint),
                                   void *ctx);

/* ---- names --------------------------------------------------------------- */

/** This node runs the branch from now on: it may claim names in it. It is told
    to the others. @return 0, also when it runs it already; INF_BAD_NAME,
    INF_FULL (a node runs 64), INF_TOO_BIG (its tags have no room for the name),
    INF_CLOSED, INF_NO_MEMORY. */
INF_EXPORT int inf_cluster_branch(inf_cluster *cluster, const char *branch);
/**
 * Takes a name for something this node runs, and tells it to the others.
 * `implementation` is what they see it to be, 0 to 255 bytes. Writes its ref
 * (INF_REF_ROOM bytes). Two nodes that claim one name at the same moment, or on
 * the two sides of a cut, both succeed; then one of them loses it again, the
 * same one on all nodes, and its `on_lost` says so.
 * @return 0; INF_TAKEN, INF_UNKNOWN (the branch does not run here),
 *         INF_BAD_NAME (also of the implementation), INF_FULL, INF_CLOSED,
 *         INF_NO_MEMORY.
 */
INF_EXPORT int inf_cluster_claim(inf_cluster *cluster, const char *branch,
                                 const char *name, size_t name_len,
                                 const char *implementation, char *ref);
/** Gives a claimed name back. @return 0; INF_UNKNOWN: nothing here has that ref
    (any more); INF_CLOSED; INF_BAD_ARGUMENT: it is no ref. */
INF_EXPORT int inf_cluster_release(inf_cluster *cluster, const char *branch,
                                   const char *name, size_t name_len,
                                   const char *ref);
/** Shows who has the name, as this node sees it: other nodes' claims arrive
    within a moment. `show` may be NULL. @return 0, or INF_UNKNOWN when nobody
    has it, INF_CLOSED. */
INF_EXPORT int inf_cluster_whereis(
    inf_cluster *cluster, const char *branch, const char *name, size_t name_len,
    void (*show)(void *ctx, const inf_cluster_row *), void *ctx);
/** Shows every name of the branch, in no order, each as it is at that moment;
    `show` may be NULL. @return their number, 0 when it is closed. */
INF_EXPORT size_t inf_cluster_rows(inf_cluster *cluster, const char *branch,
                                   void (*show)(void *ctx,
                                                const inf_cluster_row *),
                                   void *ctx);
/** How many names the branch has on all nodes, as this node sees it. */
INF_EXPORT uint64_t inf_cluster_count(inf_cluster *cluster, const char *branch);
/** The node that rendezvous hashing gives a name to: the same on all nodes that
    see the same members. `node` has INF_NODE_ROOM bytes. @return 0, or
    INF_UNKNOWN when no live member runs the branch, INF_BAD_NAME, INF_CLOSED.
 */
INF_EXPORT int inf_cluster_place(inf_cluster *cluster, const char *branch,
                                 const char *name, size_t name_len, char *node);

/* ---- rings --------------------------------------------------------------- */

/** An empty ring, or NULL: no memory. Rings with one seed and the same nodes
   and weights agree on all keys, in all processes. End it with
    inf_hash_ring_free. */
INF_EXPORT inf_hash_ring *inf_hash_ring_new(uint64_t seed);
/** NULL is fine. */
INF_EXPORT void inf_hash_ring_free(inf_hash_ring *ring);
/** Adds a node, or changes its weight, its number of points on the ring: 128 is
    usual, 0 owns nothing. @return 0; INF_BAD_NAME, INF_BAD_ARGUMENT (the
    weight, 65535 at most), INF_FULL, INF_NO_MEMORY: nothing has changed. */
INF_EXPORT int inf_hash_ring_add(inf_hash_ring *ring, const char *node,
                                 uint32_t weight);
/** Removes a node. @return 0; INF_UNKNOWN: the ring does not have it;
    INF_NO_MEMORY: nothing has changed. */
INF_EXPORT int inf_hash_ring_remove(inf_hash_ring *ring, const char *node);
/** Writes the owner of a key, of any bytes; `node` has INF_NAME_ROOM bytes.
   @return 0, or INF_UNKNOWN: nobody owns anything. */
INF_EXPORT int inf_hash_ring_owner(const inf_hash_ring *ring, const void *key,
                                   size_t key_len, char *node);

/* ---- Lua ----------------------------------------------------------------- */

/**
 * Opens the library in a state that has the standard libraries, on a loop: then
 * `require "infinitomata"` and `require "finitomata"` work there, and so does
 * `require "luv"`. With a node (NULL: none) the library runs on it, and asks
 * its cluster_info, and the node runs the branch "default". The Lua files must
 * be on package.path. The state and the loop stay the program's, and the loop
 * must outlive the state. A node has one state at a time, on the node's loop.
 *
 * Call it while the loop does not run; lua_close closes what the library had in
 * the loop, not the node.
 * @return LUA_OK; or a status of lua_pcall with the message pushed: the state
 *         has the library on another loop already, or cannot load it; the node
 *         is on another loop, has a state already, or is closed.
 */
INF_EXPORT int inf_open(struct lua_State *L, struct uv_loop_s *loop,
                        inf_cluster *cluster);

/** What `require "infinitomata.core"` calls, with a loop of its own where
    inf_open has not named one; for package.preload. */
INF_EXPORT int luaopen_infinitomata_core(struct lua_State *L);

#ifdef __cplusplus
}
#endif

#endif
