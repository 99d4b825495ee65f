/* SPDX-License-Identifier: MIT */
/* embed_keys.c: the keys of a C program's node while it runs. */
#include "bind/embed.h"

#include "base/error.h"
#include "core/keyring.h"

_Static_assert(INF_FINGERPRINT_ROOM == INF_KEY_PRINT,
               "the public header says how long a fingerprint is");

static int change(inf_cluster *cluster, inf_key_step step, const char *key) {
    if (cluster->host == NULL || cluster->closing) return INF_ECLOSED;
    return inf_key_change(cluster->host, step, inf_slice_str(key));
}

int inf_cluster_add_key(inf_cluster *cluster, const char *key) {
    return change(cluster, INF_KEY_ADD, key);
}

int inf_cluster_use_key(inf_cluster *cluster, const char *key) {
    return change(cluster, INF_KEY_USE, key);
}

int inf_cluster_remove_key(inf_cluster *cluster, const char *key) {
    return change(cluster, INF_KEY_REMOVE, key);
}

size_t inf_cluster_keys(inf_cluster *cluster,
                        void (*show)(void *ctx, const char *fingerprint),
                        void *ctx) {
    char prints[INF_KEYS_MAX][INF_KEY_PRINT];
    if (cluster->host == NULL || cluster->closing) return 0;
    const inf_node *node = inf_host_lock(cluster->host);
    size_t count = inf_node_keys(node);
    for (size_t i = 0; i < count; i++)
        memcpy(prints[i], inf_node_key_print(node, i), INF_KEY_PRINT);
    inf_host_unlock(cluster->host);
    for (size_t i = 0; show != NULL && i < count; i++)
        show(ctx, prints[i]);
    return count;
}
