/* SPDX-License-Identifier: MIT */
/* The constants by their names. The bounds keep every product of two of them in
   32 bits, and every datagram large enough for what one has to carry. */
#include <stddef.h>
#include <stdio.h>

#include "base/error.h"
#include "core/member_tuning.h"

#define DAY_MS   86400000u
#define MONTH_MS 2678400000u

#define NUMBER(field, label, low, high, text)                                  \
    { label, text, offsetof(inf_member_tuning, field), false, false, low, high }
#define OR_ZERO(field, label, low, high, text)                                 \
    { label, text, offsetof(inf_member_tuning, field), false, true, low, high }
#define FLAG(field, text)                                                      \
    { #field, text, offsetof(inf_member_tuning, field), true, false, 0, 1 }

static const inf_setting settings[] = {
    NUMBER(probe_interval_ms, "probe_interval", 50, 60000,
           "one member is probed each"),
    NUMBER(probe_timeout_ms, "probe_timeout", 10, 60000,
           "then others are asked to try"),
    NUMBER(indirect_checks, "indirect_checks", 0, 8,
           "how many others are asked"),
    NUMBER(suspicion_mult, "suspicion_mult", 1, 32,
           "shortest suspicion, in log10(n) probe intervals"),
    NUMBER(suspicion_max_mult, "suspicion_max_mult", 1, 32,
           "longest suspicion, in shortest ones"),
    NUMBER(retransmit_mult, "retransmit_mult", 1, 32,
           "news is sent so many times log10(n+1)"),
    NUMBER(retransmit_min, "retransmit_min", 0, 64, "and so often at least"),
    NUMBER(gossip_interval_ms, "gossip_interval", 10, 60000,
           "news is sent each"),
    NUMBER(gossip_fanout, "gossip_fanout", 1, 16, "to how many"),
    OR_ZERO(push_pull_interval_ms, "push_pull_interval", 100, DAY_MS,
            "all is exchanged with one member each; 0: never"),
    NUMBER(gossip_to_dead_ms, "gossip_to_dead", 0, DAY_MS,
           "the dead hear news so long"),
    NUMBER(stream_timeout_ms, "stream_timeout", 100, 600000,
           "a TCP exchange takes at most"),
    NUMBER(awareness_max, "awareness_max", 1, 64,
           "health runs from 0 to this less one"),
    OR_ZERO(dead_reclaim_ms, "dead_reclaim", 1, DAY_MS,
            "then a dead one's name may move to another address; 0: never"),
    OR_ZERO(reconnect_interval_ms, "reconnect_interval", 100, DAY_MS,
            "an address of the dead or of join is tried each; 0: never"),
    NUMBER(leave_propagate_ms, "leave_propagate", 0, 60000,
           "a leave is announced to Serf's agents so long before"),
    NUMBER(leave_timeout_ms, "leave_timeout", 100, 600000,
           "a leave takes at most"),
    NUMBER(tombstone_ms, "tombstone", 0, MONTH_MS,
           "the address of a dead one is kept so long"),
    NUMBER(packet_max, "packet_max", 1100, 65000, "bytes of a datagram"),
    FLAG(compress, "what gets smaller is sent compressed"),
    FLAG(crc, "datagrams carry a checksum"),
    FLAG(tcp_ping, "a late answer is asked for by TCP as well"),
    FLAG(local_health, "an unwell node is more patient (Lifeguard)"),
    FLAG(dynamic_suspicion,
         "suspicion is shorter the more confirm it (Lifeguard)"),
    FLAG(buddy, "a suspect hears of it with the ping (Lifeguard)"),
    FLAG(early_nack, "who cannot reach one says so in time"),
    FLAG(count_live, "only the living count"),
    FLAG(stall_guard, "waits start again after a standstill of our own"),
    FLAG(even_gossip, "news goes to the members in turn, not by chance"),
    FLAG(verify_hearsay, "what a list says of others is checked"),
    FLAG(second_opinion, "some who hear a suspicion probe at once"),
    FLAG(last_word, "a suspect is asked once more at the end"),
    FLAG(fast_death, "a refused connection confirms a death"),
    FLAG(serf, "leave intents and events as Serf says them"),
};

const inf_setting *inf_settings(size_t *count) {
    *count = INF_COUNT(settings);
    return settings;
}

const inf_setting *inf_setting_find(inf_slice name) {
    for (size_t i = 0; i < INF_COUNT(settings); i++) {
        if (inf_slice_eq(name, inf_slice_str(settings[i].name))) {
            return &settings[i];
        }
    }
    return NULL;
}

uint64_t inf_setting_get(const inf_setting *setting,
                         const inf_member_tuning *tuning) {
    const uint8_t *at = (const uint8_t *)tuning + setting->offset;
    uint32_t number = 0;
    bool flag = false;
    if (setting->flag) {
        memcpy(&flag, at, sizeof flag);
        return flag;
    }
    memcpy(&number, at, sizeof number);
    return number;
}

int inf_setting_put(const inf_setting *setting, inf_member_tuning *tuning,
                    uint64_t value) {
    uint8_t *at = (uint8_t *)tuning + setting->offset;
    bool inside = value >= setting->least && value <= setting->most;
    if (!inside && !(setting->zero && value == 0)) return INF_EINVAL;
    uint32_t number = (uint32_t)value;
    bool flag = value != 0;
    if (setting->flag) {
        memcpy(at, &flag, sizeof flag);
    } else {
        memcpy(at, &number, sizeof number);
    }
    return 0;
}

const char *inf_setting_range(const inf_setting *setting,
                              char text[INF_RANGE_MAX]) {
    if (setting->flag) return "true or false";
    (void)snprintf(text, INF_RANGE_MAX, "%sa number from %lu to %lu",
                   setting->zero ? "0 or " : "", (unsigned long)setting->least,
                   (unsigned long)setting->most);
    return text;
}

const char *inf_tuning_fault(const inf_member_tuning *tuning) {
    if (tuning->probe_timeout_ms > tuning->probe_interval_ms) {
        return "probe_timeout is longer than probe_interval";
    }
    if (tuning->leave_propagate_ms > tuning->leave_timeout_ms) {
        return "leave_propagate is longer than leave_timeout";
    }
    return NULL;
}
