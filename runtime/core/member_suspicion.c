/* SPDX-License-Identifier: MIT */
/* How long a suspicion lasts, how often news is sent: the logarithms of SWIM
   (Das, Gupta, Motivala, 2002) and Lifeguard's dynamic timeout (Dadgar,
   Phillips, Currey, 2017), with memberlist's roundings, so that mixed clusters
   decide alike. */
#include <math.h>

#include "core/member_part.h"

/* log10 n but at least 1, in thousandths. */
static uint64_t scale_milli(size_t n) {
    double scale = log10(n < 1 ? 1 : (double)n);
    return scale < 1 ? 1000 : (uint64_t)(scale * 1000);
}

uint32_t inf_suspicion_min_ms(const inf_member_tuning *tuning, size_t n) {
    return (uint32_t)(tuning->suspicion_mult * scale_milli(n) *
                      tuning->probe_interval_ms / 1000);
}

uint32_t inf_suspicion_ms(uint32_t min_ms, uint32_t max_ms, uint32_t k,
                          uint32_t c) {
    if (k == 0 || c >= k) return min_ms;
    double part = log((double)c + 1) / log((double)k + 1);
    double ms = floor((double)max_ms - part * (double)(max_ms - min_ms));
    return ms < (double)min_ms ? min_ms : (uint32_t)ms;
}

uint32_t inf_retransmit_limit(uint32_t mult, size_t n) {
    uint32_t limit = mult * (uint32_t)ceil(log10((double)n + 1));
    if (limit < 1) return 1;
    return limit < INF_TIERS_MAX ? limit : INF_TIERS_MAX;
}

uint64_t inf_push_pull_ms(uint32_t interval_ms, size_t n) {
    if (n <= 32) return interval_ms;
    return interval_ms * ((uint64_t)ceil(log2((double)n) - 5) + 1);
}
