/* SPDX-License-Identifier: MIT */
/* console.c: lines from standard input and text to standard output, while the
   loop runs. On a terminal the line is edited (editline.h) and what is shown
   meanwhile appears above it; from a pipe or a file lines come as they are, and
   nothing is added to what is shown.

   One line is asked for at a time. Between a line and the next question the
   terminal is the evaluated code's: whole lines, echo, Ctrl-C as a signal. */
#include "bind/binding.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/error.h"
#include "bind/console.h"
#include "bind/editline.h"

#define READ_SIZE      4096
#define LINE_MAX_BYTES (1u << 20)

typedef struct inf_console {
    uv_poll_t poll; /* unused when standard input is a file */
    uv_idle_t idle; /* active: input waits to be looked at */
    inf_binding *binding;
    inf_editline *edit; /* owned; NULL: plain lines */
    inf_buf input;      /* read, not yet taken */
    bool pollable;
    bool prompting; /* plain lines, but a person types them */
    bool asking;    /* a line is wanted */
    bool ended;     /* standard input has */
    bool open;
    int on_line; /* references in the registry */
    int on_tab;
    int self; /* keeps the memory while the handles are open */
    unsigned handles;
} inf_console;

/* A process has one standard input, whatever states run in it. */
static atomic_flag taken = ATOMIC_FLAG_INIT;

static const char metatable_name[] = "infinitomata.console";

static inf_console *check_console(lua_State *L) {
    inf_console *console = luaL_checkudata(L, 1, metatable_name);
    if (!console->open) luaL_error(L, "the console is closed");
    return console;
}

/* ---- taking lines -------------------------------------------------------- */

/* Lua: calls the function of a reference with a text; nil: without one. */
static int tell(lua_State *L) {
    const inf_slice *text = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, (int)lua_tointeger(L, 2));
    if (text != NULL) {
        lua_pushlstring(L, (const char *)text->data, text->len);
    } else {
        lua_pushnil(L);
    }
    lua_call(L, 1, 0);
    return 0;
}

static void call_with(inf_console *console, int function, inf_slice *text) {
    lua_State *L = console->binding->lua;
    lua_pushcfunction(L, tell);
    lua_pushlightuserdata(L, text);
    lua_pushinteger(L, function);
    (void)inf_binding_call(console->binding, L, 2, 0);
}

/* Ends the question and calls on_line(line), or on_line(nil) at the end. */
static void answer(inf_console *console, inf_slice *line) {
    console->asking = false;
    if (console->pollable) (void)uv_poll_stop(&console->poll);
    (void)uv_idle_stop(&console->idle);
    call_with(console, console->on_line, line);
}

static void complete(inf_console *console) {
    size_t before = 0;
    inf_slice text = inf_editline_text(console->edit, &before);
    text.len = before;
    call_with(console, console->on_tab, &text);
}

static void take_edited(inf_console *console) {
    while (console->asking && console->input.len != 0) {
        inf_edited edited = inf_editline_feed(console->edit, &console->input);
        switch (edited) {
        case INF_EDITED_MORE:
            break;
        case INF_EDITED_TAB:
            complete(console);
            break;
        case INF_EDITED_LINE:
        case INF_EDITED_END: {
            /* The text is libedit's: leaving the line keeps it until a next
               one begins, and that is not before on_line has it. */
            inf_slice text = inf_editline_text(console->edit, NULL);
            inf_editline_end(console->edit);
            answer(console, edited == INF_EDITED_LINE ? &text : NULL);
            break;
        }
        }
    }
    if (console->asking && console->ended) {
        inf_editline_end(console->edit);
        answer(console, NULL);
    }
}

static void take_plain(inf_console *console) {
    const uint8_t *data = console->input.data;
    size_t len = console->input.len;
    const uint8_t *end = len > 0 ? memchr(data, '\n', len) : NULL;
    if (end == NULL && !console->ended && len < LINE_MAX_BYTES) return;
    if (end == NULL && len == 0) {
        answer(console, NULL);
        return;
    }
    size_t line = end != NULL ? (size_t)(end - data) : len;
    size_t used = end != NULL ? line + 1 : len;
    if (line > 0 && data[line - 1] == '\r') line--;
    /* on_line may read on: what it gets must not be in the buffer any more. */
    uint8_t *copy = malloc(line + 1);
    if (copy == NULL) return;
    memcpy(copy, data, line);
    inf_buf_consume(&console->input, used);
    inf_slice text = inf_slice_of(copy, line);
    answer(console, &text);
    free(copy);
}

static void take(inf_console *console) {
    if (!console->asking || console->binding->closing) return;
    if (console->edit != NULL) {
        take_edited(console);
    } else {
        take_plain(console);
    }
}

static void read_input(inf_console *console) {
    uint8_t *room = inf_buf_reserve(&console->input, READ_SIZE);
    ssize_t count = room != NULL ? read(STDIN_FILENO, room, READ_SIZE) : -1;
    if (count > 0) {
        console->input.len += (size_t)count;
    } else {
        console->ended = true;
    }
}

static void on_readable(uv_poll_t *handle, int status, int events) {
    inf_console *console = handle->data;
    if (status != 0 || (events & UV_READABLE) == 0) {
        console->ended = true;
    } else {
        read_input(console);
    }
    take(console);
}

static void on_idle(uv_idle_t *handle) {
    inf_console *console = handle->data;
    if (!console->pollable && !console->ended) read_input(console);
    if (console->pollable) (void)uv_idle_stop(handle);
    take(console);
}

/* ---- asking and showing -------------------------------------------------- */

/* console:ask(prompt): calls on_line once. */
static int console_ask(lua_State *L) {
    inf_console *console = check_console(L);
    const char *prompt = luaL_checkstring(L, 2);
    console->asking = true;
    if (console->edit != NULL) {
        inf_editline_begin(console->edit, prompt);
    } else if (console->prompting) {
        (void)fputs(prompt, stdout);
        (void)fflush(stdout);
    }
    if (console->pollable) {
        (void)uv_poll_start(&console->poll, UV_READABLE | UV_DISCONNECT,
                            on_readable);
    }
    bool waiting = console->input.len != 0 || console->ended;
    if (waiting || !console->pollable) {
        (void)uv_idle_start(&console->idle, on_idle);
    }
    return 0;
}

/* console:drop(mark) gives the question up, and ends its line with a mark; true
   when there was one. */
static int console_drop(lua_State *L) {
    inf_console *console = check_console(L);
    const char *mark = luaL_optstring(L, 2, "");
    lua_pushboolean(L, console->asking);
    if (!console->asking) return 1;
    console->asking = false;
    if (console->edit != NULL) {
        inf_editline_end(console->edit);
        (void)fputs(mark, stdout);
    }
    if (console->edit != NULL || console->prompting) (void)fputc('\n', stdout);
    (void)fflush(stdout);
    if (console->pollable) (void)uv_poll_stop(&console->poll);
    (void)uv_idle_stop(&console->idle);
    return 1;
}

/* console:show(text): whole lines above the prompt while one is typed; at any
   other time the text as it is. */
static int console_show(lua_State *L) {
    inf_console *console = check_console(L);
    size_t len = 0;
    const char *text = luaL_checklstring(L, 2, &len);
    if (console->edit != NULL && console->asking) {
        inf_editline_show(console->edit, text, len);
    } else {
        (void)fwrite(text, 1, len, stdout);
        (void)fflush(stdout);
    }
    return 0;
}

/* console:replace(count, text): the characters before the cursor. */
static int console_replace(lua_State *L) {
    inf_console *console = check_console(L);
    lua_Integer count = luaL_checkinteger(L, 2);
    const char *text = luaL_checkstring(L, 3);
    luaL_argcheck(L, count >= 0 && count < INT32_MAX, 2, "no such count");
    if (console->edit == NULL || !console->asking) return 0;
    inf_editline_replace(console->edit, (int)count, text);
    return 0;
}

/* console:typed() -> what stands before the cursor, or nil. */
static int console_typed(lua_State *L) {
    inf_console *console = check_console(L);
    if (console->edit == NULL || !console->asking) return 0;
    size_t before = 0;
    inf_slice text = inf_editline_text(console->edit, &before);
    lua_pushlstring(L, (const char *)text.data, before);
    return 1;
}

static int console_remember(lua_State *L) {
    inf_console *console = check_console(L);
    const char *line = luaL_checkstring(L, 2);
    if (console->edit != NULL) inf_editline_remember(console->edit, line);
    return 0;
}

static int console_refresh(lua_State *L) {
    inf_console *console = check_console(L);
    if (console->edit != NULL) inf_editline_refresh(console->edit);
    return 0;
}

/* console:columns() -> the screen's width; nil: there is no screen. */
static int console_columns(lua_State *L) {
    struct winsize size;
    (void)check_console(L);
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
    lua_pushinteger(L, size.ws_col > 0 ? size.ws_col : 80);
    return 1;
}

/* console:mode() -> "edit", "prompt" (plain lines of a person) or "plain". */
static int console_mode(lua_State *L) {
    inf_console *console = check_console(L);
    const char *plain = console->prompting ? "prompt" : "plain";
    lua_pushstring(L, console->edit != NULL ? "edit" : plain);
    return 1;
}

/* ---- opening and closing ------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
    inf_console *console = handle->data;
    inf_binding *binding = console->binding;
    binding->open--;
    if (--console->handles != 0) return;
    inf_buf_deinit(&console->input);
    if (binding->closing) return;
    luaL_unref(binding->lua, LUA_REGISTRYINDEX, console->on_line);
    luaL_unref(binding->lua, LUA_REGISTRYINDEX, console->on_tab);
    luaL_unref(binding->lua, LUA_REGISTRYINDEX, console->self);
}

static void close_console(inf_console *console) {
    if (!console->open) return;
    console->open = false;
    console->asking = false;
    inf_editline_free(console->edit);
    console->edit = NULL;
    atomic_flag_clear(&taken);
    if (console->pollable) uv_close((uv_handle_t *)&console->poll, on_closed);
    uv_close((uv_handle_t *)&console->idle, on_closed);
}

static int console_close(lua_State *L) {
    close_console(luaL_checkudata(L, 1, metatable_name));
    return 0;
}

static void open_handles(inf_console *console) {
    uv_loop_t *loop = console->binding->loop;
    /* A file is always readable, and the loop cannot wait for it. */
    int flags = fcntl(STDIN_FILENO, F_GETFL);
    console->pollable = uv_poll_init(loop, &console->poll, STDIN_FILENO) == 0;
    /* The loop made it non-blocking, and with it standard output and what the
       shell has of the terminal. We read only what is there. */
    (void)fcntl(STDIN_FILENO, F_SETFL, flags);
    (void)uv_idle_init(loop, &console->idle);
    console->poll.data = console;
    console->idle.data = console;
    console->handles = console->pollable ? 2 : 1;
    console->binding->open += console->handles;
    console->open = true;
}

/* console_open(on_line, on_tab) -> console. */
static int core_console_open(lua_State *L) {
    inf_binding *binding = inf_binding_of(L);
    luaL_checktype(L, 1, LUA_TFUNCTION);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    if (atomic_flag_test_and_set(&taken)) {
        return luaL_error(L, "this process has a console already");
    }
    inf_console *console = lua_newuserdatauv(L, sizeof *console, 0);
    *console = (inf_console){.binding = binding};
    inf_buf_init(&console->input, inf_alloc_libc());
    luaL_setmetatable(L, metatable_name);
    lua_pushvalue(L, 1);
    console->on_line = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, 2);
    console->on_tab = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_pushvalue(L, -1);
    console->self = luaL_ref(L, LUA_REGISTRYINDEX);
    console->edit = inf_editline_new();
    console->prompting = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    open_handles(console);
    return 1;
}

void inf_bind_console(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"console_open", core_console_open},
        {NULL, NULL},
    };
    static const luaL_Reg methods[] = {
        {"ask", console_ask},
        {"drop", console_drop},
        {"show", console_show},
        {"replace", console_replace},
        {"typed", console_typed},
        {"remember", console_remember},
        {"refresh", console_refresh},
        {"columns", console_columns},
        {"mode", console_mode},
        {"close", console_close},
        {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
    inf_bind_interrupts(L);
    inf_bind_pipes(L);
    inf_bind_private(L);
    inf_bind_seal(L);
    luaL_newmetatable(L, metatable_name);
    lua_pushcfunction(L, console_close);
    lua_setfield(L, -2, "__gc");
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}
