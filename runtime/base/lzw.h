/* SPDX-License-Identifier: MIT */
/* lzw.h: Lempel-Ziv-Welch in the GIF flavour: codes least significant bit
   first, 8-bit literals, clear = 256, end = 257, widths 9 to 12 (Welch, "A
   Technique for High-Performance Data Compression", 1984). The encoder's bytes
   are those of Go's compress/lzw, which memberlist uses. */
#ifndef INF_BASE_LZW_H
#define INF_BASE_LZW_H

#include "base/buf.h"
#include "base/error.h"

/** Appends the compressed form of `plain`. Only memory can fail: out->failed.
 */
void inf_lzw_encode(inf_buf *out, inf_slice plain);

/**
 * Appends what `packed` stands for, at most `max` bytes. On failure `out` is
 * as it was.
 * @return 0, INF_ETRUNCATED (no end code), INF_EMALFORMED, INF_ETOOBIG (more
 *         than `max`), INF_ENOMEM.
 */
int inf_lzw_decode(inf_buf *out, inf_slice packed, size_t max);

#endif
