/* SPDX-License-Identifier: MIT */
#include "host/link.h"

#include "base/error.h"
#include "host/clock.h"
#include "host/socket.h"

#define READ_SIZE   65536
#define KEEPALIVE_S 30         /* finds callers whose machine has gone */
#define KEEP_SIZE   (1u << 20) /* an empty buffer above this is given back */
#define AHEAD       16         /* frames that leave before their turn is over */

void inf_links_init(inf_links *links, uv_loop_t *loop, inf_alloc *mem,
                    inf_tls_keys *keys, const inf_link_handler *handler) {
    *links = (inf_links){.loop = loop,
                         .mem = mem,
                         .keys = keys,
                         .handler = *handler,
                         .turn = 1,
                         .pause = INF_LINK_PAUSE,
                         .deadline_ms = INF_NEVER};
    inf_list_init(&links->all);
    inf_list_init(&links->dirty);
}

inf_link *inf_link_of(inf_rpc_link *rpc) {
    return INF_LIST_OWNER(rpc, inf_link, rpc);
}

static void enter(inf_links *links) {
    links->handler.on_enter(links->handler.ctx);
}

static void leave(inf_links *links) {
    links->handler.on_leave(links->handler.ctx);
}

static size_t waiting(const inf_link *link) {
    return link->out.len + link->sealed.len + link->flying.len;
}

/* ---- birth and end ----------------------------------------------------- */

static void set_deadline(inf_link *link, uint64_t until_ms) {
    link->until_ms = until_ms;
    if (until_ms < link->links->deadline_ms) {
        link->links->deadline_ms = until_ms;
    }
}

static inf_link *new_link(inf_links *links, bool dialled) {
    inf_link *link = inf_zalloc(links->mem, sizeof *link);
    if (link == NULL) return NULL;
    if (links->keys != NULL) link->tls = inf_tls_new(links->keys, dialled);
    if ((links->keys != NULL && link->tls == NULL) ||
        uv_tcp_init(links->loop, &link->tcp) != 0) {
        inf_tls_free(link->tls);
        inf_free(links->mem, link);
        return NULL;
    }
    link->dialled = dialled;
    link->links = links;
    link->tcp.data = link;
    link->connect.data = link;
    link->write.data = link;
    inf_buf_init(&link->in, links->mem);
    inf_buf_init(&link->out, links->mem);
    inf_buf_init(&link->flying, links->mem);
    inf_buf_init(&link->raw, links->mem);
    inf_buf_init(&link->sealed, links->mem);
    inf_list_init(&link->dirty);
    inf_list_init(&link->place);
    inf_list_push(&links->all, &link->place);
    links->count++;
    set_deadline(link, inf_clock_ms() + INF_LINK_DIAL_MS);
    return link;
}

/* Once libuv and the calls have both let go. */
static void free_if_done(inf_link *link) {
    if (!link->tcp_closed || link->resting) return;
    inf_links *links = link->links;
    inf_list_remove(&link->place);
    inf_buf_deinit(&link->in);
    inf_buf_deinit(&link->out);
    inf_buf_deinit(&link->flying);
    inf_buf_deinit(&link->raw);
    inf_buf_deinit(&link->sealed);
    inf_tls_free(link->tls);
    inf_free(links->mem, link);
    links->count--;
}

static void on_tcp_closed(uv_handle_t *handle) {
    inf_link *link = handle->data;
    inf_links *links = link->links;
    enter(links);
    link->tcp_closed = true;
    free_if_done(link);
    leave(links);
}

static void take_down(inf_link *link, int status, bool reset) {
    if (link->down) return;
    bool rests = link->dialled && !link->links->closing;
    link->down = true;
    link->resting = rests;
    inf_list_remove(&link->dirty);
    if (!reset || uv_tcp_close_reset(&link->tcp, on_tcp_closed) != 0) {
        uv_close((uv_handle_t *)&link->tcp, on_tcp_closed);
    }
    bool quarrel = status == INF_ECRYPT || status == INF_EVERSION;
    uint64_t rest_ms = quarrel ? INF_LINK_QUARREL_MS : INF_LINK_REST_MS;
    if (rests) set_deadline(link, inf_clock_ms() + rest_ms);
    inf_link_handler *handler = &link->links->handler;
    handler->on_down(handler->ctx, link, link->connected, rests, status);
}

void inf_link_close(inf_link *link, int status) {
    take_down(link, status, false);
}

void inf_link_reset(inf_link *link, int status) {
    take_down(link, status, true);
}

static void end_rest(inf_link *link) {
    link->resting = false;
    link->links->handler.on_gone(link->links->handler.ctx, link);
    free_if_done(link);
}

void inf_links_close(inf_links *links) {
    links->closing = true;
    inf_list *item = links->all.next;
    while (item != &links->all) {
        inf_link *link = INF_LIST_OWNER(item, inf_link, place);
        item = item->next;
        if (link->resting) {
            end_rest(link);
        } else {
            inf_link_close(link, INF_ECLOSED);
        }
    }
}

static bool is_late(const inf_link *link) {
    if (link->down) return false;
    if (!link->dialled) return link->rpc.peer == NULL;
    return !link->connected || (link->tls != NULL && !inf_tls_ready(link->tls));
}

void inf_links_tick(inf_links *links, uint64_t now_ms) {
    if (now_ms < links->deadline_ms) return;
    links->deadline_ms = INF_NEVER;
    inf_list *item = links->all.next;
    while (item != &links->all) {
        inf_link *link = INF_LIST_OWNER(item, inf_link, place);
        item = item->next;
        if (!link->resting && !is_late(link)) continue;
        if (link->until_ms > now_ms) {
            set_deadline(link, link->until_ms);
        } else if (link->resting) {
            end_rest(link);
        } else {
            inf_link_close(link, INF_ETIMEDOUT);
        }
    }
}

/* ---- writing ----------------------------------------------------------- */

static void on_written(uv_write_t *req, int status);

static void mark_dirty(inf_link *link) {
    inf_links *links = link->links;
    if (inf_list_empty(&links->dirty))
        links->handler.on_dirty(links->handler.ctx);
    inf_list_push(&links->dirty, &link->dirty);
}

static void give_back(inf_buf *buf) {
    inf_buf_clear(buf);
    if (buf->cap > KEEP_SIZE) inf_buf_deinit(buf);
}

/* The buffer that is to be written next; with TLS, what is sealed so far. */
static int gather(inf_link *link, inf_buf **out) {
    *out = &link->out;
    if (link->tls == NULL) return 0;
    *out = &link->sealed;
    if (link->out.len != 0 && inf_tls_ready(link->tls)) {
        int rc = inf_tls_seal(link->tls, inf_buf_view(&link->out));
        if (rc != 0) return rc;
        give_back(&link->out);
    }
    return inf_tls_take(link->tls, &link->sealed);
}

/* Hands all that waits to the kernel, or to libuv when it will not take it. */
static int push(inf_link *link) {
    inf_buf *bytes = NULL;
    if (link->down || !link->connected || link->writing) return 0;
    int rc = gather(link, &bytes);
    if (rc != 0 || bytes->len == 0) return rc;
    link->gathered = 0;
    uv_buf_t buf = uv_buf_init((char *)bytes->data, (unsigned)bytes->len);
    int sent = uv_try_write((uv_stream_t *)&link->tcp, &buf, 1);
    if (sent < 0 && sent != UV_EAGAIN) return inf_socket_status(sent);
    link->wrote = link->links->turn;
    if (sent > 0 && (size_t)sent == bytes->len) {
        give_back(bytes);
        return 0;
    }
    inf_buf spare = link->flying;
    link->flying = *bytes;
    *bytes = spare;
    size_t at = sent > 0 ? (size_t)sent : 0;
    buf = uv_buf_init((char *)link->flying.data + at,
                      (unsigned)(link->flying.len - at));
    rc = uv_write(&link->write, (uv_stream_t *)&link->tcp, &buf, 1, on_written);
    link->writing = rc == 0;
    return inf_socket_status(rc);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf);
/* This process may have stood still, and the caller have given up what it sent
   meanwhile: then it has reset the link. */
static bool is_given_up(inf_link *link) {
    uv_os_fd_t fd;
    uint64_t now_ms = uv_now(link->links->loop);
    bool fresh = now_ms - link->heard_ms < INF_LINK_UNREAD_MS;
    link->heard_ms = now_ms;
    return !fresh && !link->dialled &&
           uv_fileno((uv_handle_t *)&link->tcp, &fd) == 0 &&
           inf_socket_is_reset(fd);
}

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *buf);

static void read_on(inf_link *link) {
    int rc = uv_read_start((uv_stream_t *)&link->tcp, on_alloc, on_read);
    if (rc != 0) inf_link_close(link, inf_socket_status(rc));
}

/* The peer has taken enough of its answers to ask for more. */
static void resume(inf_link *link) {
    if (!link->paused || waiting(link) > link->links->pause / 2) return;
    link->paused = false;
    read_on(link);
}

static void flush(inf_link *link) {
    int rc = link->broken;
    if (rc == 0) rc = push(link);
    if (rc != 0) {
        inf_link_close(link, rc);
    } else {
        resume(link);
    }
}

static void on_written(uv_write_t *req, int status) {
    inf_link *link = req->data;
    inf_links *links = link->links;
    link->writing = false;
    if (link->down) return;
    enter(links);
    give_back(&link->flying);
    if (status != 0) {
        inf_link_close(link, inf_socket_status(status));
    } else {
        flush(link);
    }
    leave(links);
}

void inf_links_flush(inf_links *links) {
    inf_list dirty;
    inf_list_move(&dirty, &links->dirty);
    while (!inf_list_empty(&dirty)) {
        inf_link *link = INF_LIST_OWNER(dirty.next, inf_link, dirty);
        inf_list_remove(&link->dirty);
        flush(link);
    }
}

void inf_link_break(inf_link *link, int status) {
    if (link->down) return;
    link->broken = status;
    mark_dirty(link);
}

static int break_off(inf_link *link, int status) {
    inf_link_break(link, status);
    return status;
}

/* The straight way: 0 when all is with the kernel, else how far it came is in
 *sent. */
static int write_at_once(inf_link *link, inf_slice head, inf_slice body,
                         size_t *sent) {
    uv_buf_t bufs[2] = {uv_buf_init((char *)head.data, (unsigned)head.len),
                        uv_buf_init((char *)body.data, (unsigned)body.len)};
    unsigned count = body.len != 0 ? 2 : 1;
    int rc = uv_try_write((uv_stream_t *)&link->tcp, bufs, count);
    if (rc < 0 && rc != UV_EAGAIN) return break_off(link, INF_EUNREACHABLE);
    *sent = rc > 0 ? (size_t)rc : 0;
    link->wrote = link->links->turn;
    return 0;
}

/* The peer begins with the first frames of a turn while the others are still
   being made: else two busy nodes would work by turns, never both at once. */
static void send_ahead(inf_link *link) {
    if (++link->gathered < AHEAD || link->wrote == link->links->turn) return;
    int rc = push(link);
    if (rc != 0) inf_link_break(link, rc);
}

static int queue(inf_link *link, inf_slice head, inf_slice body, size_t sent) {
    size_t len = link->out.len;
    size_t of_head = sent < head.len ? sent : head.len;
    size_t of_body = sent - of_head;
    inf_buf_put(&link->out, head.data + of_head, head.len - of_head);
    if (body.len > of_body) {
        inf_buf_put(&link->out, body.data + of_body, body.len - of_body);
    }
    if (link->out.failed) {
        link->out.failed = false;
        link->out.len = len;
        if (sent == 0) return INF_ENOMEM;
        (void)break_off(link, INF_ENOMEM); /* half a frame has left */
        return 0;
    }
    mark_dirty(link);
    send_ahead(link);
    if (!link->dialled && !link->paused && waiting(link) > link->links->pause) {
        link->paused = true;
        (void)uv_read_stop((uv_stream_t *)&link->tcp);
    }
    return 0;
}

/* Sealed, it is one piece: gathered first, written at once all the same. */
static int send_sealed(inf_link *link, inf_slice head, inf_slice body,
                       bool now) {
    int rc = queue(link, head, body, 0);
    if (rc == 0 && now && (rc = push(link)) != 0) inf_link_break(link, rc);
    return rc;
}

int inf_link_send(inf_link *link, inf_slice head, inf_slice body) {
    size_t sent = 0;
    if (link->down || link->broken != 0) return INF_EUNREACHABLE;
    bool idle = link->connected && waiting(link) == 0;
    if (waiting(link) + head.len + body.len > INF_LINK_BYTES_MAX) {
        return INF_EFULL;
    }
    bool first = link->wrote != link->links->turn;
    bool now = idle && first && link->links->corked == 0;
    if (link->tls != NULL) return send_sealed(link, head, body, now);
    if (now) {
        int rc = write_at_once(link, head, body, &sent);
        if (rc != 0) return rc;
        if (sent == head.len + body.len) return 0;
    }
    return queue(link, head, body, sent);
}

/* ---- reading ----------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    inf_link *link = handle->data;
    inf_buf *in = link->tls != NULL ? &link->raw : &link->in;
    (void)suggested;
    uint8_t *room = inf_buf_reserve(in, READ_SIZE);
    *buf = uv_buf_init((char *)room, room != NULL ? READ_SIZE : 0);
}

static void cut_frames(inf_link *link) {
    inf_link_handler *handler = &link->links->handler;
    size_t at = 0;
    while (!link->down && at < link->in.len) {
        inf_slice rest = {link->in.data + at, link->in.len - at};
        int64_t size = inf_rpc_frame_size(rest);
        if (size < 0) inf_link_close(link, (int)size);
        if (size <= 0 || (uint64_t)size > rest.len) break;
        at += (size_t)size;
        handler->on_frame(handler->ctx, link,
                          inf_slice_of(rest.data, (size_t)size));
    }
    if (link->down) return; /* the buffer goes with the link */
    inf_buf_consume(&link->in, at);
    if (link->in.len == 0) give_back(&link->in);
}

/* Opens what came; the peer hears of it when the handshake goes on, or why it
   does not. */
static void open_sealed(inf_link *link, size_t len) {
    int rc =
        inf_tls_input(link->tls, inf_slice_of(link->raw.data, len), &link->in);
    cut_frames(link);
    flush(link);
    if (rc != 0) inf_link_close(link, rc);
}

static void on_read(uv_stream_t *tcp, ssize_t len, const uv_buf_t *buf) {
    inf_link *link = tcp->data;
    inf_links *links = link->links;
    (void)buf;
    if (len == 0 || link->down) return;
    enter(links);
    if (len == UV_ENOBUFS) {
        inf_link_close(link, INF_ENOMEM);
    } else if (len < 0 || is_given_up(link)) {
        inf_link_close(link, INF_EUNREACHABLE);
    } else if (link->tls != NULL) {
        open_sealed(link, (size_t)len);
    } else {
        link->in.len += (size_t)len;
        cut_frames(link);
    }
    leave(links);
}

/* ---- connecting -------------------------------------------------------- */

static void on_connect(uv_connect_t *req, int status) {
    inf_link *link = req->data;
    inf_links *links = link->links;
    if (link->down) return;
    enter(links);
    if (status != 0) {
        inf_link_close(link, inf_socket_status(status));
    } else {
        link->connected = true;
        (void)uv_tcp_nodelay(&link->tcp, 1);
        read_on(link);
        flush(link);
    }
    leave(links);
}

int inf_links_dial(inf_links *links, const inf_addr *to, inf_link **out) {
    struct sockaddr_storage addr;
    if (links->closing) return INF_EUNREACHABLE;
    if (links->count >= INF_LINKS_MAX) return INF_EFULL;
    inf_link *link = new_link(links, true);
    if (link == NULL) return INF_ENOMEM;
    link->addr = *to;
    (void)inf_socket_from_addr(to, &addr);
    int rc = uv_tcp_connect(&link->connect, &link->tcp,
                            (struct sockaddr *)&addr, on_connect);
    if (rc != 0) { /* nobody knows it yet: no word about its end */
        link->down = true;
        uv_close((uv_handle_t *)&link->tcp, on_tcp_closed);
        return INF_EUNREACHABLE;
    }
    *out = link;
    return 0;
}

void inf_links_accept(inf_links *links, uv_stream_t *listener) {
    struct sockaddr_storage peer;
    int len = sizeof peer;
    inf_link *link = new_link(links, false);
    if (link == NULL) return; /* the listener rests until the next accept */
    int rc = uv_accept(listener, (uv_stream_t *)&link->tcp);
    if (rc == 0) {
        rc = uv_tcp_getpeername(&link->tcp, (struct sockaddr *)&peer, &len);
    }
    if (rc == 0) {
        rc = inf_socket_to_addr((struct sockaddr *)&peer, &link->addr);
    }
    if (rc != 0 ||
        links->count > INF_LINKS_MAX) { /* taken, to be turned away */
        link->down = true;
        uv_close((uv_handle_t *)&link->tcp, on_tcp_closed);
        return;
    }
    (void)uv_tcp_keepalive(&link->tcp, 1, KEEPALIVE_S);
    link->connected = true;
    (void)uv_tcp_nodelay(&link->tcp, 1);
    read_on(link);
}

void inf_link_welcome(inf_link *link) {
    link->until_ms = INF_NEVER;
}
