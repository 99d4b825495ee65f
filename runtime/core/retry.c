/* SPDX-License-Identifier: MIT */
#include "core/retry.h"

/* One pause never hides more than this, unless a single poll is longer. */
#define LOOK_PAUSE_MAX_MS 16
/* Looks that are made one poll apart before pauses begin to grow. */
#define LOOKS_BEFORE_GROWTH 8

inf_retry_policy inf_retry_policy_default(void) {
    return (inf_retry_policy){.attempts = 1000,
                              .poll_interval_ms = 1,
                              .rpc_timeout_ms = 5000,
                              .backoff_base_ms = 5,
                              .backoff_max_ms = 1000};
}

void inf_retry_start(inf_retry *retry, uint64_t now_ms) {
    *retry = (inf_retry){.started_ms = now_ms};
}

bool inf_retry_spent(const inf_retry *retry, const inf_retry_policy *policy) {
    return retry->attempts >= policy->attempts;
}

bool inf_retry_spend(inf_retry *retry, const inf_retry_policy *policy) {
    if (inf_retry_spent(retry, policy)) return false;
    retry->attempts++;
    return true;
}

uint64_t inf_retry_end_ms(const inf_retry *retry,
                          const inf_retry_policy *policy) {
    if (policy->timeout_ms == 0) return INF_NEVER;
    return retry->started_ms + policy->timeout_ms;
}

/* How many polls one pause stands for: 1, ..., 1, 2, 4, 8, 16. */
static uint32_t polls_in_pause(uint32_t misses, uint32_t poll_ms) {
    uint32_t most = poll_ms == 0 ? 1 : LOOK_PAUSE_MAX_MS / poll_ms;
    uint32_t growth =
        misses > LOOKS_BEFORE_GROWTH ? misses - LOOKS_BEFORE_GROWTH : 0;
    uint32_t polls = growth < 5 ? 1u << growth : 16;
    if (polls > most) polls = most;
    return polls == 0 ? 1 : polls;
}

uint64_t inf_retry_look_ms(inf_retry *retry, const inf_retry_policy *policy) {
    uint32_t polls = polls_in_pause(++retry->misses, policy->poll_interval_ms);
    uint32_t left =
        inf_retry_spent(retry, policy) ? 1 : policy->attempts - retry->attempts;
    if (polls > left) polls = left;
    retry->attempts += polls - 1; /* the look after the pause spends its own */
    return (uint64_t)polls * policy->poll_interval_ms;
}

uint64_t inf_retry_backoff_ms(inf_retry *retry, const inf_retry_policy *policy,
                              inf_rng *rng) {
    uint64_t bound_ms = policy->backoff_base_ms;
    for (uint32_t i = 0; i < retry->failures; i++) {
        if (bound_ms >= policy->backoff_max_ms) break;
        bound_ms *= 2;
    }
    if (bound_ms > policy->backoff_max_ms) bound_ms = policy->backoff_max_ms;
    retry->failures++;
    retry->misses = 0;
    return inf_rng_below(rng, bound_ms + 1);
}
