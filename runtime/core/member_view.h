/* SPDX-License-Identifier: MIT */
/* member_view.h: how a member of the cluster looks from outside, and the words
   for environments and tags. */
#ifndef INF_CORE_MEMBER_VIEW_H
#define INF_CORE_MEMBER_VIEW_H

#include "base/addr.h"

/** Timers and fan-outs by environment, after memberlist's own profiles. */
typedef enum inf_profile {
    INF_PROFILE_LAN,
    INF_PROFILE_WAN,
    INF_PROFILE_LOCAL
} inf_profile;

/** A word about a member that all others see. */
typedef struct inf_tag {
    inf_slice key;
    inf_slice value;
} inf_tag;

typedef enum inf_member_state {
    INF_MEMBER_ALIVE,
    INF_MEMBER_SUSPECT,
    INF_MEMBER_DEAD,
    INF_MEMBER_LEFT
} inf_member_state;

/** How this node reaches a member, counted over its life there. */
typedef struct inf_member_path {
    uint32_t direct;   /* probes answered by datagram */
    uint32_t indirect; /* only by way of other members */
    uint32_t tcp;      /* only on a stream: datagrams are lost on the way */
    uint32_t failed;   /* not at all */
    uint32_t rtt_us;   /* smoothed, of direct answers */
} inf_member_path;

/** A member as it is now. Slices are valid until the node is next changed. */
typedef struct inf_member_view {
    inf_slice name;
    inf_member_state state;
    uint32_t incarnation;
    inf_addr addr;
    inf_slice meta;    /* raw bytes; inf_member_tag reads them */
    uint64_t boot;     /* 0 when the member is not one of ours */
    uint16_t rpc_port; /* 0 when it takes no calls */
    bool ours;         /* an infinitomata node */
    bool self;
    inf_member_path path; /* all zero for this node itself */
} inf_member_view;

#endif
