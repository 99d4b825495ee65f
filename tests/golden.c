/* SPDX-License-Identifier: MIT */
#include "golden.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROOMS = 8, ROOM = 4096 };

static unsigned digit(int c) {
    return (unsigned)(isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
}

inf_slice golden(const char *name) {
    static uint8_t rooms[ROOMS][ROOM];
    static size_t turn;
    uint8_t *room = rooms[turn++ % ROOMS];
    char path[256];
    (void)snprintf(path, sizeof path, "tests/golden/%s.hex", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        printf("# cannot read %s\n", path);
        abort();
    }
    size_t digits = 0;
    bool comment = false;
    for (int c; (c = fgetc(file)) != EOF;) {
        if (c == '#') comment = true;
        if (c == '\n') comment = false;
        if (comment || !isxdigit(c) || digits / 2 == ROOM) continue;
        room[digits / 2] =
            (uint8_t)((unsigned)room[digits / 2] << 4 | digit(c));
        digits++;
    }
    (void)fclose(file);
    return inf_slice_of(room, digits / 2);
}
