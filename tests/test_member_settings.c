/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/error.h"
#include "core/member_tuning.h"

static const inf_profile profiles[] = {INF_PROFILE_LAN, INF_PROFILE_WAN,
                                       INF_PROFILE_LOCAL};

static void every_constant_has_a_name_and_no_name_two(void **state) {
    (void)state;
    size_t count = 0, end = 0;
    const inf_setting *settings = inf_settings(&count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(settings[i].offset, end); /* none is left out */
        end += settings[i].flag ? sizeof(bool) : sizeof(uint32_t);
        assert_ptr_equal(inf_setting_find(inf_slice_str(settings[i].name)),
                         &settings[i]);
    }
    assert_true(sizeof(inf_member_tuning) - end < sizeof(uint32_t));
    assert_null(inf_setting_find(inf_slice_str("probe_intervall")));
    assert_null(inf_setting_find(inf_slice_str("")));
}

static void a_constant_takes_its_range_and_nothing_beside_it(void **state) {
    (void)state;
    size_t count = 0;
    const inf_setting *settings = inf_settings(&count);
    for (size_t i = 0; i < count; i++) {
        const inf_setting *s = &settings[i];
        inf_member_tuning tuning = inf_member_tuning_of(INF_PROFILE_LAN);
        assert_int_equal(inf_setting_put(s, &tuning, s->least), 0);
        assert_int_equal(inf_setting_get(s, &tuning), s->least);
        assert_int_equal(inf_setting_put(s, &tuning, s->most), 0);
        assert_int_equal(inf_setting_get(s, &tuning), s->most);
        assert_int_equal(inf_setting_put(s, &tuning, (uint64_t)s->most + 1),
                         INF_EINVAL);
        assert_int_equal(inf_setting_put(s, &tuning, UINT64_MAX), INF_EINVAL);
        if (s->least > 0) {
            assert_int_equal(inf_setting_put(s, &tuning, s->least - 1) == 0,
                             s->zero && s->least == 1);
            assert_int_equal(inf_setting_put(s, &tuning, 0) == 0, s->zero);
            if (s->zero) (void)inf_setting_put(s, &tuning, s->most);
        }
        assert_int_equal(inf_setting_get(s, &tuning), s->most);
    }
}

static void setting_one_changes_no_other(void **state) {
    (void)state;
    size_t count = 0;
    const inf_setting *settings = inf_settings(&count);
    for (size_t i = 0; i < count; i++) {
        inf_member_tuning plain = inf_member_tuning_plain(INF_PROFILE_LAN);
        inf_member_tuning tuning = plain;
        assert_int_equal(
            inf_setting_put(&settings[i], &tuning, settings[i].most), 0);
        for (size_t j = 0; j < count; j++) {
            if (j == i) continue;
            assert_int_equal(inf_setting_get(&settings[j], &tuning),
                             inf_setting_get(&settings[j], &plain));
        }
    }
}

static void profiles_are_within_their_own_ranges(void **state) {
    (void)state;
    size_t count = 0;
    const inf_setting *settings = inf_settings(&count);
    for (size_t p = 0; p < INF_COUNT(profiles); p++) {
        inf_member_tuning tuning = inf_member_tuning_of(profiles[p]);
        inf_member_tuning again = tuning;
        assert_null(inf_tuning_fault(&tuning));
        for (size_t i = 0; i < count; i++) {
            uint64_t value = inf_setting_get(&settings[i], &tuning);
            assert_int_equal(inf_setting_put(&settings[i], &again, value), 0);
        }
    }
}

static void constants_that_contradict_each_other_are_named(void **state) {
    (void)state;
    inf_member_tuning tuning = inf_member_tuning_of(INF_PROFILE_LAN);
    tuning.probe_timeout_ms = tuning.probe_interval_ms + 1;
    assert_non_null(strstr(inf_tuning_fault(&tuning), "probe_timeout"));
    tuning = inf_member_tuning_of(INF_PROFILE_LAN);
    tuning.leave_propagate_ms = tuning.leave_timeout_ms + 1;
    assert_non_null(strstr(inf_tuning_fault(&tuning), "leave_propagate"));
}

static void ranges_are_said_in_words(void **state) {
    (void)state;
    char text[INF_RANGE_MAX];
    static const char *const words[][2] = {
        {"probe_interval", "a number from 50 to 60000"},
        {"push_pull_interval", "0 or a number from 100 to 86400000"},
        {"crc", "true or false"}};
    for (size_t i = 0; i < INF_COUNT(words); i++) {
        const inf_setting *s = inf_setting_find(inf_slice_str(words[i][0]));
        assert_string_equal(inf_setting_range(s, text), words[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_constant_has_a_name_and_no_name_two),
        cmocka_unit_test(a_constant_takes_its_range_and_nothing_beside_it),
        cmocka_unit_test(setting_one_changes_no_other),
        cmocka_unit_test(profiles_are_within_their_own_ranges),
        cmocka_unit_test(constants_that_contradict_each_other_are_named),
        cmocka_unit_test(ranges_are_said_in_words)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
