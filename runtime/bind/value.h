/* SPDX-License-Identifier: MIT */
/* value.h: Lua values as MessagePack, straight from and to the Lua stack.

   What travels: nil, booleans, integers, floats, strings (any bytes) and
   tables of these. An integer stays an integer and a float a float; a table
   whose keys are exactly 1 to n goes as an array, any other as a map with its
   keys as they are, the empty one as an empty map. Metatables do not travel;
   a table met twice arrives as two. */
#ifndef INF_BIND_VALUE_H
#define INF_BIND_VALUE_H

#include <lua.h>

#include "base/buf.h"

/**
 * Appends the value at `index` to `buf`. `root` is what messages call it.
 * @return true, or false with the path and the reason pushed, two strings; the
 *         buffer's content is then useless. Raises on memory.
 */
bool inf_value_pack(lua_State *L, int index, const char *root, inf_buf *buf);
/**
 * Reads one value and pushes it. Nothing is allocated for what the bytes only
 * claim to hold.
 * @return true, or false with the reason pushed. Raises on memory.
 */
bool inf_value_unpack(lua_State *L, inf_cursor *cursor);
/** Copies a small table of scalars under keys, as most payloads are, in one
    pass: pushes the copy, or nothing when it is anything else. */
bool inf_value_copy_flat(lua_State *L, int index);

/** Whether inf_value_copy would succeed; `depth` is 0. Pushes nothing. */
bool inf_value_plain(lua_State *L, int index, unsigned depth);

/** As packing and unpacking, at a fraction of the cost: pushes a deep copy, or
    the path (made up in `scratch`) and the reason. */
bool inf_value_copy(lua_State *L, int index, const char *root,
                    inf_buf *scratch);

#endif
