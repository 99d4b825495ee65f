/* SPDX-License-Identifier: MIT */
/* node_impl.h: the inside of the node, shared by its own files: node.c (birth,
   input, time), node_members.c (members and tags), node_rows.c (branches and
   rows), node_store.c (what synch asks of the registries), node_conflict.c (two
   owners of one name), node_contest.c (and the user decides), node_gate.c (who
   serves the start of a name), node_keys.c (keys while it runs). */
#ifndef INF_CORE_NODE_IMPL_H
#define INF_CORE_NODE_IMPL_H

#include "base/error.h"
#include "base/map.h"
#include "core/member.h"
#include "core/node.h"
#include "core/registry.h"
#include "core/synch.h"

#define HOLD_MS        60000
#define HOUSEKEEP_MS   1000
#define ROWS_A_BATCH   64   /* rows in one INF_EFFECT_ROWS; even */
#define ROWS_A_CALL    1024 /* told to calls in one call; more are counted */
#define UNDECIDED_MAX  1024 /* accepted streams that have said nothing yet */
#define BRANCH_TAG_MAX 20   /* bytes of the tag of a branch */

typedef struct contest contest;

/* One branch that runs, or has run, here. */
typedef struct branch_state {
    inf_slice name; /* owned; empty: the slot is free */
    uint64_t scope; /* id of the name */
    bool runs;
    inf_resolve resolve;
    inf_map contests;       /* by name; owned */
    inf_registry *registry; /* NULL while it does not run */
    inf_node *node;
    uint64_t last_seq; /* own changes in former runs of this branch */
    /* Who runs the branch, as seen here, and who has said to see the same. */
    uint64_t view; /* one word for `ids` */
    uint64_t *ids; /* owned: live members that run it, sorted */
    size_t id_count;
    uint64_t *former_ids; /* owned: those of the view before */
    size_t former_count;
    uint64_t view_at_ms;       /* when the view became this one */
    uint64_t open_at_ms;       /* not before: others must have heard of us */
    bool settled;              /* everybody is known to see the same */
    bool was_settled;          /* and so it was in the view before */
    struct witness *witnesses; /* owned */
    size_t witness_count;
} branch_state;

/* What a peer said: with this view, its own changes were at `head`. */
typedef struct witness {
    uint64_t peer;
    uint64_t boot;
    uint64_t view;
    uint64_t head;
} witness;

/* Rows on their way into one effect. */
typedef struct row_batch {
    branch_state *branch;
    inf_change change;
    size_t count;
    inf_row rows[ROWS_A_BATCH]; /* slices hold offsets into bytes */
    inf_buf bytes;
    uint64_t told;   /* in this call */
    uint64_t untold; /* in this call, only counted */
} row_batch;

/* An accepted stream whose first byte has not come. */
typedef struct undecided {
    uint64_t stream;
    struct undecided *next;
} undecided;

struct inf_node {
    inf_alloc *mem;
    inf_outbox outbox;
    inf_member *member;
    inf_keyring *keys;
    inf_synch *synch;
    inf_slice name; /* owned */
    uint64_t id;
    uint64_t boot;
    uint16_t rpc_port;
    inf_rng rng;
    inf_hlc hlc;
    uint64_t now_ms;
    uint64_t born_ms;
    uint64_t wall_ms; /* at born_ms */
    uint64_t housekeep_at_ms;
    uint64_t settle_at_ms; /* when rows of an owner are shown or hidden on */
    uint32_t hold_ms;
    uint32_t deletes_max;
    uint32_t gossip_ms; /* how long news take a hop */
    branch_state branches[INF_BRANCHES_MAX];
    uint64_t forgotten_seq; /* own changes in branches no longer remembered */
    inf_tag *tags;          /* owned: the user's */
    size_t tag_count;
    row_batch batch;
    unsigned rows_for; /* inf_rows_for, as bits */
    inf_map undecided;
    bool leaving;
    bool superseded;
    bool joining;
    bool views_stale; /* members or branches have changed */
    uint64_t join_token;
};

/* ---- node.c ------------------------------------------------------------ */

/* Sets the present; each function of the face begins with it. */
void node_begin(inf_node *node, uint64_t now_ms);
/* Carries what happened from part to part; each ends with it. */
void node_end(inf_node *node);
uint64_t node_wall_ms(const inf_node *node);
void node_housekeep_by(inf_node *node, uint64_t due_ms);

/* ---- node_members.c ---------------------------------------------------- */

int node_set_tags(inf_node *node, const inf_tag *tags, size_t count);
void node_tags_deinit(inf_node *node);
/* Tells membership the tags as they are; 0, INF_ETOOBIG, INF_ENOMEM. */
int node_encode_meta(inf_node *node, inf_buf *out);
int node_announce(inf_node *node);
/* Takes what membership has to say. */
void node_drain_members(inf_node *node);
/* Looks at all members again: branches of this node have changed. */
void node_review_members(inf_node *node);

/* ---- node_rows.c ------------------------------------------------------- */

uint64_t node_scope(inf_slice branch);
branch_state *node_branch(const inf_node *node, inf_slice name);
unsigned node_slot(const inf_node *node, const branch_state *b);
void node_rows_flush(inf_node *node);
void node_branches_deinit(inf_node *node);
inf_row node_row(const inf_entry *entry);

/* ---- node_store.c ------------------------------------------------------ */

inf_synch_store node_store(inf_node *node);

/* ---- node_conflict.c --------------------------------------------------- */

/* Asks the owners of winning claims whether they are alive. */
void node_conflicts(inf_node *node);
/* Asks the owner of a claim whether it is alive, as `kind`. */
void node_question(inf_node *node, branch_state *b, uint8_t kind,
                   inf_claim claim, inf_slice name);
/* The same for one name, when our row loses it. */
void node_conflict_of(inf_node *node, branch_state *b, inf_slice name);
void node_conflict_told(inf_node *node, branch_state *b, uint64_t peer,
                        uint8_t kind, inf_cursor *body);
/* A later life of this node's name exists: everything here must stop. */
void node_superseded(inf_node *node, uint64_t boot);

/* ---- node_contest.c ----------------------------------------------------- */

/* True while our row, which loses, is not given up: the user is being asked, or
   wants it. */
bool node_contests(inf_node *node, branch_state *b, const inf_entry *mine,
                   const inf_entry *winner);
/* True when our row lives and is contested against that peer's. */
bool node_contest_proves(const inf_node *node, const branch_state *b,
                         uint64_t peer, inf_slice name);
/* True when the user wants our row, which wins, to go for that claim. */
bool node_contest_lost(const branch_state *b, const inf_entry *mine,
                       inf_claim other);
void node_contest_told(inf_node *node, branch_state *b, uint64_t peer,
                       uint8_t kind, inf_cursor *body);
/* Forgets contests that are over. */
void node_contests_sweep(inf_node *node, branch_state *b);
void node_contests_deinit(inf_node *node, branch_state *b);

/* ---- node_gate.c ------------------------------------------------------- */

enum {
    TOLD_QUESTION = 1,
    TOLD_ANSWER = 2,
    TOLD_VIEW = 3,
    TOLD_CONTEST = 4,
    TOLD_REFUSAL = 5,
    TOLD_PROOF = 6
};

/* Notices a changed view of a branch and tells the peers. */
void node_views(inf_node *node);
void node_view_told(inf_node *node, branch_state *b, uint64_t peer,
                    inf_cursor *body);
/* Tells one peer what we see, once it can be told. */
void node_view_to(inf_node *node, branch_state *b, uint64_t peer);
void node_gate_deinit(inf_node *node, branch_state *b);
/* The rendezvous choice for a name among ids. */
uint64_t node_choose(const uint64_t *ids, size_t count, uint64_t scope,
                     inf_slice name);

#endif
