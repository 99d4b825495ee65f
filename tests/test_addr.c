/* SPDX-License-Identifier: MIT */
#include "test.h"

#include "base/addr.h"
#include "base/error.h"

static void an_address_is_read_and_written_alike(void **state) {
    (void)state;
    const char *texts[] = {"127.0.0.1:7946", "[::1]:80", "[fe80::1]:65535",
                           "255.255.255.255:0"};
    for (size_t i = 0; i < INF_COUNT(texts); i++) {
        inf_addr addr;
        char text[INF_ADDR_TEXT_MAX];
        assert_int_equal(inf_addr_parse(&addr, texts[i], 1), 0);
        assert_string_equal(inf_addr_format(&addr, text), texts[i]);
    }
}

static void a_missing_port_is_the_default(void **state) {
    (void)state;
    inf_addr addr;
    assert_int_equal(inf_addr_parse(&addr, "10.0.0.1", 7946), 0);
    assert_int_equal(addr.port, 7946);
    assert_int_equal(inf_addr_parse(&addr, "::1", 7946), 0);
    assert_int_equal(addr.port, 7946);
    assert_int_equal(addr.len, 16);
}

static void what_is_no_address_is_refused(void **state) {
    (void)state;
    const char *texts[] = {"",          ":80",       "localhost:80",
                           "1.2.3:80",  "1.2.3.4:",  "1.2.3.4:65536",
                           "[::1:80",   "[::1]80",   "1.2.3.4:-1",
                           "1.2.3.4:x", "1.2.3.4: 1"};
    for (size_t i = 0; i < INF_COUNT(texts); i++) {
        inf_addr addr;
        assert_int_equal(inf_addr_parse(&addr, texts[i], 1), INF_EADDRESS);
    }
}

static void a_mapped_address_is_the_same_host(void **state) {
    (void)state;
    const uint8_t mapped[16] = {[10] = 0xff, [11] = 0xff, 127, 0, 0, 1};
    inf_addr plain, from_mapped;
    assert_int_equal(inf_addr_parse(&plain, "127.0.0.1:7", 0), 0);
    assert_int_equal(
        inf_addr_from_bytes(&from_mapped, inf_slice_of(mapped, 16), 7), 0);
    assert_true(inf_addr_eq(&plain, &from_mapped));
    assert_int_equal(
        inf_addr_from_bytes(&from_mapped, inf_slice_of(mapped, 15), 7),
        INF_EADDRESS);
}

static void only_a_reachable_peer_is_unicast(void **state) {
    (void)state;
    const struct {
        const char *text;
        bool usable;
    } rows[] = {{"10.0.0.1:1", true},
                {"10.0.0.1:0", false},
                {"0.0.0.0:1", false},
                {"224.0.0.1:1", false},
                {"255.255.255.255:1", false},
                {"[::1]:1", true},
                {"[::]:1", false},
                {"[ff02::1]:1", false}};
    for (size_t i = 0; i < INF_COUNT(rows); i++) {
        inf_addr addr;
        assert_int_equal(inf_addr_parse(&addr, rows[i].text, 0), 0);
        assert_int_equal(inf_addr_is_unicast(&addr), rows[i].usable);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_is_read_and_written_alike),
        cmocka_unit_test(a_missing_port_is_the_default),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(a_mapped_address_is_the_same_host),
        cmocka_unit_test(only_a_reachable_peer_is_unicast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
