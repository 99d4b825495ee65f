/* SPDX-License-Identifier: MIT */
#include "host/tls.h"

#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/ssl.h>
#include <uv.h>

#include "base/error.h"

#define SECRET_SIZE   32
#define IDENTITY_SIZE 16
#define KEYS_MAX      16
#define READ_SIZE     16384 /* the most that one record holds */

/* What a cluster key becomes for TLS: never the key itself, which seals gossip
   in another way. */
typedef struct tls_key {
    uint8_t secret[SECRET_SIZE];
    uint8_t identity[IDENTITY_SIZE]; /* tells keys apart, and nothing else */
} tls_key;

struct inf_tls_keys {
    inf_alloc *mem;
    uv_rwlock_t lock; /* around the list: two threads use it */
    SSL_CTX *dialling;
    SSL_CTX *accepting;
    tls_key list[KEYS_MAX];
    size_t count;
};

struct inf_tls {
    inf_alloc *mem;
    inf_tls_keys *keys;              /* borrowed */
    uint8_t identity[IDENTITY_SIZE]; /* of the key it dialled with */
    SSL *ssl;                        /* owns both queues */
    BIO *in;
    BIO *out;
};

/* ---- keys -------------------------------------------------------------- */

static bool derive(inf_slice key, const char *purpose, uint8_t *out,
                   size_t len) {
    uint8_t mac[EVP_MAX_MD_SIZE];
    unsigned mac_len = 0;
    inf_slice text = inf_slice_str(purpose);
    if (HMAC(EVP_sha256(), key.data, (int)key.len, text.data, text.len, mac,
             &mac_len) == NULL) {
        return false;
    }
    memcpy(out, mac, len);
    OPENSSL_cleanse(mac, sizeof mac);
    return true;
}

int inf_tls_keys_set(inf_tls_keys *keys, const inf_slice *list, size_t count) {
    tls_key derived[KEYS_MAX];
    if (count == 0 || count > KEYS_MAX) return INF_EINVAL;
    for (size_t i = 0; i < count; i++) {
        tls_key *key = &derived[i];
        if (list[i].len < 16) return INF_EINVAL;
        if (!derive(list[i], "infinitomata tls secret", key->secret,
                    SECRET_SIZE) ||
            !derive(list[i], "infinitomata tls identity", key->identity,
                    IDENTITY_SIZE)) {
            return INF_ECRYPT;
        }
    }
    uv_rwlock_wrlock(&keys->lock);
    memcpy(keys->list, derived, count * sizeof *derived);
    keys->count = count;
    uv_rwlock_wrunlock(&keys->lock);
    OPENSSL_cleanse(derived, sizeof derived);
    return 0;
}

/* The library's form of a key; NULL: no memory. */
static SSL_SESSION *session_of(SSL *ssl, const tls_key *key) {
    static const unsigned char aes_128_gcm_sha256[] = {0x13, 0x01};
    SSL_SESSION *session = SSL_SESSION_new();
    const SSL_CIPHER *cipher = SSL_CIPHER_find(ssl, aes_128_gcm_sha256);
    if (session != NULL && cipher != NULL &&
        SSL_SESSION_set1_master_key(session, key->secret, SECRET_SIZE) == 1 &&
        SSL_SESSION_set_cipher(session, cipher) == 1 &&
        SSL_SESSION_set_protocol_version(session, TLS1_3_VERSION) == 1) {
        return session;
    }
    SSL_SESSION_free(session);
    return NULL;
}

static int on_use(SSL *ssl, const EVP_MD *digest, const unsigned char **id,
                  size_t *id_len, SSL_SESSION **session) {
    inf_tls *tls = SSL_get_app_data(ssl);
    (void)digest; /* one cipher suite, so one digest */
    uv_rwlock_rdlock(&tls->keys->lock);
    const tls_key *key = &tls->keys->list[0];
    memcpy(tls->identity, key->identity, IDENTITY_SIZE);
    *session = session_of(ssl, key);
    uv_rwlock_rdunlock(&tls->keys->lock);
    *id = tls->identity;
    *id_len = IDENTITY_SIZE;
    return *session != NULL;
}

static const tls_key *find_key(const inf_tls_keys *keys,
                               const unsigned char *id, size_t id_len) {
    for (size_t i = 0; i < keys->count && id_len == IDENTITY_SIZE; i++) {
        const tls_key *key = &keys->list[i];
        if (CRYPTO_memcmp(id, key->identity, IDENTITY_SIZE) == 0) return key;
    }
    return NULL;
}

static int on_find(SSL *ssl, const unsigned char *id, size_t id_len,
                   SSL_SESSION **session) {
    inf_tls *tls = SSL_get_app_data(ssl);
    *session = NULL; /* an unknown key: the handshake fails */
    uv_rwlock_rdlock(&tls->keys->lock);
    const tls_key *key = find_key(tls->keys, id, id_len);
    if (key != NULL) *session = session_of(ssl, key);
    uv_rwlock_rdunlock(&tls->keys->lock);
    return key == NULL || *session != NULL;
}

static SSL_CTX *new_context(const SSL_METHOD *method) {
    SSL_CTX *ctx = SSL_CTX_new(method);
    if (ctx == NULL) return NULL;
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set_num_tickets(ctx, 0) != 1) {
        SSL_CTX_free(ctx);
        return NULL;
    }
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);
    return ctx;
}

int inf_tls_keys_new(inf_tls_keys **out, inf_alloc *mem, const inf_slice *list,
                     size_t count) {
    inf_tls_keys *keys = inf_zalloc(mem, sizeof *keys);
    if (keys == NULL) return INF_ENOMEM;
    keys->mem = mem;
    if (uv_rwlock_init(&keys->lock) != 0) {
        inf_free(mem, keys);
        return INF_ESYSTEM;
    }
    int rc = inf_tls_keys_set(keys, list, count);
    if (rc == 0) {
        keys->dialling = new_context(TLS_client_method());
        keys->accepting = new_context(TLS_server_method());
    }
    if (rc == 0 && (keys->dialling == NULL || keys->accepting == NULL)) {
        rc = INF_ECRYPT;
    }
    if (rc != 0) {
        inf_tls_keys_free(keys);
        return rc;
    }
    SSL_CTX_set_psk_use_session_callback(keys->dialling, on_use);
    SSL_CTX_set_psk_find_session_callback(keys->accepting, on_find);
    *out = keys;
    return 0;
}

void inf_tls_keys_free(inf_tls_keys *keys) {
    if (keys == NULL) return;
    SSL_CTX_free(keys->dialling);
    SSL_CTX_free(keys->accepting);
    OPENSSL_cleanse(keys->list, sizeof keys->list);
    uv_rwlock_destroy(&keys->lock);
    inf_free(keys->mem, keys);
}

/* ---- one end ----------------------------------------------------------- */

inf_tls *inf_tls_new(inf_tls_keys *keys, bool dialled) {
    inf_tls *tls = inf_zalloc(keys->mem, sizeof *tls);
    if (tls == NULL) return NULL;
    tls->mem = keys->mem;
    tls->keys = keys;
    tls->ssl = SSL_new(dialled ? keys->dialling : keys->accepting);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        SSL_free(tls->ssl);
        inf_free(keys->mem, tls);
        return NULL;
    }
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    (void)SSL_set_app_data(tls->ssl, tls);
    if (dialled) {
        SSL_set_connect_state(tls->ssl);
    } else {
        SSL_set_accept_state(tls->ssl);
    }
    (void)SSL_do_handshake(tls->ssl); /* who dials speaks first */
    ERR_clear_error();
    return tls;
}

void inf_tls_free(inf_tls *tls) {
    if (tls == NULL) return;
    SSL_free(tls->ssl);
    inf_free(tls->mem, tls);
}

bool inf_tls_ready(const inf_tls *tls) {
    return SSL_is_init_finished(tls->ssl) == 1;
}

/* What a call of the library that did not succeed means. */
static int status_of(const inf_tls *tls, int rc) {
    int error = SSL_get_error(tls->ssl, rc);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
    return error == SSL_ERROR_ZERO_RETURN ? INF_ECLOSED : INF_ECRYPT;
}

/* Takes apart all whole records that are there. */
static int open_records(inf_tls *tls, inf_buf *plain) {
    for (;;) {
        uint8_t *room = inf_buf_reserve(plain, READ_SIZE);
        if (room == NULL) return INF_ENOMEM;
        int len = SSL_read(tls->ssl, room, READ_SIZE);
        if (len <= 0) return status_of(tls, len);
        plain->len += (size_t)len;
    }
}

int inf_tls_input(inf_tls *tls, inf_slice sealed, inf_buf *plain) {
    while (sealed.len != 0) {
        int len = sealed.len < INT32_MAX ? (int)sealed.len : INT32_MAX;
        int taken = BIO_write(tls->in, sealed.data, len);
        if (taken <= 0) return INF_ENOMEM;
        sealed.data += taken;
        sealed.len -= (size_t)taken;
    }
    return open_records(tls, plain);
}

int inf_tls_seal(inf_tls *tls, inf_slice plain) {
    INF_ASSERT(inf_tls_ready(tls));
    while (plain.len != 0) {
        size_t taken = 0;
        if (SSL_write_ex(tls->ssl, plain.data, plain.len, &taken) != 1) {
            int rc = status_of(tls, -1);
            return rc != 0 ? rc : INF_ECRYPT;
        }
        plain.data += taken;
        plain.len -= taken;
    }
    return 0;
}

int inf_tls_take(inf_tls *tls, inf_buf *sealed) {
    size_t len = BIO_ctrl_pending(tls->out);
    if (len == 0) return 0;
    uint8_t *room = inf_buf_reserve(sealed, len);
    size_t taken = 0;
    if (room == NULL) return INF_ENOMEM;
    if (BIO_read_ex(tls->out, room, len, &taken) != 1) return INF_ENOMEM;
    sealed->len += taken;
    return taken == len ? 0 : INF_ENOMEM;
}
