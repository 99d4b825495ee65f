/* SPDX-License-Identifier: MIT */
/* rows_world.h: a few registries of one branch, without any network. */
#ifndef INF_TESTS_ROWS_WORLD_H
#define INF_TESTS_ROWS_WORLD_H

#include "base/error.h"
#include "core/registry.h"
#include "test.h"

enum { ROWS_NODES = 3 };

typedef struct rows_world {
    inf_registry *at[ROWS_NODES];
    inf_slice name[ROWS_NODES];
    uint64_t boot[ROWS_NODES];
    inf_hlc hlc[ROWS_NODES];
    int shown[ROWS_NODES];
    int hidden[ROWS_NODES];
    int conflicts[ROWS_NODES];
    inf_claim stays[ROWS_NODES]; /* of the last conflict */
    inf_claim loses[ROWS_NODES];
} rows_world;

inf_registry *rows_make(rows_world *w, int node, uint64_t boot,
                        uint32_t deletes_max, inf_prefer prefer);
void rows_everybody_up(rows_world *w);
/** Three registries that hold each other for up. */
int rows_begin(void **state, uint32_t deletes_max, inf_prefer prefer);
int rows_setup(void **state);
/** The same, remembering only two deletes. */
int rows_setup_forgetful(void **state);
/** The same, where the oldest claim stands. */
int rows_setup_first(void **state);
int rows_teardown(void **state);
uint64_t rows_id_of(const rows_world *w, int node);
inf_entry rows_put_at(rows_world *w, int node, const char *name,
                      uint64_t wall_ms);
void rows_drop_at(rows_world *w, int node, const char *name);
/** Carries what `to` lacks of `owner` from `from`, `cap` bytes a run, at most
    `runs` runs; returns how many runs were applied. */
int rows_carry(rows_world *w, int from, int to, int owner, size_t cap,
               int runs);
void rows_carry_all(rows_world *w);
/** Who has the name as seen from a node; -1: nobody. */
int rows_owner_of(const rows_world *w, int seen_from, const char *name);
void rows_assert_same(const rows_world *w);

#endif
