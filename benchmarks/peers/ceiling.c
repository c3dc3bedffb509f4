/* What one thread can do at best: an epoll server that sends every text frame to all in the room of its path.

   ceiling PORT each       one send() for each client and message
   ceiling PORT coalesce   what is ready for a room in one turn of the loop goes to each client in one send()

   No pings, no fragments, no limits: a yardstick, not a server. Port 0 takes a free one; "listening PORT" is printed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS 65536
#define ROOMS 4096
#define EVENTS 1024
#define READ_AT_ONCE 65536
#define WAITING_MOST (64u << 20)

struct bytes {
    char *data;
    size_t size, room;
};

struct client {
    bool open, upgraded, writing;
    struct room *room;
    int place; /* among the room's members */
    struct bytes rest, waiting;
};

struct room {
    char name[64];
    int *members;
    int count, space;
    struct bytes ready;
    bool listed;
};

static struct client clients[CLIENTS];
static struct room rooms[ROOMS];
static struct room *listed[ROOMS];
static int room_count, listed_count, poller;
static bool coalesce;
static char buffer[READ_AT_ONCE * 4];

static void append(struct bytes *b, const void *data, size_t size) {
    if (b->size + size > b->room) {
        b->room = (b->size + size) * 2;
        b->data = realloc(b->data, b->room);
        if (b->data == NULL) abort();
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void consume(struct bytes *b, size_t size) {
    memmove(b->data, b->data + size, b->size - size);
    b->size -= size;
}

/* SHA-1 (RFC 3174) of a text under 120 bytes, for the handshake */

static uint32_t left(uint32_t x, int n) {
    return x << n | x >> (32 - n);
}

static void sha1_block(uint32_t h[5], const unsigned char *block) {
    uint32_t w[80], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[i * 4] << 24 | (uint32_t)block[i * 4 + 1] << 16 | (uint32_t)block[i * 4 + 2] << 8 |
               block[i * 4 + 3];
    for (int i = 16; i < 80; i++) w[i] = left(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
    for (int i = 0; i < 80; i++) {
        uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                     : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                     : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                              : (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = left(a, 5) + f + e + w[i];
        e = d, d = c, c = left(b, 30), b = a, a = next;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
}

static void sha1(const char *text, size_t size, unsigned char out[20]) {
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    unsigned char blocks[128] = {0};
    size_t end = size + 9 <= 64 ? 64 : 128;
    memcpy(blocks, text, size);
    blocks[size] = 0x80;
    for (int i = 0; i < 8; i++) blocks[end - 1 - (size_t)i] = (unsigned char)((uint64_t)size * 8 >> (8 * i));
    for (size_t at = 0; at < end; at += 64) sha1_block(h, blocks + at);
    for (int i = 0; i < 20; i++) out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void base64(const unsigned char in[20], char out[29]) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (int i = 0; i < 7; i++) {
        uint32_t three = (uint32_t)in[i * 3] << 16 | (uint32_t)in[i * 3 + 1] << 8 | (i < 6 ? in[i * 3 + 2] : 0);
        for (int k = 0; k < 4; k++) out[i * 4 + k] = digits[three >> (18 - 6 * k) & 63];
    }
    out[27] = '=';
    out[28] = 0;
}

/* Rooms */

static struct room *room_named(const char *name) {
    for (int i = 0; i < room_count; i++)
        if (strcmp(rooms[i].name, name) == 0) return &rooms[i];
    if (room_count == ROOMS) abort();
    snprintf(rooms[room_count].name, sizeof rooms->name, "%s", name);
    return &rooms[room_count++];
}

static void enter(int fd, struct room *room) {
    if (room->count == room->space) {
        room->space = room->space * 2 + 16;
        room->members = realloc(room->members, sizeof(int) * (size_t)room->space);
        if (room->members == NULL) abort();
    }
    clients[fd].room = room;
    clients[fd].place = room->count;
    room->members[room->count++] = fd;
}

static void leave(int fd) {
    struct client *c = &clients[fd];
    if (c->room == NULL) return;
    int last = c->room->members[--c->room->count];
    c->room->members[c->place] = last;
    clients[last].place = c->place;
    c->room = NULL;
}

/* Sockets */

static void watch(int operation, int fd) {
    struct epoll_event event = {.events = EPOLLIN | (clients[fd].writing ? EPOLLOUT : 0), .data.fd = fd};
    epoll_ctl(poller, operation, fd, &event);
}

static void drop(int fd) {
    struct client *c = &clients[fd];
    if (!c->open) return;
    leave(fd);
    free(c->rest.data);
    free(c->waiting.data);
    memset(c, 0, sizeof *c);
    close(fd);
}

static void flush(int fd) {
    struct client *c = &clients[fd];
    ssize_t sent = send(fd, c->waiting.data, c->waiting.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) consume(&c->waiting, (size_t)sent);
    if (c->writing != (c->waiting.size > 0)) {
        c->writing = c->waiting.size > 0;
        watch(EPOLL_CTL_MOD, fd);
    }
}

static void deliver(int fd, const char *data, size_t size) {
    struct client *c = &clients[fd];
    ssize_t sent = 0;
    if (c->waiting.size == 0) {
        sent = send(fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent == (ssize_t)size) return;
        if (sent < 0) sent = 0; /* a dead connection is noticed by its reader */
    }
    if (c->waiting.size > WAITING_MOST) return;
    append(&c->waiting, data + sent, size - (size_t)sent);
    if (!c->writing) {
        c->writing = true;
        watch(EPOLL_CTL_MOD, fd);
    }
}

static void broadcast(struct room *room, const char *data, size_t size) {
    for (int i = room->count; i-- > 0;) deliver(room->members[i], data, size);
}

static void publish(struct room *room, const char *payload, size_t size) {
    static char frame[READ_AT_ONCE * 2];
    size_t head = 2;
    frame[0] = (char)0x81;
    if (size < 126) {
        frame[1] = (char)size;
    } else {
        frame[1] = 126, frame[2] = (char)(size >> 8), frame[3] = (char)size;
        head = 4;
    }
    memcpy(frame + head, payload, size);
    if (!coalesce) {
        broadcast(room, frame, head + size);
        return;
    }
    append(&room->ready, frame, head + size);
    if (!room->listed) listed[listed_count++] = room;
    room->listed = true;
}

static void send_ready(void) {
    for (int i = 0; i < listed_count; i++) {
        broadcast(listed[i], listed[i]->ready.data, listed[i]->ready.size);
        listed[i]->ready.size = 0;
        listed[i]->listed = false;
    }
    listed_count = 0;
}

/* What comes in */

static size_t upgrade(int fd, char *data, size_t size) {
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    char *end = memmem(data, size, "\r\n\r\n", 4), path[64], key[64], text[128], accept[29], answer[256];
    if (end == NULL) return 0;
    *end = 0;
    char *found = strcasestr(data, "Sec-WebSocket-Key: ");
    if (found == NULL || sscanf(found + 19, "%60s", key) != 1 || sscanf(data, "GET %60s", path) != 1) {
        drop(fd);
        return 0;
    }
    unsigned char digest[20];
    sha1(text, (size_t)snprintf(text, sizeof text, "%s%s", key, magic), digest);
    base64(digest, accept);
    int length = snprintf(answer, sizeof answer,
                          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
    clients[fd].upgraded = true;
    deliver(fd, answer, (size_t)length);
    enter(fd, room_named(path));
    return (size_t)(end + 4 - data);
}

/* Handle the whole frames; how many bytes they were. Frames over 64 KiB and unmasked ones end the connection. */
static size_t take_frames(int fd, unsigned char *data, size_t size) {
    size_t at = 0;
    while (clients[fd].open && size - at >= 6) {
        size_t length = data[at + 1] & 127, head = 6;
        if (length == 126) {
            if (size - at < 8) break;
            length = (size_t)data[at + 2] << 8 | data[at + 3];
            head = 8;
        }
        if (length == 127 || !(data[at + 1] & 128) || (data[at] & 15) == 8) {
            drop(fd);
            break;
        }
        if (size - at < head + length) break;
        unsigned char *mask = data + at + head - 4, *payload = data + at + head;
        for (size_t i = 0; i < length; i++) payload[i] ^= mask[i & 3];
        if ((data[at] & 15) == 1) publish(clients[fd].room, (char *)payload, length);
        at += head + length;
    }
    return at;
}

static void read_some(int fd) {
    struct client *c = &clients[fd];
    size_t before = c->rest.size, used = 0;
    memcpy(buffer, c->rest.data ? c->rest.data : "", before);
    ssize_t got = recv(fd, buffer + before, READ_AT_ONCE, MSG_DONTWAIT);
    if (got <= 0) {
        if (got == 0 || errno != EAGAIN) drop(fd);
        return;
    }
    size_t size = before + (size_t)got;
    if (!c->upgraded) used = upgrade(fd, buffer, size);
    if (c->upgraded) used += take_frames(fd, (unsigned char *)buffer + used, size - used);
    if (!c->open) return;
    c->rest.size = 0;
    if (size > used) append(&c->rest, buffer + used, size - used);
}

static void accept_all(int listener) {
    for (;;) {
        int one = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        if (fd >= CLIENTS) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        clients[fd].open = true;
        watch(EPOLL_CTL_ADD, fd);
    }
}

static int listen_on(uint16_t port) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    socklen_t size = sizeof address;
    int one = 1, listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, size) < 0 || listen(listener, 4096) < 0) {
        perror("ceiling");
        exit(1);
    }
    getsockname(listener, (struct sockaddr *)&address, &size);
    printf("listening %d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    coalesce = strcmp(argv[2], "coalesce") == 0;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    signal(SIGPIPE, SIG_IGN);
    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = listen_on((uint16_t)atoi(argv[1]));
    watch(EPOLL_CTL_ADD, listener);
    for (;;) {
        struct epoll_event events[EVENTS];
        int count = epoll_wait(poller, events, EVENTS, -1);
        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;
            if (fd == listener) accept_all(listener);
            else if (!clients[fd].open) continue;
            else if (events[i].events & EPOLLOUT) flush(fd);
            if (fd != listener && clients[fd].open && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) read_some(fd);
        }
        send_ready();
    }
}
