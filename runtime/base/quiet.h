/* SPDX-License-Identifier: MIT */
/* quiet.h: a complaint about a host is told once in a while. A peer that does
   one thing wrong does it all the time, and a stranger may do it on purpose:
   neither fills the log, nor memory. */
#ifndef INF_BASE_QUIET_H
#define INF_BASE_QUIET_H

#include "base/addr.h"

#define INF_QUIET_MS    60000 /* between two words about one thing */
#define INF_QUIET_HOSTS 16    /* hosts and things told of in that time */

/** One thing that was said of one host. Zeroed: nothing was. */
typedef struct inf_quiet_word {
    inf_addr host;      /* its port does not count */
    int what;           /* never 0 */
    uint64_t at_ms;     /* when it was said */
    uint32_t swallowed; /* how often it was not, since */
} inf_quiet_word;

/** What was said lately; zeroed at birth. */
typedef struct inf_quiet {
    inf_quiet_word words[INF_QUIET_HOSTS];
} inf_quiet;

/**
 * May `what` (a code) be said of the host now? No within INF_QUIET_MS of the
 * last time, and none of further hosts while INF_QUIET_HOSTS words are so
 * young.
 * @param swallowed how often it was not said since it last was
 */
bool inf_quiet_may(inf_quiet *quiet, const inf_addr *host, int what,
                   uint64_t now_ms, uint32_t *swallowed);

#endif
