/* SPDX-License-Identifier: MIT */
/* An item lives in the ring of the highest byte in which its deadline differs
   from the present, at the slot which that byte names. So a ring never wraps
   around: all its used slots lie ahead of the present's own byte, and the
   lowest used slot of the innermost used ring is what comes next. When the
   present enters a slot of an outer ring, the slot's items move inwards, in
   order, before anything else can be put there: that keeps equal deadlines in
   the order of their insertion, which rings chosen by distance would not. */
#include "base/wheel.h"

static void list_init(inf_wheel_item *head) {
    head->next = head;
    head->prev = head;
}

static bool list_empty(const inf_wheel_item *head) {
    return head->next == head;
}

static void list_append(inf_wheel_item *head, inf_wheel_item *item) {
    item->prev = head->prev;
    item->next = head;
    head->prev->next = item;
    head->prev = item;
}

static void list_unlink(inf_wheel_item *item) {
    item->prev->next = item->next;
    item->next->prev = item->prev;
    item->next = NULL;
    item->prev = NULL;
}

/* Appends all of `from` to `to` and leaves `from` empty. */
static void list_splice(inf_wheel_item *to, inf_wheel_item *from) {
    if (list_empty(from)) return;
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    list_init(from);
}

static void used_set(inf_wheel *wheel, unsigned ring, unsigned slot) {
    wheel->used[ring][slot / 64] |= UINT64_C(1) << (slot % 64);
}

static void used_clear(inf_wheel *wheel, unsigned ring, unsigned slot) {
    wheel->used[ring][slot / 64] &= ~(UINT64_C(1) << (slot % 64));
}

/* The lowest slot of the ring that has items, or -1. Bits of slots that were
   emptied by inf_wheel_remove are put right here. */
static int first_used(inf_wheel *wheel, unsigned ring) {
    for (unsigned word = 0; word < INF_WHEEL_SLOTS / 64; word++) {
        while (wheel->used[ring][word] != 0) {
            unsigned slot =
                word * 64 + (unsigned)__builtin_ctzll(wheel->used[ring][word]);
            if (!list_empty(&wheel->slots[ring][slot])) return (int)slot;
            used_clear(wheel, ring, slot);
        }
    }
    return -1;
}

void inf_wheel_init(inf_wheel *wheel, uint64_t now_ms) {
    *wheel = (inf_wheel){.now_ms = now_ms};
    for (unsigned ring = 0; ring < INF_WHEEL_RINGS; ring++) {
        for (unsigned slot = 0; slot < INF_WHEEL_SLOTS; slot++) {
            list_init(&wheel->slots[ring][slot]);
        }
    }
    list_init(&wheel->far);
    list_init(&wheel->expired);
}

static void place(inf_wheel *wheel, inf_wheel_item *item) {
    uint64_t differs = item->due_ms ^ wheel->now_ms;
    if (differs >> (8 * INF_WHEEL_RINGS) != 0) {
        list_append(&wheel->far, item);
        return;
    }
    unsigned ring = 0;
    while (differs >> (8 * (ring + 1)) != 0) {
        ring++;
    }
    unsigned slot = (unsigned)(item->due_ms >> (8 * ring)) & 255;
    list_append(&wheel->slots[ring][slot], item);
    used_set(wheel, ring, slot);
}

void inf_wheel_set(inf_wheel *wheel, inf_wheel_item *item, uint64_t due_ms) {
    (void)inf_wheel_remove(wheel, item);
    item->due_ms = due_ms > wheel->now_ms ? due_ms : wheel->now_ms;
    place(wheel, item);
    wheel->count++;
}

bool inf_wheel_remove(inf_wheel *wheel, inf_wheel_item *item) {
    if (item->next == NULL) return false;
    list_unlink(item);
    wheel->count--;
    return true;
}

bool inf_wheel_waits(const inf_wheel_item *item) {
    return item->next != NULL;
}

/* Items whose slot the present has just entered move inwards, in order. */
static void replace(inf_wheel *wheel, inf_wheel_item *head) {
    inf_wheel_item moving;
    list_init(&moving);
    list_splice(&moving, head);
    while (!list_empty(&moving)) {
        inf_wheel_item *item = moving.next;
        list_unlink(item);
        place(wheel, item);
    }
}

/* The start of the next slot that has items: ring and slot too. INF_NEVER
   when only far items are left, or none. */
static uint64_t next_slot(inf_wheel *wheel, unsigned *ring, int *slot) {
    for (*ring = 0; *ring < INF_WHEEL_RINGS; (*ring)++) {
        *slot = first_used(wheel, *ring);
        if (*slot < 0) continue;
        unsigned shift = 8 * *ring;
        uint64_t above = wheel->now_ms >> shift >> 8;
        return (above << 8 | (uint64_t)*slot) << shift;
    }
    return INF_NEVER;
}

/* Far items become near ones when the present enters their 2^32 ms. */
static uint64_t far_start(const inf_wheel *wheel) {
    uint64_t first_ms = INF_NEVER;
    for (const inf_wheel_item *item = wheel->far.next; item != &wheel->far;
         item = item->next) {
        if (item->due_ms < first_ms) first_ms = item->due_ms;
    }
    if (first_ms == INF_NEVER) return INF_NEVER;
    return first_ms >> 32 << 32;
}

uint64_t inf_wheel_wake_ms(inf_wheel *wheel) {
    unsigned ring = 0;
    int slot = 0;
    if (wheel->count == 0) return INF_NEVER;
    if (!list_empty(&wheel->expired)) return wheel->now_ms;
    uint64_t wake_ms = next_slot(wheel, &ring, &slot);
    return wake_ms != INF_NEVER ? wake_ms : far_start(wheel);
}

void inf_wheel_advance(inf_wheel *wheel, uint64_t now_ms) {
    if (now_ms < wheel->now_ms) return;
    for (;;) {
        unsigned ring = 0;
        int slot = 0;
        uint64_t start_ms = next_slot(wheel, &ring, &slot);
        bool far = start_ms == INF_NEVER;
        if (far) start_ms = far_start(wheel);
        if (start_ms > now_ms || start_ms == INF_NEVER) break;
        wheel->now_ms = start_ms;
        if (far) {
            replace(wheel, &wheel->far);
            continue;
        }
        inf_wheel_item *head = &wheel->slots[ring][slot];
        used_clear(wheel, ring, (unsigned)slot);
        if (ring == 0) {
            list_splice(&wheel->expired, head);
        } else {
            replace(wheel, head);
        }
    }
    wheel->now_ms = now_ms;
}

inf_wheel_item *inf_wheel_take(inf_wheel *wheel) {
    if (list_empty(&wheel->expired)) return NULL;
    inf_wheel_item *item = wheel->expired.next;
    list_unlink(item);
    wheel->count--;
    return item;
}
