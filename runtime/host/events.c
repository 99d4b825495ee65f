/* SPDX-License-Identifier: MIT */
#include "host/events.h"

#include "base/error.h"

int inf_events_init(inf_events *events, uv_async_t *wake, inf_alloc *mem) {
    *events = (inf_events){.wake = wake, .mem = mem};
    return uv_mutex_init(&events->lock) == 0 ? 0 : INF_ESYSTEM;
}

void inf_events_deinit(inf_events *events) {
    for (size_t i = 0; i < events->count; i++) {
        inf_effect_deinit(&events->items[i]);
    }
    inf_free(events->mem, events->items);
    uv_mutex_destroy(&events->lock);
}

/* What nobody waits for. */
static bool may_be_dropped(const inf_effect *effect) {
    return effect->kind == INF_EFFECT_ROWS || effect->kind == INF_EFFECT_USER ||
           effect->kind == INF_EFFECT_LOG;
}

static bool make_room(inf_events *events) {
    if (events->count < events->cap) return true;
    size_t cap = events->cap == 0 ? 64 : events->cap * 2;
    inf_effect *items =
        inf_realloc(events->mem, events->items, cap * sizeof *items);
    if (items == NULL) return false;
    events->items = items;
    events->cap = cap;
    return true;
}

static void push(inf_events *events, const inf_effect *effect) {
    bool full = events->count >= INF_EVENTS_MAX && may_be_dropped(effect);
    if (!full && make_room(events)) {
        events->items[events->count++] = *effect;
        return;
    }
    inf_effect unwanted = *effect;
    inf_effect_deinit(&unwanted);
    events->dropped++;
}

void inf_events_push(inf_events *events, const inf_effect *effects,
                     size_t count) {
    if (count == 0) return;
    uv_mutex_lock(&events->lock);
    for (size_t i = 0; i < count; i++)
        push(events, &effects[i]);
    uv_mutex_unlock(&events->lock);
    (void)uv_async_send(events->wake);
}

size_t inf_events_take(inf_events *events, inf_effect **items,
                       uint64_t *dropped) {
    uv_mutex_lock(&events->lock);
    size_t count = events->count;
    *items = events->items;
    *dropped = events->dropped;
    events->items = NULL;
    events->count = 0;
    events->cap = 0;
    events->dropped = 0;
    uv_mutex_unlock(&events->lock);
    return count;
}
