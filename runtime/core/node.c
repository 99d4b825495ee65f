/* SPDX-License-Identifier: MIT */
/* node.c: introduces membership, registries and synch to each other.

   Membership says who lives, which life of it, and, in its tags, which branches
   it runs. For each branch that runs here too, that member's rows show and the
   streams carry changes; a dead member's rows are hidden and kept for a while,
   one that left has none. What the streams bring goes to the registries, and
   what changes there comes out as effects.

   Streams that peers open say with their first byte whose they are. Nothing is
   written before the host asks for effects: so the changes that a worker makes
   in between travel together, and its thread does not encode them. */
#include "core/node_impl.h"

/* Sides of a healed split meet soon: a name must not run twice for long. */
#define RECONNECT_MS 1000

/* ---- birth and death --------------------------------------------------- */

static inf_hash_key secret_key(inf_rng *rng) {
    inf_hash_key key;
    for (size_t i = 0; i < sizeof key.bytes; i++)
        key.bytes[i] = (uint8_t)(inf_rng_next(rng) >> 24);
    return key;
}

static int make_keys(inf_node *node, const inf_node_config *config) {
    int rc = inf_keyring_new(&node->keys, node->mem);
    for (size_t i = 0; rc == 0 && i < config->key_count; i++)
        rc = inf_keyring_add(node->keys, config->keys[i]);
    return rc;
}

inf_member_tuning inf_node_tuning(inf_profile profile) {
    inf_member_tuning tuning = inf_member_tuning_of(profile);
    if (profile != INF_PROFILE_WAN) tuning.reconnect_interval_ms = RECONNECT_MS;
    return tuning;
}

static int make_member(inf_node *node, const inf_node_config *config) {
    inf_member_tuning tuning = config->membership != NULL
                                   ? *config->membership
                                   : inf_node_tuning(config->profile);
    node->gossip_ms = tuning.gossip_interval_ms;
    uint64_t seconds = config->wall_ms / 1000;
    inf_buf meta;
    inf_buf_init(&meta, node->mem);
    int rc = node_encode_meta(node, &meta);
    if (rc == 0) {
        inf_member_config member = {
            .mem = node->mem,
            .outbox = &node->outbox,
            .keys = node->keys,
            .name = config->name,
            .label = config->label,
            .meta = inf_buf_view(&meta),
            .addr = config->advertise,
            .seed = inf_rng_next(&node->rng),
            .incarnation = seconds != 0 && seconds < UINT32_MAX / 2
                               ? (uint32_t)seconds
                               : 1,
            .tuning = tuning,
        };
        rc = inf_member_new(&node->member, &member, node->now_ms);
    }
    inf_buf_deinit(&meta);
    return rc;
}

static uint32_t repair_ms(inf_profile profile) {
    return profile == INF_PROFILE_WAN ? 8000 : 2000;
}

static int make_synch(inf_node *node, const inf_node_config *config) {
    bool wide = config->profile == INF_PROFILE_WAN;
    inf_synch_config synch = {
        .mem = node->mem,
        .outbox = &node->outbox,
        .name = node->name,
        .id = node->id,
        .boot = node->boot,
        .seed = inf_rng_next(&node->rng),
        .repair_ms = repair_ms(config->profile),
        .timeout_ms = wide ? 15000 : 5000,
        .write_max =
            config->stream_bytes != 0 ? config->stream_bytes : INF_SYNCH_WRITE,
        .store = node_store(node),
    };
    return inf_synch_new(&node->synch, &synch, node->now_ms);
}

static bool printable(inf_slice name) {
    for (size_t i = 0; i < name.len; i++) {
        if (name.data[i] <= ' ' || name.data[i] == 0x7f) return false;
    }
    return name.len != 0 && name.len <= INF_NODE_NAME_MAX;
}

int inf_node_new(inf_node **out, const inf_node_config *config,
                 uint64_t now_ms) {
    if (!printable(config->name)) return INF_ENAME;
    if (!inf_addr_is_unicast(&config->advertise)) return INF_EADDRESS;
    inf_alloc *mem = config->mem != NULL ? config->mem : inf_alloc_libc();
    inf_node *node = inf_zalloc(mem, sizeof *node);
    if (node == NULL) return INF_ENOMEM;
    node->mem = mem;
    inf_outbox_init(&node->outbox, mem);
    inf_buf_init(&node->batch.bytes, mem);
    inf_rng_seed(&node->rng, config->seed);
    inf_map_init(&node->undecided, mem, secret_key(&node->rng));
    node->now_ms = node->born_ms = now_ms;
    node->wall_ms = config->wall_ms;
    node->boot = config->boot;
    node->rpc_port = config->rpc_port;
    node->hold_ms = config->hold_ms != 0 ? config->hold_ms : HOLD_MS;
    node->deletes_max =
        config->deletes_max != 0 ? config->deletes_max : INF_REGISTRY_DELETES;
    node->housekeep_at_ms = node->settle_at_ms = INF_NEVER;
    node->rows_for = INF_ROWS_FOR_USER;
    node->id = inf_node_id(config->name);
    uint8_t *name = inf_malloc(mem, config->name.len);
    int rc = name != NULL ? 0 : INF_ENOMEM;
    if (rc == 0) {
        memcpy(name, config->name.data, config->name.len);
        node->name = inf_slice_of(name, config->name.len);
        rc = node_set_tags(node, config->tags, config->tag_count);
    }
    if (rc == 0) rc = make_keys(node, config);
    if (rc == 0) rc = make_member(node, config);
    if (rc == 0) rc = make_synch(node, config);
    if (rc != 0) {
        inf_node_free(node);
        return rc;
    }
    *out = node;
    return 0;
}

void inf_node_free(inf_node *node) {
    if (node == NULL) return;
    inf_synch_free(node->synch);
    inf_member_free(node->member);
    inf_keyring_free(node->keys);
    node_branches_deinit(node);
    node_tags_deinit(node);
    size_t at = 0;
    for (undecided *u; (u = inf_map_next(&node->undecided, &at)) != NULL;)
        inf_free(node->mem, u);
    inf_map_deinit(&node->undecided);
    inf_buf_deinit(&node->batch.bytes);
    inf_outbox_deinit(&node->outbox);
    inf_free(node->mem, (void *)(uintptr_t)node->name.data);
    inf_free(node->mem, node);
}

/* ---- the frame of each call -------------------------------------------- */

void node_begin(inf_node *node, uint64_t now_ms) {
    if (now_ms > node->now_ms) node->now_ms = now_ms;
}

uint64_t node_wall_ms(const inf_node *node) {
    return node->wall_ms + (node->now_ms - node->born_ms);
}

void node_housekeep_by(inf_node *node, uint64_t due_ms) {
    if (due_ms < node->housekeep_at_ms) node->housekeep_at_ms = due_ms;
}

void node_end(inf_node *node) {
    node_drain_members(node);
    node_views(node);
    node_rows_flush(node);
    node->batch.told = 0;
}

/* ---- streams ----------------------------------------------------------- */

static undecided *undecided_find(const inf_node *node, uint64_t stream) {
    return inf_map_get(&node->undecided, inf_slice_of(&stream, sizeof stream));
}

static void undecided_forget(inf_node *node, undecided *u) {
    (void)inf_map_remove(&node->undecided,
                         inf_slice_of(&u->stream, sizeof u->stream));
    inf_free(node->mem, u);
}

int inf_node_accepted(inf_node *node, const inf_addr *from, uint64_t now_ms,
                      uint64_t *stream) {
    node_begin(node, now_ms);
    if (node->undecided.count >= UNDECIDED_MAX) return INF_EFULL;
    undecided *u = inf_zalloc(node->mem, sizeof *u);
    if (u == NULL) return INF_EFULL;
    u->stream = inf_outbox_stream(&node->outbox);
    inf_slice key = inf_slice_of(&u->stream, sizeof u->stream);
    if (inf_map_set(&node->undecided, key, u) != 0) {
        inf_free(node->mem, u);
        return INF_EFULL;
    }
    if (inf_member_accepted(node->member, u->stream, from, node->now_ms) != 0) {
        undecided_forget(node, u);
        return INF_EFULL;
    }
    *stream = u->stream;
    node_end(node);
    return 0;
}

void inf_node_connected(inf_node *node, uint64_t stream, uint64_t now_ms) {
    node_begin(node, now_ms);
    inf_member_connected(node->member, stream, node->now_ms);
    inf_synch_connected(node->synch, stream, node->now_ms);
    node_end(node);
}

/* Whose the stream is, by its first byte; returns what is left of the bytes. */
static inf_slice decide(inf_node *node, undecided *u, inf_slice bytes) {
    uint64_t stream = u->stream;
    undecided_forget(node, u);
    if (bytes.data[0] != INF_SYNCH_FIRST_BYTE) return bytes;
    inf_member_forget(node->member, stream);
    if (inf_synch_accepted(node->synch, stream, node->now_ms) != 0) {
        inf_outbox_close(&node->outbox, stream);
    }
    return inf_slice_of(bytes.data + 1, bytes.len - 1);
}

void inf_node_bytes(inf_node *node, uint64_t stream, inf_slice bytes,
                    uint64_t now_ms) {
    node_begin(node, now_ms);
    undecided *u = undecided_find(node, stream);
    if (u != NULL && bytes.len != 0) bytes = decide(node, u, bytes);
    if (bytes.len != 0) {
        inf_synch_bytes(node->synch, stream, bytes, node->now_ms);
        inf_member_bytes(node->member, stream, bytes, node->now_ms);
    }
    node_end(node);
}

void inf_node_drained(inf_node *node, uint64_t stream, uint64_t now_ms) {
    node_begin(node, now_ms);
    inf_synch_drained(node->synch, stream, node->now_ms);
    node_end(node);
}

void inf_node_closed(inf_node *node, uint64_t stream, int status,
                     uint64_t now_ms) {
    node_begin(node, now_ms);
    undecided *u = undecided_find(node, stream);
    if (u != NULL) undecided_forget(node, u);
    inf_member_closed(node->member, stream, status, node->now_ms);
    inf_slice peer = inf_synch_closed(node->synch, stream, node->now_ms);
    if (peer.len != 0) {
        inf_member_suspicious(node->member, peer, status, node->now_ms);
    }
    node_end(node);
}

void inf_node_packet(inf_node *node, const inf_addr *from, inf_slice bytes,
                     uint64_t now_ms) {
    node_begin(node, now_ms);
    inf_member_packet(node->member, from, bytes, node->now_ms);
    node_end(node);
}

/* ---- time and effects -------------------------------------------------- */

static void housekeep(inf_node *node) {
    node->housekeep_at_ms = INF_NEVER;
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        inf_registry *registry = node->branches[i].registry;
        if (registry == NULL) continue;
        if (node->branches[i].contests.count != 0) {
            node_contests_sweep(node, &node->branches[i]);
        }
        if (inf_registry_held(registry) == 0) continue;
        inf_registry_purge_due(registry, node->now_ms, node->hold_ms);
        node_housekeep_by(node, node->now_ms + HOUSEKEEP_MS);
    }
    node_conflicts(node);
}

static void settle(inf_node *node) {
    node->settle_at_ms = INF_NEVER;
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        inf_registry *registry = node->branches[i].registry;
        if (registry != NULL && inf_registry_settle(registry)) {
            node->settle_at_ms = node->now_ms + 1;
        }
    }
}

void inf_node_tick(inf_node *node, uint64_t now_ms) {
    node_begin(node, now_ms);
    inf_member_tick(node->member, node->now_ms);
    node_drain_members(node);
    inf_synch_tick(node->synch, node->now_ms);
    if (node->now_ms >= node->housekeep_at_ms) housekeep(node);
    if (node->now_ms >= node->settle_at_ms) settle(node);
    node_end(node);
}

uint64_t inf_node_deadline(const inf_node *node) {
    uint64_t due_ms = inf_member_deadline(node->member);
    uint64_t synch_ms = inf_synch_deadline(node->synch);
    if (synch_ms < due_ms) due_ms = synch_ms;
    if (node->settle_at_ms < due_ms) due_ms = node->settle_at_ms;
    return node->housekeep_at_ms < due_ms ? node->housekeep_at_ms : due_ms;
}

bool inf_node_poll(inf_node *node, inf_effect *out) {
    if (node->outbox.count == 0) inf_synch_flush(node->synch, node->now_ms);
    if (!inf_outbox_take(&node->outbox, out)) return false;
    if (out->kind == INF_EFFECT_DONE && node->joining &&
        out->token == node->join_token) {
        node->joining = false;
    }
    return true;
}

bool inf_node_pending(const inf_node *node) {
    return node->outbox.count != 0 || inf_synch_unflushed(node->synch);
}
