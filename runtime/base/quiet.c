/* SPDX-License-Identifier: MIT */
#include "base/quiet.h"

static bool same(const inf_quiet_word *word, const inf_addr *host, int what) {
    return word->what == what && word->host.len == host->len &&
           memcmp(word->host.ip, host->ip, host->len) == 0;
}

static bool is_old(const inf_quiet_word *word, uint64_t now_ms) {
    return word->what == 0 || now_ms < word->at_ms ||
           now_ms - word->at_ms >= INF_QUIET_MS;
}

bool inf_quiet_may(inf_quiet *quiet, const inf_addr *host, int what,
                   uint64_t now_ms, uint32_t *swallowed) {
    inf_quiet_word *word = NULL;
    for (size_t i = 0; i < INF_QUIET_HOSTS; i++) {
        inf_quiet_word *at = &quiet->words[i];
        if (same(at, host, what)) {
            word = at;
            break;
        }
        if (word == NULL && is_old(at, now_ms)) word = at;
    }
    if (word == NULL) return false;
    bool known = same(word, host, what);
    if (known && !is_old(word, now_ms)) {
        word->swallowed++;
        return false;
    }
    *swallowed = known ? word->swallowed : 0;
    *word = (inf_quiet_word){.host = *host, .what = what, .at_ms = now_ms};
    return true;
}
