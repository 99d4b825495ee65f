/* SPDX-License-Identifier: MIT */
#include "host/worker.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/error.h"
#include "host/clock.h"
#include "host/socket.h"

/* Told in one turn, so that a node that calls itself does not starve I/O. */
#define NEWS_A_TURN 1024

/* ---- waking up --------------------------------------------------------- */

static void on_soon(uv_idle_t *soon);
static void on_timer(uv_timer_t *timer);

/* Another turn of the loop, without sleeping before it. */
static void wake_soon(inf_worker *worker) {
    if (worker->depth == 0 && !worker->stopped) {
        (void)uv_idle_start(&worker->soon, on_soon);
    }
}

static uint64_t deadline_of(const inf_worker *worker) {
    uint64_t rpc_ms = inf_rpc_deadline(worker->rpc);
    uint64_t links_ms = worker->links.deadline_ms;
    return rpc_ms < links_ms ? rpc_ms : links_ms;
}

/* The timer may stand earlier than needed, never later: a call that is
   answered costs no change of it. */
static void arm(inf_worker *worker) {
    uint64_t due_ms = deadline_of(worker);
    if (due_ms >= worker->armed_ms || worker->stopped) return;
    worker->armed_ms = due_ms;
    uv_update_time(worker->loop); /* it stands since the turn began */
    uint64_t now_ms = uv_now(worker->loop);
    (void)uv_timer_start(&worker->timer, on_timer,
                         due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void log_line(inf_worker *worker, inf_log_level level,
                     const char *format, ...) INF_PRINTF(3, 4);

static void log_line(inf_worker *worker, inf_log_level level,
                     const char *format, ...) {
    char line[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    inf_effect effect = {
        .kind = INF_EFFECT_LOG, .level = level, .bytes = inf_slice_str(line)};
    if (!worker->closing) {
        worker->handler.on_event(worker->handler.ctx, &effect);
    }
}

/* ---- from a call to a link --------------------------------------------- */

/* Where a target is, copied out of the node. */
typedef struct whereabouts {
    uint8_t name[INF_NODE_NAME_MAX];
    size_t name_len;
    inf_addr addr; /* of the worker there; port 0: this node */
} whereabouts;

static void keep_name(whereabouts *out, inf_slice name) {
    INF_ASSERT(name.len <= sizeof out->name);
    memcpy(out->name, name.data, name.len);
    out->name_len = name.len;
}

/* The node is locked. INF_ENOENT with a name: it went down with that node. */
static int locate(const inf_node *node, const inf_target *target,
                  whereabouts *out) {
    inf_row row;
    inf_member_view member;
    inf_slice name = target->node;
    out->name_len = 0;
    if (name.len == 0) {
        int rc = inf_node_whereis(node, target->branch, target->name, &row);
        if (rc != 0) {
            rc = inf_node_lost(node, target->branch, target->name, &row);
            if (rc == 0) keep_name(out, row.node);
            return INF_ENOENT;
        }
        name = row.node;
    }
    bool listed = inf_node_member_find(node, name, &member);
    if (!listed || member.state == INF_MEMBER_DEAD ||
        member.state == INF_MEMBER_LEFT ||
        (member.rpc_port == 0 && !member.self)) {
        return target->node.len == 0 ? INF_ENOENT : INF_EUNREACHABLE;
    }
    keep_name(out, name);
    out->addr = member.addr;
    out->addr.port = member.rpc_port;
    return 0;
}

static int dial(inf_worker *worker, const whereabouts *where, inf_link **out) {
    inf_buf hello;
    inf_link *link = NULL;
    int rc = inf_links_dial(&worker->links, &where->addr, &link);
    if (rc != 0) return rc;
    inf_buf_init(&hello, worker->mem);
    rc = inf_rpc_link_dialled(worker->rpc, &link->rpc,
                              inf_slice_of(where->name, where->name_len),
                              &hello);
    if (rc == 0) {
        rc = inf_link_send(link, inf_buf_view(&hello), (inf_slice){NULL, 0});
    }
    inf_buf_deinit(&hello);
    if (rc != 0) inf_link_break(link, rc);
    *out = link;
    return rc;
}

static int send_frame(inf_link *link, const inf_rpc_send *send) {
    return inf_link_send(link, inf_slice_of(send->head, send->head_len),
                         send->body);
}

/* The node is locked. */
static void want_rows(inf_worker *worker, bool wanted) {
    if (worker->waits == wanted) return;
    worker->waits = wanted;
    inf_node_want_rows(worker->node, INF_ROWS_FOR_CALLS, wanted);
}

/* Calls that wait for names have found them, or given up. */
static void stop_waiting(inf_worker *worker) {
    if (!worker->waits || inf_rpc_awaits_names(worker->rpc)) return;
    inf_lock_take(worker->lock);
    want_rows(worker, false);
    inf_lock_give(worker->lock);
}

static void look_up(inf_worker *worker, inf_rpc_call *call) {
    whereabouts where;
    inf_rpc_send send;
    inf_lock_take(worker->lock);
    int rc = locate(worker->node, inf_rpc_call_target(call), &where);
    if (rc == INF_ENOENT) want_rows(worker, true); /* before it can come */
    inf_lock_give(worker->lock);
    uint64_t now_ms = inf_clock_ms();
    inf_slice name = inf_slice_of(where.name, where.name_len);
    if (rc == INF_ENOENT && name.len != 0) {
        inf_rpc_lost(worker->rpc, call, name, now_ms);
        return;
    }
    if (rc != 0) {
        inf_rpc_missing(worker->rpc, call, rc, now_ms);
        return;
    }
    if (!inf_rpc_found(worker->rpc, call, name, now_ms, &send)) return;
    inf_link *link = NULL;
    if (send.link != NULL) {
        link = inf_link_of(send.link);
    } else {
        rc = dial(worker, &where, &link);
    }
    if (rc == 0) rc = send_frame(link, &send);
    if (rc != 0) inf_rpc_unsent(worker->rpc, call, rc, now_ms);
}

static void look_up_due(inf_worker *worker) {
    inf_rpc_call *call = NULL;
    while ((call = inf_rpc_due(worker->rpc)) != NULL)
        look_up(worker, call);
}

/* ---- to the handler ---------------------------------------------------- */

static void tell(inf_worker *worker, inf_rpc_news *news) {
    inf_host_handler *handler = &worker->handler;
    if (news->kind == INF_RPC_REQUEST) {
        if (worker->closing) return; /* its caller hears that we closed */
        handler->on_request(handler->ctx, news->token, news->body);
    } else if (news->kind == INF_RPC_RESULT) {
        handler->on_result(handler->ctx, news->tag, &news->result);
    }
    inf_rpc_news_deinit(news);
}

/* What ended, or was asked, without a frame: only straight from the loop. */
static void tell_pending(inf_worker *worker) {
    inf_rpc_news news;
    for (size_t i = 0; i < NEWS_A_TURN || worker->closing; i++) {
        if (!inf_rpc_take(worker->rpc, &news)) return;
        tell(worker, &news);
    }
}

void inf_worker_enter(inf_worker *worker) {
    worker->depth++;
    worker->links.corked++;
    worker->links.turn++;
}

void inf_worker_leave(inf_worker *worker) {
    if (worker->depth == 1) {
        inf_rpc_send ack;
        while (inf_rpc_ack(worker->rpc, &ack))
            (void)send_frame(inf_link_of(ack.link), &ack);
        look_up_due(worker);
        tell_pending(worker);
        look_up_due(worker);
    }
    worker->depth--;
    worker->links.corked--;
    if (worker->depth != 0) return;
    inf_links_flush(&worker->links);
    look_up_due(worker); /* what a broken link gave back */
    stop_waiting(worker);
    arm(worker);
    if (inf_rpc_pending(worker->rpc) || !inf_list_empty(&worker->links.dirty)) {
        wake_soon(worker);
    }
}

/* The end of a call from outside: nothing may be told now. */
static void settle(inf_worker *worker) {
    look_up_due(worker);
    arm(worker);
    if (inf_rpc_pending(worker->rpc)) wake_soon(worker);
}

static void on_soon(uv_idle_t *soon) {
    inf_worker *worker = soon->data;
    (void)uv_idle_stop(soon);
    inf_worker_enter(worker);
    inf_worker_leave(worker);
}

static void on_timer(uv_timer_t *timer) {
    inf_worker *worker = timer->data;
    uint64_t now_ms = inf_clock_ms();
    worker->armed_ms = INF_NEVER;
    inf_worker_enter(worker);
    inf_rpc_tick(worker->rpc, now_ms);
    inf_links_tick(&worker->links, now_ms);
    inf_worker_leave(worker);
}

/* ---- links ------------------------------------------------------------- */

/* Tells the one who dialled why, and closes. */
static void refuse_link(inf_worker *worker, inf_link *link, int status) {
    inf_rpc_frame frame = {.type = INF_RPC_BYE,
                           .status = status,
                           .body = inf_slice_str(inf_strerror(status))};
    if (!link->dialled && !link->down) {
        inf_buf bye;
        inf_buf_init(&bye, worker->mem);
        inf_rpc_frame_encode(&bye, &frame);
        if (!bye.failed) {
            (void)inf_link_send(link, inf_buf_view(&bye), (inf_slice){NULL, 0});
            inf_links_flush(&worker->links);
        }
        inf_buf_deinit(&bye);
    }
    inf_link_close(link, status);
}

/* Ends that somebody has to do something about. */
static bool is_a_quarrel(int status) {
    return status == INF_ECRYPT || status == INF_EVERSION ||
           status == INF_EMALFORMED || status == INF_ETOOBIG ||
           status == INF_ETRUNCATED;
}

static void on_frame(void *ctx, inf_link *link, inf_slice frame) {
    inf_worker *worker = ctx;
    inf_rpc_news news;
    bool greeted = link->rpc.peer != NULL;
    int rc =
        inf_rpc_input(worker->rpc, &link->rpc, frame, inf_clock_ms(), &news);
    if (rc != 0) {
        refuse_link(worker, link, rc);
        return;
    }
    if (!greeted && link->rpc.peer != NULL) inf_link_welcome(link);
    switch (news.kind) {
    case INF_RPC_NOTHING:
        break;
    case INF_RPC_REQUEST:
    case INF_RPC_RESULT:
        tell(worker, &news);
        break;
    case INF_RPC_AGAIN:
        if (news.send.link != NULL) {
            (void)send_frame(inf_link_of(news.send.link), &news.send);
        }
        break;
    case INF_RPC_REPLACED:
        inf_link_close(inf_link_of(news.send.link), INF_ESTALE);
        break;
    case INF_RPC_GOODBYE:
        inf_link_close(link, news.status);
        break;
    }
    look_up_due(worker);
}

static void on_down(void *ctx, inf_link *link, bool left, bool rests,
                    int status) {
    inf_worker *worker = ctx;
    uint64_t now_ms = inf_clock_ms();
    uint32_t swallowed = 0;
    if (is_a_quarrel(status) && inf_quiet_may(&worker->quiet, &link->addr,
                                              status, now_ms, &swallowed)) {
        char text[INF_ADDR_TEXT_MAX];
        log_line(worker, INF_LOG_WARN, "calls: the link with %s ended: %s",
                 inf_addr_format(&link->addr, text),
                 status == INF_ECRYPT ? "wrong key, or none"
                                      : inf_strerror(status));
    }
    if (rests) {
        inf_rpc_link_rests(worker->rpc, &link->rpc, left, status, now_ms);
    } else {
        inf_rpc_link_down(worker->rpc, &link->rpc, left, status, now_ms);
    }
}

static void on_gone(void *ctx, inf_link *link) {
    inf_worker *worker = ctx;
    inf_rpc_link_down(worker->rpc, &link->rpc, true, INF_EUNREACHABLE,
                      inf_clock_ms());
}

static void tell_if_closed(inf_worker *worker) {
    if (!worker->closing || worker->handles != 0) return;
    if (worker->links.count != 0 || worker->told) return;
    worker->told = true;
    worker->on_closed(worker->ctx);
}

static void on_enter(void *ctx) {
    inf_worker_enter(ctx);
}

static void on_leave(void *ctx) {
    inf_worker *worker = ctx;
    inf_worker_leave(worker);
    tell_if_closed(worker); /* the last thing: it may free the worker */
}

static void on_dirty(void *ctx) {
    wake_soon(ctx);
}

static void on_connection(uv_stream_t *listener, int status) {
    inf_worker *worker = listener->data;
    if (status != 0 || worker->closing) return;
    inf_worker_enter(worker);
    inf_links_accept(&worker->links, listener);
    inf_worker_leave(worker);
}

/* ---- birth and end ----------------------------------------------------- */

int inf_worker_init(inf_worker *worker, const inf_worker_config *config) {
    const inf_link_handler handler = {.ctx = worker,
                                      .on_frame = on_frame,
                                      .on_down = on_down,
                                      .on_gone = on_gone,
                                      .on_enter = on_enter,
                                      .on_leave = on_leave,
                                      .on_dirty = on_dirty};
    *worker = (inf_worker){.mem = config->mem,
                           .loop = config->loop,
                           .lock = config->lock,
                           .node = config->node,
                           .handler = config->handler,
                           .on_closed = config->on_closed,
                           .ctx = config->ctx,
                           .armed_ms = INF_NEVER};
    inf_links_init(&worker->links, config->loop, config->mem, config->keys,
                   &handler);
    return inf_rpc_new(&worker->rpc, &(inf_rpc_config){.mem = config->mem,
                                                       .node = config->name,
                                                       .boot = config->boot,
                                                       .seed = config->seed});
}

int inf_worker_start(inf_worker *worker, int listener) {
    (void)uv_timer_init(worker->loop, &worker->timer);
    (void)uv_idle_init(worker->loop, &worker->soon);
    (void)uv_tcp_init(worker->loop, &worker->listener);
    worker->handles = 3;
    worker->timer.data = worker;
    worker->soon.data = worker;
    worker->listener.data = worker;
    int rc = uv_tcp_open(&worker->listener, listener);
    if (rc != 0) {
        inf_socket_close(&listener);
        return INF_ESYSTEM;
    }
    rc = uv_listen((uv_stream_t *)&worker->listener, SOMAXCONN, on_connection);
    return rc == 0 ? 0 : INF_ESYSTEM;
}

static void on_handle_closed(uv_handle_t *handle) {
    inf_worker *worker = handle->data;
    worker->handles--;
    tell_if_closed(worker);
}

static void on_last_turn(uv_idle_t *soon) {
    inf_worker *worker = soon->data;
    (void)uv_idle_stop(soon);
    inf_worker_enter(worker);
    tell_pending(worker);
    inf_links_flush(&worker->links); /* the last answers */
    inf_links_close(&worker->links);
    inf_worker_leave(worker);
    worker->stopped = true;
    uv_close((uv_handle_t *)&worker->soon, on_handle_closed);
    uv_close((uv_handle_t *)&worker->timer, on_handle_closed);
    uv_close((uv_handle_t *)&worker->listener, on_handle_closed);
}

void inf_worker_close(inf_worker *worker) {
    worker->closing = true;
    inf_rpc_close(worker->rpc, INF_ECLOSED, inf_clock_ms());
    (void)uv_idle_stop(&worker->soon);
    (void)uv_idle_start(&worker->soon, on_last_turn);
}

void inf_worker_deinit(inf_worker *worker) {
    inf_rpc_free(worker->rpc);
}

/* ---- calls ------------------------------------------------------------- */

int inf_worker_call(inf_worker *worker, const inf_target *target,
                    inf_slice body, const inf_retry_policy *policy,
                    uint64_t tag) {
    if (worker->closing) return INF_ECLOSED;
    int rc = inf_rpc_call_new(worker->rpc, target, body, policy, tag,
                              inf_clock_ms());
    if (rc == 0) settle(worker);
    return rc;
}

int inf_worker_answer(inf_worker *worker, uint64_t token, int status,
                      inf_slice body) {
    inf_rpc_send send;
    if (worker->closing) return INF_ECLOSED;
    int rc =
        inf_rpc_answer(worker->rpc, token, status, body, inf_clock_ms(), &send);
    if (rc == 1) {
        /* A link too full for its answers is of no use: its caller asks again
           on the next one. */
        inf_link *link = inf_link_of(send.link);
        rc = send_frame(link, &send);
        if (rc == INF_EFULL || rc == INF_ENOMEM) inf_link_break(link, rc);
        rc = 0;
    }
    if (rc == 0) settle(worker);
    return rc;
}

/* Calls to it end. Of one that is dead, or cut off, nothing may be carried out
   that arrives when the network has healed: not there, where the calls have
   ended, and not here. */
static void node_gone(inf_worker *worker, inf_slice name, bool dead) {
    inf_rpc_link *to = inf_rpc_link_to(worker->rpc, name);
    inf_rpc_link *from = inf_rpc_link_from(worker->rpc, name);
    inf_rpc_node_gone(worker->rpc, name, inf_clock_ms());
    if (to != NULL) inf_link_reset(inf_link_of(to), INF_EUNREACHABLE);
    if (from != NULL && dead) {
        inf_link_reset(inf_link_of(from), INF_EUNREACHABLE);
    }
}

void inf_worker_notice(inf_worker *worker, const inf_effect *event) {
    if (worker->closing) return;
    if (event->kind == INF_EFFECT_ROWS && event->change == INF_CHANGE_JOIN) {
        for (size_t i = 0; i < event->row_count; i++) {
            inf_rpc_name_arrived(worker->rpc, event->branch,
                                 event->rows[i].name);
        }
        /* Of very many rows at once only the number is told. */
        if (event->count > event->row_count) inf_rpc_names_arrived(worker->rpc);
    }
    bool gone =
        event->change == INF_CHANGE_FAIL || event->change == INF_CHANGE_LEAVE;
    if (event->kind == INF_EFFECT_MEMBER && gone) {
        node_gone(worker, event->name, event->change == INF_CHANGE_FAIL);
    }
    look_up_due(worker);
}
