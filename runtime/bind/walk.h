/* SPDX-License-Identifier: MIT */
/* walk.h: where in a nested Lua value a walk over it stands: how deep, whether
   it goes in circles, and how to name the place to a person. */
#ifndef INF_BIND_WALK_H
#define INF_BIND_WALK_H

#include <lauxlib.h>
#include <lua.h>

#include "base/buf.h"

/** Tables in tables, at most. */
#define INF_VALUE_DEPTH 100

/** The refusals there are. */
#define INF_WHY_CYCLE "a cycle"
#define INF_WHY_DEEP  "nested too deep"
#define INF_WHY_LONG  "too long"
#define INF_WHY_KEY   "a key that is neither a string, a number nor a boolean"

typedef struct inf_walk_level {
    const void *table;
    int key;           /* stack index of the present key; 0: `index` is it */
    lua_Integer index; /* of a list */
} inf_walk_level;

typedef struct inf_walk {
    lua_State *L;
    const char *root; /* what the whole value is called */
    const char *why;  /* set where the walk had to stop */
    unsigned depth;
    inf_walk_level levels[INF_VALUE_DEPTH];
} inf_walk;

/** What may be said of a table before its values are looked at. */
typedef struct inf_shape {
    lua_Unsigned count; /* pairs */
    lua_Unsigned len;   /* of the list, when `list` */
    bool list;          /* the keys are 1 to count, and count is not 0 */
} inf_shape;

void inf_walk_init(inf_walk *walk, lua_State *L, const char *root);
/** Enters the table at `index` (absolute), and counts it: false, with walk->why
    set, when that is not allowed. */
bool inf_walk_enter(inf_walk *walk, int index, inf_shape *shape);
/** The level that was entered last. */
inf_walk_level *inf_walk_top(inf_walk *walk);
void inf_walk_leave(inf_walk *walk);
/** Sets walk->why for a value of that type, and returns false. */
bool inf_walk_refuse(inf_walk *walk, int type);
/** Writes the place: `payload.items[3].callback`. */
void inf_walk_path(const inf_walk *walk, inf_buf *out);

#endif
