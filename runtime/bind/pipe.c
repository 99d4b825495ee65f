/* SPDX-License-Identifier: MIT */
/* pipe.c: connections for Lua: listen, connect, write, bytes as they come. They
   serve one user's consoles, so a UNIX socket is the user's alone (mode 0600 in
   a folder of mode 0700) and a peer that runs as somebody else is turned away.
   A TCP connection is open to everybody: what goes over it is for seal.c.

   Nothing grows without end: a peer that does not read is dropped. */
#include "bind/console.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "bind/cluster.h"
#include "host/socket.h"

#define BACKLOG    16
#define READ_SIZE  65536
#define UNSENT_MAX (16u << 20)
#define PEEK_SIZE  65536

typedef struct inf_pipe {
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_pipe_t local;
        uv_tcp_t tcp;
    } handle;
    uv_connect_t connect;
    inf_binding *binding;
    bool tcp;
    bool open;
    bool finishing; /* closes once all is written */
    unsigned writes;
    size_t unsent;
    int function; /* registry: connections, the connection, or bytes */
    int self;     /* registry: keeps the memory while the handle is open */
    int drained; /* registry: who waits until all is written, LUA_NOREF: none */
} inf_pipe;

typedef struct inf_pipe_write {
    uv_write_t request;
    inf_pipe *pipe;
    size_t len;
    char bytes[];
} inf_pipe_write;

static const char metatable_name[] = "infinitomata.pipe";

static inf_pipe *check_pipe(lua_State *L) {
    return luaL_checkudata(L, 1, metatable_name);
}

static int failure(lua_State *L, int status) {
    lua_pushnil(L);
    lua_pushstring(L, uv_err_name(status));
    lua_pushstring(L, uv_strerror(status));
    return 3;
}

/* ---- life ---------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
    inf_pipe *pipe = handle->data;
    inf_binding *binding = pipe->binding;
    binding->open--;
    if (binding->closing) return;
    luaL_unref(binding->lua, LUA_REGISTRYINDEX, pipe->function);
    luaL_unref(binding->lua, LUA_REGISTRYINDEX, pipe->drained);
    luaL_unref(binding->lua, LUA_REGISTRYINDEX, pipe->self);
}

static void close_pipe(inf_pipe *pipe) {
    if (!pipe->open) return;
    pipe->open = false;
    uv_close(&pipe->handle.any, on_closed);
}

/* A new pipe on top of the stack, with the function at `index`, or none. */
static inf_pipe *new_pipe(lua_State *L, bool tcp, int index) {
    inf_binding *binding = inf_binding_of(L);
    inf_pipe *pipe = lua_newuserdatauv(L, sizeof *pipe, 0);
    *pipe = (inf_pipe){.binding = binding,
                       .tcp = tcp,
                       .function = LUA_NOREF,
                       .drained = LUA_NOREF};
    luaL_setmetatable(L, metatable_name);
    if (index != 0) {
        lua_pushvalue(L, index);
        pipe->function = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    lua_pushvalue(L, -1);
    pipe->self = luaL_ref(L, LUA_REGISTRYINDEX);
    if (tcp) {
        (void)uv_tcp_init(binding->loop, &pipe->handle.tcp);
    } else {
        (void)uv_pipe_init(binding->loop, &pipe->handle.local, 0);
    }
    pipe->handle.any.data = pipe;
    pipe->open = true;
    binding->open++;
    return pipe;
}

static int pipe_close(lua_State *L) {
    close_pipe(check_pipe(L));
    return 0;
}

/* ---- bytes --------------------------------------------------------------- */

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    (void)handle;
    (void)suggested;
    buf->base = malloc(READ_SIZE);
    buf->len = buf->base != NULL ? READ_SIZE : 0;
}

/* Lua: on_bytes(text), or on_bytes(nil, why) once, at the end. */
static int deliver(lua_State *L) {
    const uv_buf_t *buf = lua_touserdata(L, 1);
    ssize_t count = (ssize_t)lua_tointeger(L, 2);
    lua_pushvalue(L, 3);
    if (count >= 0) {
        lua_pushlstring(L, buf->base, (size_t)count);
        lua_call(L, 1, 0);
    } else {
        lua_pushnil(L);
        lua_pushstring(L, count == UV_EOF ? "closed" : uv_strerror((int)count));
        lua_call(L, 2, 0);
    }
    return 0;
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf) {
    inf_pipe *pipe = stream->data;
    lua_State *L = pipe->binding->lua;
    if (count != 0 && pipe->open) {
        if (count < 0) (void)uv_read_stop(stream);
        lua_pushcfunction(L, deliver);
        lua_pushlightuserdata(L, (void *)(uintptr_t)buf);
        lua_pushinteger(L, (lua_Integer)count);
        lua_rawgeti(L, LUA_REGISTRYINDEX, pipe->function);
        (void)inf_binding_call(pipe->binding, L, 3, 0);
        if (count < 0) close_pipe(pipe);
    }
    free(buf->base);
}

/* pipe:on_bytes(fn): fn(bytes) from now on, fn(nil, why) at the end. */
static int pipe_on_bytes(lua_State *L) {
    inf_pipe *pipe = check_pipe(L);
    if (!pipe->open) return failure(L, UV_ENOTCONN);
    inf_binding_set_function(L, 2, &pipe->function);
    int rc = uv_read_start(&pipe->handle.stream, on_allocate, on_read);
    if (rc != 0 && rc != UV_EALREADY) return failure(L, rc);
    lua_pushboolean(L, true);
    return 1;
}

static void tell_drained(inf_pipe *pipe) {
    lua_State *L = pipe->binding->lua;
    if (pipe->drained == LUA_NOREF || pipe->binding->closing) return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, pipe->drained);
    luaL_unref(L, LUA_REGISTRYINDEX, pipe->drained);
    pipe->drained = LUA_NOREF;
    (void)inf_binding_call(pipe->binding, L, 0, 0);
}

static void on_written(uv_write_t *request, int status) {
    inf_pipe_write *write = (inf_pipe_write *)request;
    inf_pipe *pipe = write->pipe;
    (void)status; /* the reading side learns of it as well */
    pipe->writes--;
    pipe->unsent -= write->len;
    free(write);
    if (pipe->finishing && pipe->writes == 0) close_pipe(pipe);
    if (pipe->writes == 0) tell_drained(pipe);
}

/* pipe:unsent() -> bytes that were written and are not on their way. */
static int pipe_unsent(lua_State *L) {
    lua_pushinteger(L, (lua_Integer)check_pipe(L)->unsent);
    return 1;
}

/* pipe:on_drained(fn): fn() once, when nothing is unsent or nobody is there to
   send it to. */
static int pipe_on_drained(lua_State *L) {
    inf_pipe *pipe = check_pipe(L);
    if (!pipe->open || pipe->writes == 0) return failure(L, UV_ENOTCONN);
    inf_binding_set_function(L, 2, &pipe->drained);
    lua_pushboolean(L, true);
    return 1;
}

/* pipe:write(bytes) -> true, or nil, code, message. */
static int pipe_write(lua_State *L) {
    inf_pipe *pipe = check_pipe(L);
    size_t len = 0;
    const char *bytes = luaL_checklstring(L, 2, &len);
    if (!pipe->open || pipe->finishing) return failure(L, UV_ENOTCONN);
    if (pipe->unsent + len > UNSENT_MAX) {
        close_pipe(pipe);
        return failure(L, UV_ENOBUFS);
    }
    inf_pipe_write *write = malloc(sizeof *write + len);
    if (write == NULL) return failure(L, UV_ENOMEM);
    write->pipe = pipe;
    write->len = len;
    memcpy(write->bytes, bytes, len);
    uv_buf_t buf = uv_buf_init(write->bytes, (unsigned)len);
    int rc =
        uv_write(&write->request, &pipe->handle.stream, &buf, 1, on_written);
    if (rc != 0) {
        free(write);
        return failure(L, rc);
    }
    pipe->writes++;
    pipe->unsent += len;
    lua_pushboolean(L, true);
    return 1;
}

/* pipe:finish(): closes when all that was written is on its way. */
static int pipe_finish(lua_State *L) {
    inf_pipe *pipe = check_pipe(L);
    pipe->finishing = true;
    if (pipe->open) (void)uv_read_stop(&pipe->handle.stream);
    if (pipe->writes == 0) close_pipe(pipe);
    return 0;
}

/* ---- while the loop stands still ----------------------------------------- */

/* pipe:alert(on): while on, new bytes and the end of the connection send this
   process SIGIO. A guard must be there first: SIGIO ends processes. */
static int pipe_alert(lua_State *L) {
    inf_pipe *pipe = check_pipe(L);
    uv_os_fd_t fd = -1;
    if (!pipe->open || uv_fileno(&pipe->handle.any, &fd) != 0) {
        return 0;
    }
    int flags = fcntl(fd, F_GETFL);
    bool on = lua_toboolean(L, 2);
    if (on) (void)fcntl(fd, F_SETOWN, getpid());
    (void)fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC);
    return 0;
}

static int receive(lua_State *L, int flags) {
    inf_pipe *pipe = check_pipe(L);
    uv_os_fd_t fd = -1;
    if (!pipe->open || uv_fileno(&pipe->handle.any, &fd) != 0) {
        return 0;
    }
    luaL_Buffer buffer;
    char *room = luaL_buffinitsize(L, &buffer, PEEK_SIZE);
    ssize_t count = recv(fd, room, PEEK_SIZE, flags | MSG_DONTWAIT);
    bool nothing = count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    luaL_pushresultsize(&buffer, count > 0 ? (size_t)count : 0);
    if (count > 0 || nothing) return 1;
    lua_pushnil(L);
    return 1;
}

/* pipe:peek() -> bytes that wait to be read, without taking them; nil: the
   peer is gone. */
static int pipe_peek(lua_State *L) {
    return receive(L, MSG_PEEK);
}

/* pipe:grab() -> the same, and takes them: on_bytes does not get them. */
static int pipe_grab(lua_State *L) {
    return receive(L, 0);
}

/* ---- listening and connecting -------------------------------------------- */

static bool is_own_user(const inf_pipe *pipe) {
    uv_os_fd_t fd = -1;
    if (uv_fileno(&pipe->handle.any, &fd) != 0) return false;
#ifdef SO_PEERCRED
    struct ucred peer;
    socklen_t len = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0) return false;
    return peer.uid == geteuid() || peer.uid == 0;
#else
    uid_t user = 0;
    gid_t group = 0;
    if (getpeereid(fd, &user, &group) != 0) return false;
    return user == geteuid() || user == 0;
#endif
}

/* Lua: on_connection(pipe). */
static int accept_one(lua_State *L) {
    inf_pipe *server = lua_touserdata(L, 1);
    inf_pipe *pipe = new_pipe(L, server->tcp, 0);
    int rc = uv_accept(&server->handle.stream, &pipe->handle.stream);
    if (rc != 0 || (!pipe->tcp && !is_own_user(pipe))) {
        close_pipe(pipe);
        return 0;
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, server->function);
    lua_pushvalue(L, -2);
    lua_call(L, 1, 0);
    return 0;
}

static void on_connection(uv_stream_t *stream, int status) {
    inf_pipe *server = stream->data;
    lua_State *L = server->binding->lua;
    if (status != 0 || !server->open) return;
    lua_pushcfunction(L, accept_one);
    lua_pushlightuserdata(L, server);
    (void)inf_binding_call(server->binding, L, 1, 0);
}

static bool address_of(const char *path, struct sockaddr_un *address) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path) return false;
    memcpy(address->sun_path, path, strlen(path));
    return true;
}

/* A socket of this user's at which nobody listens: its process was killed. */
static bool is_dead(const struct sockaddr_un *address, struct stat *status) {
    if (lstat(address->sun_path, status) != 0 || !S_ISSOCK(status->st_mode) ||
        status->st_uid != geteuid()) {
        return false;
    }
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = connect(fd, (const struct sockaddr *)address, sizeof *address);
    bool dead = rc != 0 && errno == ECONNREFUSED;
    (void)close(fd);
    return dead;
}

/* Removes the file of a dead socket. */
static bool is_free(const struct sockaddr_un *address) {
    struct stat status;
    return is_dead(address, &status) && unlink(address->sun_path) == 0;
}

/* A socket so young may be about to be listened on. */
enum { YOUNG_S = 10, SWEEP_MAX = 256 };

static bool sweep_one(const char *folder, const char *name, time_t now) {
    char path[sizeof((struct sockaddr_un *)NULL)->sun_path];
    struct sockaddr_un address;
    struct stat status;
    int len = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (len < 0 || !address_of(path, &address)) return false;
    return (size_t)len < sizeof path && is_dead(&address, &status) &&
           now - status.st_mtime > YOUNG_S && unlink(path) == 0;
}

/* pipe_sweep(folder) -> how many: removes sockets of killed processes, among
   the first few hundred files. */
static int core_pipe_sweep(lua_State *L) {
    const char *folder = luaL_checkstring(L, 1);
    DIR *listing = opendir(folder);
    lua_Integer swept = 0;
    for (int i = 0; listing != NULL && i < SWEEP_MAX; i++) {
        const struct dirent *entry = readdir(listing);
        if (entry == NULL) break;
        swept += sweep_one(folder, entry->d_name, time(NULL));
    }
    if (listing != NULL) (void)closedir(listing);
    lua_pushinteger(L, swept);
    return 1;
}

static int listen_at(inf_pipe *pipe, const char *path) {
    struct sockaddr_un address;
    if (!address_of(path, &address)) return UV_ENAMETOOLONG;
    mode_t mask = umask(0177);
    int rc = uv_pipe_bind(&pipe->handle.local, path);
    if (rc == UV_EADDRINUSE && is_free(&address)) {
        rc = uv_pipe_bind(&pipe->handle.local, path);
    }
    (void)umask(mask);
    if (rc != 0) return rc;
    return uv_listen(&pipe->handle.stream, BACKLOG, on_connection);
}

/* pipe_listen(path, on_connection) -> server, or nil, code, message. It does
   not keep the loop alive; closing it removes the file. */
static int core_pipe_listen(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    inf_pipe *pipe = new_pipe(L, false, 2);
    int rc = listen_at(pipe, path);
    if (rc != 0) {
        close_pipe(pipe);
        return failure(L, rc);
    }
    uv_unref(&pipe->handle.any);
    return 1;
}

static void on_connected(uv_connect_t *request, int status) {
    inf_pipe *pipe = request->data;
    lua_State *L = pipe->binding->lua;
    if (!pipe->open || pipe->binding->closing) return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, pipe->function);
    lua_pushboolean(L, status == 0);
    (void)inf_binding_call(pipe->binding, L, 1, 0);
    if (status != 0) close_pipe(pipe);
}

/* pipe_connect(path, on_connected) -> pipe; on_connected(ok) comes later. */
static int core_pipe_connect(lua_State *L) {
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    inf_pipe *pipe = new_pipe(L, false, 2);
    pipe->connect.data = pipe;
    uv_pipe_connect(&pipe->connect, &pipe->handle.local, path, on_connected);
    return 1;
}

/* ---- over the network ---------------------------------------------------- */

static int socket_address(const char *text, struct sockaddr_storage *out) {
    inf_addr address;
    int rc = inf_address_resolve(&address, text, 0);
    if (rc == 0) (void)inf_socket_from_addr(&address, out);
    return rc;
}

static int bad_address(lua_State *L, const char *text) {
    lua_pushnil(L);
    lua_pushliteral(L, "EINVAL");
    lua_pushfstring(L, "no address: %s", text);
    return 3;
}

/* tcp_listen("HOST:PORT", on_connection) -> server, or nil, code, message. */
static int core_tcp_listen(lua_State *L) {
    const char *text = luaL_checkstring(L, 1);
    struct sockaddr_storage address;
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (socket_address(text, &address) != 0) return bad_address(L, text);
    inf_pipe *pipe = new_pipe(L, true, 2);
    int rc = uv_tcp_bind(&pipe->handle.tcp, (struct sockaddr *)&address, 0);
    if (rc == 0) rc = uv_listen(&pipe->handle.stream, BACKLOG, on_connection);
    if (rc != 0) {
        close_pipe(pipe);
        return failure(L, rc);
    }
    uv_unref(&pipe->handle.any);
    return 1;
}

/* tcp_connect("HOST:PORT", on_connected) -> pipe, or nil, code, message. */
static int core_tcp_connect(lua_State *L) {
    const char *text = luaL_checkstring(L, 1);
    struct sockaddr_storage address;
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (socket_address(text, &address) != 0) return bad_address(L, text);
    inf_pipe *pipe = new_pipe(L, true, 2);
    pipe->connect.data = pipe;
    int rc = uv_tcp_connect(&pipe->connect, &pipe->handle.tcp,
                            (struct sockaddr *)&address, on_connected);
    if (rc == 0) return 1;
    close_pipe(pipe);
    return failure(L, rc);
}

/* pipe:address() -> "HOST:PORT" of this end of a TCP connection, or nil. */
static int pipe_address(lua_State *L) {
    inf_pipe *pipe = check_pipe(L);
    struct sockaddr_storage address;
    int len = sizeof address;
    inf_addr own;
    char text[INF_ADDR_TEXT_MAX];
    if (!pipe->tcp || !pipe->open) return 0;
    struct sockaddr *any = (struct sockaddr *)&address;
    if (uv_tcp_getsockname(&pipe->handle.tcp, any, &len) != 0) return 0;
    if (inf_socket_to_addr(any, &own) != 0) return 0;
    lua_pushstring(L, inf_addr_format(&own, text));
    return 1;
}

void inf_bind_pipes(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"tcp_listen", core_tcp_listen},     {"tcp_connect", core_tcp_connect},
        {"pipe_listen", core_pipe_listen},   {"pipe_sweep", core_pipe_sweep},
        {"pipe_connect", core_pipe_connect}, {NULL, NULL},
    };
    static const luaL_Reg methods[] = {
        {"on_bytes", pipe_on_bytes},
        {"write", pipe_write},
        {"unsent", pipe_unsent},
        {"on_drained", pipe_on_drained},
        {"finish", pipe_finish},
        {"close", pipe_close},
        {"address", pipe_address},
        {"grab", pipe_grab},
        {"alert", pipe_alert},
        {"peek", pipe_peek},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    luaL_newmetatable(L, metatable_name);
    lua_pushcfunction(L, pipe_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
