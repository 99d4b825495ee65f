/* SPDX-License-Identifier: MIT */
#include "host/stream.h"

#include "base/error.h"
#include "core/synch_frame.h"
#include "host/clock.h"
#include "host/socket.h"

#define KEEPALIVE_S    30    /* finds peers whose machine has gone */
#define ROOM_SIZE      16384 /* filled 32 times before gossip has a turn */
#define LINGER_MS      5000  /* for the last bytes of a closed stream */
#define TLS_FIRST_BYTE 0x16  /* of a handshake: RFC 8446, 5.1 */
#define BACKLOG_LIMIT  (64u << 20) /* unsent bytes: the peer does not read */

typedef struct stream {
    uv_tcp_t tcp;
    uv_timer_t timer; /* dialling, then lingering */
    uv_connect_t connect;
    inf_streams *streams;
    inf_tls *tls;  /* NULL: bytes travel as they are */
    inf_buf plain; /* what was opened of them */
    inf_addr peer;
    uint64_t name;
    inf_list place;   /* in streams->all */
    inf_list drained; /* in streams->drained */
    size_t writes;    /* not yet with the kernel */
    unsigned handles; /* whose close has not been confirmed */
    bool known;       /* to the core */
    bool dialling;
    bool told; /* to the core: connected, or accepted and its first byte */
    bool closing;
} stream;

/* Bytes on their way, and the effect that holds them. */
typedef struct write_job {
    uv_write_t req;
    stream *stream;
    inf_effect effect;
} write_job;

int inf_streams_init(inf_streams *streams) {
    inf_map_init(&streams->open, streams->mem,
                 (inf_hash_key){{0}}); /* names are ours */
    inf_list_init(&streams->all);
    inf_list_init(&streams->drained);
    streams->room = inf_malloc(streams->mem, ROOM_SIZE);
    return streams->room != NULL ? 0 : INF_ENOMEM;
}

void inf_streams_deinit(inf_streams *streams) {
    INF_ASSERT(inf_list_empty(&streams->all));
    inf_map_deinit(&streams->open);
    inf_free(streams->mem, streams->room);
}

/* ---- birth and end ----------------------------------------------------- */

static inf_slice key_of(const uint64_t *name) {
    return inf_slice_of(name, sizeof *name);
}

static stream *new_stream(inf_streams *streams) {
    stream *s = inf_zalloc(streams->mem, sizeof *s);
    if (s == NULL) return NULL;
    if (uv_tcp_init(streams->loop, &s->tcp) != 0) {
        inf_free(streams->mem, s);
        return NULL;
    }
    (void)uv_timer_init(streams->loop, &s->timer); /* cannot fail */
    s->handles = 2;
    s->tcp.data = s;
    s->timer.data = s;
    s->streams = streams;
    inf_list_init(&s->place);
    inf_list_init(&s->drained);
    inf_buf_init(&s->plain, streams->mem);
    inf_list_push(&streams->all, &s->place);
    return s;
}

static void on_handle_closed(uv_handle_t *handle) {
    stream *s = handle->data;
    if (--s->handles != 0) return;
    inf_list_remove(&s->place);
    inf_tls_free(s->tls);
    inf_buf_deinit(&s->plain);
    inf_free(s->streams->mem, s);
}

/* The core does not know it any more. */
static void forget(stream *s) {
    if (!s->known) return;
    s->known = false;
    (void)inf_map_remove(&s->streams->open, key_of(&s->name));
    inf_list_remove(&s->drained);
}

static void close_now(stream *s) {
    if (s->closing) return;
    s->closing = true;
    forget(s);
    uv_close((uv_handle_t *)&s->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&s->timer, on_handle_closed);
}

/* It ended from outside: the core is told, unless it has let go already. */
static void end(stream *s, int status) {
    inf_streams *streams = s->streams;
    if (s->known) {
        uint64_t name = s->name;
        forget(s);
        inf_lock_take_last(streams->lock);
        inf_node_closed(streams->node, name, status, inf_clock_ms());
        inf_lock_give(streams->lock);
    }
    close_now(s);
}

static int introduce(stream *s, uint64_t name) {
    s->name = name;
    int rc = inf_map_set(&s->streams->open, key_of(&s->name), s);
    s->known = rc == 0;
    return rc;
}

static void tell_connected(stream *s) {
    inf_streams *streams = s->streams;
    (void)uv_timer_stop(&s->timer);
    inf_lock_take_last(streams->lock);
    inf_node_connected(streams->node, s->name, inf_clock_ms());
    inf_lock_give(streams->lock);
}

static void write_sealed(stream *s);

/* ---- reading ----------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    const stream *s = handle->data;
    (void)suggested;
    *buf = uv_buf_init((char *)s->streams->room, ROOM_SIZE);
}

static void give_bytes(stream *s, inf_slice bytes) {
    inf_streams *streams = s->streams;
    inf_lock_take_last(streams->lock);
    inf_node_bytes(streams->node, s->name, bytes, inf_clock_ms());
    inf_lock_give(streams->lock);
}

/* One line for the log: somebody has no key of ours. */
static void say_no_key(stream *s) {
    char text[INF_ADDR_TEXT_MAX];
    inf_outbox outbox;
    inf_effect effect;
    uint32_t swallowed = 0;
    if (!inf_quiet_may(&s->streams->quiet, &s->peer, INF_ECRYPT, inf_clock_ms(),
                       &swallowed)) {
        return;
    }
    inf_outbox_init(&outbox, s->streams->mem);
    inf_outbox_log(&outbox, INF_LOG_WARN,
                   "registry: refused %s: wrong key, or none",
                   inf_addr_format(&s->peer, text));
    if (inf_outbox_take(&outbox, &effect)) {
        inf_events_push(s->streams->events, &effect, 1);
    }
    inf_outbox_deinit(&outbox);
}

/* The first bytes of a stream that came in. With keys, one for the registry
   must speak TLS; membership seals its messages itself. */
static void meet(stream *s, inf_slice bytes) {
    s->told = true;
    if (s->streams->keys == NULL) return;
    if (bytes.data[0] == INF_SYNCH_FIRST_BYTE) {
        say_no_key(s);
        end(s, INF_ECRYPT);
    } else if (bytes.data[0] == TLS_FIRST_BYTE) {
        s->tls = inf_tls_new(s->streams->keys, false);
        if (s->tls == NULL) end(s, INF_ENOMEM);
    }
}

static void open_sealed(stream *s, inf_slice bytes) {
    bool ready = inf_tls_ready(s->tls);
    int rc = inf_tls_input(s->tls, bytes, &s->plain);
    write_sealed(s); /* the handshake goes on, or says why it does not */
    if (s->closing) return;
    if (!ready && inf_tls_ready(s->tls)) tell_connected(s);
    if (s->plain.len != 0 && s->known) give_bytes(s, inf_buf_view(&s->plain));
    inf_buf_clear(&s->plain);
    if (rc == INF_ECRYPT) say_no_key(s);
    if (rc != 0 && !s->closing) end(s, rc == INF_ECLOSED ? 0 : rc);
}

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *buf) {
    stream *s = tcp->data;
    if (len == 0 || s->closing) return;
    if (len < 0) {
        end(s, len == UV_EOF ? 0 : inf_socket_status((int)len));
        return;
    }
    s->streams->in += (uint64_t)len;
    if (!s->known) return; /* the core is done with it; last writes go out */
    inf_slice bytes = inf_slice_of(buf->base, (size_t)len);
    if (!s->told) meet(s, bytes);
    if (s->closing) return;
    if (s->tls != NULL) {
        open_sealed(s, bytes);
    } else {
        give_bytes(s, bytes);
    }
}

static void start_reading(stream *s) {
    (void)uv_tcp_nodelay(&s->tcp, 1);
    (void)uv_tcp_keepalive(&s->tcp, 1, KEEPALIVE_S);
    int rc = uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
    if (rc != 0) end(s, inf_socket_status(rc));
}

void inf_streams_accept(inf_streams *streams, uv_stream_t *listener) {
    struct sockaddr_storage peer;
    int len = sizeof peer;
    uint64_t name = 0;
    stream *s = new_stream(streams);
    if (s == NULL) return; /* it stays in the backlog */
    if (uv_accept(listener, (uv_stream_t *)&s->tcp) != 0 ||
        uv_tcp_getpeername(&s->tcp, (struct sockaddr *)&peer, &len) != 0 ||
        inf_socket_to_addr((struct sockaddr *)&peer, &s->peer) != 0) {
        close_now(s);
        return;
    }
    inf_lock_take_last(streams->lock);
    int rc = inf_node_accepted(streams->node, &s->peer, inf_clock_ms(), &name);
    inf_lock_give(streams->lock);
    if (rc == 0 && introduce(s, name) != 0) {
        inf_lock_take_last(streams->lock);
        inf_node_closed(streams->node, name, INF_ENOMEM, inf_clock_ms());
        inf_lock_give(streams->lock);
        rc = INF_ENOMEM;
    }
    if (rc != 0) {
        close_now(s);
        return;
    }
    start_reading(s);
}

/* ---- dialling ---------------------------------------------------------- */

static void on_dial_timeout(uv_timer_t *timer) {
    end(timer->data, INF_ETIMEDOUT);
}

static void on_connect(uv_connect_t *req, int status) {
    stream *s = req->data;
    if (s->closing) return;
    s->dialling = false;
    if (status != 0) {
        end(s, inf_socket_status(status));
        return;
    }
    if (!s->known) return;
    if (s->tls == NULL) {
        tell_connected(s);
    } else {
        write_sealed(s); /* the handshake begins; the timer stays */
    }
    if (!s->closing) start_reading(s);
}

static void tell_closed(inf_streams *streams, uint64_t name, int status) {
    inf_lock_take_last(streams->lock);
    inf_node_closed(streams->node, name, status, inf_clock_ms());
    inf_lock_give(streams->lock);
}

static void dial(inf_streams *streams, const inf_effect *effect) {
    struct sockaddr_storage to;
    (void)inf_socket_from_addr(&effect->addr, &to);
    stream *s = new_stream(streams);
    if (s == NULL) {
        tell_closed(streams, effect->stream, INF_ENOMEM);
        return;
    }
    if (introduce(s, effect->stream) != 0) {
        tell_closed(streams, effect->stream, INF_ENOMEM);
        close_now(s);
        return;
    }
    s->peer = effect->addr;
    s->connect.data = s;
    s->told = true;
    if (effect->sealed && streams->keys != NULL) {
        s->tls = inf_tls_new(streams->keys, true);
        if (s->tls == NULL) {
            end(s, INF_ENOMEM);
            return;
        }
    }
    int rc = uv_tcp_connect(&s->connect, &s->tcp, (struct sockaddr *)&to,
                            on_connect);
    if (rc != 0) {
        end(s, inf_socket_status(rc));
        return;
    }
    s->dialling = true;
    if (effect->timeout_ms != 0) {
        (void)uv_timer_start(&s->timer, on_dial_timeout, effect->timeout_ms, 0);
    }
}

/* ---- writing, closing -------------------------------------------------- */

static void note_drained(stream *s) {
    if (s->writes != 0 || s->closing) return;
    if (s->tls != NULL && !inf_tls_ready(s->tls)) return; /* not the core's */
    if (s->known) {
        inf_list_push(&s->streams->drained, &s->drained);
    } else {
        close_now(s); /* it only waited for this */
    }
}

static void on_write(uv_write_t *req, int status) {
    write_job *job = req->data;
    stream *s = job->stream;
    inf_effect_deinit(&job->effect);
    inf_free(s->streams->mem, job);
    s->writes--;
    if (status != 0) {
        if (!s->closing) end(s, inf_socket_status(status));
        return;
    }
    note_drained(s);
}

/* What the kernel would not take at once, from `sent` on. */
static int write_later(stream *s, inf_effect *effect, size_t sent) {
    if (uv_stream_get_write_queue_size((uv_stream_t *)&s->tcp) >
        BACKLOG_LIMIT) {
        return INF_EFULL;
    }
    write_job *job = inf_malloc(s->streams->mem, sizeof *job);
    if (job == NULL) return INF_ENOMEM;
    *job = (write_job){.stream = s, .effect = *effect};
    job->req.data = job;
    uv_buf_t buf = uv_buf_init((char *)effect->bytes.data + sent,
                               (unsigned)(effect->bytes.len - sent));
    int rc = uv_write(&job->req, (uv_stream_t *)&s->tcp, &buf, 1, on_write);
    if (rc != 0) {
        inf_free(s->streams->mem, job);
        return inf_socket_status(rc);
    }
    effect->memory = NULL; /* the job has it */
    s->writes++;
    return 0;
}

static void write_raw(stream *s, inf_effect *effect) {
    size_t sent = 0;
    s->streams->out += effect->bytes.len;
    if (s->writes == 0 && !s->dialling) {
        uv_buf_t buf = uv_buf_init((char *)effect->bytes.data,
                                   (unsigned)effect->bytes.len);
        int rc = uv_try_write((uv_stream_t *)&s->tcp, &buf, 1);
        if (rc < 0 && rc != UV_EAGAIN) {
            end(s, inf_socket_status(rc));
            return;
        }
        if (rc > 0) sent = (size_t)rc;
        if (sent == effect->bytes.len) {
            note_drained(s);
            return;
        }
    }
    int rc = write_later(s, effect, sent);
    if (rc != 0) end(s, rc);
}

/* Writes what TLS has to say. */
static void write_sealed(stream *s) {
    inf_buf sealed;
    inf_buf_init(&sealed, s->streams->mem);
    int rc = inf_tls_take(s->tls, &sealed);
    inf_effect effect = {.bytes = inf_buf_view(&sealed),
                         .memory = sealed.data,
                         .mem = s->streams->mem};
    if (rc == 0 && sealed.len != 0) write_raw(s, &effect);
    inf_effect_deinit(&effect);
    if (rc != 0) end(s, rc);
}

static void write_bytes(stream *s, inf_effect *effect) {
    if (s->tls == NULL) {
        write_raw(s, effect);
        return;
    }
    if (!inf_tls_ready(s->tls)) return; /* the core knows no such stream */
    int rc = inf_tls_seal(s->tls, effect->bytes);
    if (rc != 0) {
        end(s, rc);
    } else {
        write_sealed(s);
    }
}

static void on_linger_timeout(uv_timer_t *timer) {
    close_now(timer->data);
}

/* The core has let go; what was written before still goes out. */
static void close_after_writes(stream *s) {
    forget(s);
    if (s->writes == 0 || s->dialling) {
        close_now(s);
        return;
    }
    (void)uv_timer_start(&s->timer, on_linger_timeout, LINGER_MS, 0);
}

void inf_streams_do(inf_streams *streams, inf_effect *effect) {
    stream *s = inf_map_get(&streams->open, key_of(&effect->stream));
    if (effect->kind == INF_EFFECT_DIAL) {
        dial(streams, effect);
    } else if (s != NULL && effect->kind == INF_EFFECT_WRITE) {
        write_bytes(s, effect);
    } else if (s != NULL && effect->kind == INF_EFFECT_CLOSE) {
        close_after_writes(s);
    }
    inf_effect_deinit(effect);
}

bool inf_streams_report(inf_streams *streams, uint64_t now_ms) {
    bool any = false;
    while (!inf_list_empty(&streams->drained)) {
        stream *s = INF_LIST_OWNER(streams->drained.next, stream, drained);
        inf_list_remove(&s->drained);
        inf_node_drained(streams->node, s->name, now_ms);
        any = true;
    }
    return any;
}

void inf_streams_stop(inf_streams *streams) {
    inf_list *item = streams->all.next;
    while (item != &streams->all) {
        stream *s = INF_LIST_OWNER(item, stream, place);
        item = item->next;
        close_now(s);
    }
}
