/* SPDX-License-Identifier: MIT */
/* clock.h: the one clock that every node of this process is fed with. */
#ifndef INF_HOST_CLOCK_H
#define INF_HOST_CLOCK_H

#include <uv.h>

/** Milliseconds of the monotonic clock, the same as uv_now would show if it
    were fresh; any thread. */
static inline uint64_t inf_clock_ms(void) {
    return uv_hrtime() / 1000000;
}

#endif
