/* SPDX-License-Identifier: MIT */
/* A link that was accepted, alone: its peer is a plain socket of this test. */
#include "test.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "host/link.h"
#include "host/socket.h"

enum { ANSWER_SIZE = 8192, WAIT_MS = 20000, AHEAD = 16 };

/* What a link asks of its owner, and how often. */
typedef struct owner {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_timer_t alarm;
    inf_links links;
    unsigned frames;
    unsigned downs;
    bool late;
} owner;

/* Answers with more than the links of this test let wait. */
static void on_frame(void *ctx, inf_link *link, inf_slice frame) {
    static const uint8_t answer[ANSWER_SIZE];
    owner *o = ctx;
    (void)frame;
    o->frames++;
    inf_slice bytes = inf_slice_of(answer, sizeof answer);
    assert_int_equal(inf_link_send(link, bytes, (inf_slice){NULL, 0}), 0);
}

static void on_down(void *ctx, inf_link *link, bool left, bool rests,
                    int status) {
    owner *o = ctx;
    (void)link, (void)left, (void)rests, (void)status;
    o->downs++;
}

static void on_gone(void *ctx, inf_link *link) {
    (void)ctx, (void)link;
}

static void on_enter(void *ctx) {
    owner *o = ctx;
    o->links.corked++;
}

static void on_leave(void *ctx) {
    owner *o = ctx;
    o->links.corked--;
    inf_links_flush(&o->links);
}

static void on_dirty(void *ctx) {
    (void)ctx;
}

static void on_connection(uv_stream_t *listener, int status) {
    owner *o = listener->data;
    assert_int_equal(status, 0);
    inf_links_accept(&o->links, listener);
}

static void on_alarm(uv_timer_t *alarm) {
    owner *o = alarm->data;
    o->late = true;
}

static void open_owner(owner *o, struct sockaddr_in *address) {
    const inf_link_handler handler = {.ctx = o,
                                      .on_frame = on_frame,
                                      .on_down = on_down,
                                      .on_gone = on_gone,
                                      .on_enter = on_enter,
                                      .on_leave = on_leave,
                                      .on_dirty = on_dirty};
    int size = sizeof *address;
    *o = (owner){.frames = 0};
    assert_int_equal(uv_loop_init(&o->loop), 0);
    inf_links_init(&o->links, &o->loop, inf_alloc_libc(), NULL, &handler);
    assert_int_equal(uv_tcp_init(&o->loop, &o->listener), 0);
    assert_int_equal(uv_timer_init(&o->loop, &o->alarm), 0);
    o->listener.data = o;
    o->alarm.data = o;
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, address), 0);
    assert_int_equal(
        uv_tcp_bind(&o->listener, (const struct sockaddr *)address, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&o->listener, 4, on_connection),
                     0);
    assert_int_equal(
        uv_tcp_getsockname(&o->listener, (struct sockaddr *)address, &size), 0);
    assert_int_equal(uv_timer_start(&o->alarm, on_alarm, WAIT_MS, 0), 0);
}

static void close_owner(owner *o) {
    inf_links_close(&o->links);
    uv_close((uv_handle_t *)&o->listener, NULL);
    uv_close((uv_handle_t *)&o->alarm, NULL);
    assert_int_equal(uv_run(&o->loop, UV_RUN_DEFAULT), 0);
    assert_int_equal(o->links.count, 0);
    assert_int_equal(uv_loop_close(&o->loop), 0);
}

static int connect_to(const struct sockaddr_in *address) {
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(peer >= 0);
    assert_int_equal(
        connect(peer, (const struct sockaddr *)address, sizeof *address), 0);
    return peer;
}

/* All of an answer that comes to a plain socket. */
static void take_answer(int peer) {
    uint8_t bytes[ANSWER_SIZE];
    assert_int_equal(recv(peer, bytes, sizeof bytes, MSG_WAITALL),
                     (ssize_t)sizeof bytes);
}

/* The kernel may take at once what was more than may wait: there is nothing
   then whose end could be the moment to read on. */
static void a_peer_that_takes_its_answers_is_read_from_again(void **state) {
    static const uint8_t frame[5] = {0, 0, 0, 1, INF_RPC_ACK};
    struct sockaddr_in address;
    owner o;
    (void)state;
    open_owner(&o, &address);
    o.links.pause = ANSWER_SIZE / 2;
    int peer = connect_to(&address);
    for (unsigned asked = 1; asked <= 3; asked++) {
        assert_int_equal(send(peer, frame, sizeof frame, 0), sizeof frame);
        while (o.frames < asked && !o.late)
            (void)uv_run(&o.loop, UV_RUN_ONCE);
        assert_int_equal(o.frames, asked);
        take_answer(peer);
    }
    assert_int_equal(o.downs, 0);
    (void)close(peer);
    close_owner(&o);
    assert_int_equal(o.downs, 1);
}

/* The only link, once the owner has accepted it. */
static inf_link *accepted(owner *o) {
    while (o->links.count == 0 && !o->late)
        (void)uv_run(&o->loop, UV_RUN_ONCE);
    assert_int_equal(o->links.count, 1);
    return INF_LIST_OWNER(o->links.all.next, inf_link, place);
}

static void send_frames(inf_link *link, unsigned count) {
    static const uint8_t frame[5] = {0, 0, 0, 1, INF_RPC_ACK};
    for (unsigned i = 0; i < count; i++) {
        inf_slice head = inf_slice_of(frame, sizeof frame);
        assert_int_equal(inf_link_send(link, head, (inf_slice){NULL, 0}), 0);
    }
}

/* What of 5 bytes a frame is with a plain socket now. */
static size_t frames_at(int peer) {
    uint8_t bytes[ANSWER_SIZE];
    ssize_t len = recv(peer, bytes, sizeof bytes, MSG_DONTWAIT);
    return len > 0 ? (size_t)len / 5 : 0;
}

static void
a_long_turn_sends_its_first_frames_ahead_and_the_rest_at_its_end(void **state) {
    struct sockaddr_in address;
    owner o;
    (void)state;
    open_owner(&o, &address);
    int peer = connect_to(&address);
    inf_link *link = accepted(&o);
    for (unsigned turn = 0; turn < 2; turn++) {
        on_enter(&o);
        o.links.turn++;
        send_frames(link, AHEAD - 1);
        assert_int_equal(frames_at(peer), 0);
        send_frames(link, 1);
        assert_int_equal(frames_at(peer), AHEAD);
        send_frames(link, 3 * AHEAD);
        assert_int_equal(frames_at(peer), 0);
        on_leave(&o);
        assert_int_equal(frames_at(peer), 3 * AHEAD);
    }
    (void)close(peer);
    close_owner(&o);
}

static void
a_link_that_is_reset_takes_back_what_was_not_received(void **state) {
    static const uint8_t bytes[1u << 20];
    struct sockaddr_in address;
    owner o;
    (void)state;
    open_owner(&o, &address);
    int peer = connect_to(&address);
    inf_link *link = accepted(&o);
    size_t sent = 0;
    for (int i = 0; i < 16; i++, sent += sizeof bytes) {
        inf_slice some = inf_slice_of(bytes, sizeof bytes);
        assert_int_equal(inf_link_send(link, some, (inf_slice){NULL, 0}), 0);
    }
    inf_links_flush(&o.links);
    inf_link_reset(link, INF_EUNREACHABLE);
    while (o.links.count != 0 && !o.late)
        (void)uv_run(&o.loop, UV_RUN_ONCE);
    size_t received = 0;
    uint8_t room[ANSWER_SIZE];
    ssize_t len = 0;
    while ((len = recv(peer, room, sizeof room, 0)) > 0)
        received += (size_t)len;
    assert_true(len < 0 && errno == ECONNRESET);
    assert_true(received < sent);
    assert_int_equal(o.downs, 1);
    (void)close(peer);
    close_owner(&o);
}

/* What was sent lies in this process's kernel when the reset comes. */
static void what_its_sender_has_given_up_is_not_taken(void **state) {
    static const uint8_t frame[5] = {0, 0, 0, 1, INF_RPC_ACK};
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in address;
    owner o;
    (void)state;
    open_owner(&o, &address);
    for (unsigned given_up = 0; given_up <= 1; given_up++) {
        int peer = connect_to(&address);
        inf_link *link = accepted(&o);
        link->heard_ms = 0;
        assert_int_equal(send(peer, frame, sizeof frame, 0), sizeof frame);
        if (given_up != 0) {
            assert_int_equal(setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once,
                                        sizeof at_once),
                             0);
        }
        (void)close(peer);
        while (o.links.count != 0 && !o.late)
            (void)uv_run(&o.loop, UV_RUN_ONCE);
        assert_int_equal(o.frames, 1);
        assert_int_equal(o.downs, given_up + 1);
    }
    close_owner(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_peer_that_takes_its_answers_is_read_from_again),
        cmocka_unit_test(
            a_long_turn_sends_its_first_frames_ahead_and_the_rest_at_its_end),
        cmocka_unit_test(a_link_that_is_reset_takes_back_what_was_not_received),
        cmocka_unit_test(what_its_sender_has_given_up_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
