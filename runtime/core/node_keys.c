/* SPDX-License-Identifier: MIT */
/* node_keys.c: the node's keys while it runs. Whoever has one key takes
   others; a node born without any stays open, for half a sealed cluster would
   be two clusters. */
#include "core/node_impl.h"

static bool is_open(const inf_node *node) {
    return inf_keyring_count(node->keys) == 0;
}

int inf_node_key(inf_node *node, inf_key_step step, inf_slice key) {
    if (is_open(node)) return INF_ECRYPT;
    switch (step) {
    case INF_KEY_ADD:
        return inf_keyring_add(node->keys, key);
    case INF_KEY_USE:
        return inf_keyring_use(node->keys, key);
    case INF_KEY_REMOVE:
        return inf_keyring_remove(node->keys, key);
    }
    return INF_EINVAL;
}

int inf_node_keys_set(inf_node *node, const inf_slice *keys, size_t count) {
    if (is_open(node)) return INF_ECRYPT;
    return inf_keyring_set(node->keys, keys, count);
}

size_t inf_node_keys(const inf_node *node) {
    return inf_keyring_count(node->keys);
}

inf_slice inf_node_key_at(const inf_node *node, size_t at) {
    return inf_keyring_key(node->keys, at);
}

const char *inf_node_key_print(const inf_node *node, size_t at) {
    return inf_keyring_print(node->keys, at);
}
