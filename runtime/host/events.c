/* SPDX-License-Identifier: MIT */
#include "host/events.h"

#include "base/error.h"

#define KEEP_ITEMS 1024 /* room for so many is kept when all are taken */

int inf_events_init(inf_events *events, uv_async_t *wake, inf_alloc *mem) {
    *events = (inf_events){.wake = wake};
    inf_outbox_init(&events->queue, mem);
    return uv_mutex_init(&events->lock) == 0 ? 0 : INF_ESYSTEM;
}

void inf_events_deinit(inf_events *events) {
    inf_outbox_deinit(&events->queue);
    uv_mutex_destroy(&events->lock);
}

/* What nobody waits for. */
static bool may_be_dropped(const inf_effect *effect) {
    return effect->kind == INF_EFFECT_ROWS || effect->kind == INF_EFFECT_USER ||
           effect->kind == INF_EFFECT_LOG;
}

static void push(inf_events *events, const inf_effect *effect) {
    bool full = events->queue.count >= INF_EVENTS_MAX && may_be_dropped(effect);
    if (!full && inf_outbox_move(&events->queue, effect)) return;
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

bool inf_events_take(inf_events *events, inf_effect *out) {
    inf_outbox *queue = &events->queue;
    uv_mutex_lock(&events->lock);
    bool taken = inf_outbox_take(queue, out);
    if (queue->count == 0 && queue->cap > KEEP_ITEMS) inf_outbox_deinit(queue);
    uv_mutex_unlock(&events->lock);
    return taken;
}

uint64_t inf_events_dropped(inf_events *events) {
    uv_mutex_lock(&events->lock);
    uint64_t dropped = events->dropped;
    events->dropped = 0;
    uv_mutex_unlock(&events->lock);
    return dropped;
}
