#include "phases.h"

#include "clients.h"
#include "dialects.h"
#include "fail.h"
#include "messages.h"
#include "options.h"
#include "report.h"
#include "stats.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SETTLE_SECONDS 0.3
#define SILENCE_SECONDS 3.0
#define DRAIN_SECONDS 5.0

static uint64_t last_reply;
static int reply_count;
static int timer = -1;
static bool paging;

static bool is_mode(const char *name) {
    return strcmp(opt.mode, name) == 0;
}

/* Modes in which opening ends with the sign-in, without a room. */
static bool signs_in_only(void) {
    return is_mode("join") || is_mode("connect");
}

static void pass(double seconds) {
    uint64_t began = now_ns();
    while (seconds_since(began) < seconds) turn(10);
}

static void wait_for_line(void) {
    char line[64];
    while (!(turn(1000) & TURN_STDIN)) {}
    if (read(STDIN_FILENO, line, sizeof line) <= 0) exit(1);
}

/* Open all connections, `concurrency` at once; the seconds until the last one is ready or has failed. Three quarters
   of --limit may pass; what isn't open by then has failed. */
static double open_all(void) {
    uint64_t began = now_ns();
    int next = 0;
    while (next < client_count || counts.opening > 0) {
        while (next < client_count && counts.opening < opt.concurrency) open_connection(&clients[next++].connection);
        turn(10);
        if (seconds_since(began) > 0.75 * opt.limit) break;
    }
    return seconds_since(began);
}

/* Traffic */

/* Wait for what is under way, as long as something arrives. False when that was still so at the end. */
static bool drain(void) {
    uint64_t last = totals.received, began = now_ns(), moved = began;
    while (count_missing() > 0 && seconds_since(moved) < SILENCE_SECONDS) {
        if (seconds_since(began) > DRAIN_SECONDS) return false;
        turn(10);
        if (totals.received != last) moved = now_ns();
        last = totals.received;
    }
    return true;
}

static void start_windows(void) {
    for (int room = 0; room < opt.rooms; room++)
        for (int i = 0; i < opt.senders; i++) {
            struct client *client = sender_of(room, i);
            for (int k = 0; k < opt.window; k++) send_message(client, now_ns());
            flush(&client->connection);
        }
}

static void start_timer(void) {
    uint64_t period = (uint64_t)((double)NANOSECONDS / opt.rate);
    struct timespec each = {(time_t)(period / NANOSECONDS), (long)(period % NANOSECONDS)};
    struct itimerspec intervals = {each, each};
    timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (timer < 0 || timerfd_settime(timer, 0, &intervals, NULL) < 0) fail("no timer");
    watch_timer(timer);
}

/* Open loop: send what is due, each message stamped with the time at which it was. */
static void send_due(uint64_t began, uint64_t *count) {
    uint64_t expirations;
    if (read(timer, &expirations, sizeof expirations) < 0) return;
    int senders = opt.rooms * opt.senders;
    for (;; ++*count) {
        uint64_t due = began + (uint64_t)((double)(*count + 1) * (double)NANOSECONDS / opt.rate);
        if (due > now_ns()) return;
        int next = (int)(*count % (uint64_t)senders);
        struct client *client = sender_of(next / opt.senders, next % opt.senders);
        send_message(client, due);
        flush(&client->connection);
    }
}

static void run_for(double seconds, uint64_t began, uint64_t *count) {
    uint64_t start = now_ns();
    while (seconds_since(start) < seconds) {
        int flags = turn(10);
        if (flags & TURN_TIMER) send_due(began, count);
        if (flags & TURN_STDIN) exit(1);
    }
}

static void pause_slow(void) {
    for (int i = first_slow(); i < opt.members; i++)
        if (clients[i].connection.state == READY) pause_reading(&clients[i].connection);
}

static void traffic(void) {
    struct snapshot from, to;
    uint64_t began, measured_from, count = 0;
    pass(SETTLE_SECONDS);
    pause_slow();
    keep_windows(true);
    began = now_ns();
    if (opt.rate > 0) start_timer();
    else start_windows();
    run_for(opt.warmup, began, &count);
    measured_from = now_ns();
    measure_latency(measured_from, UINT64_MAX);
    print_mark("measuring");
    take_snapshot(&from);
    run_for(opt.seconds, began, &count);
    take_snapshot(&to);
    print_mark("measured");
    measure_latency(measured_from, now_ns());
    keep_windows(false);
    bool drained = drain();
    uint64_t holes = totals.holes > totals.late ? totals.holes - totals.late : 0, missing = count_missing();
    expect_closes();
    /* What slow readers get late once they read again says nothing about the server. */
    measure_latency(UINT64_MAX, UINT64_MAX);
    for (int i = first_slow(); i < opt.members; i++) resume_reading(&clients[i].connection);
    if (opt.slow) pass(1.0);
    print_result(&from, &to, holes + (drained ? missing : 0), drained ? 0 : missing);
}

/* Reconnect and resume */

static void prime(void) {
    for (int room = 0; room < opt.rooms; room++) {
        struct client *client = sender_of(room, 0);
        for (int i = 0; i < opt.missed; i++) send_message(client, now_ns());
        flush(&client->connection);
    }
    drain();
}

static void forget_missed(void) {
    for (int i = 0; i < client_count; i++) {
        struct client *client = &clients[i];
        client->last_seq -= client->last_seq < (uint64_t)opt.missed ? client->last_seq : (uint64_t)opt.missed;
        if (client->connection.state != CLOSED) drop(&client->connection);
    }
}

static void resume(double opened) {
    prime();
    expect_closes();
    print_ready(opened);
    wait_for_line();
    if (opt.resume_port > 0) opt.port = opt.resume_port;
    forget_missed();
    uint64_t before = totals.received;
    resume_sessions();
    stop_checking();
    opt.concurrency = client_count;
    histogram_clear(&openings);
    counts.failed = 0;
    double seconds = open_all();
    begin_result();
    print_field("seconds", seconds);
    print_field("connections_per_second", counts.ready / seconds);
    print_field("replayed", (double)(totals.received - before));
    print_field("lost", (double)client_count * opt.missed - (double)(totals.received - before));
    print_histogram("latency_ms", &openings);
    end_result();
}

/* Join */

static void joined(struct client *client, uint64_t now) {
    histogram_add(&latency, now - client->asked);
    last_reply = now;
    reply_count++;
}

static void join(void) {
    uint64_t began = now_ns(), last_event = began, events = totals.other, seen = events;
    on_reply(joined);
    for (int i = 0; i < client_count; i++) {
        clients[i].asked = now_ns();
        send_join(&clients[i]);
        flush(&clients[i].connection);
    }
    while (reply_count < client_count || seconds_since(last_event) < 0.5) {
        turn(10);
        if (totals.other != seen) last_event = now_ns();
        seen = totals.other;
        if (seconds_since(began) > 60) break;
    }
    begin_result();
    print_field("seconds", (double)(last_reply - began) / 1e9);
    print_field("seconds_to_last_event", (double)(last_event - began) / 1e9);
    print_field("joined_events", (double)(totals.other - events));
    print_field("lost", client_count - reply_count);
    print_histogram("latency_ms", &latency);
    end_result();
}

/* History */

static uint64_t random_before(void) {
    static uint64_t x = 88172645463325252ull;
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    return (uint64_t)opt.page + 1 + x % (uint64_t)(opt.messages - opt.page);
}

static void page_arrived(struct client *client, uint64_t now) {
    histogram_add(&latency, now - client->asked);
    if (paging) send_history(client, random_before());
}

static void history(void) {
    on_reply(page_arrived);
    paging = true;
    for (int i = 0; i < client_count; i++) {
        send_history(&clients[i], random_before());
        flush(&clients[i].connection);
    }
    uint64_t began = now_ns();
    pass(opt.seconds);
    paging = false;
    begin_result();
    print_field("pages_per_second", (double)latency.total / seconds_since(began));
    print_histogram("latency_ms", &latency);
    end_result();
}

/* Fill */

static void fill(void) {
    uint64_t began = now_ns();
    keep_windows(true);
    start_windows();
    while (totals.sent < (uint64_t)opt.messages) turn(10);
    keep_windows(false);
    drain();
    begin_result();
    print_field("seconds", seconds_since(began));
    print_field("sent", (double)totals.sent);
    print_field("lost", (double)count_missing());
    end_result();
}

static void only_wait(double opened) {
    pass(opt.seconds);
    begin_result();
    print_field("seconds", opened);
    print_field("connections_per_second", counts.ready / opened);
    print_histogram(signs_in_only() ? "latency_ms" : "opening_ms", &openings);
    end_result();
}

void run_phases(void) {
    if (signs_in_only()) join_later();
    double opened = open_all();
    if (is_mode("resume")) {
        resume(opened);
        return;
    }
    print_ready(opened);
    wait_for_line();
    if (is_mode("join")) join();
    else if (is_mode("traffic")) traffic();
    else if (is_mode("history")) history();
    else if (is_mode("fill")) fill();
    else if (is_mode("idle") || is_mode("connect")) only_wait(opened);
    else fail("there is no mode %s", opt.mode);
}
