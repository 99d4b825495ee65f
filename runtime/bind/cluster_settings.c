/* SPDX-License-Identifier: MIT */
/* cluster_settings.c: the constants of membership as a Lua table. */
#include <stdio.h>

#include "base/error.h"
#include "bind/cluster.h"

/* Two clusters that must not meet have different labels. */
enum { LABEL_MAX = 255 };

/* The value on top of the stack; false when the setting does not take it. */
static bool put(lua_State *L, const inf_setting *setting,
                inf_member_tuning *tuning) {
    if (setting->flag) {
        if (!lua_isboolean(L, -1)) return false;
        return inf_setting_put(setting, tuning,
                               (uint64_t)lua_toboolean(L, -1)) == 0;
    }
    int whole = 0;
    lua_Integer number = lua_tointegerx(L, -1, &whole);
    if (lua_type(L, -1) != LUA_TNUMBER || !whole || number < 0) return false;
    return inf_setting_put(setting, tuning, (uint64_t)number) == 0;
}

/* Pushes the name and what is wrong with the value, which is on top. */
static void push_refusal(lua_State *L, const inf_setting *setting) {
    char range[INF_RANGE_MAX];
    int value = lua_gettop(L);
    bool shown = lua_type(L, value) != LUA_TTABLE;
    const char *text = shown ? luaL_tolstring(L, value, NULL) : "a table";
    bool quoted = lua_type(L, value) == LUA_TSTRING;
    lua_pushstring(L, setting->name);
    lua_pushfstring(L, quoted ? "%s expected, got '%s'" : "%s expected, got %s",
                    inf_setting_range(setting, range), text);
}

/* Reads settings of membership from the table at `index` into `tuning`: 0; or
   INF_EINVAL, with the setting's name and what is wrong pushed (nil: there is
   none of that name). */
static int read_membership(lua_State *L, int index, inf_member_tuning *tuning) {
    index = lua_absindex(L, index);
    lua_pushnil(L);
    while (lua_next(L, index) != 0) {
        const inf_setting *setting = NULL;
        if (lua_type(L, -2) == LUA_TSTRING) {
            setting = inf_setting_find(inf_check_slice(L, -2));
        }
        if (setting == NULL) {
            (void)luaL_tolstring(L, -2, NULL);
            lua_pushnil(L);
            return INF_EINVAL;
        }
        if (!put(L, setting, tuning)) {
            push_refusal(L, setting);
            return INF_EINVAL;
        }
        lua_pop(L, 1);
    }
    const char *fault = inf_tuning_fault(tuning);
    if (fault == NULL) return 0;
    lua_pushliteral(L, "");
    lua_pushstring(L, fault);
    return INF_EINVAL;
}

static inf_profile check_profile(lua_State *L, int index) {
    inf_profile profile = INF_PROFILE_LAN;
    const char *text = luaL_optstring(L, index, "lan");
    luaL_argcheck(L, inf_profile_parse(text, &profile) == 0, index,
                  "'lan', 'wan' or 'local' expected");
    return profile;
}

/* membership_fault(values, profile?): nothing, or the name of the setting and
   what is wrong; no text: there is no such setting. */
static int core_membership_fault(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    inf_member_tuning tuning = inf_node_tuning(check_profile(L, 2));
    return read_membership(L, 1, &tuning) == 0 ? 0 : 2;
}

static void push_value(lua_State *L, const inf_setting *setting,
                       uint64_t value) {
    if (setting->flag) {
        lua_pushboolean(L, value != 0);
    } else {
        lua_pushinteger(L, (lua_Integer)value);
    }
}

/* membership_settings(profile?) -> {{name=, about=, range=, value=}, ...} */
static int core_membership_settings(lua_State *L) {
    inf_member_tuning tuning = inf_node_tuning(check_profile(L, 1));
    char range[INF_RANGE_MAX];
    size_t count = 0;
    const inf_setting *settings = inf_settings(&count);
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        lua_createtable(L, 0, 4);
        lua_pushstring(L, settings[i].name);
        lua_setfield(L, -2, "name");
        lua_pushstring(L, settings[i].about);
        lua_setfield(L, -2, "about");
        lua_pushstring(L, inf_setting_range(&settings[i], range));
        lua_setfield(L, -2, "range");
        push_value(L, &settings[i], inf_setting_get(&settings[i], &tuning));
        lua_setfield(L, -2, "value");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

/* Writes the problem that read_membership has pushed. */
static int explain(lua_State *L, char *problem) {
    const char *name = lua_tostring(L, -2);
    const char *text = lua_tostring(L, -1);
    const char *between = name[0] != '\0' ? ": " : "";
    (void)snprintf(problem, INF_PROBLEM_MAX, "membership: %s%s%s", name,
                   between, text != NULL ? text : "there is no such setting");
    return INF_EINVAL;
}

int inf_membership_option(lua_State *L, int index, inf_node_config *node,
                          inf_member_tuning *room, char *problem) {
    int type = lua_getfield(L, index, "membership");
    if (type == LUA_TNIL) return 0;
    if (type != LUA_TTABLE) {
        return luaL_error(L,
                          "bad option 'membership' to 'node_start' (table "
                          "expected, got %s)",
                          luaL_typename(L, -1));
    }
    *room = inf_node_tuning(node->profile);
    if (read_membership(L, -1, room) != 0) return explain(L, problem);
    node->membership = room;
    return 0;
}

int inf_label_option(lua_State *L, int index, inf_node_config *node,
                     char *problem) {
    int type = lua_getfield(L, index, "label");
    if (type == LUA_TNIL) return 0;
    if (type != LUA_TSTRING) {
        return luaL_error(L,
                          "bad option 'label' to 'node_start' (string "
                          "expected, got %s)",
                          luaL_typename(L, -1));
    }
    node->label = inf_check_slice(L, -1);
    if (node->label.len <= LABEL_MAX) return 0;
    (void)snprintf(problem, INF_PROBLEM_MAX, "label: longer than %d bytes",
                   LABEL_MAX);
    return INF_ETOOBIG;
}

void inf_bind_settings(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"membership_fault", core_membership_fault},
        {"membership_settings", core_membership_settings},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
