/* SPDX-License-Identifier: MIT */
/* The library as an embedder has it: states, loops and nodes that live and end
   apart from each other. */
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>
#include <lualib.h>
#include <uv.h>

#include <infinitomata.h>

/* Longer than anything here takes: a run that hangs fails. */
enum { PATIENCE_MS = 20000 };

static lua_State *new_state(void) {
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    luaL_openlibs(L);
    return L;
}

static void run(lua_State *L, const char *script) {
    if (luaL_dostring(L, script) == LUA_OK) return;
    fail_msg("%s", lua_tostring(L, -1));
}

/* The module under its name, in a state on a loop of its own. */
static lua_State *new_core_state(void) {
    lua_State *L = new_state();
    luaL_requiref(L, "infinitomata.core", luaopen_infinitomata_core, 1);
    lua_setglobal(L, "core");
    return L;
}

static void on_late(uv_timer_t *timer) {
    (void)timer;
    fail_msg("it did not happen in time");
}

/* Runs the loop until *flag is set. */
static void run_until(uv_loop_t *loop, const int *flag) {
    uv_timer_t late;
    assert_int_equal(uv_timer_init(loop, &late), 0);
    assert_int_equal(uv_timer_start(&late, on_late, PATIENCE_MS, 0), 0);
    while (*flag == 0) {
        (void)uv_run(loop, UV_RUN_ONCE);
    }
    uv_close((uv_handle_t *)&late, NULL);
    (void)uv_run(loop, UV_RUN_NOWAIT);
}

static void set_flag(void *ctx) {
    *(int *)ctx = 1;
}

static void set_count(void *ctx, int count) {
    *(int *)ctx = count + 1;
}

static inf_cluster *start(uv_loop_t *loop, const char *name) {
    char problem[INF_PROBLEM_ROOM] = "";
    inf_cluster *node = NULL;
    inf_config config = {
        .loop = loop, .name = name, .bind = "127.0.0.1:0", .profile = "local"};
    if (inf_cluster_start(&node, &config, problem) != 0) {
        fail_msg("%s", problem);
    }
    return node;
}

static void stop(uv_loop_t *loop, inf_cluster *node) {
    int gone = 0;
    inf_cluster_stop(node, set_flag, &gone);
    run_until(loop, &gone);
}

/* ---- states -------------------------------------------------------------- */

static void two_states_know_nothing_of_each_other(void **state) {
    (void)state;
    lua_State *a = new_core_state();
    lua_State *b = new_core_state();
    run(a, "core.timer_start(60000, print) assert(core.timer_count() == 1)");
    run(b, "assert(core.timer_count() == 0) assert(not core.step('once'))");
    run(b, "local fired core.timer_start(1, function() fired = true end)"
           "while core.step('once') do end assert(fired)");
    lua_close(a);
    run(b, "core.timer_start(0, type, 1) assert(core.step('nowait') ~= nil)"
           "assert(core.pack { 1 } == '\\x91\\x01')");
    lua_close(b);
}

static void two_states_run_nodes_that_meet(void **state) {
    (void)state;
    static const char node[] =
        "woken = nil core.on_wake(function(_, ...) woken = { ... } end)"
        "function start(name) node = assert(core.node_start { name = name,"
        "  bind = '127.0.0.1:0', profile = 'local',"
        "  on_event = function() end, on_request = function() end })"
        "  return node:self().address end";
    lua_State *a = new_core_state();
    lua_State *b = new_core_state();
    run(a, node);
    run(b, node);
    run(a, "address = start 'a'");
    lua_getglobal(a, "address");
    lua_pushstring(b, lua_tostring(a, -1));
    lua_setglobal(b, "address");
    run(b,
        "start 'b' assert(node:join({}, { address }))"
        "local late = core.now() + 20000 "
        "while not woken do assert(core.now() < late) core.step 'nowait' end "
        "assert(woken[1] == 1, woken[2]) assert(#node:members() == 2)");
    lua_close(b);
    lua_close(a);
}

static void a_state_leaves_an_embedders_loop_clean(void **state) {
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    lua_State *L = new_state();
    assert_int_equal(inf_open(L, &loop, NULL), LUA_OK);
    run(L, "local core = require 'infinitomata.core'"
           "core.timer_start(60000, print) core.request_turn()"
           "core.signal('SIGUSR1', print)"
           "core.node_start { name = 'left-open', bind = '127.0.0.1:0',"
           "  on_event = print, on_request = print }");
    lua_close(L);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void the_embedders_loop_runs_what_lua_started(void **state) {
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    lua_State *L = new_state();
    assert_int_equal(inf_open(L, &loop, NULL), LUA_OK);
    run(L, "local core = require 'infinitomata.core'"
           "core.timer_start(5, function() fired = core.in_loop() end)");
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    lua_getglobal(L, "fired");
    assert_true(lua_toboolean(L, -1));
    lua_close(L);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_second_loop_for_one_state_is_refused(void **state) {
    (void)state;
    uv_loop_t loop;
    assert_int_equal(uv_loop_init(&loop), 0);
    lua_State *L = new_core_state();
    assert_int_equal(inf_open(L, &loop, NULL), LUA_ERRRUN);
    assert_non_null(strstr(lua_tostring(L, -1), "another loop"));
    lua_close(L);
    assert_int_equal(uv_loop_close(&loop), 0);
}

/* ---- nodes without Lua --------------------------------------------------- */

static void a_node_says_what_it_cannot_start_with(void **state) {
    (void)state;
    uv_loop_t loop;
    char problem[INF_PROBLEM_ROOM];
    static const char *const bad_keys[] = {"short", NULL};
    static const char *const unknown[] = {"probing", "1", NULL};
    static const char *const outside[] = {"gossip_fanout", "99", NULL};
    static const char *const no_number[] = {"gossip_fanout", "3x", NULL};
    static const char *const against[] = {"probe_timeout", "2000", NULL};
    static char long_label[300];
    memset(long_label, 'x', sizeof long_label - 1);
    assert_int_equal(uv_loop_init(&loop), 0);
    inf_config configs[] = {
        {.loop = &loop, .name = "a", .bind = "no address at all"},
        {.loop = &loop, .name = "a", .profile = "moon"},
        {.loop = &loop, .name = "a", .keys = bad_keys},
        {.loop = &loop, .name = "a", .membership = unknown},
        {.loop = &loop, .name = "a", .membership = outside},
        {.loop = &loop, .name = "a", .membership = no_number},
        {.loop = &loop, .name = "a", .membership = against},
        {.loop = &loop,
         .name = "a",
         .bind = "127.0.0.1:0",
         .label = long_label},
        {.loop = &loop, .name = "", .bind = "127.0.0.1:0"},
        {.loop = &loop},
        {.name = "a"},
    };
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        inf_cluster *node = NULL;
        problem[0] = '\0';
        assert_true(inf_cluster_start(&node, &configs[i], problem) < 0);
        assert_null(node);
        assert_true(strlen(problem) > 0);
        assert_true(inf_cluster_start(&node, &configs[i], NULL) < 0);
    }
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void count_alive(void *ctx, const inf_cluster_member *member) {
    if (strcmp(member->state, "alive") == 0) ++*(size_t *)ctx;
}

static void two_nodes_meet_and_part(void **state) {
    (void)state;
    uv_loop_t loop;
    char address[INF_ADDRESS_ROOM];
    int joined = 0, left = 0;
    size_t alive = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    inf_cluster *a = start(&loop, "a");
    inf_cluster *b = start(&loop, "b");
    assert_int_equal(inf_cluster_join(b, inf_cluster_address(a, address),
                                      set_count, &joined),
                     0);
    run_until(&loop, &joined);
    assert_int_equal(joined - 1, 1);
    assert_int_equal(inf_cluster_members(b, count_alive, &alive), 2);
    assert_int_equal(alive, 2);
    assert_int_equal(inf_cluster_leave(b, set_count, &left), 0);
    run_until(&loop, &left);
    stop(&loop, b);
    stop(&loop, a);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void nodes_of_two_labels_do_not_meet(void **state) {
    (void)state;
    uv_loop_t loop;
    char address[INF_ADDRESS_ROOM];
    static const char *const quick[] = {
        "probe_interval", "100", "probe_timeout", "50", "crc", "0", NULL};
    static const char *const labels[] = {"north", "north", "south"};
    inf_cluster *nodes[3] = {NULL};
    assert_int_equal(uv_loop_init(&loop), 0);
    for (size_t i = 0; i < 3; i++) {
        inf_config config = {.loop = &loop,
                             .name = i == 0 ? "a" : "b",
                             .bind = "127.0.0.1:0",
                             .membership = quick,
                             .label = labels[i]};
        int joined = 0;
        assert_int_equal(inf_cluster_start(&nodes[i], &config, NULL), 0);
        if (i == 0) continue;
        assert_int_equal(
            inf_cluster_join(nodes[i], inf_cluster_address(nodes[0], address),
                             set_count, &joined),
            0);
        run_until(&loop, &joined);
        assert_int_equal(joined - 1, i == 1 ? 1 : 0);
    }
    for (size_t i = 0; i < 3; i++)
        stop(&loop, nodes[i]);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static const char one_key[] = "b25lIGtleSBvbmUga2V5IQ==";
static const char two_key[] = "dHdvIGtleSB0d28ga2V5IQ==";

static void join_prints(void *ctx, const char *fingerprint) {
    char *end = (char *)ctx + strlen(ctx);
    memcpy(end, fingerprint, strlen(fingerprint) + 1);
}

static void a_c_program_changes_its_keys(void **state) {
    (void)state;
    uv_loop_t loop;
    char before[64] = "", after[64] = "";
    assert_int_equal(uv_loop_init(&loop), 0);
    inf_cluster *open = start(&loop, "open");
    assert_true(inf_cluster_add_key(open, one_key) < 0);
    assert_int_equal(inf_cluster_keys(open, join_prints, before), 0);
    const char *const keys[] = {one_key, NULL};
    inf_config config = {
        .loop = &loop, .name = "a", .bind = "127.0.0.1:0", .keys = keys};
    inf_cluster *node = NULL;
    assert_int_equal(inf_cluster_start(&node, &config, NULL), 0);
    assert_true(inf_cluster_add_key(node, "no key") < 0);
    assert_true(inf_cluster_use_key(node, two_key) < 0);
    assert_int_equal(inf_cluster_add_key(node, two_key), 0);
    assert_int_equal(inf_cluster_keys(node, join_prints, before), 2);
    assert_true(inf_cluster_remove_key(node, one_key) < 0);
    assert_int_equal(inf_cluster_use_key(node, two_key), 0);
    assert_int_equal(inf_cluster_keys(node, join_prints, after), 2);
    assert_memory_equal(after, before + 16, 16);
    assert_memory_equal(after + 16, before, 16);
    assert_int_equal(inf_cluster_remove_key(node, one_key), 0);
    assert_int_equal(inf_cluster_keys(node, NULL, NULL), 1);
    stop(&loop, open);
    stop(&loop, node);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void note_line(void *ctx, const char *level, const char *line) {
    if (strcmp(level, "warning") == 0 && strstr(line, "wrong key") != NULL) {
        ++*(int *)ctx;
    }
}

static void a_c_program_hears_what_the_node_logs(void **state) {
    (void)state;
    uv_loop_t loop;
    char address[INF_ADDRESS_ROOM];
    int lines = 0, joined = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    const char *const keys[] = {one_key, NULL};
    inf_config config = {.loop = &loop,
                         .name = "a",
                         .bind = "127.0.0.1:0",
                         .keys = keys,
                         .on_log = note_line,
                         .ctx = &lines};
    inf_cluster *node = NULL;
    assert_int_equal(inf_cluster_start(&node, &config, NULL), 0);
    inf_cluster *stranger = start(&loop, "stranger");
    assert_int_equal(inf_cluster_join(stranger,
                                      inf_cluster_address(node, address),
                                      set_count, &joined),
                     0);
    run_until(&loop, &lines);
    run_until(&loop, &joined);
    assert_int_equal(joined - 1, 0);
    assert_int_equal(lines, 1);
    stop(&loop, stranger);
    stop(&loop, node);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_command_in_flight_ends_with_its_node(void **state) {
    (void)state;
    uv_loop_t loop;
    int joined = 0;
    assert_int_equal(uv_loop_init(&loop), 0);
    inf_cluster *node = start(&loop, "a");
    /* An address that never answers: the documentation's own. */
    assert_int_equal(
        inf_cluster_join(node, "192.0.2.1:7946", set_count, &joined), 0);
    assert_true(inf_cluster_join(node, "no address", set_count, &joined) < 0);
    stop(&loop, node);
    assert_int_equal(joined, 1);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void copy_row(void *ctx, const inf_cluster_row *row) {
    (void)snprintf(ctx, 512, "%.*s %s %s %s", (int)row->name_len, row->name,
                   row->implementation, row->node, row->ref);
}

static void names_are_claimed_found_and_given_back(void **state) {
    (void)state;
    uv_loop_t loop;
    char ref[INF_REF_ROOM], again[INF_REF_ROOM], home[INF_NODE_ROOM];
    char shown[512] = "", expected[512];
    assert_int_equal(uv_loop_init(&loop), 0);
    inf_cluster *node = start(&loop, "a");
    assert_true(inf_cluster_claim(node, "b", "one", 3, "impl", ref) < 0);
    assert_int_equal(inf_cluster_branch(node, "b"), 0);
    assert_int_equal(inf_cluster_claim(node, "b", "one", 3, "impl", ref), 0);
    assert_true(inf_cluster_claim(node, "b", "one", 3, "impl", again) < 0);
    assert_int_equal(inf_cluster_whereis(node, "b", "one", 3, copy_row, shown),
                     0);
    (void)snprintf(expected, sizeof expected, "one impl a %s", ref);
    assert_string_equal(shown, expected);
    shown[0] = '\0';
    assert_int_equal(inf_cluster_rows(node, "b", copy_row, shown), 1);
    assert_string_equal(shown, expected);
    assert_int_equal(inf_cluster_count(node, "b"), 1);
    assert_int_equal(inf_cluster_place(node, "b", "x", 1, home), 0);
    assert_string_equal(home, "a");
    assert_true(inf_cluster_release(node, "b", "one", 3, "no ref") < 0);
    assert_int_equal(inf_cluster_release(node, "b", "one", 3, ref), 0);
    assert_true(inf_cluster_whereis(node, "b", "one", 3, copy_row, shown) != 0);
    stop(&loop, node);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void rings_agree(void **state) {
    (void)state;
    char one[256], other[256];
    inf_hash_ring *a = inf_hash_ring_new(1);
    inf_hash_ring *b = inf_hash_ring_new(1);
    assert_true(inf_hash_ring_owner(a, "key", 3, one) != 0);
    assert_int_equal(inf_hash_ring_add(a, "x", 128), 0);
    assert_int_equal(inf_hash_ring_add(a, "y", 128), 0);
    assert_int_equal(inf_hash_ring_add(b, "y", 128), 0);
    assert_int_equal(inf_hash_ring_add(b, "x", 128), 0);
    for (unsigned key = 0; key < 100; key++) {
        assert_int_equal(inf_hash_ring_owner(a, &key, sizeof key, one), 0);
        assert_int_equal(inf_hash_ring_owner(b, &key, sizeof key, other), 0);
        assert_string_equal(one, other);
    }
    assert_int_equal(inf_hash_ring_remove(a, "x"), 0);
    assert_true(inf_hash_ring_remove(a, "x") != 0);
    inf_hash_ring_free(a);
    inf_hash_ring_free(b);
    inf_hash_ring_free(NULL);
}

/* ---- a node with Lua on it ----------------------------------------------- */

static void a_node_goes_on_when_its_state_ends(void **state) {
    (void)state;
    uv_loop_t loop;
    char ref[INF_REF_ROOM];
    assert_int_equal(uv_loop_init(&loop), 0);
    inf_cluster *node = start(&loop, "embedded");
    lua_State *L = new_state();
    assert_int_equal(inf_open(L, &loop, node), LUA_OK);
    run(L, "local node = require 'infinitomata'.node "
           "assert(node.self().name == 'embedded')");
    lua_close(L);
    assert_int_equal(inf_cluster_branch(node, "b"), 0);
    assert_int_equal(inf_cluster_claim(node, "b", "one", 3, "impl", ref), 0);
    L = new_state();
    assert_int_equal(inf_open(L, &loop, node), LUA_OK);
    lua_close(L);
    stop(&loop, node);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void a_node_that_lua_has_left_is_gone_for_c_too(void **state) {
    (void)state;
    uv_loop_t loop;
    char ref[INF_REF_ROOM];
    assert_int_equal(uv_loop_init(&loop), 0);
    inf_cluster *node = start(&loop, "embedded");
    lua_State *L = new_state();
    assert_int_equal(inf_open(L, &loop, node), LUA_OK);
    run(L, "require 'infinitomata'.node.leave()");
    lua_close(L);
    assert_true(inf_cluster_claim(node, "b", "one", 3, "impl", ref) < 0);
    assert_int_equal(inf_cluster_members(node, NULL, NULL), 0);
    stop(&loop, node);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static int place_nowhere(void *ctx, const char *branch, const char *name,
                         size_t name_len, char node[INF_NODE_ROOM]) {
    (void)branch, (void)name, (void)node;
    ++*(int *)ctx;
    assert_int_equal(name_len, 3);
    return -1;
}

static void cluster_info_of_c_is_asked_and_may_decline(void **state) {
    (void)state;
    uv_loop_t loop;
    int asked = 0;
    inf_cluster *node = NULL;
    inf_config config = {.loop = &loop,
                         .name = "embedded",
                         .bind = "127.0.0.1:0",
                         .info = {.whois = place_nowhere},
                         .ctx = &asked};
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(inf_cluster_start(&node, &config, NULL), 0);
    lua_State *L = new_state();
    assert_int_equal(inf_open(L, &loop, node), LUA_OK);
    run(L, "local infinitomata = require 'infinitomata' "
           "local ref, err = infinitomata.start_fsm('one', 'nonesuch') "
           "assert(ref == nil and err.code, err)");
    assert_true(asked > 0);
    lua_close(L);
    stop(&loop, node);
    assert_int_equal(uv_loop_close(&loop), 0);
}

static void codes_have_sentences(void **state) {
    (void)state;
    assert_string_equal(inf_text(0), "no error");
    assert_true(strlen(inf_text(-1)) > 0);
    assert_non_null(inf_text(12345));
    assert_true(strlen(inf_version_text()) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_states_know_nothing_of_each_other),
        cmocka_unit_test(two_states_run_nodes_that_meet),
        cmocka_unit_test(a_state_leaves_an_embedders_loop_clean),
        cmocka_unit_test(the_embedders_loop_runs_what_lua_started),
        cmocka_unit_test(a_second_loop_for_one_state_is_refused),
        cmocka_unit_test(a_node_says_what_it_cannot_start_with),
        cmocka_unit_test(two_nodes_meet_and_part),
        cmocka_unit_test(nodes_of_two_labels_do_not_meet),
        cmocka_unit_test(a_c_program_changes_its_keys),
        cmocka_unit_test(a_c_program_hears_what_the_node_logs),
        cmocka_unit_test(a_command_in_flight_ends_with_its_node),
        cmocka_unit_test(names_are_claimed_found_and_given_back),
        cmocka_unit_test(rings_agree),
        cmocka_unit_test(a_node_goes_on_when_its_state_ends),
        cmocka_unit_test(a_node_that_lua_has_left_is_gone_for_c_too),
        cmocka_unit_test(cluster_info_of_c_is_asked_and_may_decline),
        cmocka_unit_test(codes_have_sentences),
    };
    /* Lua's files, when the tests are run from the repository's root. */
    (void)setenv("LUA_PATH", "lua/?.lua;lua/?/init.lua;;", 0);
    return cmocka_run_group_tests_name("bind", tests, NULL, NULL);
}
