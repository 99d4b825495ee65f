/* SPDX-License-Identifier: MIT */
#include "hostile.h"

static const uint8_t key[16] = {0, 1, 2,  3,  4,  5,  6,  7,
                                8, 9, 10, 11, 12, 13, 14, 15};

inf_addr hostile_addr(uint8_t host) {
    return (inf_addr){.len = 4, .ip = {10, 0, 0, host}, .port = 7946};
}

void hostile_begin(hostile *h, bool keyed, const char *label) {
    *h = (hostile){.now_ms = 1000};
    inf_outbox_init(&h->outbox, inf_alloc_libc());
    assert_int_equal(inf_keyring_new(&h->keys, inf_alloc_libc()), 0);
    if (keyed) {
        assert_int_equal(
            inf_keyring_add(h->keys, inf_slice_of(key, sizeof key)), 0);
    }
    inf_member_config config = {.outbox = &h->outbox,
                                .keys = h->keys,
                                .name = inf_slice_str("me"),
                                .label = inf_slice_str(label),
                                .meta = inf_slice_of("\xff\x80", 2),
                                .addr = hostile_addr(1),
                                .seed = 1,
                                .incarnation = 10,
                                .tuning =
                                    inf_member_tuning_of(INF_PROFILE_LAN)};
    assert_int_equal(inf_member_new(&h->member, &config, h->now_ms), 0);
    h->incarnation = 10;
}

void hostile_end(hostile *h) {
    inf_member_free(h->member);
    inf_outbox_deinit(&h->outbox);
    inf_keyring_free(h->keys);
}

static void take_effects(hostile *h) {
    inf_effect effect;
    while (inf_outbox_take(&h->outbox, &effect)) {
        switch (effect.kind) {
        case INF_EFFECT_PACKET:
            h->said += effect.bytes.len;
            h->asked = effect.addr;
            break;
        case INF_EFFECT_WRITE:
            h->written += effect.bytes.len;
            break;
        case INF_EFFECT_CLOSE:
            h->closes++;
            break;
        case INF_EFFECT_DIAL:
            h->dialled = effect.stream;
            break;
        case INF_EFFECT_MEMBER:
            h->told[effect.change]++;
            break;
        case INF_EFFECT_LOG:
            h->lines++;
            memset(h->line, 0, sizeof h->line);
            memcpy(h->line, effect.bytes.data,
                   effect.bytes.len < sizeof h->line ? effect.bytes.len
                                                     : sizeof h->line - 1);
            break;
        case INF_EFFECT_ROWS:
        case INF_EFFECT_LOST:
        case INF_EFFECT_CONTEST:
        case INF_EFFECT_USER:
        case INF_EFFECT_DONE:
            break;
        }
        inf_effect_deinit(&effect);
    }
    inf_member_change change;
    while (inf_member_take_change(h->member, &change)) {
    }
}

void hostile_look(hostile *h) {
    size_t at = 0;
    inf_member_view self;
    take_effects(h);
    assert_true(inf_member_next(h->member, &at, &self));
    assert_true(self.self);
    assert_int_equal(self.state, INF_MEMBER_ALIVE);
    assert_true(self.incarnation >= h->incarnation);
    assert_true(self.incarnation < UINT32_MAX);
    h->incarnation = self.incarnation;
    inf_member_tick(h->member, h->now_ms);
    take_effects(h);
    assert_true(inf_member_deadline(h->member) > h->now_ms);
}

void hostile_hear(hostile *h, uint8_t host, const void *bytes, size_t len) {
    inf_addr from = hostile_addr(host);
    inf_member_view view;
    uint64_t before = h->said;
    size_t at = 0;
    bool stranger = true;
    while (inf_member_next(h->member, &at, &view))
        stranger = stranger && !inf_addr_eq(&view.addr, &from);
    /* An exact copy: what is read behind its end is found. */
    uint8_t *copy = len != 0 ? inf_malloc(inf_alloc_libc(), len) : NULL;
    if (len != 0) memcpy(copy, bytes, len);
    inf_member_packet(h->member, &from, inf_slice_of(copy, len), h->now_ms);
    inf_free(inf_alloc_libc(), copy);
    take_effects(h);
    h->heard += len;
    if (stranger) assert_true(h->said - before <= 3 * len);
    hostile_look(h);
}

void hostile_pass_ms(hostile *h, uint64_t ms) {
    for (uint64_t end = h->now_ms + ms; h->now_ms < end;) {
        uint64_t due = inf_member_deadline(h->member);
        h->now_ms = due < end ? due : end;
        inf_member_tick(h->member, h->now_ms);
        hostile_look(h);
    }
}

uint64_t hostile_accept(hostile *h, uint8_t host) {
    inf_addr from = hostile_addr(host);
    uint64_t stream = inf_outbox_stream(&h->outbox);
    assert_int_equal(inf_member_accepted(h->member, stream, &from, h->now_ms),
                     0);
    return stream;
}

void hostile_bytes(hostile *h, uint64_t stream, const void *bytes, size_t len) {
    uint8_t *copy = len != 0 ? inf_malloc(inf_alloc_libc(), len) : NULL;
    if (len != 0) memcpy(copy, bytes, len);
    inf_member_bytes(h->member, stream, inf_slice_of(copy, len), h->now_ms);
    inf_free(inf_alloc_libc(), copy);
    hostile_look(h);
}

uint64_t hostile_bad(const hostile *h) {
    return inf_member_stats_of(h->member).bad_packets;
}
