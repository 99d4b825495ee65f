/* SPDX-License-Identifier: MIT */
/* golden.h: the vectors of tests/golden, bytes as hex with # comments. */
#ifndef INF_TESTS_GOLDEN_H
#define INF_TESTS_GOLDEN_H

#include "base/def.h"

/** Reads tests/golden/NAME.hex into one of eight rooms that take turns; the
    test fails when there is none. Runs from the repository's root. */
inf_slice golden(const char *name);

#endif
