/* SPDX-License-Identifier: MIT */
/* console.h: what the console needs besides its terminal; inf_bind_console
   brings all of it into the module. */
#ifndef INF_BIND_CONSOLE_H
#define INF_BIND_CONSOLE_H

#include <lua.h>

/** Lines from standard input, edited on a terminal; and all of the below. */
void inf_bind_console(lua_State *L);
/** Interrupting Lua code that computes. */
void inf_bind_interrupts(lua_State *L);
/** Files and folders that are the user's alone. */
void inf_bind_private(lua_State *L);
/** What the nodes' links are sealed with. */
void inf_bind_seal(lua_State *L);
/** Sockets. */
void inf_bind_pipes(lua_State *L);

#endif
