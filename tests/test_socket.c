/* SPDX-License-Identifier: MIT */
#include "test.h"

#include <errno.h>

#include "base/error.h"
#include "host/socket.h"

static inf_addr addr_of(const char *text) {
    inf_addr addr;
    assert_int_equal(inf_addr_parse(&addr, text, 0), 0);
    return addr;
}

static void addresses_survive_the_system(void **state) {
    (void)state;
    static const char *const texts[] = {"127.0.0.1:7946", "[2001:db8::1]:1",
                                        "0.0.0.0:65535"};
    for (size_t i = 0; i < INF_COUNT(texts); i++) {
        struct sockaddr_storage system;
        inf_addr there = addr_of(texts[i]), back;
        (void)inf_socket_from_addr(&there, &system);
        assert_int_equal(inf_socket_to_addr((struct sockaddr *)&system, &back),
                         0);
        assert_true(inf_addr_eq(&there, &back));
    }
    struct sockaddr_storage strange = {.ss_family = AF_UNIX};
    inf_addr none;
    assert_int_equal(inf_socket_to_addr((struct sockaddr *)&strange, &none),
                     INF_EADDRESS);
}

static void an_open_port_is_found_for_both_and_then_taken(void **state) {
    (void)state;
    inf_addr at = addr_of("127.0.0.1:0"), again;
    int tcp = -1, udp = -1, other = -1;
    assert_int_equal(inf_socket_both(&at, &tcp, &udp), 0);
    assert_true(at.port != 0 && tcp >= 0 && udp >= 0);
    again = at;
    assert_int_equal(inf_socket_tcp(&again, &other), INF_EINUSE);
    assert_int_equal(other, -1);
    inf_socket_close(&udp);
    inf_socket_close(&tcp);
    assert_int_equal(tcp, -1);
    assert_int_equal(inf_socket_tcp(&again, &other), 0);
    inf_socket_close(&other);
    inf_socket_close(&other); /* twice is fine */
}

static void a_port_taken_for_datagrams_alone_is_in_use(void **state) {
    (void)state;
    inf_addr at = addr_of("127.0.0.1:0");
    int tcp = -1, udp = -1, tcp_again = -1, udp_again = -1;
    assert_int_equal(inf_socket_both(&at, &tcp, &udp), 0);
    inf_socket_close(&tcp);
    assert_int_equal(inf_socket_both(&at, &tcp_again, &udp_again), INF_EINUSE);
    assert_int_equal(tcp_again, -1); /* the half that worked is given back */
    inf_socket_close(&udp);
    assert_int_equal(inf_socket_both(&at, &tcp_again, &udp_again), 0);
    inf_socket_close(&tcp_again);
    inf_socket_close(&udp_again);
}

static void an_address_of_another_machine_is_refused(void **state) {
    (void)state;
    inf_addr at = addr_of("192.0.2.1:0");
    int fd = -1;
    assert_int_equal(inf_socket_tcp(&at, &fd), INF_EADDRESS);
}

static void errors_get_their_meaning(void **state) {
    (void)state;
    assert_int_equal(inf_socket_status(0), 0);
    assert_int_equal(inf_socket_status(-ECONNREFUSED), INF_EUNREACHABLE);
    assert_int_equal(inf_socket_status(-ECONNRESET), INF_EUNREACHABLE);
    assert_int_equal(inf_socket_status(-ETIMEDOUT), INF_ETIMEDOUT);
    assert_int_equal(inf_socket_status(-EADDRINUSE), INF_EINUSE);
    assert_int_equal(inf_socket_status(-EACCES), INF_ESYSTEM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_survive_the_system),
        cmocka_unit_test(an_open_port_is_found_for_both_and_then_taken),
        cmocka_unit_test(a_port_taken_for_datagrams_alone_is_in_use),
        cmocka_unit_test(an_address_of_another_machine_is_refused),
        cmocka_unit_test(errors_get_their_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
