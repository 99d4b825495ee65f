/* SPDX-License-Identifier: MIT */
/* echo.c: the floor for a remote call: a libuv TCP echo over loopback between
   two processes, one message at a time. Prints the median and the 99th
   percentile of the round trip in microseconds.

       echo [ROUNDS [BYTES]] */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

typedef struct echo_client {
    uv_tcp_t tcp;
    uv_write_t write;
    uint64_t *ns; /* one per round; owned */
    size_t rounds;
    size_t round;
    size_t warm_up; /* rounds that do not count */
    size_t received;
    size_t size;
    uint64_t sent_at_ns;
    char message[4096];
} echo_client;

static void alloc_any(uv_handle_t *handle, size_t suggested, uv_buf_t *buf) {
    static char memory[65536];
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(memory, sizeof memory);
}

static void fail(const char *what, int rc) {
    (void)fprintf(stderr, "echo: %s: %s\n", what, uv_strerror(rc));
    exit(1);
}

/* ---- the child: sends back what comes ----------------------------------- */

static void on_echo(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
    if (len < 0) {
        uv_stop(stream->loop);
        return;
    }
    uv_buf_t out = uv_buf_init(buf->base, (unsigned)len);
    int rc = uv_try_write(stream, &out, 1);
    if (rc != len) fail("write", rc < 0 ? rc : UV_EAGAIN);
}

static void on_connection(uv_stream_t *listener, int status) {
    if (status < 0) fail("listen", status);
    uv_tcp_t *peer = listener->data;
    (void)uv_tcp_init(listener->loop, peer);
    int rc = uv_accept(listener, (uv_stream_t *)peer);
    if (rc == 0) rc = uv_tcp_nodelay(peer, 1);
    if (rc == 0) rc = uv_read_start((uv_stream_t *)peer, alloc_any, on_echo);
    if (rc != 0) fail("accept", rc);
}

static void listen_on(uv_loop_t *loop, uv_tcp_t *tcp, struct sockaddr_in *at) {
    int size = sizeof *at;
    (void)uv_ip4_addr("127.0.0.1", 0, at);
    int rc = uv_tcp_init(loop, tcp);
    if (rc == 0) rc = uv_tcp_bind(tcp, (struct sockaddr *)at, 0);
    if (rc == 0) rc = uv_listen((uv_stream_t *)tcp, 1, on_connection);
    if (rc == 0) rc = uv_tcp_getsockname(tcp, (struct sockaddr *)at, &size);
    if (rc != 0) fail("bind", rc);
}

/* ---- the parent: asks, waits, asks again -------------------------------- */

static void ask(echo_client *client) {
    uv_buf_t out = uv_buf_init(client->message, (unsigned)client->size);
    client->received = 0;
    client->sent_at_ns = uv_hrtime();
    int rc = uv_try_write((uv_stream_t *)&client->tcp, &out, 1);
    if (rc != (int)client->size) fail("write", rc < 0 ? rc : UV_EAGAIN);
}

static void on_answer(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf) {
    echo_client *client = stream->data;
    (void)buf;
    if (len < 0) fail("read", (int)len);
    client->received += (size_t)len;
    if (client->received < client->size) return;
    if (client->warm_up > 0) {
        client->warm_up--;
    } else {
        client->ns[client->round++] = uv_hrtime() - client->sent_at_ns;
    }
    if (client->round == client->rounds) {
        uv_stop(stream->loop);
    } else {
        ask(client);
    }
}

static void on_connect(uv_connect_t *request, int status) {
    if (status != 0) fail("connect", status);
    (void)uv_tcp_nodelay((uv_tcp_t *)request->handle, 1);
    (void)uv_read_start(request->handle, alloc_any, on_answer);
    ask(request->handle->data);
}

static int compare(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static void report(echo_client *client) {
    qsort(client->ns, client->rounds, sizeof *client->ns, compare);
    uint64_t median = client->ns[client->rounds / 2];
    uint64_t late = client->ns[client->rounds * 99 / 100];
    printf("%.1f %.1f\n", (double)median / 1000.0, (double)late / 1000.0);
}

static void run_client(const struct sockaddr_in *at, echo_client *client) {
    uv_loop_t loop;
    uv_connect_t request;
    client->ns = calloc(client->rounds, sizeof *client->ns);
    if (client->ns == NULL) fail("memory", UV_ENOMEM);
    (void)uv_loop_init(&loop);
    (void)uv_tcp_init(&loop, &client->tcp);
    client->tcp.data = client;
    int rc = uv_tcp_connect(&request, &client->tcp, (const struct sockaddr *)at,
                            on_connect);
    if (rc != 0) fail("connect", rc);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    report(client);
    free(client->ns);
}

int main(int argc, char **argv) {
    static echo_client client = {.warm_up = 1000};
    client.rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000;
    client.size = argc > 2 ? strtoul(argv[2], NULL, 10) : 64;
    if (client.rounds == 0 || client.size == 0 ||
        client.size > sizeof client.message) {
        (void)fputs("usage: echo [ROUNDS [BYTES]]\n", stderr);
        return 2;
    }
    uv_loop_t loop;
    uv_tcp_t listener, peer;
    struct sockaddr_in at;
    (void)uv_loop_init(&loop);
    listener.data = NULL;
    listen_on(&loop, &listener, &at);
    listener.data = &peer;
    pid_t child = fork();
    if (child < 0) fail("fork", UV_EAGAIN);
    if (child == 0) {
        (void)uv_loop_fork(&loop);
        (void)uv_run(&loop, UV_RUN_DEFAULT);
        _exit(0);
    }
    run_client(&at, &client);
    uv_os_fd_t fd;
    if (uv_fileno((uv_handle_t *)&client.tcp, &fd) == 0) {
        (void)shutdown(fd, SHUT_RDWR); /* the child sees the end and leaves */
    }
    (void)waitpid(child, NULL, 0);
    return 0;
}
