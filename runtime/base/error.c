/* SPDX-License-Identifier: MIT */
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/def.h"

const char *inf_strerror(int code) {
    switch (code) {
    case 0:
        return "no error";
#define X(symbol, value, word, sentence)                                       \
    case symbol:                                                               \
        return sentence;
        INF_ERROR_LIST(X)
#undef X
    default:
        return "unknown error";
    }
}

const char *inf_error_code(int code) {
    switch (code) {
    case 0:
        return "ok";
#define X(symbol, value, word, sentence)                                       \
    case symbol:                                                               \
        return word;
        INF_ERROR_LIST(X)
#undef X
    default:
        return "unknown";
    }
}

void inf_panic(const char *file, int line, const char *what) {
    fprintf(stderr, "infinitomata: %s:%d: broken invariant: %s\n", file, line,
            what);
    abort();
}
