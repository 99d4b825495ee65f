/* SPDX-License-Identifier: MIT */
#include "rows_world.h"

typedef struct ear {
    rows_world *w;
    int node;
} ear;

static rows_world the_world;
static ear ears[ROWS_NODES];

static void heard(void *ctx, inf_registry_change change, const inf_entry *entry,
                  const inf_entry *lost) {
    const ear *e = ctx;
    assert_true(entry->name.len != 0 && entry->owner.len != 0);
    switch (change) {
    case INF_ROW_SHOWN:
        e->w->shown[e->node]++;
        break;
    case INF_ROW_HIDDEN:
        e->w->hidden[e->node]++;
        break;
    case INF_ROW_CONFLICT:
        e->w->conflicts[e->node]++;
        assert_true(inf_slice_eq(entry->name, lost->name));
        e->w->stays[e->node] = entry->claim;
        e->w->loses[e->node] = lost->claim;
        break;
    }
}

inf_registry *rows_make(rows_world *w, int node, uint64_t boot,
                        uint32_t deletes_max, inf_prefer prefer) {
    inf_registry *registry = NULL;
    ears[node] = (ear){w, node};
    inf_registry_config config = {
        .mem = inf_alloc_libc(),
        .node = w->name[node],
        .boot = boot,
        .key = {{(uint8_t)node, 7}},
        .rows_max = 1u << 20,
        .deletes_max = deletes_max,
        .prefer = prefer,
        .listener = {&ears[node], heard},
    };
    assert_int_equal(inf_registry_new(&registry, &config), 0);
    return registry;
}

void rows_everybody_up(rows_world *w) {
    for (int a = 0; a < ROWS_NODES; a++) {
        for (int b = 0; b < ROWS_NODES; b++) {
            if (a == b) continue;
            assert_int_equal(inf_registry_up(w->at[a], w->name[b], w->boot[b]),
                             0);
        }
    }
}

int rows_begin(void **state, uint32_t deletes_max, inf_prefer prefer) {
    static const char *const names[ROWS_NODES] = {"anna", "berta", "clara"};
    the_world = (rows_world){0};
    for (int i = 0; i < ROWS_NODES; i++) {
        the_world.name[i] = inf_slice_str(names[i]);
        the_world.boot[i] = 100;
        the_world.at[i] = rows_make(&the_world, i, 100, deletes_max, prefer);
    }
    rows_everybody_up(&the_world);
    *state = &the_world;
    return 0;
}

int rows_setup(void **state) {
    return rows_begin(state, 1000, INF_PREFER_LAST);
}

int rows_setup_forgetful(void **state) {
    return rows_begin(state, 2, INF_PREFER_LAST);
}

int rows_setup_first(void **state) {
    return rows_begin(state, 1000, INF_PREFER_FIRST);
}

int rows_teardown(void **state) {
    rows_world *w = *state;
    for (int i = 0; i < ROWS_NODES; i++)
        inf_registry_free(w->at[i]);
    return 0;
}

uint64_t rows_id_of(const rows_world *w, int node) {
    return inf_node_id(w->name[node]);
}

inf_entry rows_put_at(rows_world *w, int node, const char *name,
                      uint64_t wall_ms) {
    inf_entry entry;
    assert_int_equal(inf_registry_put(w->at[node], inf_slice_str(name),
                                      inf_slice_str("order"), 0, &w->hlc[node],
                                      wall_ms, &entry),
                     0);
    return entry;
}

void rows_drop_at(rows_world *w, int node, const char *name) {
    inf_entry mine;
    inf_slice slice = inf_slice_str(name);
    assert_int_equal(inf_registry_own(w->at[node], slice, &mine), 0);
    assert_int_equal(inf_registry_remove(w->at[node], slice, mine.claim.stamp),
                     0);
}

int rows_carry(rows_world *w, int from, int to, int owner, size_t cap,
               int runs) {
    inf_version have;
    inf_version theirs;
    uint64_t id = rows_id_of(w, owner);
    assert_int_equal(inf_registry_owner(w->at[to], id, &have), 0);
    assert_int_equal(inf_registry_owner(w->at[from], id, &theirs), 0);
    inf_diff_cursor cursor = {.boot = have.boot, .at = have.cur};
    if (have.boot != theirs.boot) cursor = (inf_diff_cursor){0};
    int applied = 0;
    for (; applied < runs; applied++) {
        inf_buf ops;
        inf_span span;
        inf_buf_init(&ops, inf_alloc_libc());
        int rc = inf_registry_diff(w->at[from], id, &cursor, cap, &span, &ops);
        if (rc == 1) {
            assert_int_equal(inf_registry_apply(w->at[to], rows_id_of(w, from),
                                                &span, inf_buf_view(&ops)),
                             0);
        }
        inf_buf_deinit(&ops);
        if (rc != 1) break;
    }
    return applied;
}

void rows_carry_all(rows_world *w) {
    for (int a = 0; a < ROWS_NODES; a++) {
        for (int b = 0; b < ROWS_NODES; b++) {
            if (a != b) (void)rows_carry(w, a, b, a, 1u << 16, 1000);
        }
    }
}

int rows_owner_of(const rows_world *w, int seen_from, const char *name) {
    inf_entry entry;
    if (inf_registry_find(w->at[seen_from], inf_slice_str(name), &entry) != 0) {
        return -1;
    }
    for (int i = 0; i < ROWS_NODES; i++) {
        if (inf_slice_eq(entry.owner, w->name[i])) return i;
    }
    return -2;
}

void rows_assert_same(const rows_world *w) {
    for (int i = 1; i < ROWS_NODES; i++) {
        assert_int_equal(inf_registry_root(w->at[0]),
                         inf_registry_root(w->at[i]));
        assert_int_equal(inf_registry_count(w->at[0]),
                         inf_registry_count(w->at[i]));
    }
}
