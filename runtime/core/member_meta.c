/* SPDX-License-Identifier: MIT */
/* Meta as Serf writes it: ff, then a MessagePack map from text to text. */
#include "core/member.h"
#include "core/packet.h"

enum { META_MAGIC = 0xff, TAGS_MAX = 256 };

int inf_meta_encode(inf_buf *out, const inf_tag *tags, size_t count) {
    size_t start = out->len;
    if (count > TAGS_MAX) return INF_ETOOBIG;
    inf_buf_u8(out, META_MAGIC);
    inf_pack_map(out, count);
    for (size_t i = 0; i < count; i++) {
        inf_pack_raw(out, tags[i].key);
        inf_pack_raw(out, tags[i].value);
    }
    if (out->failed) return INF_ENOMEM;
    if (out->len - start <= INF_META_MAX) return 0;
    out->len = start;
    return INF_ETOOBIG;
}

/* *at: 0 before the first, else the offset of the next pair; the number of
   pairs is looked up in the header each time. */
bool inf_meta_next(inf_slice meta, size_t *at, inf_tag *out) {
    if (meta.len < 2 || meta.data[0] != META_MAGIC) return false;
    inf_cursor in = inf_cursor_of(meta);
    (void)inf_cursor_u8(&in);
    uint32_t pairs = 0;
    if (inf_unpack_map(&in, &pairs) != 0 || pairs == 0) return false;
    if (*at != 0) in.at = meta.data + *at;
    if (in.at >= in.end) return false;
    if (inf_unpack_raw(&in, &out->key) != 0) return false;
    if (inf_unpack_raw(&in, &out->value) != 0) return false;
    *at = (size_t)(in.at - meta.data);
    return true;
}

bool inf_meta_tag(inf_slice meta, inf_slice key, inf_slice *value) {
    size_t at = 0;
    inf_tag tag;
    while (inf_meta_next(meta, &at, &tag)) {
        if (!inf_slice_eq(tag.key, key)) continue;
        *value = tag.value;
        return true;
    }
    return false;
}

uint64_t inf_meta_number(inf_slice meta, inf_slice key) {
    inf_slice text;
    uint64_t number = 0;
    if (!inf_meta_tag(meta, key, &text) || text.len > 20) return 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || number > (UINT64_MAX - digit) / 10) return 0;
        number = number * 10 + digit;
    }
    return number;
}
