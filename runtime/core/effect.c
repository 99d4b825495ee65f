/* SPDX-License-Identifier: MIT */
#include "core/effect.h"

#include <stdarg.h>
#include <stdio.h>

void inf_effect_deinit(inf_effect *effect) {
    inf_free(effect->mem, effect->memory);
    effect->memory = NULL;
}

void inf_outbox_init(inf_outbox *outbox, inf_alloc *mem) {
    *outbox = (inf_outbox){.mem = mem};
}

void inf_outbox_deinit(inf_outbox *outbox) {
    inf_effect effect;
    while (inf_outbox_take(outbox, &effect))
        inf_effect_deinit(&effect);
    inf_free(outbox->mem, outbox->items);
    inf_outbox_init(outbox, outbox->mem);
}

uint64_t inf_outbox_stream(inf_outbox *outbox) {
    return ++outbox->last_stream;
}

bool inf_outbox_take(inf_outbox *outbox, inf_effect *out) {
    if (outbox->count == 0) return false;
    *out = outbox->items[outbox->first];
    outbox->first = (outbox->first + 1) & (outbox->cap - 1);
    outbox->count--;
    return true;
}

static bool grow(inf_outbox *outbox) {
    size_t cap = outbox->cap == 0 ? 16 : outbox->cap * 2;
    inf_effect *items = inf_malloc(outbox->mem, cap * sizeof *items);
    if (items == NULL) return false;
    for (size_t i = 0; i < outbox->count; i++) {
        items[i] = outbox->items[(outbox->first + i) & (outbox->cap - 1)];
    }
    inf_free(outbox->mem, outbox->items);
    outbox->items = items;
    outbox->first = 0;
    outbox->cap = cap;
    return true;
}

bool inf_outbox_move(inf_outbox *outbox, const inf_effect *effect) {
    if (outbox->count == outbox->cap && !grow(outbox)) return false;
    size_t last = (outbox->first + outbox->count) & (outbox->cap - 1);
    outbox->items[last] = *effect;
    outbox->count++;
    return true;
}

/* Copies bytes to *room, moves *room on, returns the copy. */
static inf_slice keep(uint8_t **room, inf_slice bytes) {
    inf_slice kept = {*room, bytes.len};
    if (bytes.len == 0) return kept; /* *room may be NULL */
    memcpy(*room, bytes.data, bytes.len);
    *room += bytes.len;
    return kept;
}

static size_t block_size(const inf_effect *effect) {
    size_t size = effect->row_count * sizeof *effect->rows;
    size += effect->branch.len + effect->name.len + effect->bytes.len;
    for (size_t i = 0; i < effect->row_count; i++) {
        const inf_row *row = &effect->rows[i];
        size += row->name.len + row->implementation.len + row->node.len;
    }
    return size;
}

static void keep_rows(inf_effect *copy, inf_row *rows, uint8_t **room) {
    for (size_t i = 0; i < copy->row_count; i++) {
        rows[i] = copy->rows[i];
        rows[i].name = keep(room, rows[i].name);
        rows[i].implementation = keep(room, rows[i].implementation);
        rows[i].node = keep(room, rows[i].node);
    }
    copy->rows = rows;
}

void inf_outbox_push(inf_outbox *outbox, const inf_effect *effect) {
    inf_effect copy = *effect;
    copy.mem = outbox->mem;
    copy.memory = NULL;
    size_t size = block_size(effect);
    if (size != 0) copy.memory = inf_malloc(outbox->mem, size);
    if (size != 0 && copy.memory == NULL) {
        outbox->failed = true;
        return;
    }
    inf_row *rows = copy.memory;
    uint8_t *room = (uint8_t *)copy.memory;
    if (copy.row_count != 0) {
        room += copy.row_count * sizeof *rows;
        keep_rows(&copy, rows, &room);
    }
    copy.branch = keep(&room, effect->branch);
    copy.name = keep(&room, effect->name);
    copy.bytes = keep(&room, effect->bytes);
    if (inf_outbox_move(outbox, &copy)) return;
    inf_effect_deinit(&copy);
    outbox->failed = true;
}

void inf_outbox_packet(inf_outbox *outbox, const inf_addr *to,
                       inf_slice bytes) {
    inf_outbox_push(
        outbox,
        &(inf_effect){.kind = INF_EFFECT_PACKET, .addr = *to, .bytes = bytes});
}

static uint64_t dial(inf_outbox *outbox, const inf_addr *to,
                     uint32_t timeout_ms, bool sealed) {
    uint64_t stream = inf_outbox_stream(outbox);
    inf_outbox_push(outbox, &(inf_effect){.kind = INF_EFFECT_DIAL,
                                          .addr = *to,
                                          .stream = stream,
                                          .timeout_ms = timeout_ms,
                                          .sealed = sealed});
    return stream;
}

uint64_t inf_outbox_dial(inf_outbox *outbox, const inf_addr *to,
                         uint32_t timeout_ms) {
    return dial(outbox, to, timeout_ms, false);
}

uint64_t inf_outbox_dial_sealed(inf_outbox *outbox, const inf_addr *to,
                                uint32_t timeout_ms) {
    return dial(outbox, to, timeout_ms, true);
}

void inf_outbox_write(inf_outbox *outbox, uint64_t stream, inf_slice bytes) {
    inf_outbox_push(outbox, &(inf_effect){.kind = INF_EFFECT_WRITE,
                                          .stream = stream,
                                          .bytes = bytes});
}

void inf_outbox_close(inf_outbox *outbox, uint64_t stream) {
    inf_outbox_push(outbox,
                    &(inf_effect){.kind = INF_EFFECT_CLOSE, .stream = stream});
}

void inf_outbox_done(inf_outbox *outbox, uint64_t token, int status,
                     uint64_t count, inf_slice text) {
    inf_outbox_push(outbox, &(inf_effect){.kind = INF_EFFECT_DONE,
                                          .token = token,
                                          .status = status,
                                          .count = count,
                                          .name = text});
}

void inf_outbox_log(inf_outbox *outbox, inf_log_level level, const char *format,
                    ...) {
    char line[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (len < 0) return;
    size_t kept = (size_t)len < sizeof line ? (size_t)len : sizeof line - 1;
    inf_outbox_push(outbox, &(inf_effect){.kind = INF_EFFECT_LOG,
                                          .level = level,
                                          .bytes = inf_slice_of(line, kept)});
}
