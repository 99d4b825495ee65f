/* SPDX-License-Identifier: MIT */
/* core.c: the C module `infinitomata.core`, put together. */
#include "bind/cluster.h"

#ifndef INF_VERSION
#error "INF_VERSION must name the version"
#endif

INF_EXPORT int luaopen_infinitomata_core(lua_State *L);

INF_EXPORT int luaopen_infinitomata_core(lua_State *L) {
    luaL_checkversion(L);
    (void)inf_binding_open(L, NULL);
    lua_newtable(L);
    lua_pushliteral(L, INF_VERSION);
    lua_setfield(L, -2, "version");
    inf_bind_loop(L);
    inf_bind_timers(L);
    inf_bind_values(L);
    inf_bind_edges(L);
    inf_bind_ready(L);
    inf_bind_signals(L);
    inf_bind_console(L);
    inf_bind_notify(L);
    inf_bind_watch(L);
    inf_bind_luv(L);
    inf_bind_cluster(L);
    inf_bind_rings(L);
    inf_bind_settings(L);
    return 1;
}
