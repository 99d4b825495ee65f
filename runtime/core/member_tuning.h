/* SPDX-License-Identifier: MIT */
/* member_tuning.h: the constants of membership: what each environment has, and
   each by its name, so that people can set it. */
#ifndef INF_CORE_MEMBER_TUNING_H
#define INF_CORE_MEMBER_TUNING_H

#include "core/member_view.h"

/** Every constant of the protocol. inf_member_tuning_of fills it. */
typedef struct inf_member_tuning {
    uint32_t probe_interval_ms;
    uint32_t probe_timeout_ms;   /* wait for a direct ack */
    uint32_t indirect_checks;    /* helpers asked when it does not come */
    uint32_t suspicion_mult;     /* shortest suspicion, in log10(n) intervals */
    uint32_t suspicion_max_mult; /* longest, in shortest ones */
    uint32_t retransmit_mult;
    uint32_t retransmit_min; /* small clusters can afford to be sure */
    uint32_t gossip_interval_ms;
    uint32_t gossip_fanout;
    uint32_t push_pull_interval_ms; /* 0: never */
    uint32_t gossip_to_dead_ms;     /* news still go to the freshly dead */
    uint32_t stream_timeout_ms;
    uint32_t awareness_max;   /* health runs from 0 to this less one */
    uint32_t dead_reclaim_ms; /* then a dead one's name may move; 0: never */
    uint32_t reconnect_interval_ms; /* tries of dead members; 0: never */
    uint32_t leave_propagate_ms;    /* from leave intent to leave message */
    uint32_t leave_timeout_ms;
    uint32_t tombstone_ms; /* how long the address of a dead one is kept */
    uint32_t packet_max;   /* bytes of a datagram, everything counted */
    bool compress;
    bool crc;
    bool tcp_ping;     /* ask by stream as well when the direct ack is late */
    bool local_health; /* Lifeguard: LHA-Probe */
    bool dynamic_suspicion; /* Lifeguard: LHA-Suspicion */
    bool buddy;             /* Lifeguard: tell a suspect with the ping */
    bool early_nack;  /* nack while it still helps (memberlist: too late) */
    bool count_live;  /* n and k over live members (memberlist: over all) */
    bool stall_guard; /* re-arm what ran out while we ourselves stood still */
    bool even_gossip; /* walk the members in turn (memberlist: draw) */
    bool verify_hearsay; /* ask before repeating what a peer's list says */
    bool second_opinion; /* some who hear a suspicion probe for themselves */
    bool last_word;      /* ask a suspect once more before its time is up */
    bool fast_death;     /* a refused connection confirms a death at once */
    bool serf;           /* say leave intents and events as Serf does */
} inf_member_tuning;

/** The constants of an environment, all improvements on. */
inf_member_tuning inf_member_tuning_of(inf_profile profile);
/** The same as memberlist 0.5 itself behaves: improvements off. */
inf_member_tuning inf_member_tuning_plain(inf_profile profile);

/** A constant that people may set. Times are milliseconds. */
typedef struct inf_setting {
    const char *name;
    const char *about; /* a few words */
    size_t offset;     /* in the tuning */
    bool flag;         /* true or false; else a number */
    bool zero;         /* 0 is allowed beside the range: never, or none */
    uint32_t least;
    uint32_t most;
} inf_setting;

/** All of them, static, in the order of the tuning. */
const inf_setting *inf_settings(size_t *count);
/** The one of that name, or NULL. */
const inf_setting *inf_setting_find(inf_slice name);
uint64_t inf_setting_get(const inf_setting *setting,
                         const inf_member_tuning *tuning);
/** 0, or INF_EINVAL and `tuning` as it was: outside the range. */
int inf_setting_put(const inf_setting *setting, inf_member_tuning *tuning,
                    uint64_t value);
/** What the setting takes: "a number from 10 to 60000", "true or false". */
#define INF_RANGE_MAX 64
const char *inf_setting_range(const inf_setting *setting,
                              char text[INF_RANGE_MAX]);
/** What of the whole contradicts itself, as a sentence; NULL when nothing
    does. */
const char *inf_tuning_fault(const inf_member_tuning *tuning);

#endif
