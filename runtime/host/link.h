/* SPDX-License-Identifier: MIT */
/* link.h: TCP connections between workers, cut into frames. What is sent goes
   to the kernel at once when nothing waits and nothing was sent yet in this
   turn of the loop; the rest of a turn is gathered into one write, or, of many
   frames, into two: the first ones leave ahead. Bounded both ways: a sender is
   refused when too much waits, and a peer that does not take its answers is not
   read from. With keys, nothing but TLS is spoken. */
#ifndef INF_HOST_LINK_H
#define INF_HOST_LINK_H

#include <uv.h>

#include "base/addr.h"
#include "base/list.h"
#include "core/rpc.h"
#include "host/tls.h"

#define INF_LINK_BYTES_MAX  (48u << 20) /* waiting to be written */
#define INF_LINK_PAUSE      (8u << 20)  /* of them, and its peer is not read */
#define INF_LINK_DIAL_MS    5000        /* for a connection, or for a HELLO */
#define INF_LINK_REST_MS    20          /* between two dials of one peer */
#define INF_LINK_QUARREL_MS 1000        /* the same, when it refused us */
#define INF_LINK_UNREAD_MS  1000        /* so old may be what is read now */
#define INF_LINKS_MAX       8192

typedef struct inf_link inf_link;

/** What the owner of the links wants to hear; from the loop, or from inside
    inf_link_close and inf_links_flush. */
typedef struct inf_link_handler {
    void *ctx;
    /** One whole frame, borrowed. */
    void (*on_frame)(void *ctx, inf_link *link, inf_slice frame);
    /** It broke or was closed. `left`: something may have reached the peer.
        `rests`: it stays until on_gone. */
    void (*on_down)(void *ctx, inf_link *link, bool left, bool rests,
                    int status);
    /** A link that rested may be dialled again; it is freed afterwards. */
    void (*on_gone)(void *ctx, inf_link *link);
    /** Around every callback of the loop. */
    void (*on_enter)(void *ctx);
    void (*on_leave)(void *ctx);
    /** inf_links_flush is wanted before the loop sleeps. */
    void (*on_dirty)(void *ctx);
} inf_link_handler;

/** All links of one worker. */
typedef struct inf_links {
    uv_loop_t *loop;
    inf_alloc *mem;
    inf_link_handler handler;
    inf_tls_keys *keys; /* borrowed; NULL: links are open to everybody */
    inf_list all;
    inf_list dirty;       /* have bytes to be flushed */
    size_t count;         /* whose memory is not free yet */
    unsigned corked;      /* above 0: gather everything */
    uint64_t turn;        /* counts callbacks of the loop */
    uint64_t deadline_ms; /* when inf_links_tick is wanted, or INF_NEVER */
    size_t pause;         /* INF_LINK_PAUSE; read again at half of it */
    bool closing;
} inf_links;

struct inf_link {
    inf_rpc_link rpc; /* first: the calls' view of it */
    inf_links *links;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    inf_list place;    /* in links->all */
    inf_list dirty;    /* in links->dirty */
    inf_buf in;        /* what came and is not a whole frame yet */
    inf_buf out;       /* waits for the next write */
    inf_tls *tls;      /* NULL: frames travel as they are */
    inf_buf raw;       /* room for what came, with tls */
    inf_buf sealed;    /* what of `out` is sealed, with tls */
    inf_buf flying;    /* being written */
    uint64_t wrote;    /* in this turn, last */
    unsigned gathered; /* frames since then */
    uint64_t until_ms; /* of dialling, waiting for HELLO, or resting */
    uint64_t heard_ms; /* when bytes came last, by the loop's clock */
    inf_addr addr;     /* of the peer */
    bool dialled;
    bool connected;
    bool writing; /* `flying` is with libuv */
    bool paused;  /* not read from: it does not take its answers */
    int broken;   /* why the next flush closes it; 0: it is well */
    bool down;
    bool resting;
    bool tcp_closed;
};

void inf_links_init(inf_links *links, uv_loop_t *loop, inf_alloc *mem,
                    inf_tls_keys *keys, const inf_link_handler *handler);
/** A connection waits at the listener. */
void inf_links_accept(inf_links *links, uv_stream_t *listener);
/** Begins to dial; frames may be sent at once. @return 0, INF_EFULL,
    INF_ENOMEM, INF_EUNREACHABLE. */
int inf_links_dial(inf_links *links, const inf_addr *to, inf_link **out);
/** Writes what was gathered. */
void inf_links_flush(inf_links *links);
/** Ends what took too long. */
void inf_links_tick(inf_links *links, uint64_t now_ms);
/** Closes all; each is told by on_down. */
void inf_links_close(inf_links *links);

/** The link as the calls name it. */
inf_link *inf_link_of(inf_rpc_link *rpc);
/** HELLO has come: it may stay. */
void inf_link_welcome(inf_link *link);
/** Queues or writes a frame in two pieces; never closes the link at once.
    @return 0; INF_EFULL, INF_ENOMEM, INF_EUNREACHABLE: nothing of it has been
    written. */
int inf_link_send(inf_link *link, inf_slice head, inf_slice body);
/** Has the next flush end the link: for the middle of something that its end
    would change. */
void inf_link_break(inf_link *link, int status);
/** Ends the link; `status` goes to on_down. What was written before still goes
    out. */
void inf_link_close(inf_link *link, int status);
/** Ends the link with a reset: of what has not reached the peer nothing will,
    and what the peer has not read yet it may find to be of no use. */
void inf_link_reset(inf_link *link, int status);

#endif
