/* SPDX-License-Identifier: MIT */
/* wheel.h: a hierarchical timing wheel (Varghese and Lauck, "Hashed and
   hierarchical timing wheels", 1987): four rings of 256 slots, one millisecond
   a slot in the innermost. Setting, moving and stopping a timer cost the same
   whether one or a million wait; whoever waits embeds an inf_wheel_item.
   Equal deadlines come out in the order they went in. */
#ifndef INF_BASE_WHEEL_H
#define INF_BASE_WHEEL_H

#include "base/def.h"

#define INF_WHEEL_RINGS 4
#define INF_WHEEL_SLOTS 256

/** Embedded in what waits; zero it before first use. */
typedef struct inf_wheel_item {
    struct inf_wheel_item *next; /* NULL: waits for nothing */
    struct inf_wheel_item *prev;
    uint64_t due_ms;
} inf_wheel_item;

typedef struct inf_wheel {
    inf_wheel_item slots[INF_WHEEL_RINGS][INF_WHEEL_SLOTS]; /* list heads */
    uint64_t used[INF_WHEEL_RINGS][INF_WHEEL_SLOTS / 64];   /* a bit a slot */
    inf_wheel_item far;     /* more than 2^32 ms away */
    inf_wheel_item expired; /* due, not yet taken */
    uint64_t now_ms;
    size_t count; /* items in the wheel, expired ones included */
} inf_wheel;

void inf_wheel_init(inf_wheel *wheel, uint64_t now_ms);
/** Puts the item in, or moves it when it is in already. A deadline that has
    passed is due at the next inf_wheel_advance. */
void inf_wheel_set(inf_wheel *wheel, inf_wheel_item *item, uint64_t due_ms);
/** Takes the item out; false when it was not in. */
bool inf_wheel_remove(inf_wheel *wheel, inf_wheel_item *item);
/** True while the item waits or is due and not yet taken. */
bool inf_wheel_waits(const inf_wheel_item *item);
/** Moves what is due at `now_ms` to where inf_wheel_take finds it. Time that
    goes backwards is taken as standing still. */
void inf_wheel_advance(inf_wheel *wheel, uint64_t now_ms);
/** The next item that inf_wheel_advance found due, earliest first, or NULL.
    Items set meanwhile wait for the next advance, however soon they are due. */
inf_wheel_item *inf_wheel_take(inf_wheel *wheel);
/** When inf_wheel_advance has something to do: never later than the earliest
    deadline, sometimes earlier; INF_NEVER when nothing waits. */
uint64_t inf_wheel_wake_ms(inf_wheel *wheel);

#endif
