/* SPDX-License-Identifier: MIT */
/* def.h: the few words every part of the runtime uses. */
#ifndef INF_BASE_DEF_H
#define INF_BASE_DEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** Marks what the shared library exports; all else is hidden. */
#define INF_EXPORT __attribute__((visibility("default")))

/** Asks the compiler to check a printf-like call. */
#define INF_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

#define INF_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** A moment that never comes: "no deadline". Milliseconds. */
#define INF_NEVER UINT64_MAX

/** The longest name of an FSM, a branch or an implementation, in bytes. */
#define INF_NAME_MAX 255

/** The longest name of a node, in bytes. */
#define INF_NODE_NAME_MAX 128

/**
 * Bytes that somebody else owns. `data` may be NULL only when `len` is 0.
 * Not terminated: any byte may occur.
 */
typedef struct inf_slice {
    const uint8_t *data;
    size_t len;
} inf_slice;

/** A slice over the bytes of a C string, without its terminator. */
static inline inf_slice inf_slice_str(const char *text) {
    return (inf_slice){(const uint8_t *)text, strlen(text)};
}

static inline inf_slice inf_slice_of(const void *data, size_t len) {
    return (inf_slice){(const uint8_t *)data, len};
}

static inline bool inf_slice_eq(inf_slice a, inf_slice b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/** Ends the process with the place and the condition: a bug of ours. */
_Noreturn void inf_panic(const char *file, int line, const char *what);

/** A precondition. Checked in release builds as well. */
#define INF_ASSERT(condition)                                                  \
    ((condition) ? (void)0 : inf_panic(__FILE__, __LINE__, #condition))

#endif
