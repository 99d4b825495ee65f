/* SPDX-License-Identifier: MIT */
/* retry.h: how often a call is tried and how long it pauses in between. Pure
   arithmetic: it is told the time and the chance, and says when. */
#ifndef INF_CORE_RETRY_H
#define INF_CORE_RETRY_H

#include "base/rng.h"

/** How often and how long a call is tried; milliseconds. */
typedef struct inf_retry_policy {
    uint32_t attempts;         /* sends, and looks at an unknown name */
    uint32_t poll_interval_ms; /* between looks at an unknown name */
    uint32_t rpc_timeout_ms;   /* for one attempt's answer */
    uint32_t backoff_base_ms;  /* first pause after a failure */
    uint32_t backoff_max_ms;   /* longest pause */
    uint32_t timeout_ms;       /* in all; 0: no other bound */
} inf_retry_policy;

/** 1000 attempts, polls of 1 ms, 5 s an answer, pauses of 5 ms to 1 s. */
inf_retry_policy inf_retry_policy_default(void);

/** Where one call stands. */
typedef struct inf_retry {
    uint64_t started_ms;
    uint32_t attempts; /* spent so far */
    uint32_t failures; /* sends that failed since the last success of any kind:
                          the exponent of the backoff */
    uint32_t misses;   /* looks in a row that found nobody */
} inf_retry;

void inf_retry_start(inf_retry *retry, uint64_t now_ms);
/** Takes one attempt; false when none is left. */
bool inf_retry_spend(inf_retry *retry, const inf_retry_policy *policy);
/** True when no attempt is left. */
bool inf_retry_spent(const inf_retry *retry, const inf_retry_policy *policy);
/** When the call ends whatever happens, or INF_NEVER. */
uint64_t inf_retry_end_ms(const inf_retry *retry,
                          const inf_retry_policy *policy);
/**
 * The pause before the next look at a name nobody has. A waiting call is woken
 * by the name's arrival, so looking is only a second line: after a few misses
 * one pause stands for several polls, which are spent with it, never longer
 * than 16 ms where the poll itself is shorter. All pauses together are
 * attempts - 1 polls long.
 */
uint64_t inf_retry_look_ms(inf_retry *retry, const inf_retry_policy *policy);
/** The pause after a failed send: exponential with full jitter (Brooker,
    "Exponential Backoff and Jitter", 2015), from 0 to min(max, base * 2^n). */
uint64_t inf_retry_backoff_ms(inf_retry *retry, const inf_retry_policy *policy,
                              inf_rng *rng);

#endif
