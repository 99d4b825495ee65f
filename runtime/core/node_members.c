/* SPDX-License-Identifier: MIT */
/* node_members.c: members as the registries see them, and the tags by which
   members know each other. */
#include "core/node_impl.h"

#include <stdio.h>

/* ---- tags -------------------------------------------------------------- */

/* A branch is a tag: its name after a '+', or its id when the name is long. */
static inf_slice branch_tag(inf_slice name, char text[BRANCH_TAG_MAX]) {
    if (name.len + 1 < BRANCH_TAG_MAX) {
        text[0] = '+';
        memcpy(text + 1, name.data, name.len);
        return inf_slice_of(text, name.len + 1);
    }
    int len = snprintf(text, BRANCH_TAG_MAX, "#%016llx",
                       (unsigned long long)node_scope(name));
    return inf_slice_of(text, (size_t)len);
}

static bool reserved(inf_slice key) {
    static const char *const ours[] = {INF_TAG_PROTOCOL, INF_TAG_RPC,
                                       INF_TAG_BOOT};
    if (key.len == 0 || key.data[0] == '+' || key.data[0] == '#') return true;
    for (size_t i = 0; i < INF_COUNT(ours); i++) {
        if (inf_slice_eq(key, inf_slice_str(ours[i]))) return true;
    }
    return false;
}

void node_tags_deinit(inf_node *node) {
    for (size_t i = 0; i < node->tag_count; i++)
        inf_free(node->mem, (void *)(uintptr_t)node->tags[i].key.data);
    inf_free(node->mem, node->tags);
    node->tags = NULL;
    node->tag_count = 0;
}

/* Key and value in one block. */
static int copy_tag(inf_node *node, const inf_tag *tag, inf_tag *out) {
    size_t len = tag->key.len + tag->value.len;
    uint8_t *block = inf_malloc(node->mem, len + 1);
    if (block == NULL) return INF_ENOMEM;
    memcpy(block, tag->key.data, tag->key.len);
    if (tag->value.len != 0) {
        memcpy(block + tag->key.len, tag->value.data, tag->value.len);
    }
    *out = (inf_tag){inf_slice_of(block, tag->key.len),
                     inf_slice_of(block + tag->key.len, tag->value.len)};
    return 0;
}

static int add_tag(inf_node *node, const inf_tag *tag) {
    inf_tag copy;
    int rc = copy_tag(node, tag, &copy);
    if (rc != 0) return rc;
    size_t size = (node->tag_count + 1) * sizeof *node->tags;
    inf_tag *grown = inf_realloc(node->mem, node->tags, size);
    if (grown == NULL) {
        inf_free(node->mem, (void *)(uintptr_t)copy.key.data);
        return INF_ENOMEM;
    }
    node->tags = grown;
    node->tags[node->tag_count++] = copy;
    return 0;
}

int node_set_tags(inf_node *node, const inf_tag *tags, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (reserved(tags[i].key)) return INF_EINVAL;
        int rc = add_tag(node, &tags[i]);
        if (rc != 0) return rc;
    }
    return 0;
}

static size_t own_tags(const inf_node *node, inf_tag *out,
                       char texts[][BRANCH_TAG_MAX], char numbers[2][24]) {
    size_t count = 0;
    (void)snprintf(numbers[0], sizeof numbers[0], "%llu",
                   (unsigned long long)node->boot);
    (void)snprintf(numbers[1], sizeof numbers[1], "%u",
                   (unsigned)node->rpc_port);
    out[count++] =
        (inf_tag){inf_slice_str(INF_TAG_PROTOCOL), inf_slice_str("1")};
    out[count++] =
        (inf_tag){inf_slice_str(INF_TAG_BOOT), inf_slice_str(numbers[0])};
    if (node->rpc_port != 0) {
        out[count++] =
            (inf_tag){inf_slice_str(INF_TAG_RPC), inf_slice_str(numbers[1])};
    }
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        const branch_state *b = &node->branches[i];
        if (!b->runs) continue;
        out[count++] =
            (inf_tag){branch_tag(b->name, texts[i]), inf_slice_of("", 0)};
    }
    return count;
}

int node_encode_meta(inf_node *node, inf_buf *out) {
    char texts[INF_BRANCHES_MAX][BRANCH_TAG_MAX];
    char numbers[2][24];
    size_t room = INF_BRANCHES_MAX + 3 + node->tag_count;
    inf_tag *tags = inf_malloc(node->mem, room * sizeof *tags);
    if (tags == NULL) return INF_ENOMEM;
    size_t count = own_tags(node, tags, texts, numbers);
    for (size_t i = 0; i < node->tag_count; i++)
        tags[count++] = node->tags[i];
    int rc = inf_meta_encode(out, tags, count);
    inf_free(node->mem, tags);
    if (rc == 0 && out->failed) rc = INF_ENOMEM;
    return rc;
}

int node_announce(inf_node *node) {
    inf_buf meta;
    inf_buf_init(&meta, node->mem);
    int rc = node_encode_meta(node, &meta);
    if (rc == 0) {
        rc = inf_member_set_meta(node->member, inf_buf_view(&meta),
                                 node->now_ms);
    }
    inf_buf_deinit(&meta);
    return rc;
}

/* Takes the tag out and returns it, so that it can be put back. */
static inf_tag take_tag(inf_node *node, inf_slice key) {
    for (size_t i = 0; i < node->tag_count; i++) {
        if (!inf_slice_eq(node->tags[i].key, key)) continue;
        inf_tag taken = node->tags[i];
        node->tags[i] = node->tags[--node->tag_count];
        return taken;
    }
    return (inf_tag){{NULL, 0}, {NULL, 0}};
}

int inf_node_set_tag(inf_node *node, inf_slice key, inf_slice value,
                     uint64_t now_ms) {
    node_begin(node, now_ms);
    if (reserved(key)) return INF_EINVAL;
    inf_tag before = take_tag(node, key);
    bool removal = value.len == 0 && value.data == NULL;
    int rc = removal ? 0 : add_tag(node, &(inf_tag){key, value});
    if (rc == 0) rc = node_announce(node);
    if (rc == 0) {
        inf_free(node->mem, (void *)(uintptr_t)before.key.data);
    } else {
        inf_tag added = take_tag(node, key);
        inf_free(node->mem, (void *)(uintptr_t)added.key.data);
        if (before.key.data != NULL) node->tags[node->tag_count++] = before;
    }
    node_end(node);
    return rc;
}

/* ---- members and registries -------------------------------------------- */

static bool runs(const inf_member_view *view, inf_slice name) {
    char text[BRANCH_TAG_MAX];
    inf_slice value;
    return inf_meta_tag(view->meta, branch_tag(name, text), &value);
}

static bool live(const inf_member_view *view) {
    return view->state == INF_MEMBER_ALIVE || view->state == INF_MEMBER_SUSPECT;
}

/* A live member of ours: its rows show in every branch both run. */
static void member_up(inf_node *node, const inf_member_view *view) {
    uint64_t id = inf_node_id(view->name);
    uint64_t shared = 0;
    node->views_stale = true;
    for (unsigned slot = 0; slot < INF_BRANCHES_MAX; slot++) {
        branch_state *b = &node->branches[slot];
        if (b->registry == NULL) continue;
        if (!runs(view, b->name)) {
            inf_registry_purge(b->registry, id);
        } else if (inf_registry_up(b->registry, view->name, view->boot) == 0) {
            shared |= UINT64_C(1) << slot;
        }
    }
    (void)inf_synch_peer_up(node->synch, view->name, id, view->boot,
                            &view->addr, shared, node->now_ms);
    node->settle_at_ms = node->now_ms;
}

static void member_gone(inf_node *node, inf_slice name, bool left) {
    uint64_t id = inf_node_id(name);
    node->views_stale = true;
    inf_synch_peer_down(node->synch, id, node->now_ms);
    for (size_t i = 0; i < INF_BRANCHES_MAX; i++) {
        branch_state *b = &node->branches[i];
        if (b->registry == NULL) continue;
        if (left) {
            inf_registry_purge(b->registry, id);
        } else {
            inf_registry_down(b->registry, id, node->now_ms);
            node_housekeep_by(node, node->now_ms + HOUSEKEEP_MS);
        }
    }
    node->settle_at_ms = node->now_ms;
}

static void member_changed(inf_node *node, const inf_member_change *change) {
    inf_member_view view;
    if (!inf_member_find(node->member, change->name, &view)) {
        member_gone(node, change->name, true);
        return;
    }
    if (view.self) return;
    if (live(&view) && view.ours) {
        member_up(node, &view);
    } else {
        member_gone(node, change->name, view.state == INF_MEMBER_LEFT);
    }
}

void node_drain_members(inf_node *node) {
    inf_member_change change;
    while (inf_member_take_change(node->member, &change))
        member_changed(node, &change);
}

void node_review_members(inf_node *node) {
    size_t at = 0;
    inf_member_view view;
    while (inf_member_next(node->member, &at, &view)) {
        if (!view.self && view.ours && live(&view)) member_up(node, &view);
    }
}

/* ---- the face ---------------------------------------------------------- */

int inf_node_join(inf_node *node, const inf_addr *addrs, size_t count,
                  uint64_t token, uint64_t now_ms) {
    node_begin(node, now_ms);
    int rc = inf_member_join(node->member, addrs, count, token, node->now_ms);
    if (rc == 0) {
        node->joining = true;
        node->join_token = token;
    }
    node_end(node);
    return rc;
}

int inf_node_leave(inf_node *node, uint64_t token, uint64_t now_ms) {
    node_begin(node, now_ms);
    int rc = inf_member_leave(node->member, token, node->now_ms);
    if (rc == 0) {
        node->leaving = true;
        for (unsigned slot = 0; slot < INF_BRANCHES_MAX; slot++) {
            if (node->branches[slot].registry == NULL) continue;
            inf_registry_clear(node->branches[slot].registry);
            inf_synch_changed(node->synch);
        }
    }
    node_end(node);
    return rc;
}

int inf_node_user_event(inf_node *node, inf_slice name, inf_slice payload,
                        uint64_t now_ms) {
    node_begin(node, now_ms);
    int rc = inf_member_user_event(node->member, name, payload, node->now_ms);
    node_end(node);
    return rc;
}

bool inf_node_member_next(const inf_node *node, size_t *at,
                          inf_member_view *out) {
    return inf_member_next(node->member, at, out);
}

bool inf_node_member_find(const inf_node *node, inf_slice name,
                          inf_member_view *out) {
    return inf_member_find(node->member, name, out);
}

unsigned inf_node_health(const inf_node *node) {
    return inf_member_health(node->member);
}

bool inf_node_runs(const inf_node *node, inf_slice member, inf_slice branch) {
    inf_member_view view;
    return inf_member_find(node->member, member, &view) && live(&view) &&
           view.ours && runs(&view, branch);
}
