/* SPDX-License-Identifier: MIT */
#include "lone_member.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- arithmetic ---------------------------------------------------------- */

static void suspicions_last_as_the_table_says(void **state) {
    (void)state;
    static const struct {
        size_t n;
        uint32_t min_ms;
        uint32_t after[3]; /* c = 0, 1, 2 with k = 2 */
    } rows[] = {{5, 4000, {24000, 11381, 4000}},
                {30, 5908, {35448, 16810, 5908}},
                {100, 8000, {48000, 22762, 8000}},
                {1000, 12000, {72000, 34144, 12000}},
                {10000, 16000, {96000, 45525, 16000}}};
    inf_member_tuning lan = inf_member_tuning_plain(INF_PROFILE_LAN);
    for (size_t i = 0; i < INF_COUNT(rows); i++) {
        uint32_t min_ms = inf_suspicion_min_ms(&lan, rows[i].n);
        assert_int_equal(min_ms, rows[i].min_ms);
        for (uint32_t c = 0; c < 3; c++) {
            uint32_t ms = inf_suspicion_ms(min_ms, min_ms * 6, 2, c);
            assert_in_range(ms, rows[i].after[c] - 1, rows[i].after[c] + 1);
        }
    }
    assert_int_equal(inf_suspicion_ms(4000, 24000, 0, 0), 4000);
}

static void news_and_push_pulls_scale_as_the_table_says(void **state) {
    (void)state;
    assert_int_equal(inf_retransmit_limit(4, 5), 4);
    assert_int_equal(inf_retransmit_limit(4, 10), 8);
    assert_int_equal(inf_retransmit_limit(4, 1000), 16);
    assert_int_equal(inf_push_pull_ms(30000, 32), 30000);
    assert_int_equal(inf_push_pull_ms(30000, 100), 90000);
    assert_int_equal(inf_push_pull_ms(30000, 1000), 180000);
    assert_int_equal(inf_push_pull_ms(30000, 10000), 300000);
}

/* ---- birth --------------------------------------------------------------- */

static void what_cannot_be_a_member_is_not_born(void **state) {
    (void)state;
    inf_member *none = NULL;
    inf_member_config good = {.outbox = &f.outbox,
                              .name = inf_slice_str("x"),
                              .addr = at(1),
                              .tuning = inf_member_tuning_of(INF_PROFILE_WAN)};
    inf_member_config bad = good;
    bad.name = inf_slice_str("two words");
    assert_int_equal(inf_member_new(&none, &bad, 0), INF_ENAME);
    bad.name = inf_slice_str("");
    assert_int_equal(inf_member_new(&none, &bad, 0), INF_ENAME);
    bad = good;
    bad.addr.port = 0;
    assert_int_equal(inf_member_new(&none, &bad, 0), INF_EADDRESS);
    bad = good;
    bad.tuning.probe_timeout_ms = bad.tuning.probe_interval_ms + 1;
    assert_int_equal(inf_member_new(&none, &bad, 0), INF_EINVAL);
    static const uint8_t big[INF_META_MAX + 1];
    bad = good;
    bad.meta = inf_slice_of(big, sizeof big);
    assert_int_equal(inf_member_new(&none, &bad, 0), INF_ETOOBIG);
    assert_null(none);
    inf_member *ipv6 = NULL;
    good.addr = (inf_addr){.len = 16, .ip = {0x20, 1, [15] = 1}, .port = 1};
    assert_int_equal(inf_member_new(&ipv6, &good, 0), 0);
    inf_member_free(ipv6);
}

typedef struct stingy {
    size_t left;
} stingy;

static void *give(void *ctx, void *block, size_t size) {
    stingy *s = ctx;
    if (size != 0 && block == NULL && s->left-- == 0) {
        s->left = 0;
        return NULL;
    }
    if (size != 0) return realloc(block, size);
    free(block);
    return NULL;
}

static void a_birth_without_memory_leaves_nothing(void **state) {
    (void)state;
    for (size_t left = 0;; left++) {
        stingy s = {.left = left};
        inf_alloc mem = {.resize = give, .ctx = &s};
        inf_member *member = NULL;
        inf_member_config config = {.mem = &mem,
                                    .outbox = &f.outbox,
                                    .name = inf_slice_str("x"),
                                    .addr = at(1),
                                    .tuning =
                                        inf_member_tuning_of(INF_PROFILE_LAN)};
        int rc = inf_member_new(&member, &config, 0);
        if (rc == 0 && left > 12) {
            inf_member_free(member);
            return;
        }
        if (rc == 0) inf_member_free(member);
        if (rc != 0) assert_int_equal(rc, INF_ENOMEM);
        assert_true(left < 100);
    }
}

/* ---- the rules ----------------------------------------------------------- */

static void ties_go_to_the_worse_news(void **state) {
    (void)state;
    meet("b", 2);
    meet("c", 3);
    meet("d", 4);
    inf_message word = rumour(INF_MESSAGE_SUSPECT, "b", "c", 0);
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    word.incarnation = 1;
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_SUSPECT);
    meet("b", 2);
    assert_int_equal(state_of("b"), INF_MEMBER_SUSPECT);
    inf_message better = alive("b", 2, 2);
    hear(&better);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    word = rumour(INF_MESSAGE_DEAD, "b", "c", 1);
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
    word.incarnation = 2;
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_DEAD);
    word = rumour(INF_MESSAGE_DEAD, "b", "b", 2);
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_DEAD);
    hear(&better);
    assert_int_equal(state_of("b"), INF_MEMBER_DEAD);
    better.incarnation = 3;
    hear(&better);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
}

static void news_of_strangers_is_no_news(void **state) {
    (void)state;
    inf_message word = rumour(INF_MESSAGE_DEAD, "nobody", "b", 1);
    hear(&word);
    word.kind = INF_MESSAGE_SUSPECT;
    hear(&word);
    assert_int_equal(state_of("nobody"), -1);
}

static void confirmations_shorten_a_suspicion_once_each(void **state) {
    (void)state;
    static const char *const names[] = {"b", "c", "d", "e", "g"};
    for (uint8_t i = 0; i < 5; i++)
        meet(names[i], (uint8_t)(i + 2));
    inf_message word = rumour(INF_MESSAGE_SUSPECT, "b", "c", 1);
    for (int i = 0; i < 1000; i++) /* one accuser, however loud */
        hear(&word);
    pass_ms(5000);
    assert_int_equal(state_of("b"), INF_MEMBER_SUSPECT);
    word.from = inf_slice_str("d");
    hear(&word);
    word.from = inf_slice_str("e");
    hear(&word);
    pass_ms(10);
    assert_int_equal(state_of("b"), INF_MEMBER_DEAD);
}

static void a_leave_is_told_from_a_death(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = rumour(INF_MESSAGE_DEAD, "b", "b", 1);
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_LEFT);
    assert_int_equal(f.told[INF_CHANGE_LEAVE], 1);
    assert_int_equal(f.told[INF_CHANGE_FAIL], 0);
}

/* ---- about ourselves ----------------------------------------------------- */

static void we_are_alive_whatever_they_say(void **state) {
    (void)state;
    meet("b", 2);
    static const uint32_t said[] = {0,  9,   10,         11,
                                    12, 500, 0x7fffffff, 0xffffffff};
    static const inf_message_kind kinds[] = {INF_MESSAGE_SUSPECT,
                                             INF_MESSAGE_DEAD};
    uint32_t before = incarnation_of("me");
    for (size_t i = 0; i < 2 * INF_COUNT(said); i++) {
        inf_message word = rumour(kinds[i % 2], "me", "b", said[i / 2]);
        hear(&word);
        assert_int_equal(state_of("me"), INF_MEMBER_ALIVE);
        uint32_t now = incarnation_of("me");
        assert_true(now >= before);
        if (said[i / 2] >= before && said[i / 2] < 0xffff0000) {
            assert_true(now > said[i / 2]);
        }
        before = now;
    }
    assert_true(before < 0xffffffff);
}

static void a_false_word_about_us_is_corrected(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = alive("me", 1, 10); /* same incarnation, other tags */
    hear(&word);
    assert_int_equal(incarnation_of("me"), 11);
    f.sent[INF_MESSAGE_ALIVE] = 0;
    pass_ms(1000);
    assert_true(f.sent[INF_MESSAGE_ALIVE] > 0);
}

static void a_namesake_elsewhere_is_reported_and_survived(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = alive("me", 9, 99);
    hear(&word);
    assert_int_equal(f.told[INF_CHANGE_CONFLICT], 1);
    assert_int_equal(state_of("me"), INF_MEMBER_ALIVE);
    assert_int_equal(incarnation_of("me"), 10);
    hear(&word); /* once is enough */
    assert_int_equal(f.told[INF_CHANGE_CONFLICT], 1);
}

static inf_message with_boot(inf_message word, uint64_t boot, inf_buf *meta) {
    char text[24];
    int len = snprintf(text, sizeof text, "%llu", (unsigned long long)boot);
    inf_tag tags[] = {{inf_slice_str("inf"), inf_slice_str("1")},
                      {inf_slice_str("gen"), inf_slice_of(text, (size_t)len)}};
    inf_buf_init(meta, inf_alloc_libc());
    assert_int_equal(inf_meta_encode(meta, tags, 2), 0);
    word.meta = inf_buf_view(meta);
    return word;
}

static void our_own_former_life_is_outlived(void **state) {
    (void)state;
    inf_buf meta;
    meet("b", 2);
    inf_message word = with_boot(alive("me", 9, 40), 4, &meta);
    hear(&word);
    assert_int_equal(f.told[INF_CHANGE_CONFLICT], 0);
    assert_int_equal(incarnation_of("me"), 41);
    inf_buf_deinit(&meta);
}

/* ---- identity ------------------------------------------------------------ */

static void a_later_life_takes_its_name_over(void **state) {
    (void)state;
    inf_buf old;
    inf_buf new;
    inf_message word = with_boot(alive("b", 2, 50), 7, &old);
    hear(&word);
    inf_message later = with_boot(alive("b", 3, 1), 8, &new);
    hear(&later);
    inf_member_view view;
    assert_true(inf_member_find(f.member, inf_slice_str("b"), &view));
    assert_int_equal(view.boot, 8);
    assert_int_equal(view.addr.ip[3], 3);
    assert_int_equal(f.told[INF_CHANGE_FAIL], 1);
    assert_int_equal(f.told[INF_CHANGE_JOIN], 2);
    hear(&word); /* the earlier one, heard again */
    assert_true(inf_member_find(f.member, inf_slice_str("b"), &view));
    assert_int_equal(view.boot, 8);
    inf_buf_deinit(&old);
    inf_buf_deinit(&new);
}

static void two_living_nodes_of_one_name_are_reported(void **state) {
    (void)state;
    inf_buf old;
    inf_buf new;
    inf_message word = with_boot(alive("b", 2, 50), 7, &old);
    hear(&word);
    inf_message later = with_boot(alive("b", 3, 1), 8, &new);
    f.sent[INF_MESSAGE_PING] = 0;
    hear(&later);
    assert_int_equal(f.sent[INF_MESSAGE_PING], 1); /* the old address */
    assert_int_equal(f.last_to[INF_MESSAGE_PING].ip[3], 2);
    inf_message ack = {.kind = INF_MESSAGE_ACK,
                       .seq = f.last[INF_MESSAGE_PING].seq};
    unsigned before = f.sent[INF_MESSAGE_ALIVE];
    hear_from(2, &ack);
    assert_int_equal(f.told[INF_CHANGE_CONFLICT], 1);
    /* Nobody gossips to the old one any more: it is told who has its name. */
    assert_int_equal(f.sent[INF_MESSAGE_ALIVE], before + 1);
    assert_int_equal(f.last_to[INF_MESSAGE_ALIVE].ip[3], 2);
    inf_buf_deinit(&old);
    inf_buf_deinit(&new);
}

static void a_stranger_cannot_take_a_living_name(void **state) {
    (void)state;
    meet("b", 2);
    inf_message word = alive("b", 9, 50);
    hear(&word);
    inf_member_view view;
    assert_true(inf_member_find(f.member, inf_slice_str("b"), &view));
    assert_int_equal(view.addr.ip[3], 2);
    assert_int_equal(f.told[INF_CHANGE_CONFLICT], 1);
    inf_message dead = rumour(INF_MESSAGE_DEAD, "b", "c", 1);
    hear(&dead);
    hear(&word); /* dead for too short a time */
    assert_int_equal(state_of("b"), INF_MEMBER_DEAD);
    f.now_ms += 29000;
    inf_member_tick(f.member, f.now_ms);
    f.now_ms += 2000;
    hear(&word);
    assert_int_equal(state_of("b"), INF_MEMBER_ALIVE);
}

/* ---- beside membership --------------------------------------------------- */

static void nobody_to_tell_makes_leaving_quick(void **state) {
    (void)state;
    assert_int_equal(inf_member_leave(f.member, 1, f.now_ms), 0);
    assert_int_equal(state_of("me"), INF_MEMBER_LEFT);
    assert_int_equal(inf_member_leave(f.member, 2, f.now_ms), INF_ECLOSED);
    inf_addr seed = at(2);
    assert_int_equal(inf_member_join(f.member, &seed, 1, 3, f.now_ms),
                     INF_ECLOSED);
}

static void a_leave_is_done_once_three_different_members_know(void **state) {
    (void)state;
    static const char *const names[] = {"b", "c", "d", "e", "g"};
    for (size_t i = 0; i < INF_COUNT(names); i++)
        meet(names[i], (uint8_t)(2 + i));
    assert_int_equal(inf_member_leave(f.member, 9, f.now_ms), 0);
    take_effects();
    size_t known = 0;
    bool heard[256] = {false};
    while (state_of("me") == INF_MEMBER_ALIVE) {
        f.sent[INF_MESSAGE_PING] = 0;
        while (f.sent[INF_MESSAGE_PING] == 0)
            pass_ms(1);
        uint8_t host = f.last_to[INF_MESSAGE_PING].ip[3];
        inf_message ack = {.kind = INF_MESSAGE_ACK,
                           .seq = f.last[INF_MESSAGE_PING].seq};
        hear_from(host, &ack);
        hear_from(host, &ack); /* the same one again counts for nothing */
        known += !heard[host];
        heard[host] = true;
        assert_true(f.member->goodbye_count <= known);
    }
    assert_int_equal(f.member->goodbye_count, 3);
    assert_true(f.now_ms < f.member->goodbye_end_ms); /* not for want of time */
}

static void the_dead_do_not_count_in_a_suspicion(void **state) {
    (void)state;
    /* Two live others and fifty dead ones: as among three. */
    for (uint8_t i = 0; i < 50; i++) {
        char name[8];
        (void)snprintf(name, sizeof name, "x%u", (unsigned)i);
        meet(name, (uint8_t)(100 + i));
        inf_message dead = rumour(INF_MESSAGE_DEAD, name, "b", 1);
        hear(&dead);
    }
    meet("b", 2);
    meet("c", 3);
    inf_message word = rumour(INF_MESSAGE_SUSPECT, "c", "b", 1);
    hear(&word);
    assert_int_equal(state_of("c"), INF_MEMBER_SUSPECT);
    pass_ms(3900);
    assert_int_equal(state_of("c"), INF_MEMBER_SUSPECT);
    pass_ms(200); /* 4 s: no confirmation is waited for that cannot come */
    assert_int_equal(state_of("c"), INF_MEMBER_DEAD);
}

static void who_is_left_alone_says_so_once(void **state) {
    (void)state;
    static const char *const names[] = {"b", "c"};
    for (uint8_t i = 0; i < 2; i++)
        meet(names[i], (uint8_t)(2 + i));
    for (uint8_t i = 0; i < 2; i++) {
        inf_message dead = rumour(INF_MESSAGE_DEAD, names[i], "d", 1);
        hear(&dead);
        hear(&dead);
        assert_int_equal(f.lines, i);
    }
    assert_non_null(strstr(f.line, "alone: all others are dead to us, c"));
}

static void too_much_is_refused(void **state) {
    (void)state;
    static const uint8_t big[2000];
    inf_slice bytes = inf_slice_of(big, sizeof big);
    assert_int_equal(inf_member_set_meta(f.member, bytes, f.now_ms),
                     INF_ETOOBIG);
    assert_int_equal(
        inf_member_user_event(f.member, inf_slice_str("x"), bytes, f.now_ms),
        INF_ETOOBIG);
    assert_int_equal(inf_member_join(f.member, NULL, 0, 1, f.now_ms),
                     INF_EINVAL);
}

static void tags_are_found_and_nonsense_is_not(void **state) {
    (void)state;
    inf_slice meta = inf_slice_of("\xff\x82\xa4role\xa3web\xa2"
                                  "dc\xa3lab",
                                  18);
    inf_slice value;
    assert_true(inf_meta_tag(meta, inf_slice_str("dc"), &value));
    assert_true(inf_slice_eq(value, inf_slice_str("lab")));
    assert_false(inf_meta_tag(meta, inf_slice_str("x"), &value));
    for (size_t len = 0; len < meta.len; len++) {
        assert_false(inf_meta_tag(inf_slice_of(meta.data, len),
                                  inf_slice_str("dc"), &value));
    }
    assert_int_equal(inf_meta_number(meta, inf_slice_str("dc")), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(suspicions_last_as_the_table_says),
        TEST(news_and_push_pulls_scale_as_the_table_says),
        TEST(what_cannot_be_a_member_is_not_born),
        TEST(a_birth_without_memory_leaves_nothing),
        TEST(ties_go_to_the_worse_news),
        TEST(news_of_strangers_is_no_news),
        TEST(confirmations_shorten_a_suspicion_once_each),
        TEST(a_leave_is_told_from_a_death),
        TEST(we_are_alive_whatever_they_say),
        TEST(a_false_word_about_us_is_corrected),
        TEST(a_namesake_elsewhere_is_reported_and_survived),
        TEST(our_own_former_life_is_outlived),
        TEST(a_later_life_takes_its_name_over),
        TEST(two_living_nodes_of_one_name_are_reported),
        TEST(a_stranger_cannot_take_a_living_name),
        TEST(nobody_to_tell_makes_leaving_quick),
        TEST(a_leave_is_done_once_three_different_members_know),
        TEST(the_dead_do_not_count_in_a_suspicion),
        TEST(who_is_left_alone_says_so_once),
        TEST(too_much_is_refused),
        TEST(tags_are_found_and_nonsense_is_not)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
