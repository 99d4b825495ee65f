/* SPDX-License-Identifier: MIT */
#include "core/keyring.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

enum { KEY_MAX = 32, BLOCK = 16, HEAD = 1 + INF_SEAL_NONCE };

/* Key schedules are computed once: a context per key and direction. */
typedef struct key {
    uint8_t bytes[KEY_MAX];
    size_t len;
    EVP_CIPHER_CTX *sealer; /* owned */
    EVP_CIPHER_CTX *opener; /* owned */
    char print[INF_KEY_PRINT];
} key;

struct inf_keyring {
    key keys[INF_KEYS_MAX]; /* the first one seals */
    size_t count;
    inf_alloc *mem; /* borrowed */
};

int inf_keyring_new(inf_keyring **out, inf_alloc *mem) {
    inf_keyring *ring = inf_zalloc(mem, sizeof *ring);
    if (ring == NULL) return INF_ENOMEM;
    ring->mem = mem;
    *out = ring;
    return 0;
}

static void wipe(key *k) {
    EVP_CIPHER_CTX_free(k->sealer);
    EVP_CIPHER_CTX_free(k->opener);
    OPENSSL_cleanse(k, sizeof *k);
}

void inf_keyring_free(inf_keyring *ring) {
    if (ring == NULL) return;
    for (size_t i = 0; i < ring->count; i++)
        wipe(&ring->keys[i]);
    inf_free(ring->mem, ring);
}

size_t inf_keyring_count(const inf_keyring *ring) {
    return ring == NULL ? 0 : ring->count;
}

static size_t find(const inf_keyring *ring, inf_slice bytes) {
    size_t at = 0;
    while (at < ring->count &&
           (ring->keys[at].len != bytes.len ||
            CRYPTO_memcmp(ring->keys[at].bytes, bytes.data, bytes.len) != 0)) {
        at++;
    }
    return at;
}

static const EVP_CIPHER *cipher_of(size_t len) {
    if (len == 16) return EVP_aes_128_gcm();
    if (len == 24) return EVP_aes_192_gcm();
    return EVP_aes_256_gcm();
}

static bool make_print(key *k) {
    static const char digits[] = "0123456789abcdef";
    inf_slice text = inf_slice_str("infinitomata fingerprint");
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (HMAC(EVP_sha256(), k->bytes, (int)k->len, text.data, text.len, mac,
             &len) == NULL) {
        return false;
    }
    for (size_t i = 0; i < INF_KEY_PRINT - 1; i++)
        k->print[i] = digits[mac[i / 2] >> (i % 2 == 0 ? 4 : 0) & 15];
    OPENSSL_cleanse(mac, sizeof mac);
    return true;
}

int inf_keyring_add(inf_keyring *ring, inf_slice bytes) {
    if (bytes.len != 16 && bytes.len != 24 && bytes.len != 32) {
        return INF_EINVAL;
    }
    if (find(ring, bytes) < ring->count) return 0;
    if (ring->count == INF_KEYS_MAX) return INF_EFULL;
    key *k = &ring->keys[ring->count];
    k->len = bytes.len;
    memcpy(k->bytes, bytes.data, bytes.len);
    k->sealer = EVP_CIPHER_CTX_new();
    k->opener = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *cipher = cipher_of(bytes.len);
    if (k->sealer == NULL || k->opener == NULL || !make_print(k) ||
        EVP_EncryptInit_ex(k->sealer, cipher, NULL, k->bytes, NULL) != 1 ||
        EVP_DecryptInit_ex(k->opener, cipher, NULL, k->bytes, NULL) != 1) {
        wipe(k);
        return INF_ENOMEM;
    }
    ring->count++;
    return 0;
}

int inf_keyring_use(inf_keyring *ring, inf_slice bytes) {
    size_t at = find(ring, bytes);
    if (at == ring->count) return INF_ENOENT;
    key chosen = ring->keys[at];
    memmove(&ring->keys[1], &ring->keys[0], at * sizeof chosen);
    ring->keys[0] = chosen;
    OPENSSL_cleanse(&chosen, sizeof chosen);
    return 0;
}

int inf_keyring_remove(inf_keyring *ring, inf_slice bytes) {
    size_t at = find(ring, bytes);
    if (at == ring->count) return INF_ENOENT;
    if (at == 0) return INF_EINVAL;
    wipe(&ring->keys[at]);
    size_t after = ring->count - at - 1;
    memmove(&ring->keys[at], &ring->keys[at + 1], after * sizeof(key));
    ring->count--;
    OPENSSL_cleanse(&ring->keys[ring->count], sizeof(key));
    return 0;
}

int inf_keyring_set(inf_keyring *ring, const inf_slice *keys, size_t count) {
    inf_keyring *fresh = NULL;
    if (count == 0) return INF_EINVAL;
    int rc = inf_keyring_new(&fresh, ring->mem);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = inf_keyring_add(fresh, keys[i]);
    if (rc == 0) {
        inf_keyring old = *ring;
        *ring = *fresh;
        *fresh = old;
        OPENSSL_cleanse(&old, sizeof old);
    }
    inf_keyring_free(fresh);
    return rc;
}

inf_slice inf_keyring_key(const inf_keyring *ring, size_t at) {
    INF_ASSERT(at < ring->count);
    return inf_slice_of(ring->keys[at].bytes, ring->keys[at].len);
}

const char *inf_keyring_print(const inf_keyring *ring, size_t at) {
    INF_ASSERT(at < ring->count);
    return ring->keys[at].print;
}

static bool give_aad(EVP_CIPHER_CTX *ctx, inf_slice aad, bool sealing) {
    int done = 0;
    if (aad.len == 0) return true;
    if (sealing) {
        return EVP_EncryptUpdate(ctx, NULL, &done, aad.data, (int)aad.len) == 1;
    }
    return EVP_DecryptUpdate(ctx, NULL, &done, aad.data, (int)aad.len) == 1;
}

/* Encrypts `plain` and, for version 0, its padding, into `to`. */
static bool encrypt(EVP_CIPHER_CTX *ctx, uint8_t *to, inf_slice plain,
                    size_t pad) {
    uint8_t padding[BLOCK];
    memset(padding, (int)pad, sizeof padding);
    int done = 0;
    if (plain.len != 0 &&
        EVP_EncryptUpdate(ctx, to, &done, plain.data, (int)plain.len) != 1) {
        return false;
    }
    to += plain.len;
    if (pad != 0 && EVP_EncryptUpdate(ctx, to, &done, padding, (int)pad) != 1) {
        return false;
    }
    return EVP_EncryptFinal_ex(ctx, to + pad, &done) == 1;
}

int inf_keyring_seal(const inf_keyring *ring, inf_buf *out, inf_slice plain,
                     inf_slice aad, uint8_t version, const uint8_t *nonce) {
    INF_ASSERT(version <= 1);
    if (ring->count == 0 || plain.len > INT32_MAX / 2) return INF_ECRYPT;
    size_t pad = version == 0 ? BLOCK - plain.len % BLOCK : 0;
    size_t size = HEAD + plain.len + pad + INF_SEAL_TAG;
    uint8_t *block = inf_buf_reserve(out, size);
    if (block == NULL) return INF_ENOMEM;
    block[0] = version;
    if (nonce != NULL) {
        memcpy(block + 1, nonce, INF_SEAL_NONCE);
    } else if (RAND_bytes(block + 1, INF_SEAL_NONCE) != 1) {
        return INF_ECRYPT;
    }
    EVP_CIPHER_CTX *ctx = ring->keys[0].sealer;
    uint8_t *tag = block + HEAD + plain.len + pad;
    if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, block + 1) != 1 ||
        !give_aad(ctx, aad, true) || !encrypt(ctx, block + HEAD, plain, pad) ||
        EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, INF_SEAL_TAG, tag) !=
            1) {
        return INF_ECRYPT;
    }
    out->len += size;
    return 0;
}

/* Opens the block with one key into `to`; the library compares the tag in
   constant time. */
static bool open_with(const key *k, uint8_t *to, inf_slice sealed,
                      inf_slice aad) {
    EVP_CIPHER_CTX *ctx = k->opener;
    uint8_t tag[INF_SEAL_TAG];
    size_t len = sealed.len - HEAD - INF_SEAL_TAG;
    memcpy(tag, sealed.data + HEAD + len, sizeof tag);
    int done = 0;
    if (EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, sealed.data + 1) != 1 ||
        !give_aad(ctx, aad, false)) {
        return false;
    }
    if (len != 0 &&
        EVP_DecryptUpdate(ctx, to, &done, sealed.data + HEAD, (int)len) != 1) {
        return false;
    }
    return EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, INF_SEAL_TAG, tag) ==
               1 &&
           EVP_DecryptFinal_ex(ctx, to + len, &done) == 1;
}

/* The length without version 0's padding, or -1 when it is not one. */
static int64_t unpadded(const uint8_t *plain, size_t len) {
    if (len == 0 || len % BLOCK != 0) return -1;
    size_t pad = plain[len - 1];
    if (pad == 0 || pad > BLOCK) return -1;
    for (size_t i = 0; i < pad; i++) {
        if (plain[len - 1 - i] != pad) return -1;
    }
    return (int64_t)(len - pad);
}

int inf_keyring_open(const inf_keyring *ring, inf_buf *out, inf_slice sealed,
                     inf_slice aad) {
    if (sealed.len < INF_SEAL_OVERHEAD) return INF_ETRUNCATED;
    if (sealed.data[0] > 1) return INF_EVERSION;
    if (sealed.len > INT32_MAX / 2) return INF_ETOOBIG;
    size_t len = sealed.len - INF_SEAL_OVERHEAD;
    uint8_t *plain = inf_buf_reserve(out, len + 1); /* never of length 0 */
    if (plain == NULL) return INF_ENOMEM;
    for (size_t i = 0; i < ring->count; i++) {
        if (!open_with(&ring->keys[i], plain, sealed, aad)) continue;
        int64_t kept = (int64_t)len;
        if (sealed.data[0] == 0) kept = unpadded(plain, len);
        if (kept < 0) return INF_EMALFORMED;
        out->len += (size_t)kept;
        return 0;
    }
    return INF_ECRYPT;
}
