/* SPDX-License-Identifier: MIT */
/* test.h: cmocka with the headers it needs before itself. */
#ifndef INF_TESTS_TEST_H
#define INF_TESTS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
