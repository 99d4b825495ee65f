/* SPDX-License-Identifier: MIT */
#include "host/control.h"

#include <signal.h>

#include "base/error.h"
#include "host/clock.h"
#include "host/socket.h"
#include "host/stream.h"

#define EFFECTS_AT_ONCE  64 /* taken under one hold of the lock */
#define DATAGRAM_MAX     65536
#define DATAGRAMS_UNSENT (4u << 20) /* bytes queued; above, gossip is lost */
#define RECEIVE_BUFFER   (2 * 1024 * 1024)

struct inf_control {
    inf_control_config config;
    uv_thread_t thread;
    uv_loop_t loop;
    uv_udp_t udp;
    uv_tcp_t listener;
    uv_timer_t timer;
    uv_async_t wake;
    uv_check_t after_io;
    inf_streams streams;
    uint64_t armed_ms; /* the timer's moment; under the node's lock */
    bool noticed;      /* a wake-up is on its way; under the node's lock */
    uint8_t *room;     /* of the datagram being read */
    _Atomic uint64_t datagrams_in; /* bytes, for whoever asks */
    _Atomic uint64_t datagrams_out;
    bool stopping; /* under the node's lock */
    bool stopped;  /* under the node's lock */
};

/* A datagram the kernel had no room for, and the effect that holds it. */
typedef struct send_job {
    uv_udp_send_t req;
    inf_effect effect;
    inf_alloc *mem;
} send_job;

/* ---- effects ----------------------------------------------------------- */

static void on_sent(uv_udp_send_t *req, int status) {
    send_job *job = req->data;
    (void)status; /* gossip expects losses */
    inf_effect_deinit(&job->effect);
    inf_free(job->mem, job);
}

/* Without memory the datagram is lost, as it may be anywhere on its way. */
static void send_later(inf_control *control, inf_effect *effect,
                       const struct sockaddr *to) {
    if (uv_udp_get_send_queue_size(&control->udp) > DATAGRAMS_UNSENT) return;
    send_job *job = inf_malloc(control->config.mem, sizeof *job);
    if (job == NULL) return;
    *job = (send_job){.effect = *effect, .mem = control->config.mem};
    job->req.data = job;
    uv_buf_t buf =
        uv_buf_init((char *)effect->bytes.data, (unsigned)effect->bytes.len);
    if (uv_udp_send(&job->req, &control->udp, &buf, 1, to, on_sent) != 0) {
        inf_free(job->mem, job);
        return;
    }
    effect->memory = NULL; /* the job has it */
}

static void send_packet(inf_control *control, inf_effect *effect) {
    struct sockaddr_storage to;
    control->datagrams_out += effect->bytes.len;
    (void)inf_socket_from_addr(&effect->addr, &to);
    uv_buf_t buf =
        uv_buf_init((char *)effect->bytes.data, (unsigned)effect->bytes.len);
    int rc = uv_udp_try_send(&control->udp, &buf, 1, (struct sockaddr *)&to);
    if (rc == UV_EAGAIN) {
        send_later(control, effect, (struct sockaddr *)&to);
    }
    inf_effect_deinit(effect);
}

/* Carries out what the control thread can, moves the rest to the front of
   `effects` and returns how many those are: they are for the worker. */
static size_t perform(inf_control *control, inf_effect *effects, size_t count) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        switch (effects[i].kind) {
        case INF_EFFECT_PACKET:
            send_packet(control, &effects[i]);
            break;
        case INF_EFFECT_DIAL:
        case INF_EFFECT_WRITE:
        case INF_EFFECT_CLOSE:
            inf_streams_do(&control->streams, &effects[i]);
            break;
        case INF_EFFECT_MEMBER:
        case INF_EFFECT_ROWS:
        case INF_EFFECT_LOST:
        case INF_EFFECT_CONTEST:
        case INF_EFFECT_USER:
        case INF_EFFECT_DONE:
        case INF_EFFECT_LOG:
            effects[kept++] = effects[i];
            break;
        }
    }
    return kept;
}

/* ---- the turn ---------------------------------------------------------- */

static void pump(inf_control *control);

static void on_timer(uv_timer_t *timer) {
    pump(timer->data);
}

static void arm(inf_control *control, uint64_t due_ms) {
    if (due_ms == INF_NEVER) {
        (void)uv_timer_stop(&control->timer);
        return;
    }
    uv_update_time(&control->loop);
    uint64_t now_ms = uv_now(&control->loop);
    uint64_t pause_ms = due_ms > now_ms ? due_ms - now_ms : 1;
    (void)uv_timer_start(&control->timer, on_timer, pause_ms, 0);
}

/* Takes what the core wants done under the lock, a batch at a time, and does
   it without. */
static void pump(inf_control *control) {
    inf_effect batch[EFFECTS_AT_ONCE];
    inf_node *node = control->config.node;
    uint64_t due_ms = INF_NEVER;
    bool more = true;
    while (more) {
        size_t count = 0;
        inf_lock_take_last(control->config.lock);
        if (control->stopping) {
            inf_lock_give(control->config.lock);
            return;
        }
        uint64_t now_ms = inf_clock_ms();
        control->noticed = false;
        bool reported = inf_streams_report(&control->streams, now_ms);
        if (inf_node_deadline(node) <= now_ms) inf_node_tick(node, now_ms);
        while (count < EFFECTS_AT_ONCE && inf_node_poll(node, &batch[count])) {
            count++;
        }
        due_ms = inf_node_deadline(node);
        control->armed_ms = due_ms;
        inf_lock_give(control->config.lock);
        more = count != 0 || reported;
        count = perform(control, batch, count);
        inf_events_push(control->config.events, batch, count);
    }
    arm(control, due_ms);
}

void inf_control_notice(inf_control *control) {
    const inf_node *node = control->config.node;
    if (control->noticed || control->stopping) return;
    if (inf_node_pending(node) || inf_node_deadline(node) < control->armed_ms) {
        control->noticed = true;
        (void)uv_async_send(&control->wake);
    }
}

/* ---- input ------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    const inf_control *control = handle->data;
    (void)suggested;
    *buf = uv_buf_init((char *)control->room, DATAGRAM_MAX);
}

static void on_datagram(uv_udp_t *udp, ssize_t len, const uv_buf_t *buf,
                        const struct sockaddr *from, unsigned flags) {
    inf_control *control = udp->data;
    inf_addr addr;
    if (len <= 0 || from == NULL || (flags & UV_UDP_PARTIAL) != 0) return;
    if (inf_socket_to_addr(from, &addr) != 0) return;
    control->datagrams_in += (uint64_t)len;
    inf_lock_take_last(control->config.lock);
    inf_node_packet(control->config.node, &addr,
                    inf_slice_of(buf->base, (size_t)len), inf_clock_ms());
    inf_lock_give(control->config.lock);
}

static void on_connection(uv_stream_t *listener, int status) {
    inf_control *control = listener->data;
    if (status == 0) inf_streams_accept(&control->streams, listener);
}

/* After every poll for I/O, whatever came: one pump for all of it. */
static void on_after_io(uv_check_t *check) {
    pump(check->data);
}

static void close_all(inf_control *control) {
    inf_streams_stop(&control->streams);
    uv_close((uv_handle_t *)&control->udp, NULL);
    uv_close((uv_handle_t *)&control->listener, NULL);
    uv_close((uv_handle_t *)&control->timer, NULL);
    uv_close((uv_handle_t *)&control->after_io, NULL);
    uv_close((uv_handle_t *)&control->wake, NULL);
}

static void on_wake(uv_async_t *wake) {
    inf_control *control = wake->data;
    /* Under the lock: who asked has then done with the async. */
    inf_lock_take_last(control->config.lock);
    bool stopping = control->stopping;
    inf_lock_give(control->config.lock);
    if (stopping && !uv_is_closing((uv_handle_t *)wake)) close_all(control);
}

static void run(void *arg) {
    inf_control *control = arg;
    pump(control);
    (void)uv_run(&control->loop, UV_RUN_DEFAULT);
    int rc = uv_loop_close(&control->loop);
    INF_ASSERT(rc == 0);
    /* Under the lock, so that the worker, which may free the async once it
       sees this, waits until it was used for the last time. */
    inf_lock_take_last(control->config.lock);
    control->stopped = true;
    (void)uv_async_send(control->config.events->wake);
    inf_lock_give(control->config.lock);
}

/* ---- birth and end ----------------------------------------------------- */

/* The handles that cannot fail, and the async that can. */
static int init_handles(inf_control *control) {
    uv_loop_t *loop = &control->loop;
    int rc = uv_async_init(loop, &control->wake, on_wake);
    if (rc != 0) return INF_ESYSTEM;
    (void)uv_timer_init(loop, &control->timer);
    (void)uv_check_init(loop, &control->after_io);
    (void)uv_udp_init(loop, &control->udp);
    (void)uv_tcp_init(loop, &control->listener);
    control->wake.data = control;
    control->timer.data = control;
    control->after_io.data = control;
    control->udp.data = control;
    control->listener.data = control;
    return 0;
}

static int open_sockets(inf_control *control) {
    int size = RECEIVE_BUFFER;
    if (uv_udp_open(&control->udp, control->config.udp) != 0) {
        return INF_ESYSTEM;
    }
    control->config.udp = -1;
    if (uv_tcp_open(&control->listener, control->config.tcp) != 0) {
        return INF_ESYSTEM;
    }
    control->config.tcp = -1;
    (void)uv_recv_buffer_size((uv_handle_t *)&control->udp, &size);
    int rc = uv_udp_recv_start(&control->udp, on_alloc, on_datagram);
    if (rc == 0) {
        rc = uv_listen((uv_stream_t *)&control->listener, SOMAXCONN,
                       on_connection);
    }
    if (rc == 0) rc = uv_check_start(&control->after_io, on_after_io);
    return rc == 0 ? 0 : INF_ESYSTEM;
}

/* Starts the thread with every signal blocked that somebody may want to handle:
   handlers belong to the program's own threads. */
static int start_thread(inf_control *control) {
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t none, before;
    (void)sigfillset(&none);
    for (size_t i = 0; i < INF_COUNT(faults); i++)
        (void)sigdelset(&none, faults[i]);
    if (pthread_sigmask(SIG_BLOCK, &none, &before) != 0) return INF_ESYSTEM;
    int rc = uv_thread_create(&control->thread, run, control);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc == 0 ? 0 : INF_ESYSTEM;
}

static int init_loop(inf_control *control) {
    if (uv_loop_init(&control->loop) != 0) return INF_ESYSTEM;
    int rc = init_handles(control);
    if (rc != 0) {
        (void)uv_loop_close(&control->loop);
        return rc;
    }
    rc = open_sockets(control);
    if (rc == 0) rc = start_thread(control);
    if (rc != 0) {
        close_all(control);
        (void)uv_run(&control->loop, UV_RUN_DEFAULT);
        (void)uv_loop_close(&control->loop);
    }
    return rc;
}

static void free_memory(inf_control *control) {
    inf_alloc *mem = control->config.mem;
    inf_socket_close(&control->config.udp); /* if the loop never had them */
    inf_socket_close(&control->config.tcp);
    inf_streams_deinit(&control->streams);
    inf_free(mem, control->room);
    inf_free(mem, control);
}

int inf_control_start(inf_control **out, const inf_control_config *config) {
    inf_control *control = inf_zalloc(config->mem, sizeof *control);
    if (control == NULL) {
        int udp = config->udp, tcp = config->tcp;
        inf_socket_close(&udp);
        inf_socket_close(&tcp);
        return INF_ENOMEM;
    }
    control->config = *config;
    control->armed_ms = INF_NEVER;
    control->streams = (inf_streams){.loop = &control->loop,
                                     .lock = config->lock,
                                     .node = config->node,
                                     .mem = config->mem,
                                     .events = config->events,
                                     .keys = config->keys};
    int rc = inf_streams_init(&control->streams);
    control->room = inf_malloc(config->mem, DATAGRAM_MAX);
    if (rc == 0 && control->room == NULL) rc = INF_ENOMEM;
    if (rc == 0) rc = init_loop(control);
    if (rc != 0) {
        free_memory(control);
        return rc;
    }
    *out = control;
    return 0;
}

void inf_control_stop(inf_control *control) {
    inf_lock_take(control->config.lock);
    control->stopping = true;
    (void)uv_async_send(&control->wake);
    inf_lock_give(control->config.lock);
}

inf_traffic inf_control_traffic(const inf_control *control) {
    return (inf_traffic){.streams_in = control->streams.in,
                         .streams_out = control->streams.out,
                         .datagrams_in = control->datagrams_in,
                         .datagrams_out = control->datagrams_out};
}

bool inf_control_stopped(const inf_control *control) {
    inf_lock_take(control->config.lock);
    bool stopped = control->stopped;
    inf_lock_give(control->config.lock);
    return stopped;
}

void inf_control_free(inf_control *control) {
    if (control == NULL) return;
    (void)uv_thread_join(&control->thread);
    free_memory(control);
}
