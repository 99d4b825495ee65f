/* SPDX-License-Identifier: MIT */
/* What the functions of infinitomata.h answer when something is wrong, as the
   header says it of each. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>
#include <uv.h>

#include <infinitomata.h>

static inf_config plain(uv_loop_t *loop) {
    return (inf_config){.loop = loop, .name = "a", .bind = "127.0.0.1:0"};
}

static inf_cluster *start(uv_loop_t *loop) {
    inf_cluster *node = NULL;
    inf_config config = plain(loop);
    assert_int_equal(uv_loop_init(loop), 0);
    assert_int_equal(inf_cluster_start(&node, &config, NULL), 0);
    return node;
}

static void count_up(void *ctx) {
    ++*(int *)ctx;
}

static void stop(uv_loop_t *loop, inf_cluster *node) {
    int closed = 0;
    inf_cluster_stop(node, count_up, &closed);
    (void)uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(closed, 1);
    assert_int_equal(uv_loop_close(loop), 0);
}

static int start_with(inf_config config) {
    char problem[INF_PROBLEM_ROOM] = "";
    inf_cluster *node = NULL;
    int rc = inf_cluster_start(&node, &config, problem);
    assert_null(node);
    assert_true(problem[0] != '\0');
    return rc;
}

/* The start fails, and its explanation begins with what is at fault. */
static void refused(int code, const char *what, inf_config config) {
    char problem[INF_PROBLEM_ROOM] = "";
    inf_cluster *node = NULL;
    assert_int_equal(inf_cluster_start(&node, &config, problem), code);
    problem[strlen(what)] = '\0';
    assert_string_equal(problem, what);
}

static void the_explanation_names_what_is_at_fault(void **state) {
    (void)state;
    uv_loop_t loop;
    char long_text[300], keys[17][25];
    const char *many[18] = {NULL}, *list[133] = {NULL};
    assert_int_equal(uv_loop_init(&loop), 0);
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    inf_config config = plain(NULL);
    refused(INF_BAD_ARGUMENT, "loop: required", config);
    config = plain(&loop);
    config.name = NULL;
    refused(INF_BAD_ARGUMENT, "name: required", config);
    config.name = "a b";
    refused(INF_BAD_NAME, "name: 1 to 128 bytes", config);
    config.name = long_text;
    refused(INF_BAD_NAME, "name: 1 to 128 bytes", config);
    config = plain(&loop);
    config.bind = "";
    refused(INF_BAD_ADDRESS, "bind: ''", config);
    config.bind = "192.0.2.1:0";
    refused(INF_BAD_ADDRESS, "gossip address 192.0.2.1:0: this machine",
            config);
    config = plain(&loop);
    config.label = long_text;
    refused(INF_TOO_BIG, "label: longer", config);
    config = plain(&loop);
    config.keys = many;
    for (size_t i = 0; i < 17; i++) {
        (void)snprintf(keys[i], sizeof keys[i],
                       "%cHdvIGtleSB0d28ga2V5IQ==", (char)('A' + i));
        many[i] = keys[i];
    }
    refused(INF_FULL, "keys: more than 16", config);
    many[1] = "no key";
    refused(INF_BAD_ARGUMENT, "keys: the one at 1 is not", config);
    config = plain(&loop);
    config.membership = (const char *const[]){"gossip_fanout", NULL};
    refused(INF_BAD_ARGUMENT, "membership: 'gossip_fanout' has no value",
            config);
    config = plain(&loop);
    config.tags = list;
    list[0] = "key";
    refused(INF_BAD_ARGUMENT, "tags: 'key' has no value", config);
    list[1] = long_text, list[2] = "other", list[3] = long_text;
    refused(INF_TOO_BIG, "tags: longer", config);
    list[0] = "", list[2] = NULL;
    refused(INF_BAD_ARGUMENT, "tags: a key is empty", config);
    for (size_t i = 0; i < 130; i++)
        list[i] = "x";
    refused(INF_TOO_BIG, "tags: more than 64", config);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void starting_says_what_failed(void **state) {
    (void)state;
    uv_loop_t loop;
    char taken[INF_ADDRESS_ROOM];
    inf_cluster *node = start(&loop);
    inf_config config = plain(NULL);
    assert_int_equal(start_with(config), INF_BAD_ARGUMENT);
    config = plain(&loop);
    config.name = "";
    assert_int_equal(start_with(config), INF_BAD_NAME);
    config = plain(&loop);
    config.bind = inf_cluster_address(node, taken);
    assert_int_equal(start_with(config), INF_IN_USE);
    config.bind = "127.0.0.1:ninety";
    assert_int_equal(start_with(config), INF_BAD_ADDRESS);
    config = plain(&loop);
    config.profile = "fast";
    assert_int_equal(start_with(config), INF_BAD_ARGUMENT);
    config = plain(&loop);
    config.keys = (const char *const[]){"short", NULL};
    assert_int_equal(start_with(config), INF_BAD_ARGUMENT);
    stop(&loop, node);
}

static void joining_says_what_is_wrong(void **state) {
    (void)state;
    uv_loop_t loop;
    static const char one[] = "127.0.0.1:9,";
    char many[65 * (sizeof one - 1) + 1] = "";
    inf_cluster *node = start(&loop);
    assert_int_equal(inf_cluster_join(node, "", NULL, NULL), INF_BAD_ARGUMENT);
    assert_int_equal(inf_cluster_join(node, "nowhere:port", NULL, NULL),
                     INF_BAD_ADDRESS);
    for (size_t i = 0; i < 65; i++)
        memcpy(many + i * (sizeof one - 1), one, sizeof one);
    assert_int_equal(inf_cluster_join(node, many, NULL, NULL), INF_TOO_BIG);
    stop(&loop, node);
}

static void names_say_what_is_wrong(void **state) {
    (void)state;
    uv_loop_t loop;
    char ref[INF_REF_ROOM], other[INF_REF_ROOM], long_name[256];
    char member[INF_NODE_ROOM];
    inf_cluster *node = start(&loop);
    memset(long_name, 'x', sizeof long_name);
    assert_int_equal(inf_cluster_claim(node, "shop", "one", 3, "door", ref),
                     INF_UNKNOWN);
    assert_int_equal(inf_cluster_place(node, "shop", "one", 3, member),
                     INF_UNKNOWN);
    assert_int_equal(inf_cluster_branch(node, ""), INF_BAD_NAME);
    assert_int_equal(inf_cluster_branch(node, "shop"), 0);
    assert_int_equal(inf_cluster_branch(node, "shop"), 0);
    assert_int_equal(
        inf_cluster_claim(node, "shop", long_name, 256, "door", ref),
        INF_BAD_NAME);
    assert_int_equal(inf_cluster_claim(node, "shop", "one", 3, "door", ref), 0);
    assert_int_equal(inf_cluster_claim(node, "shop", "one", 3, "door", other),
                     INF_TAKEN);
    assert_int_equal(inf_cluster_whereis(node, "shop", "two", 3, NULL, NULL),
                     INF_UNKNOWN);
    assert_true(inf_cluster_release(node, "shop", "one", 3, "no ref") < 0);
    assert_int_equal(inf_cluster_release(node, "shop", "one", 3, ref), 0);
    assert_int_equal(inf_cluster_release(node, "shop", "one", 3, ref),
                     INF_UNKNOWN);
    stop(&loop, node);
}

static void keys_say_what_is_wrong(void **state) {
    (void)state;
    uv_loop_t loop;
    static const char key[] = "b25lIGtleSBvbmUga2V5IQ==";
    inf_cluster *node = start(&loop);
    assert_int_equal(inf_cluster_add_key(node, key), INF_NO_KEY);
    stop(&loop, node);
    inf_config config = plain(&loop);
    config.keys = (const char *const[]){key, NULL};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(inf_cluster_start(&node, &config, NULL), 0);
    assert_int_equal(inf_cluster_add_key(node, key), 0);
    assert_int_equal(inf_cluster_add_key(node, "no key"), INF_BAD_ARGUMENT);
    assert_int_equal(inf_cluster_remove_key(node, key), INF_TAKEN);
    char other[] = "dHdvIGtleSB0d28ga2V5IQ==";
    assert_int_equal(inf_cluster_use_key(node, other), INF_UNKNOWN);
    for (int i = 1; i < 16; i++) {
        other[0] = (char)('A' + i);
        assert_int_equal(inf_cluster_add_key(node, other), 0);
    }
    other[0] = 'Z';
    assert_int_equal(inf_cluster_add_key(node, other), INF_FULL);
    stop(&loop, node);
}

static void rings_say_what_is_wrong(void **state) {
    (void)state;
    char owner[256];
    inf_hash_ring *ring = inf_hash_ring_new(1);
    assert_non_null(ring);
    assert_int_equal(inf_hash_ring_owner(ring, "key", 3, owner), INF_UNKNOWN);
    assert_int_equal(inf_hash_ring_add(ring, "", 128), INF_BAD_NAME);
    assert_int_equal(inf_hash_ring_add(ring, "a", 65536), INF_BAD_ARGUMENT);
    assert_int_equal(inf_hash_ring_remove(ring, "a"), INF_UNKNOWN);
    assert_int_equal(inf_hash_ring_add(ring, "a", 65535), 0);
    assert_int_equal(inf_hash_ring_owner(ring, "key", 3, owner), 0);
    inf_hash_ring_free(ring);
    inf_hash_ring_free(NULL);
}

typedef struct goodbye {
    inf_cluster *node;
    int closed;
} goodbye;

static void stop_now(void *ctx, int count) {
    goodbye *g = ctx;
    assert_int_equal(count, 0);
    assert_int_equal(inf_cluster_leave(g->node, NULL, NULL), INF_CLOSED);
    assert_int_equal(inf_cluster_join(g->node, "127.0.0.1:9", NULL, NULL),
                     INF_CLOSED);
    inf_cluster_stop(g->node, count_up, &g->closed);
    /* It is there until `closed` comes, and answers. */
    char address[INF_ADDRESS_ROOM], ref[INF_REF_ROOM];
    assert_int_equal(inf_cluster_members(g->node, NULL, NULL), 0);
    assert_int_equal(inf_cluster_rows(g->node, "shop", NULL, NULL), 0);
    assert_int_equal(inf_cluster_count(g->node, "shop"), 0);
    assert_int_equal(inf_cluster_keys(g->node, NULL, NULL), 0);
    assert_int_equal(inf_cluster_branch(g->node, "shop"), INF_CLOSED);
    assert_int_equal(inf_cluster_place(g->node, "shop", "x", 1, ref),
                     INF_CLOSED);
    assert_int_equal(inf_cluster_add_key(g->node, "x"), INF_CLOSED);
    assert_non_null(inf_cluster_address(g->node, address));
}

static void a_node_may_be_stopped_when_it_has_left(void **state) {
    (void)state;
    uv_loop_t loop;
    goodbye g = {.node = start(&loop)};
    assert_int_equal(inf_cluster_leave(g.node, stop_now, &g), 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(g.closed, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- Lua on a node ------------------------------------------------------- */

/* What inf_open says of a state that cannot be on the node. */
static void refused_to_lua(lua_State *L, uv_loop_t *loop, inf_cluster *node,
                           const char *why) {
    int top = lua_gettop(L);
    assert_int_equal(inf_open(L, loop, node), LUA_ERRRUN);
    assert_int_equal(lua_gettop(L), top + 1);
    assert_non_null(strstr(lua_tostring(L, -1), why));
    lua_pop(L, 1);
}

static lua_State *new_state(void) {
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    luaL_openlibs(L);
    return L;
}

static void a_node_says_why_lua_cannot_run_on_it(void **state) {
    (void)state;
    uv_loop_t loop, other;
    char branch[8];
    assert_int_equal(uv_loop_init(&other), 0);
    inf_cluster *node = start(&loop);
    lua_State *L = new_state();
    for (int i = 0; i < 64; i++) {
        (void)snprintf(branch, sizeof branch, "b%d", i);
        assert_int_equal(inf_cluster_branch(node, branch), 0);
    }
    assert_int_equal(inf_cluster_branch(node, "b64"), INF_FULL);
    refused_to_lua(L, &loop, node, "'default'");
    lua_close(L);
    stop(&loop, node);
    node = start(&loop);
    L = new_state();
    refused_to_lua(L, &other, node, "another loop");
    lua_close(L);
    L = new_state();
    lua_State *second = new_state();
    assert_int_equal(inf_open(L, &loop, node), LUA_OK);
    refused_to_lua(second, &loop, node, "a state of Lua already");
    lua_close(L);
    assert_int_equal(inf_open(second, &loop, node), LUA_OK);
    lua_close(second);
    stop(&loop, node);
    assert_int_equal(uv_loop_close(&other), 0);
}

/* ---- two nodes that claim one name --------------------------------------- */

/* What on_lost of a node was told. */
typedef struct loss {
    int times;
    char branch[8];
    char name[8];
    char node[INF_NODE_ROOM];
    char winner[INF_REF_ROOM];
    char ref[INF_REF_ROOM];
} loss;

static void note_loss(void *ctx, const char *branch,
                      const inf_cluster_row *winner, const char *ref) {
    loss *l = ctx;
    l->times++;
    (void)snprintf(l->branch, sizeof l->branch, "%s", branch);
    (void)snprintf(l->name, sizeof l->name, "%s", winner->name);
    (void)snprintf(l->node, sizeof l->node, "%s", winner->node);
    (void)snprintf(l->winner, sizeof l->winner, "%s", winner->ref);
    (void)snprintf(l->ref, sizeof l->ref, "%s", ref);
}

static void set_up(void *ctx, int count) {
    *(int *)ctx = count + 1;
}

static void expect_row(void *ctx, const inf_cluster_row *row) {
    assert_string_equal(row->ref, ctx);
}

static void be_late(uv_timer_t *timer) {
    (void)timer;
    fail_msg("it did not happen in time");
}

static void the_loser_of_a_name_is_told_who_won_it(void **state) {
    (void)state;
    static const char *const names[] = {"a", "b"};
    uv_loop_t loop;
    uv_timer_t late;
    loss losses[2] = {{.times = 0}};
    inf_cluster *nodes[2] = {NULL};
    char refs[2][INF_REF_ROOM], address[INF_ADDRESS_ROOM];
    int joined = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(uv_timer_init(&loop, &late), 0);
    assert_int_equal(uv_timer_start(&late, be_late, 20000, 0), 0);
    for (size_t i = 0; i < 2; i++) {
        inf_config config = plain(&loop);
        config.name = names[i];
        config.profile = "local";
        config.on_lost = note_loss;
        config.ctx = &losses[i];
        assert_int_equal(inf_cluster_start(&nodes[i], &config, NULL), 0);
        assert_int_equal(inf_cluster_branch(nodes[i], "shop"), 0);
        assert_int_equal(
            inf_cluster_claim(nodes[i], "shop", "one", 3, "door", refs[i]), 0);
    }
    assert_int_equal(inf_cluster_join(nodes[1],
                                      inf_cluster_address(nodes[0], address),
                                      set_up, &joined),
                     0);
    while (losses[0].times + losses[1].times == 0)
        (void)uv_run(&loop, UV_RUN_ONCE);
    size_t loser = losses[0].times == 1 ? 0 : 1;
    size_t winner = 1 - loser;
    assert_string_equal(losses[loser].branch, "shop");
    assert_string_equal(losses[loser].name, "one");
    assert_string_equal(losses[loser].node, names[winner]);
    assert_string_equal(losses[loser].winner, refs[winner]);
    assert_string_equal(losses[loser].ref, refs[loser]);
    assert_int_equal(
        inf_cluster_release(nodes[loser], "shop", "one", 3, refs[loser]), 0);
    assert_int_equal(inf_cluster_whereis(nodes[loser], "shop", "one", 3,
                                         expect_row, refs[winner]),
                     0);
    assert_int_equal(losses[winner].times, 0);
    uv_close((uv_handle_t *)&late, NULL);
    inf_cluster_stop(nodes[0], NULL, NULL);
    stop(&loop, nodes[1]);
}

int main(void) {
    /* Lua's files, when the tests are run from the repository's root. */
    (void)setenv("LUA_PATH", "lua/?.lua;lua/?/init.lua;;", 0);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starting_says_what_failed),
        cmocka_unit_test(the_explanation_names_what_is_at_fault),
        cmocka_unit_test(joining_says_what_is_wrong),
        cmocka_unit_test(names_say_what_is_wrong),
        cmocka_unit_test(keys_say_what_is_wrong),
        cmocka_unit_test(rings_say_what_is_wrong),
        cmocka_unit_test(a_node_may_be_stopped_when_it_has_left),
        cmocka_unit_test(a_node_says_why_lua_cannot_run_on_it),
        cmocka_unit_test(the_loser_of_a_name_is_told_who_won_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
