/* SPDX-License-Identifier: MIT */
/* private.c: files and folders that nobody but the user may look into: the
   history of a console, the socket of a node. */
#include "bind/console.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>

static int refused(lua_State *L, const char *path, const char *why) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, why);
    return 2;
}

/* private_folder(path) -> true: it is there (made if need be), the user's own
   and closed to all others; or nil and what is wrong. */
static int core_private_folder(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    struct stat status;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return refused(L, path, strerror(errno));
    }
    if (lstat(path, &status) != 0) return refused(L, path, strerror(errno));
    if (!S_ISDIR(status.st_mode)) return refused(L, path, "not a folder");
    if (status.st_uid != geteuid()) {
        return refused(L, path, "a folder of another user");
    }
    if ((status.st_mode & 077) != 0) {
        return refused(L, path, "a folder that others may look into");
    }
    lua_pushboolean(L, 1);
    return 1;
}

/* private_file(path) -> true: it is there, empty when it is new, and of mode
   0600; or nil and what is wrong. */
static int core_private_file(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC,
                  0600);
    if (fd < 0) return refused(L, path, strerror(errno));
    int rc = fchmod(fd, 0600);
    int problem = errno;
    (void)close(fd);
    if (rc != 0) return refused(L, path, strerror(problem));
    lua_pushboolean(L, 1);
    return 1;
}

static int core_user_id(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)geteuid());
    return 1;
}

void inf_bind_private(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"private_folder", core_private_folder},
        {"private_file", core_private_file},
        {"user_id", core_user_id},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
