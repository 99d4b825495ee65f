/* SPDX-License-Identifier: MIT */
/* error.h: every code the runtime returns, each with its sentence. */
#ifndef INF_BASE_ERROR_H
#define INF_BASE_ERROR_H

/* X(symbol, value, code seen by Lua, sentence). Values are stable: they are
   part of the binary interface and never reused. */
#define INF_ERROR_LIST(X)                                                      \
    X(INF_ENOMEM, -1, "no_memory", "out of memory")                            \
    X(INF_EINVAL, -2, "invalid", "an argument is outside what it may be")      \
    X(INF_ENAME, -3, "bad_name", "a name must have 1 to 255 bytes")            \
    X(INF_EFULL, -4, "overloaded", "a bounded table or queue is full")         \
    X(INF_EEXISTS, -5, "already_started", "the name is taken")                 \
    X(INF_ENOENT, -6, "no_such_fsm", "nobody has that name")                   \
    X(INF_ETIMEDOUT, -7, "timeout", "no answer came in time")                  \
    X(INF_EEXHAUSTED, -8, "exhausted", "every attempt failed")                 \
    X(INF_EUNREACHABLE, -9, "unreachable", "the node cannot be reached")       \
    X(INF_ETRUNCATED, -10, "truncated", "the bytes end too early")             \
    X(INF_EMALFORMED, -11, "malformed", "the bytes are not what they claim")   \
    X(INF_ETOOBIG, -12, "too_big", "larger than the limit allows")             \
    X(INF_EINUSE, -13, "address_in_use", "the address is in use")              \
    X(INF_EADDRESS, -14, "bad_address",                                        \
      "not of the form HOST:PORT, or no such host")                            \
    X(INF_ESYSTEM, -15, "system", "the operating system refused")              \
    X(INF_ESTALE, -16, "stale", "older than what is already known")            \
    X(INF_EGAP, -17, "gap", "changes before these are missing")                \
    X(INF_ECRYPT, -19, "crypt", "no key opens this message")                   \
    X(INF_EVERSION, -20, "version", "the peer speaks another version")         \
    X(INF_ECLOSED, -21, "closed", "it has been closed")                        \
    X(INF_ENOTREADY, -22, "not_ready", "the node has not settled yet")

enum {
#define X(symbol, value, code, sentence) symbol = (value),
    INF_ERROR_LIST(X)
#undef X
};

/** The sentence for a code, "no error" for 0; never NULL, static. */
const char *inf_strerror(int code);

/** The short word for a code as Lua sees it in err.code; never NULL, static. */
const char *inf_error_code(int code);

#endif
