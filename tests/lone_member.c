/* SPDX-License-Identifier: MIT */
#include "lone_member.h"

lone_member f;

inf_addr at(uint8_t host) {
    return (inf_addr){.len = 4, .ip = {10, 0, 0, host}, .port = 7946};
}

static void look(void *ctx, inf_slice bytes) {
    (void)ctx;
    inf_message message;
    assert_int_equal(inf_message_decode(&message, bytes), 0);
    f.sent[message.kind]++;
    f.last[message.kind] = message;
}

void take_effects(void) {
    static const inf_framing plain = {.compress = true};
    inf_effect effect;
    while (inf_outbox_take(&f.outbox, &effect)) {
        if (effect.kind == INF_EFFECT_PACKET) {
            unsigned before[INF_MESSAGE_KINDS];
            memcpy(before, f.sent, sizeof before);
            assert_true(effect.bytes.len <= f.member->tuning.packet_max);
            assert_int_equal(
                inf_packet_read(&f.reader, &plain, effect.bytes, look, NULL),
                0);
            for (size_t i = 0; i < INF_MESSAGE_KINDS; i++) {
                if (f.sent[i] != before[i]) f.last_to[i] = effect.addr;
            }
        }
        if (effect.kind == INF_EFFECT_MEMBER) f.told[effect.change]++;
        if (effect.kind == INF_EFFECT_LOG) {
            size_t len = effect.bytes.len;
            if (len >= sizeof f.line) len = sizeof f.line - 1;
            memcpy(f.line, effect.bytes.data, len);
            f.line[len] = '\0';
            f.lines++;
        }
        if (effect.kind == INF_EFFECT_WRITE) f.written += effect.bytes.len;
        if (effect.kind == INF_EFFECT_DIAL) {
            f.dialled = effect.stream;
            f.dialled_to = effect.addr;
            f.dials++;
        }
        inf_effect_deinit(&effect);
    }
}

static int set_up_with(inf_member_tuning tuning) {
    f = (lone_member){.now_ms = 1000};
    inf_outbox_init(&f.outbox, inf_alloc_libc());
    inf_packet_reader_init(&f.reader, inf_alloc_libc());
    inf_buf meta;
    inf_buf_init(&meta, inf_alloc_libc());
    inf_tag tags[] = {{inf_slice_str("inf"), inf_slice_str("1")},
                      {inf_slice_str("gen"), inf_slice_str("5")}};
    (void)inf_meta_encode(&meta, tags, 2);
    inf_member_config config = {.outbox = &f.outbox,
                                .name = inf_slice_str("me"),
                                .meta = inf_buf_view(&meta),
                                .addr = at(1),
                                .seed = 1,
                                .incarnation = 10,
                                .tuning = tuning};
    int rc = inf_member_new(&f.member, &config, f.now_ms);
    inf_buf_deinit(&meta);
    return rc;
}

int set_up(void **state) {
    (void)state;
    return set_up_with(inf_member_tuning_of(INF_PROFILE_LAN));
}

int tear_down(void **state) {
    (void)state;
    inf_member_free(f.member);
    inf_outbox_deinit(&f.outbox);
    inf_packet_reader_deinit(&f.reader);
    return 0;
}

void hear_from(uint8_t host, const inf_message *message) {
    inf_buf out;
    inf_addr from = at(host);
    inf_buf_init(&out, inf_alloc_libc());
    inf_message_encode(&out, message);
    inf_member_packet(f.member, &from, inf_buf_view(&out), f.now_ms);
    inf_buf_deinit(&out);
    take_effects();
}

void hear(const inf_message *message) {
    hear_from(2, message);
}

void pass_ms(uint64_t ms) {
    for (uint64_t end = f.now_ms + ms; f.now_ms < end;) {
        uint64_t due = inf_member_deadline(f.member);
        f.now_ms = due < end ? due : end;
        inf_member_tick(f.member, f.now_ms);
        take_effects();
    }
}

inf_message alive(const char *name, uint8_t host, uint32_t incarnation) {
    static uint8_t ip[8][4];
    static size_t turn;
    uint8_t *room = ip[turn++ % 8];
    room[0] = 10;
    room[3] = host;
    return (inf_message){.kind = INF_MESSAGE_ALIVE,
                         .node = inf_slice_str(name),
                         .addr = inf_slice_of(room, 4),
                         .port = 7946,
                         .incarnation = incarnation,
                         .meta = inf_slice_of("\xff\x80", 2),
                         .vsn = inf_slice_of("\1\5\2\2\5\5", 6)};
}

inf_message rumour(inf_message_kind kind, const char *name, const char *from,
                   uint32_t incarnation) {
    return (inf_message){.kind = kind,
                         .node = inf_slice_str(name),
                         .from = inf_slice_str(from),
                         .incarnation = incarnation};
}

void meet(const char *name, uint8_t host) {
    inf_message word = alive(name, host, 1);
    hear(&word);
}

int state_of(const char *name) {
    inf_member_view view;
    bool known = inf_member_find(f.member, inf_slice_str(name), &view);
    return known ? (int)view.state : -1;
}

uint32_t incarnation_of(const char *name) {
    inf_member_view view;
    assert_true(inf_member_find(f.member, inf_slice_str(name), &view));
    return view.incarnation;
}

uint64_t accept_stream(void) {
    inf_addr from = at(77);
    uint64_t stream = inf_outbox_stream(&f.outbox);
    assert_int_equal(inf_member_accepted(f.member, stream, &from, f.now_ms), 0);
    return stream;
}
