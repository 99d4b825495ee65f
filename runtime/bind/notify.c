/* SPDX-License-Identifier: MIT */
/* notify.c: tells the service manager what becomes of this process, in its
   protocol of one datagram of "KEY=value" lines (sd_notify(3)). By hand, in a
   screenful, so that nobody has to link a library for it. */
#include "bind/binding.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The address of a path, or of a name in the abstract space ("@name").
   0: that is none. */
static socklen_t address_of(struct sockaddr_un *address, const char *path,
                            size_t len) {
    if (len < 2 || len >= sizeof address->sun_path) return 0;
    if (path[0] != '/' && path[0] != '@') return 0;
    memset(address, 0, sizeof *address);
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, path, len);
    if (path[0] == '@') address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

static int failed(lua_State *L, const char *why) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
}

/* sd_notify(path, text): never waits. */
static int core_sd_notify(lua_State *L) {
    size_t path_len;
    size_t text_len;
    const char *path = luaL_checklstring(L, 1, &path_len);
    const char *text = luaL_checklstring(L, 2, &text_len);
    struct sockaddr_un address;
    socklen_t len = address_of(&address, path, path_len);
    if (len == 0) return failed(L, "no address of a socket");
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return failed(L, strerror(errno));
    ssize_t sent = sendto(fd, text, text_len, MSG_DONTWAIT | MSG_NOSIGNAL,
                          (const struct sockaddr *)&address, len);
    int problem = errno;
    (void)close(fd);
    if (sent < 0) return failed(L, strerror(problem));
    lua_pushboolean(L, 1);
    return 1;
}

void inf_bind_notify(lua_State *L) {
    static const luaL_Reg functions[] = {{"sd_notify", core_sd_notify},
                                         {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
