/* SPDX-License-Identifier: MIT */
/* embed.c: a C program with a node of the cluster, its own placement of FSMs,
   and Lua on its own loop. Build it in the repository after `make`:

       cc -o embed examples/embed.c \
          $(PKG_CONFIG_PATH=build/lib/pkgconfig pkg-config --cflags --libs \
            infinitomata lua5.4 libuv) -Wl,-rpath,$PWD/build/lib
       LUA_PATH='lua/?.lua;lua/?/init.lua' ./embed                          */
#include <infinitomata.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>
#include <uv.h>

static const char script[] =
    "local finitomata = require 'finitomata'\n"
    "local infinitomata = require 'infinitomata'\n"
    "package.loaded.door = finitomata.define { name = 'door', fsm = [[\n"
    "  idle --> |on!| ajar\n"
    "  ajar --> |close| closed\n"
    "  closed --> |open| ajar\n"
    "  closed --> |brick_up| gone\n"
    "]] }\n"
    "assert(infinitomata.start_fsm('front', 'door'))\n"
    "print('lua: the door is ' .. assert(infinitomata.call('front', "
    "'close')))\n";

/* All FSMs run here: a real program would look at the name. */
static int place(void *ctx, const char *branch, const char *name,
                 size_t name_len, char node[INF_NODE_ROOM]) {
    (void)branch;
    printf("c: where does %.*s run?\n", (int)name_len, name);
    snprintf(node, INF_NODE_ROOM, "%s", (const char *)ctx);
    return 0;
}

static void show_member(void *ctx, const inf_cluster_member *member) {
    (void)ctx;
    printf("c: member %s is %s\n", member->name, member->state);
}

static void show_row(void *ctx, const inf_cluster_row *row) {
    (void)ctx;
    printf("c: %.*s is a %s on %s\n", (int)row->name_len, row->name,
           row->implementation, row->node);
}

static void show_ring(void) {
    char owner[INF_NAME_ROOM];
    inf_hash_ring *ring = inf_hash_ring_new(0);
    if (ring == NULL) return;
    (void)inf_hash_ring_add(ring, "north", 128);
    (void)inf_hash_ring_add(ring, "south", 128);
    if (inf_hash_ring_owner(ring, "key", 3, owner) == 0) {
        printf("c: the ring gives key to %s\n", owner);
    }
    inf_hash_ring_free(ring);
}

int main(void) {
    static char name[] = "embedded";
    char problem[INF_PROBLEM_ROOM];
    uv_loop_t loop;
    inf_cluster *node = NULL;
    inf_config config = {.loop = &loop,
                         .name = name,
                         .bind = "127.0.0.1:0",
                         .info = {.whois = place},
                         .ctx = name};
    if (uv_loop_init(&loop) != 0) return 1;
    if (inf_cluster_start(&node, &config, problem) != 0) {
        fprintf(stderr, "embed: %s\n", problem);
        return 1;
    }
    lua_State *L = luaL_newstate();
    luaL_openlibs(L);
    int failed = inf_open(L, &loop, node) || luaL_dostring(L, script);
    if (failed) fprintf(stderr, "embed: %s\n", lua_tostring(L, -1));

    (void)inf_cluster_members(node, show_member, NULL);
    (void)inf_cluster_rows(node, "default", show_row, NULL);
    show_ring();

    lua_close(L); /* the library lets the loop go */
    inf_cluster_stop(node, NULL, NULL);
    (void)uv_run(&loop, UV_RUN_DEFAULT); /* until the node is gone */
    return uv_loop_close(&loop) == 0 && !failed ? 0 : 1;
}
