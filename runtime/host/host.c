/* SPDX-License-Identifier: MIT */
#include "host/host.h"

#include <signal.h>
#include <stdio.h>

#include "base/error.h"
#include "core/keyring.h"
#include "host/clock.h"
#include "host/control.h"
#include "host/lock.h"
#include "host/socket.h"
#include "host/worker.h"

#define EVENTS_TURN_NS 1000000 /* for events, in one turn of the loop */

struct inf_host {
    inf_alloc *mem;
    inf_host_handler handler;
    inf_lock lock; /* around the node */
    inf_node *node;
    inf_control *control; /* NULL: not started, or ended */
    inf_events events;
    uv_async_t news;    /* events have something; or the control thread ended */
    inf_tls_keys *keys; /* NULL: links are open */
    inf_worker worker;
    inf_addr gossip;
    inf_addr rpc;
    bool has_lock; /* what inf_host_start has come to */
    bool has_events;
    bool has_worker;
    bool worker_closed;
    bool news_closed;
    bool closing;
    bool rowless; /* the handler does not want to hear of ROWS */
    void (*closed)(void *ctx);
    void *closed_ctx;
};

/* ---- addresses --------------------------------------------------------- */

/* The first address of an interface that others might reach, for a node that
   listens on all of them and was not told which to advertise. */
static void guess_address(inf_addr *addr) {
    uv_interface_address_t *list = NULL;
    int count = 0;
    if (uv_interface_addresses(&list, &count) != 0) return;
    for (int i = 0; i < count; i++) {
        inf_addr found;
        const struct sockaddr *at =
            (const struct sockaddr *)&list[i].address.address4;
        if (list[i].is_internal != 0) continue;
        if (inf_socket_to_addr(at, &found) != 0) continue;
        if (found.len != addr->len) continue;
        memcpy(addr->ip, found.ip, found.len);
        break;
    }
    uv_free_interface_addresses(list, count);
}

/* What peers are told: the user's word, or what was bound. */
static inf_addr address_to_advertise(const inf_host_config *config,
                                     const inf_addr *bound) {
    inf_addr addr = config->advertise;
    if (addr.len == 0) {
        addr = *bound;
        if (inf_addr_is_any(&addr)) guess_address(&addr);
    }
    if (addr.port == 0) addr.port = bound->port;
    return addr;
}

static int explain(char *problem, const char *what, const char *why, int rc) {
    (void)snprintf(problem, INF_PROBLEM_MAX, "%s: %s", what, why);
    return rc;
}

static int explain_address(char *problem, const char *what,
                           const inf_addr *addr, const char *unusable, int rc) {
    char text[INF_ADDR_TEXT_MAX];
    (void)snprintf(problem, INF_PROBLEM_MAX, "%s address %s: %s", what,
                   inf_addr_format(addr, text),
                   rc == INF_EADDRESS ? unusable : inf_strerror(rc));
    return rc;
}

/* Who made the config has looked at all else. */
static int explain_node(char *problem, int rc) {
    switch (rc) {
    case INF_ENAME:
        return explain(problem, "name",
                       "1 to 128 bytes expected, all of them printable ASCII "
                       "and none a space",
                       rc);
    case INF_EINVAL:
        return explain(problem, "tags",
                       "a key is empty, or one of the runtime's own", rc);
    case INF_ETOOBIG:
        return explain(problem, "tags",
                       "longer than 512 bytes, with those of the runtime", rc);
    default:
        return explain(problem, "node", inf_strerror(rc), rc);
    }
}

/* ---- birth ------------------------------------------------------------- */

/* Sockets that nobody has taken over yet; -1 when there is none. */
typedef struct sockets {
    int udp;
    int tcp;
    int rpc;
} sockets;

#define NOT_HERE "this machine has no such address"

static int bind_sockets(inf_host *host, const inf_host_config *config,
                        sockets *fds, char *problem) {
    host->gossip = config->bind;
    if (config->bind.len == 0) {
        return explain(problem, "gossip address", "none is given",
                       INF_EADDRESS);
    }
    int rc = inf_socket_both(&host->gossip, &fds->tcp, &fds->udp);
    if (rc != 0) {
        return explain_address(problem, "gossip", &config->bind, NOT_HERE, rc);
    }
    host->rpc = config->rpc;
    if (config->rpc.len == 0) {
        host->rpc = config->bind;
        host->rpc.port = 0;
    }
    inf_addr wanted = host->rpc;
    rc = inf_socket_tcp(&host->rpc, &fds->rpc);
    if (rc == 0) return 0;
    return explain_address(problem, "rpc", &wanted, NOT_HERE, rc);
}

static uint64_t wall_ms(void) {
    uv_timeval64_t wall = {0};
    (void)uv_gettimeofday(&wall);
    return (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_usec / 1000;
}

static int make_node(inf_host *host, const inf_host_config *config,
                     uint64_t *boot, char *problem) {
    inf_node_config node = config->node;
    uint16_t rpc_port = config->rpc_advertise;
    node.mem = host->mem;
    node.advertise = address_to_advertise(config, &host->gossip);
    node.rpc_port = rpc_port != 0 ? rpc_port : host->rpc.port;
    node.wall_ms = wall_ms();
    if (node.boot < node.wall_ms) node.boot = node.wall_ms;
    *boot = node.boot;
    int rc = inf_node_new(&host->node, &node, inf_clock_ms());
    if (rc == INF_EADDRESS) {
        return explain_address(problem, "advertised", &node.advertise,
                               "others cannot reach that", rc);
    }
    return rc == 0 ? 0 : explain_node(problem, rc);
}

static void on_news(uv_async_t *news);
static void on_worker_closed(void *ctx);

static int make_parts(inf_host *host, const inf_host_config *config,
                      uint64_t boot) {
    if (inf_lock_init(&host->lock) != 0) return INF_ESYSTEM;
    host->has_lock = true;
    int rc = inf_events_init(&host->events, &host->news, host->mem);
    if (rc != 0) return rc;
    host->has_events = true;
    if (config->node.key_count != 0) {
        rc = inf_tls_keys_new(&host->keys, host->mem, config->node.keys,
                              config->node.key_count);
        if (rc != 0) return rc;
    }
    inf_worker_config worker = {.mem = host->mem,
                                .loop = config->loop,
                                .lock = &host->lock,
                                .node = host->node,
                                .name = config->node.name,
                                .boot = boot,
                                .seed = config->node.seed ^ boot,
                                .keys = host->keys,
                                .handler = config->handler,
                                .on_closed = on_worker_closed,
                                .ctx = host};
    rc = inf_worker_init(&host->worker, &worker);
    if (rc != 0) return rc;
    host->has_worker = true;
    return 0;
}

static void free_host(inf_host *host) {
    if (host->has_worker) inf_worker_deinit(&host->worker);
    inf_tls_keys_free(host->keys);
    if (host->has_events) inf_events_deinit(&host->events);
    if (host->has_lock) inf_lock_deinit(&host->lock);
    inf_node_free(host->node);
    inf_free(host->mem, host);
}

/* From here on the host is in the loop, and leaves it only by closing. */
static int start_loops(inf_host *host, const inf_host_config *config,
                       sockets *fds) {
    int rpc = fds->rpc;
    fds->rpc = -1;
    int rc = inf_worker_start(&host->worker, rpc);
    if (rc != 0) return rc;
    inf_control_config control = {.mem = host->mem,
                                  .lock = &host->lock,
                                  .node = host->node,
                                  .keys = host->keys,
                                  .events = &host->events,
                                  .udp = fds->udp,
                                  .tcp = fds->tcp};
    fds->udp = -1;
    fds->tcp = -1;
    (void)config;
    return inf_control_start(&host->control, &control);
}

/* A peer that is gone must not end the process that writes to it; libuv leaves
   that to its users. */
static void ignore_broken_pipes(void) {
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) != 0) return;
    if ((now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL) {
        (void)signal(SIGPIPE, SIG_IGN);
    }
}

int inf_host_start(inf_host **out, const inf_host_config *config,
                   char problem[INF_PROBLEM_MAX]) {
    sockets fds = {-1, -1, -1};
    uint64_t boot = 0;
    inf_alloc *mem = config->node.mem;
    if (mem == NULL) mem = inf_alloc_libc();
    problem[0] = '\0';
    ignore_broken_pipes();
    inf_host *host = inf_zalloc(mem, sizeof *host);
    if (host == NULL) return explain_node(problem, INF_ENOMEM);
    host->mem = mem;
    host->handler = config->handler;
    int rc = bind_sockets(host, config, &fds, problem);
    if (rc == 0) rc = make_node(host, config, &boot, problem);
    if (rc == 0) rc = make_parts(host, config, boot);
    if (rc == 0 && uv_async_init(config->loop, &host->news, on_news) != 0) {
        rc = INF_ESYSTEM;
    }
    if (rc != 0) {
        free_host(host);
    } else {
        host->news.data = host;
        rc = start_loops(host, config, &fds);
        if (rc != 0) inf_host_close(host, NULL, NULL);
    }
    inf_socket_close(&fds.udp);
    inf_socket_close(&fds.tcp);
    inf_socket_close(&fds.rpc);
    if (rc == 0) *out = host;
    if (rc != 0 && problem[0] == '\0') return explain_node(problem, rc);
    return rc;
}

/* ---- news from the control thread -------------------------------------- */

static void say_dropped(inf_host *host, uint64_t dropped) {
    char line[96];
    (void)snprintf(line, sizeof line,
                   "%llu events were dropped: the script did not take them",
                   (unsigned long long)dropped);
    inf_effect effect = {.kind = INF_EFFECT_LOG,
                         .level = INF_LOG_WARN,
                         .bytes = inf_slice_str(line)};
    host->handler.on_event(host->handler.ctx, &effect);
}

/* Those that a turn has time for: timers and calls are not kept waiting by a
   million rows. */
static void take_events(inf_host *host) {
    inf_effect event;
    uint64_t end_ns = uv_hrtime() + EVENTS_TURN_NS;
    while (inf_events_take(&host->events, &event)) {
        inf_worker_notice(&host->worker, &event);
        bool unwanted = event.kind == INF_EFFECT_ROWS && host->rowless;
        if (!host->closing && !unwanted) {
            host->handler.on_event(host->handler.ctx, &event);
        }
        inf_effect_deinit(&event);
        if (!host->closing && uv_hrtime() >= end_ns) {
            (void)uv_async_send(&host->news);
            break;
        }
    }
    uint64_t dropped = inf_events_dropped(&host->events);
    if (dropped != 0 && !host->closing) say_dropped(host, dropped);
}

static void finish_closing(inf_host *host);

static void on_news(uv_async_t *news) {
    inf_host *host = news->data;
    inf_worker_enter(&host->worker);
    take_events(host);
    inf_worker_leave(&host->worker);
    if (host->closing) finish_closing(host);
}

/* ---- end --------------------------------------------------------------- */

static void on_news_closed(uv_handle_t *news) {
    inf_host *host = news->data;
    host->news_closed = true;
    finish_closing(host);
}

static void on_worker_closed(void *ctx) {
    inf_host *host = ctx;
    host->worker_closed = true;
    finish_closing(host);
}

/* Each part that has ended calls it; the last one frees the host. */
static void finish_closing(inf_host *host) {
    if (host->control != NULL) {
        if (!inf_control_stopped(host->control)) return;
        inf_control_free(host->control);
        host->control = NULL;
    }
    if (!uv_is_closing((uv_handle_t *)&host->news)) {
        uv_close((uv_handle_t *)&host->news, on_news_closed);
    }
    if (!host->news_closed || !host->worker_closed) return;
    void (*closed)(void *ctx) = host->closed;
    void *ctx = host->closed_ctx;
    if (closed != NULL) closed(ctx);
    free_host(host);
}

void inf_host_close(inf_host *host, void (*closed)(void *ctx), void *ctx) {
    INF_ASSERT(!host->closing);
    host->closing = true;
    host->closed = closed;
    host->closed_ctx = ctx;
    if (host->control != NULL) inf_control_stop(host->control);
    inf_worker_close(&host->worker);
    if (host->control == NULL) finish_closing(host);
}

/* ---- while it runs ----------------------------------------------------- */

inf_node *inf_host_lock(inf_host *host) {
    inf_lock_take(&host->lock);
    return host->node;
}

void inf_host_unlock(inf_host *host) {
    if (host->control != NULL) inf_control_notice(host->control);
    inf_lock_give(&host->lock);
}

/* Links get what gossip has; the node is locked. */
static int share_keys(inf_host *host) {
    inf_slice list[INF_KEYS_MAX];
    size_t count = inf_node_keys(host->node);
    for (size_t i = 0; i < count; i++)
        list[i] = inf_node_key_at(host->node, i);
    return inf_tls_keys_set(host->keys, list, count);
}

int inf_host_key(inf_host *host, inf_key_step step, inf_slice key) {
    inf_lock_take(&host->lock);
    int rc = inf_node_key(host->node, step, key);
    if (rc == 0) rc = share_keys(host);
    inf_lock_give(&host->lock);
    return rc;
}

int inf_host_keys_set(inf_host *host, const inf_slice *keys, size_t count) {
    inf_lock_take(&host->lock);
    int rc = inf_node_keys_set(host->node, keys, count);
    if (rc == 0) rc = share_keys(host);
    inf_lock_give(&host->lock);
    return rc;
}

inf_traffic inf_host_traffic(const inf_host *host) {
    inf_traffic none = {0};
    return host->control != NULL ? inf_control_traffic(host->control) : none;
}

void inf_host_enter(inf_host *host) {
    inf_worker_enter(&host->worker);
}

void inf_host_leave(inf_host *host) {
    inf_worker_leave(&host->worker);
}

void inf_host_want_rows(inf_host *host, bool wanted) {
    host->rowless = !wanted;
    inf_lock_take(&host->lock);
    inf_node_want_rows(host->node, INF_ROWS_FOR_USER, wanted);
    inf_lock_give(&host->lock);
}

uint64_t inf_host_now_ms(const inf_host *host) {
    (void)host;
    return inf_clock_ms();
}

inf_addr inf_host_gossip_addr(const inf_host *host) {
    return host->gossip;
}

inf_addr inf_host_rpc_addr(const inf_host *host) {
    return host->rpc;
}

int inf_host_call(inf_host *host, const inf_target *target, inf_slice body,
                  const inf_retry_policy *policy, uint64_t tag) {
    return inf_worker_call(&host->worker, target, body, policy, tag);
}

int inf_host_reply(inf_host *host, uint64_t token, inf_slice body) {
    return inf_worker_answer(&host->worker, token, 0, body);
}

int inf_host_refuse(inf_host *host, uint64_t token, int status) {
    INF_ASSERT(status < 0);
    return inf_worker_answer(&host->worker, token, status,
                             (inf_slice){NULL, 0});
}
