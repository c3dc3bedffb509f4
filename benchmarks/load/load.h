/* A load generator for WebSocket chat servers: one thread, epoll. What is shared between its files. */
#ifndef LOAD_H
#define LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_MAX 16384
#define NAME_MAX_CHARS 64
#define NANOSECONDS 1000000000ull

/* options.c */

struct options {
    const char *mode;    /* traffic, idle, connect, resume, join, history */
    const char *dialect; /* chat, plain, socketio */
    int port;
    int rooms, members;  /* rooms, and connections in each */
    int senders;         /* of the members in each room, so many talk */
    int window;          /* closed loop: messages outstanding per sender */
    double rate;         /* open loop: messages per second in all; 0 is a closed loop */
    double seconds, warmup;
    int size;            /* characters of a message */
    bool ack;            /* chat: ask for an "ok", and count that as the end of a message */
    int concurrency;     /* connections being opened at once */
    int slow;            /* members of the first room that stop reading */
    int missed;          /* resume: messages each client missed */
    int messages;        /* history: messages in the room */
    int page;            /* history: messages a page */
    int first_name;      /* chat: people get other names than in a run with another number */
    int limit;           /* after so many seconds the program gives up, whatever it is doing */
};

extern struct options opt;
void parse_options(int argc, char **argv);

/* stats.c */

#define SUB_BITS 6
#define BUCKETS ((64 - SUB_BITS + 1) << SUB_BITS)

struct histogram {
    uint64_t counts[BUCKETS];
    uint64_t total, max;
};

uint64_t now_ns(void);
void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
double histogram_ms(const struct histogram *h, double quantile);
void print_histogram(const char *name, const struct histogram *h);

/* connections.c */

enum state { CLOSED, CONNECTING, UPGRADING, GREETING, READY };

struct connection {
    int fd;
    enum state state;
    bool paused, writing, failed;
    uint32_t room;
    int sender;           /* number among the senders of its room, or -1 */
    uint32_t sent, outstanding;
    uint64_t last_seq;    /* chat: of the room's log */
    uint64_t asked;       /* when the request that is under way was sent */
    uint32_t *seen;       /* per sender of the room: the highest number that has come */
    size_t stamp_at;      /* where the stamp was in the frame before; the next one is likely there too */
    char *rest;           /* the begun frame */
    size_t rest_len;
    char *parts;          /* the begun message, when a server sends it in fragments */
    size_t parts_len;
    char *out;            /* what the socket didn't take yet, and what goes out at the end of this read */
    size_t out_len, out_cap;
    char token[NAME_MAX_CHARS];
};

struct totals {
    uint64_t sent, received, bytes, reads, replies, other;
    uint64_t holes, late, order_errors, errors, bad_frames, unexpected_closes;
};

extern struct connection *connections;
extern int connection_count;
extern int opening_count, ready_count, failed_count;
extern struct totals totals;
extern struct histogram latency, openings;
extern bool closes_expected;
extern int closes[5000];
extern char first_error[512];
extern uint64_t epoch_ns;

void make_connections(void);
void open_connection(struct connection *c);
void drop(struct connection *c);
void pause_reading(struct connection *c);
void resume_reading(struct connection *c);
void now_ready(struct connection *c);
void queue_text(struct connection *c, const char *payload, size_t size);
void flush(struct connection *c);
int turn(int timeout_ms);
void fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

#define TURN_STDIN 1
#define TURN_TIMER 2

extern int timer_fd;

/* dialects.c */

struct dialect {
    const char *name;
    const char *subprotocol;
    int (*path)(const struct connection *c, char *out, size_t size);
    void (*opened)(struct connection *c);
    void (*text)(struct connection *c, const char *data, size_t size, uint64_t now);
    size_t (*compose)(const struct connection *c, uint32_t number, const char *stamped, char *out);
};

extern const struct dialect *dialect;
extern bool join_later, resuming;
void choose_dialect(const char *name);
void send_join(struct connection *c);
void send_history(struct connection *c, uint64_t before);

/* messages.c */

void send_message(struct connection *c, uint64_t stamp);
bool take_delivery(struct connection *c, const char *data, size_t size, uint64_t now);
void message_done(struct connection *c);
extern bool sending, checking;
extern uint64_t measured_from, measured_until; /* latency counts for messages that were due in between */

/* phases.c */

void run_phases(void);
extern void (*replied)(struct connection *c, uint64_t now);

/* report.c */

struct snapshot {
    struct totals totals;
    uint64_t at;
    double cpu;
};

void take_snapshot(struct snapshot *s);
void print_ready(double seconds);
void print_result(const struct snapshot *from, const struct snapshot *to, uint64_t lost, uint64_t behind);
void print_mark(const char *event);
void print_field(const char *name, double value);
void begin_result(void);
void end_result(void);

#endif
