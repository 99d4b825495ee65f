/* SPDX-License-Identifier: MIT */
/* lone_member.h: one member, and a test that plays all the others. */
#ifndef INF_TESTS_LONE_MEMBER_H
#define INF_TESTS_LONE_MEMBER_H

#include "test.h"

#include "core/member_part.h"

typedef struct lone_member {
    inf_member *member;
    inf_outbox outbox;
    uint64_t now_ms;
    inf_packet_reader reader;
    inf_message last[INF_MESSAGE_KINDS]; /* of each kind, slices void */
    inf_addr last_to[INF_MESSAGE_KINDS];
    unsigned sent[INF_MESSAGE_KINDS];
    unsigned told[INF_CHANGE_CONFLICT + 1];
    uint64_t dialled;
    inf_addr dialled_to;
    unsigned dials;
    size_t written;
    unsigned lines; /* of the log */
    char line[256]; /* the last one */
} lone_member;

extern lone_member f;

/** A setup and a teardown: a member "me" at at(1), incarnation 10, boot 5. */
int set_up(void **state);
int tear_down(void **state);
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

inf_addr at(uint8_t host);
/** Counts what it says. */
void take_effects(void);
void hear_from(uint8_t host, const inf_message *message);
/** From the host at(2). */
void hear(const inf_message *message);
void pass_ms(uint64_t ms);
inf_message alive(const char *name, uint8_t host, uint32_t incarnation);
inf_message rumour(inf_message_kind kind, const char *name, const char *from,
                   uint32_t incarnation);
/** Hears that the name lives at the host. */
void meet(const char *name, uint8_t host);
/** The state, or -1 for a stranger. */
int state_of(const char *name);
uint32_t incarnation_of(const char *name);
uint64_t accept_stream(void);

#endif
