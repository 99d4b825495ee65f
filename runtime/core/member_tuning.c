/* SPDX-License-Identifier: MIT */
/* The constants of the three environments, as memberlist ships them. */
#include "core/member_tuning.h"

static const inf_member_tuning lan = {.probe_interval_ms = 1000,
                                      .probe_timeout_ms = 500,
                                      .indirect_checks = 3,
                                      .suspicion_mult = 4,
                                      .suspicion_max_mult = 6,
                                      .retransmit_mult = 4,
                                      .gossip_interval_ms = 200,
                                      .gossip_fanout = 3,
                                      .push_pull_interval_ms = 30000,
                                      .gossip_to_dead_ms = 30000,
                                      .stream_timeout_ms = 10000,
                                      .awareness_max = 8,
                                      .dead_reclaim_ms = 0,
                                      .reconnect_interval_ms = 0,
                                      .leave_propagate_ms = 1000,
                                      .leave_timeout_ms = 5000,
                                      .tombstone_ms = 86400000,
                                      .packet_max = 1400,
                                      .compress = true,
                                      .crc = true,
                                      .tcp_ping = true,
                                      .local_health = true,
                                      .dynamic_suspicion = true,
                                      .buddy = true,
                                      .serf = true};

inf_member_tuning inf_member_tuning_plain(inf_profile profile) {
    inf_member_tuning tuning = lan;
    switch (profile) {
    case INF_PROFILE_LAN:
        break;
    case INF_PROFILE_WAN:
        tuning.probe_interval_ms = 5000;
        tuning.probe_timeout_ms = 3000;
        tuning.suspicion_mult = 6;
        tuning.gossip_interval_ms = 500;
        tuning.gossip_fanout = 4;
        tuning.push_pull_interval_ms = 60000;
        tuning.gossip_to_dead_ms = 60000;
        tuning.stream_timeout_ms = 30000;
        tuning.leave_propagate_ms = 3000;
        tuning.leave_timeout_ms = 15000;
        break;
    case INF_PROFILE_LOCAL:
        tuning.probe_timeout_ms = 200;
        tuning.indirect_checks = 1;
        tuning.suspicion_mult = 3;
        tuning.retransmit_mult = 2;
        tuning.gossip_interval_ms = 100;
        tuning.push_pull_interval_ms = 15000;
        tuning.gossip_to_dead_ms = 15000;
        tuning.stream_timeout_ms = 1000;
        tuning.leave_propagate_ms = 500;
        tuning.leave_timeout_ms = 2000;
        break;
    }
    return tuning;
}

inf_member_tuning inf_member_tuning_of(inf_profile profile) {
    inf_member_tuning tuning = inf_member_tuning_plain(profile);
    tuning.dead_reclaim_ms = 30000;
    tuning.reconnect_interval_ms = tuning.push_pull_interval_ms / 3;
    tuning.retransmit_min = 8;
    tuning.even_gossip = true;
    tuning.last_word = true;
    tuning.second_opinion = true;
    tuning.verify_hearsay = true;
    tuning.early_nack = true;
    tuning.count_live = true;
    tuning.stall_guard = true;
    tuning.fast_death = true;
    return tuning;
}
