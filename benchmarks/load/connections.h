/* Non-blocking sockets that speak WebSocket as a client (RFC 6455), and the loop that serves them. */
#ifndef CONNECTIONS_H
#define CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum state { CLOSED, CONNECTING, UPGRADING, GREETING, READY };

struct connection {
    int fd;
    enum state state;
    bool paused, writing, failed;
    bool small_window;    /* receive little at once: not reading is soon felt by the server */
    uint64_t opened_at;
    char *rest;           /* the begun frame */
    size_t rest_len;
    char *parts;          /* the begun message, when a server sends it in fragments */
    size_t parts_len;
    char *out;            /* what the socket didn't take yet, and what goes out at the end of this read */
    size_t out_len, out_cap;
};

/* What is spoken inside the frames: called by the loop. */
struct protocol {
    const char *subprotocol; /* or NULL */
    int (*path)(const struct connection *c, char *out, size_t size);
    void (*opened)(struct connection *c);
    void (*text)(struct connection *c, const char *data, size_t size, uint64_t now);
};

/* Connections by state; those that failed to open stay counted. */
struct counts {
    int opening, ready, failed;
};

extern struct counts counts;

/* Once, before anything else here. */
void start_loop(const struct protocol *spoken);

void init_connection(struct connection *c);
void open_connection(struct connection *c);
void drop(struct connection *c);
void pause_reading(struct connection *c);
void resume_reading(struct connection *c);

/* The server has let the client in: the opening is over. */
void now_ready(struct connection *c);

/* Queue a text frame; flush() sends what is queued, as does the end of each read. */
void queue_text(struct connection *c, const char *payload, size_t size);
void flush(struct connection *c);

/* From now on a close is no fault of the server. */
void expect_closes(void);

/* One turn of the loop. The flags say what else is there to be read: standard input, or the timer. */
#define TURN_STDIN 1
#define TURN_TIMER 2

void watch_timer(int fd);
int turn(int timeout_ms);

#endif
