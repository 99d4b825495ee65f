/* SPDX-License-Identifier: MIT */
/* rpc_pair.h: two ends of calls that hand each other frames, by hand. */
#ifndef INF_TESTS_RPC_PAIR_H
#define INF_TESTS_RPC_PAIR_H

#include "test.h"

#include "core/rpc_parts.h"

/* Two nodes, "a" and "b", that hand each other frames. */
typedef struct pair {
    inf_rpc *a;
    inf_rpc *b;
    inf_rpc_link out; /* a's end of the link a -> b */
    inf_rpc_link in;  /* b's end */
    uint64_t now_ms;
} pair;

enum { BOOT_A = 1000, BOOT_B = 2000 };

static const inf_slice nothing = {NULL, 0};

int pair_setup(void **state);
int pair_teardown(void **state);
inf_retry_policy pair_policy(uint32_t attempts);
/** Dials b, whose end becomes `in`; returns what b said to the HELLO. */
int pair_dial(pair *p, inf_rpc_link *in, inf_rpc_news *news);
/** The link breaks on both sides and a dials again, some time later. */
void pair_relink(pair *p);
/** a calls a name. */
void pair_call(pair *p, const char *name, const char *body,
               const inf_retry_policy *policy, uint64_t tag);
/** Finds the next due call of a on b; false: nothing is to be written. */
bool pair_find(pair *p, inf_rpc_send *send);
/** Delivers what was written by one side to the other. */
int pair_deliver(inf_rpc *to, inf_rpc_link *link, const inf_rpc_send *send,
                 uint64_t now_ms, inf_rpc_news *news);
/** a's next due call goes to b, which runs it: its token there. */
uint64_t pair_run(pair *p);
/** b answers a token, and a hears of it in `news`. */
void pair_answer(pair *p, uint64_t token, int status, const char *body,
                 inf_rpc_news *news);
/** The news are the end of a call; ends them. */
void pair_check_result(inf_rpc_news *news, uint64_t tag, int status);
/** The next end of a's that came without a frame. */
void pair_check_told(pair *p, uint64_t tag, int status, int cause);
/** Requests of a that b remembers. */
size_t pair_remembered(const pair *p);

#endif
