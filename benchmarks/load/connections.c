#define _GNU_SOURCE
#include "connections.h"

#include "fail.h"
#include "options.h"
#include "stats.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_AT_ONCE (128 * 1024)
#define BUFFER_SIZE (4 * 1024 * 1024)
#define EVENTS 512
#define SMALL_WINDOW 4096

struct counts counts;

static const struct protocol *protocol;
static bool closes_expected;
static int poller = -1;
static char stdin_key, timer_key; /* their addresses stand for what isn't a connection */
static char buffer[BUFFER_SIZE];
static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};

static void watch(int operation, int fd, uint32_t events, void *key) {
    struct epoll_event event = {.events = events, .data.ptr = key};
    if (epoll_ctl(poller, operation, fd, &event) < 0) fail("epoll_ctl: %s", strerror(errno));
}

static void watch_connection(struct connection *c, int operation) {
    uint32_t events = (c->paused ? 0 : EPOLLIN) | (c->writing ? EPOLLOUT : 0);
    watch(operation, c->fd, events, c);
}

void start_loop(const struct protocol *spoken) {
    protocol = spoken;
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0) fail("epoll_create1: %s", strerror(errno));
    watch(EPOLL_CTL_ADD, STDIN_FILENO, EPOLLIN, &stdin_key);
}

void watch_timer(int fd) {
    watch(EPOLL_CTL_ADD, fd, EPOLLIN, &timer_key);
}

void expect_closes(void) {
    closes_expected = true;
}

void init_connection(struct connection *c) {
    c->fd = -1;
    c->state = CLOSED;
}

void open_connection(struct connection *c) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)opt.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int one = 1, small = SMALL_WINDOW;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) fail("socket: %s (raise the limit of open files: ulimit -n)", strerror(errno));
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (c->small_window) setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    c->rest_len = c->out_len = c->parts_len = 0;
    c->paused = c->failed = false;
    c->writing = true;
    c->state = CONNECTING;
    c->opened_at = now_ns();
    counts.opening++;
    watch_connection(c, EPOLL_CTL_ADD);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address) < 0 && errno != EINPROGRESS) drop(c);
}

void drop(struct connection *c) {
    if (c->state == CLOSED) return;
    if (c->state == READY) {
        counts.ready--;
        if (!closes_expected) totals.unexpected_closes++;
    } else {
        counts.opening--;
        counts.failed++;
        c->failed = true;
    }
    c->state = CLOSED;
    close(c->fd);
    c->fd = -1;
}

void now_ready(struct connection *c) {
    if (c->state != GREETING) return;
    c->state = READY;
    counts.opening--;
    counts.ready++;
    histogram_add(&openings, now_ns() - c->opened_at);
}

void pause_reading(struct connection *c) {
    c->paused = true;
    watch_connection(c, EPOLL_CTL_MOD);
}

void resume_reading(struct connection *c) {
    if (c->state == CLOSED) return;
    c->paused = false;
    watch_connection(c, EPOLL_CTL_MOD);
}

static char *grown(char *data, size_t size) {
    data = realloc(data, size ? size : 1);
    if (data == NULL) fail("no memory");
    return data;
}

static char *room_in_out(struct connection *c, size_t more) {
    if (c->out_len + more > c->out_cap) {
        c->out_cap = (c->out_len + more) * 2;
        c->out = grown(c->out, c->out_cap);
    }
    return c->out + c->out_len;
}

static void queue_frame(struct connection *c, unsigned opcode, const char *payload, size_t size) {
    char *out = room_in_out(c, size + 14), *at = out;
    *at++ = (char)(0x80 | opcode);
    if (size < 126) {
        *at++ = (char)(0x80 | size);
    } else {
        *at++ = (char)(0x80 | 126);
        *at++ = (char)(size >> 8);
        *at++ = (char)size;
    }
    memcpy(at, mask, 4);
    at += 4;
    for (size_t i = 0; i < size; i++) at[i] = (char)((unsigned char)payload[i] ^ mask[i & 3]);
    c->out_len += (size_t)(at - out) + size;
}

void queue_text(struct connection *c, const char *payload, size_t size) {
    if (c->state != CLOSED) queue_frame(c, 1, payload, size);
}

void flush(struct connection *c) {
    if (c->state == CLOSED || c->state == CONNECTING || c->out_len == 0) return;
    ssize_t sent = send(c->fd, c->out, c->out_len, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) {
        drop(c);
        return;
    }
    if (sent > 0) {
        c->out_len -= (size_t)sent;
        memmove(c->out, c->out + sent, c->out_len);
    }
    if (c->writing != (c->out_len > 0)) {
        c->writing = c->out_len > 0;
        watch_connection(c, EPOLL_CTL_MOD);
    }
}

static void start_upgrade(struct connection *c) {
    char path[128];
    protocol->path(c, path, sizeof path);
    char *request = room_in_out(c, 512);
    int size = snprintf(request, 512,
                        "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s%s%s\r\n",
                        path, opt.port, protocol->subprotocol ? "Sec-WebSocket-Protocol: " : "",
                        protocol->subprotocol ? protocol->subprotocol : "", protocol->subprotocol ? "\r\n" : "");
    c->out_len += (size_t)size;
    c->state = UPGRADING;
    flush(c);
}

/* The size of the answer to the handshake, once all of it is there. */
static size_t take_upgrade(struct connection *c, const char *data, size_t size) {
    const char *end = memmem(data, size, "\r\n\r\n", 4);
    if (end == NULL) return 0;
    if (size < 12 || memcmp(data + 9, "101", 3) != 0) {
        count_error(data, size < 400 ? size : 400);
        drop(c);
        return 0;
    }
    c->state = GREETING;
    protocol->opened(c);
    return (size_t)(end + 4 - data);
}

static void take_fragment(struct connection *c, bool last, const char *payload, size_t size, uint64_t now) {
    c->parts = grown(c->parts, c->parts_len + size);
    memcpy(c->parts + c->parts_len, payload, size);
    c->parts_len += size;
    if (!last) return;
    protocol->text(c, c->parts, c->parts_len, now);
    c->parts_len = 0;
}

static void take_frame(struct connection *c, unsigned first, const char *payload, size_t size, uint64_t now) {
    unsigned opcode = first & 15;
    if (first == 0x81) {
        protocol->text(c, payload, size, now);
    } else if (opcode <= 1) {
        take_fragment(c, first & 0x80, payload, size, now);
    } else if (opcode == 9) {
        queue_frame(c, 10, payload, size);
    } else if (opcode == 8) {
        int code = size >= 2 ? (unsigned char)payload[0] << 8 | (unsigned char)payload[1] : 1005;
        if (code < CLOSE_CODES) closes[code]++;
        drop(c);
    } else if (opcode != 10) {
        totals.bad_frames++;
    }
}

/* Handle all whole frames; how many bytes they were. */
static size_t take_frames(struct connection *c, const char *data, size_t size, uint64_t now) {
    const unsigned char *bytes = (const unsigned char *)data;
    size_t at = 0;
    while (c->state != CLOSED && size - at >= 2) {
        size_t length = bytes[at + 1] & 127, head = 2;
        if (length == 126) {
            if (size - at < 4) break;
            length = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
            head = 4;
        } else if (length == 127) {
            if (size - at < 10) break;
            length = 0;
            for (int i = 2; i < 10; i++) length = length << 8 | bytes[at + (size_t)i];
            head = 10;
        }
        if (head + length > BUFFER_SIZE / 2) fail("a frame of %zu bytes", length);
        if (size - at < head + length) break;
        take_frame(c, bytes[at], data + at + head, length, now);
        at += head + length;
    }
    return at;
}

static void keep_rest(struct connection *c, const char *data, size_t size) {
    if (size > 0) {
        c->rest = grown(c->rest, size);
        memcpy(c->rest, data, size);
    }
    c->rest_len = size;
}

static void read_some(struct connection *c) {
    memcpy(buffer, c->rest, c->rest_len);
    size_t most = BUFFER_SIZE - c->rest_len < READ_AT_ONCE ? BUFFER_SIZE - c->rest_len : READ_AT_ONCE;
    ssize_t got = recv(c->fd, buffer + c->rest_len, most, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
        drop(c);
        return;
    }
    totals.reads++;
    totals.bytes += (uint64_t)got;
    size_t size = c->rest_len + (size_t)got, used = 0;
    if (c->state == UPGRADING) used = take_upgrade(c, buffer, size);
    if (c->state != UPGRADING) used += take_frames(c, buffer + used, size - used, now_ns());
    if (c->state == CLOSED) return;
    keep_rest(c, buffer + used, size - used);
    flush(c);
}

static void serve(struct connection *c, uint32_t events) {
    if (c->state == CLOSED) return;
    if (c->state == CONNECTING) {
        if (events & (EPOLLERR | EPOLLHUP)) drop(c);
        else if (events & EPOLLOUT) start_upgrade(c);
        return;
    }
    if (events & EPOLLOUT) flush(c);
    if (c->state != CLOSED && !c->paused && events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_some(c);
    else if (c->paused && events & (EPOLLHUP | EPOLLERR)) drop(c);
}

int turn(int timeout_ms) {
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, timeout_ms), flags = 0;
    for (int i = 0; i < count; i++) {
        void *key = events[i].data.ptr;
        if (key == &stdin_key) flags |= TURN_STDIN;
        else if (key == &timer_key) flags |= TURN_TIMER;
        else serve(key, events[i].events);
    }
    return flags;
}
