/* SPDX-License-Identifier: MIT */
/* main.c: the program. It is `lua` with the cluster inside: it understands
   lua's own options and runs a script as lua does, with the C module linked in
   and the Lua files found from where the program itself stands. A first word
   that names a subcommand is handed to lua/infinitomata/cli instead; all that
   a subcommand does is Lua. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lauxlib.h>
#include <lualib.h>
#include <uv.h>

#include "base/pool.h"
#include "bind/running.h"

#define PROGRAM_NAME "infinitomata"
#define PATH_ROOM    4096

int luaopen_infinitomata_core(lua_State *L);

/* Exit statuses. */
enum { ENDED_WELL = 0, FAILED = 1, MISUSED = 2 };

/* What the command line asks for. */
typedef struct request {
    int argc;
    char **argv;
    int script;       /* index in argv; argc: none */
    bool interactive; /* -i */
    bool version;     /* -v */
    bool chunks;      /* -e was there */
    bool ignore_env;  /* -E */
} request;

static void complain(const char *text) {
    (void)fprintf(stderr, PROGRAM_NAME ": %s\n", text);
}

/* ---- signals ------------------------------------------------------------- */

/* A process has one set of signal handlers: this is the program's, and it is
   here and not in the library that there is such a thing. The first SIGINT or
   SIGTERM goes to whoever watched before; the second ends the process even
   when a script never returns to the loop. */
static struct {
    volatile sig_atomic_t seen;
    struct sigaction before[NSIG];
} ending;

static void on_ending(int number) {
    if (ending.seen++ != 0) _exit(128 + number);
    void (*before)(int) = ending.before[number].sa_handler;
    if (before != SIG_DFL && before != SIG_IGN) before(number);
}

static void on_broken_pipe(int number) {
    (void)number;
}

/* A handler, and not SIG_IGN: that one would be inherited by every command a
   script runs, and those rely on dying of it. */
static void survive_broken_pipes(void) {
    struct sigaction action = {.sa_handler = on_broken_pipe,
                               .sa_flags = SA_RESTART};
    (void)sigaction(SIGPIPE, &action, NULL);
}

static int program_second_signal_ends(lua_State *L) {
    static const int numbers[] = {SIGINT, SIGTERM};
    struct sigaction action = {.sa_handler = on_ending, .sa_flags = SA_RESTART};
    (void)L;
    for (size_t i = 0; i < INF_COUNT(numbers); i++) {
        struct sigaction present;
        (void)sigaction(numbers[i], NULL, &present);
        if (present.sa_handler == on_ending) continue;
        ending.before[numbers[i]] = present;
        (void)sigaction(numbers[i], &action, NULL);
    }
    return 0;
}

static int program_is_terminal(lua_State *L) {
    lua_pushboolean(L, isatty(STDOUT_FILENO));
    return 1;
}

/* What only the program can offer to its subcommands: signals, serving, and
   the versions of what it is made of. */
static int open_program(lua_State *L) {
    static const char *const borrowed[] = {
        "signal",       "serve",          "step",       "quit",
        "pack",         "unpack",         "interrupts", "on_interrupt",
        "console_open", "pipe_listen",    "seal_keys",  "pipe_connect",
        "private_file", "private_folder", "sd_notify",  "tcp_connect",
        "tcp_listen",   "user_id",        "pipe_sweep",
    };
    lua_newtable(L);
    luaL_requiref(L, "infinitomata.core", luaopen_infinitomata_core, 0);
    for (size_t i = 0; i < INF_COUNT(borrowed); i++) {
        lua_getfield(L, -1, borrowed[i]);
        lua_setfield(L, -3, borrowed[i]);
    }
    lua_pop(L, 1);
    lua_pushcfunction(L, program_second_signal_ends);
    lua_setfield(L, -2, "second_signal_ends");
    lua_pushcfunction(L, program_is_terminal);
    lua_setfield(L, -2, "is_terminal");
    lua_createtable(L, 0, 3);
    lua_pushliteral(L, INF_VERSION);
    lua_setfield(L, -2, "infinitomata");
    lua_pushliteral(L, LUA_RELEASE);
    lua_setfield(L, -2, "lua");
    lua_pushstring(L, uv_version_string());
    lua_setfield(L, -2, "libuv");
    lua_setfield(L, -2, "versions");
    return 1;
}

/* ---- where things are ---------------------------------------------------- */

static bool is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* The folder that has the program in it; false when it cannot be known. */
static bool own_folder(char *folder, size_t room) {
    size_t len = room;
    if (uv_exepath(folder, &len) != 0) return false;
    char *slash = strrchr(folder, '/');
    if (slash == NULL) return false;
    *slash = '\0';
    return true;
}

/* Puts `templates`, with every "@" replaced by `folder`, before what
   package.<field> says. */
static void prepend(lua_State *L, const char *field, const char *templates,
                    const char *folder) {
    lua_getglobal(L, "package");
    luaL_gsub(L, templates, "@", folder);
    lua_pushliteral(L, ";");
    lua_getfield(L, -3, field);
    lua_concat(L, 3);
    lua_setfield(L, -2, field);
    lua_pop(L, 1);
}

/* The build tree keeps the Lua files beside build/, however deep the program
   is in there; an installation keeps them where Lua's own are. */
static void find_lua_files(lua_State *L) {
    static const struct {
        const char *lua;
        const char *probe;
    } places[] = {
        {"/../share/lua/" LUA_VERSION_MAJOR "." LUA_VERSION_MINOR,
         "/infinitomata"},
        {"/../../../lua", "/infinitomata/cli"},
        {"/../../lua", "/infinitomata/cli"},
    };
    char folder[PATH_ROOM];
    char path[PATH_ROOM + 64];
    if (!own_folder(folder, sizeof folder)) return;
    for (size_t i = 0; i < INF_COUNT(places); i++) {
        (void)snprintf(path, sizeof path, "%s%s%s", folder, places[i].lua,
                       places[i].probe);
        if (!is_folder(path)) continue;
        path[strlen(path) - strlen(places[i].probe)] = '\0';
        prepend(L, "path", "@/?.lua;@/?/init.lua", path);
    }
    prepend(L, "cpath",
            "@/../lib/lua/" LUA_VERSION_MAJOR "." LUA_VERSION_MINOR
            "/?.so;@/../lib/?.so",
            folder);
}

static void preload(lua_State *L, const char *name, lua_CFunction open) {
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
    lua_pushcfunction(L, open);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
}

/* The libraries, the C module and the paths. */
static void open_state(lua_State *L, bool ignore_env) {
    if (ignore_env) {
        lua_pushboolean(L, 1); /* what the package library looks for */
        lua_setfield(L, LUA_REGISTRYINDEX, "LUA_NOENV");
    }
    luaL_openlibs(L);
    inf_running_track(L); /* before anybody takes what it replaces */
    preload(L, "infinitomata.core", luaopen_infinitomata_core);
    preload(L, "infinitomata.program", open_program);
    find_lua_files(L);
}

/* ---- calling Lua --------------------------------------------------------- */

/* Where the user's own code was, once the engine is there; else all there is.
 */
static int traceback(lua_State *L) {
    const char *text = luaL_tolstring(L, 1, NULL);
    lua_getfield(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    if (lua_getfield(L, -1, "finitomata.trace") == LUA_TTABLE &&
        lua_getfield(L, -1, "add") == LUA_TFUNCTION) {
        lua_pushstring(L, text);
        lua_call(L, 1, 1);
        return 1;
    }
    luaL_traceback(L, L, text, 1);
    return 1;
}

/* Calls the function below `nargs` arguments; an error is printed. */
static int call(lua_State *L, int nargs, int nresults) {
    int base = lua_gettop(L) - nargs;
    lua_pushcfunction(L, traceback);
    lua_insert(L, base);
    int status = lua_pcall(L, nargs, nresults, base);
    if (status != LUA_OK) {
        complain(lua_tostring(L, -1));
        lua_pop(L, 1);
    }
    lua_remove(L, base);
    return status == LUA_OK ? ENDED_WELL : FAILED;
}

/* Runs what luaL_load... left: a chunk, or its complaint. */
static int run_loaded(lua_State *L, int status, int nargs) {
    if (status != LUA_OK) {
        complain(lua_tostring(L, -1));
        lua_pop(L, 1);
        return FAILED;
    }
    return call(L, nargs, 0);
}

/* `arg`: the script at 0, its arguments from 1, what came before below 0. */
static void make_arg(lua_State *L, const request *asked) {
    int script = asked->script < asked->argc ? asked->script : 0;
    lua_createtable(L, asked->argc - script, script + 1);
    for (int i = 0; i < asked->argc; i++) {
        lua_pushstring(L, asked->argv[i]);
        lua_rawseti(L, -2, i - script);
    }
    lua_setglobal(L, "arg");
}

/* `-l module` and `-l global=module`. */
static int require_global(lua_State *L, const char *spec) {
    const char *equals = strchr(spec, '=');
    lua_getglobal(L, "require");
    lua_pushstring(L, equals != NULL ? equals + 1 : spec);
    int status = call(L, 1, 1);
    if (status != ENDED_WELL) return status;
    size_t len = equals != NULL ? (size_t)(equals - spec) : strlen(spec);
    const char *name = lua_pushlstring(L, spec, len);
    lua_pushvalue(L, -2);
    lua_setglobal(L, name);
    lua_pop(L, 2);
    return ENDED_WELL;
}

/* LUA_INIT_5_4, or LUA_INIT: a chunk, or "@" and a file. */
static int run_init(lua_State *L) {
    const char *name = "=LUA_INIT_" LUA_VERSION_MAJOR "_" LUA_VERSION_MINOR;
    const char *init = getenv(name + 1);
    if (init == NULL) {
        name = "=LUA_INIT";
        init = getenv(name + 1);
    }
    if (init == NULL) return ENDED_WELL;
    if (init[0] == '@') return run_loaded(L, luaL_loadfile(L, init + 1), 0);
    return run_loaded(L, luaL_loadbuffer(L, init, strlen(init), name), 0);
}

/* -e, -l and -W, in the order they were given. */
static int run_options(lua_State *L, const request *asked) {
    for (int i = 1; i < asked->script; i++) {
        const char *option = asked->argv[i];
        int status = ENDED_WELL;
        if (option[0] != '-' || option[1] == '-') continue;
        if (option[1] == 'W') lua_warning(L, "@on", 0);
        if (option[1] != 'e' && option[1] != 'l') continue;
        const char *value = option[2] != '\0' ? option + 2 : asked->argv[++i];
        if (option[1] == 'l') {
            status = require_global(L, value);
        } else {
            status = run_loaded(
                L, luaL_loadbuffer(L, value, strlen(value), "=(command line)"),
                0);
        }
        if (status != ENDED_WELL) return status;
    }
    return ENDED_WELL;
}

static int run_script(lua_State *L, const request *asked) {
    const char *name = asked->argv[asked->script];
    bool input = strcmp(name, "-") == 0 &&
                 strcmp(asked->argv[asked->script - 1], "--") != 0;
    int status = luaL_loadfile(L, input ? NULL : name);
    if (status != LUA_OK) return run_loaded(L, status, 0);
    int nargs = asked->argc - asked->script - 1;
    luaL_checkstack(L, nargs + 8, "too many arguments");
    for (int i = 1; i <= nargs; i++) {
        lua_pushstring(L, asked->argv[asked->script + i]);
    }
    return call(L, nargs, 0);
}

/* Calls `command(name, arguments)` of infinitomata.cli: it returns the exit
   status. */
static int run_command(lua_State *L, const char *name, int argc, char **argv) {
    lua_getglobal(L, "require");
    lua_pushliteral(L, "infinitomata.cli");
    if (call(L, 1, 1) != ENDED_WELL) return FAILED;
    lua_getfield(L, -1, "command");
    lua_pushstring(L, name);
    lua_createtable(L, argc, 0);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(L, argv[i]);
        lua_rawseti(L, -2, i + 1);
    }
    if (call(L, 2, 1) != ENDED_WELL) return FAILED;
    return lua_isinteger(L, -1) ? (int)lua_tointeger(L, -1) : ENDED_WELL;
}

/* ---- the command line ---------------------------------------------------- */

static int misuse(const char *what, const char *which) {
    (void)fprintf(stderr,
                  PROGRAM_NAME ": %s '%s'; try '" PROGRAM_NAME " --help'\n",
                  what, which);
    return MISUSED;
}

/* Reads lua's own options up to the script. */
static int read_options(request *asked) {
    int i = 1;
    for (; i < asked->argc; i++) {
        const char *option = asked->argv[i];
        if (option[0] != '-' || option[1] == '\0') break;
        if (strcmp(option, "--") == 0) {
            i++;
            break;
        }
        bool value = option[1] == 'e' || option[1] == 'l';
        if (!value &&
            (strchr("ivEW", option[1]) == NULL || option[2] != '\0')) {
            return misuse("unknown option", option);
        }
        if (value && option[2] == '\0' && ++i >= asked->argc) {
            return misuse("a value is missing after", option);
        }
        asked->interactive |= option[1] == 'i';
        asked->version |= option[1] == 'i' || option[1] == 'v';
        asked->chunks |= option[1] == 'e';
        asked->ignore_env |= option[1] == 'E';
    }
    asked->script = i;
    return ENDED_WELL;
}

/* A word of small letters and dashes: what a subcommand is called. */
static bool is_word(const char *text) {
    return text[0] != '\0' && text[0] != '-' &&
           strspn(text, "abcdefghijklmnopqrstuvwxyz-") == strlen(text);
}

/* True when the word names a module of infinitomata.cli. */
static bool is_command(lua_State *L, const char *word) {
    if (!is_word(word)) return false;
    lua_getglobal(L, "package");
    lua_getfield(L, -1, "searchpath");
    lua_pushfstring(L, "infinitomata.cli.%s", word);
    lua_getfield(L, -3, "path");
    lua_call(L, 2, 1);
    bool found = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return found;
}

/* As lua does it: options, then the script, then the prompt. */
static int run_as_lua(lua_State *L, const request *asked) {
    int rest = asked->argc - asked->script;
    bool script = asked->script < asked->argc;
    int status = ENDED_WELL;
    if (asked->version) {
        (void)printf(PROGRAM_NAME " " INF_VERSION "  " LUA_COPYRIGHT "\n");
    }
    make_arg(L, asked);
    if (!asked->ignore_env) status = run_init(L);
    if (status == ENDED_WELL) status = run_options(L, asked);
    if (status == ENDED_WELL && script) status = run_script(L, asked);
    if (status != ENDED_WELL) return status;
    if (asked->interactive) return run_command(L, "prompt", 0, NULL);
    if (rest > 0 || asked->chunks || asked->version) return status;
    if (isatty(STDIN_FILENO)) {
        const char *name = is_command(L, "console") ? "console" : "prompt";
        return run_command(L, name, 0, NULL);
    }
    return run_loaded(L, luaL_loadfile(L, NULL), 0);
}

static int run_request(lua_State *L, const request *asked) {
    const char *first = asked->argc > 1 ? asked->argv[1] : "";
    bool no_file = is_word(first) && access(first, R_OK) != 0;
    /* The module of all subcommands knows which of them may be meant. */
    if (is_command(L, first) || (no_file && is_command(L, "init"))) {
        return run_command(L, first, asked->argc - 2, asked->argv + 2);
    }
    if (no_file) return misuse("unknown subcommand", first);
    return run_as_lua(L, asked);
}

/* Everything that may raise, inside one protected call. */
static int protected_main(lua_State *L) {
    const request *asked = lua_touserdata(L, 1);
    open_state(L, asked->ignore_env);
    lua_pushinteger(L, run_request(L, asked));
    return 1;
}

/* ---- the state ----------------------------------------------------------- */

#if defined(__SANITIZE_ADDRESS__)
#define POOLED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define POOLED 0 /* every block its own, so that misuse is seen */
#endif
#endif
#ifndef POOLED
#define POOLED 1
#endif

static void *resize(void *ctx, void *block, size_t old_size, size_t size) {
    return inf_pool_resize(ctx, block, old_size, size);
}

/* Warnings as lua shows them: off until "@on"; a message may have parts. */
typedef struct warning {
    bool on;
    bool open; /* a message has begun */
} warning;

static void warn(void *ctx, const char *text, int more) {
    warning *w = ctx;
    if (!w->open && !more && text[0] == '@') {
        if (strcmp(text, "@on") == 0) w->on = true;
        if (strcmp(text, "@off") == 0) w->on = false;
        return;
    }
    if (w->on) {
        (void)fprintf(stderr, "%s%s%s", w->open ? "" : "Lua warning: ", text,
                      more ? "" : "\n");
    }
    w->open = more;
}

static int run_in_state(lua_State *L, request *asked) {
    lua_pushcfunction(L, protected_main);
    lua_pushlightuserdata(L, asked);
    int status =
        call(L, 1, 1) == ENDED_WELL ? (int)lua_tointeger(L, -1) : FAILED;
    lua_close(L);
    return status;
}

static int run_program(request *asked) {
    inf_pool pool;
    warning warnings = {.on = false};
    inf_pool_init(&pool);
    lua_State *L = POOLED ? lua_newstate(resize, &pool) : luaL_newstate();
    if (L == NULL) {
        complain("out of memory");
        return FAILED;
    }
    lua_setwarnf(L, warn, &warnings);
    int status = run_in_state(L, asked);
    inf_pool_deinit(&pool);
    return status;
}

int main(int argc, char **argv) {
    request asked = {.argc = argc, .argv = argv};
    bool help = argc > 1 &&
                (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    bool version = argc > 1 && strcmp(argv[1], "--version") == 0;
    char help_word[] = "help";
    char version_word[] = "version";
    char *instead[] = {argv[0], help ? help_word : version_word, NULL};
    if (help || version) {
        asked.argc = 2;
        asked.argv = instead;
    }
    int status = read_options(&asked);
    if (status != ENDED_WELL) return status;
    survive_broken_pipes();
    return run_program(&asked);
}
