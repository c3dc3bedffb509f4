/* What is done with the connections, mode by mode. Each waits for a line on standard input before it measures. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define SETTLE_SECONDS 0.3
#define SILENCE_SECONDS 3.0
#define DRAIN_SECONDS 5.0

void (*replied)(struct connection *c, uint64_t now);

static uint64_t last_reply;
static int reply_count;

static double since(uint64_t then) {
    return (double)(now_ns() - then) / 1e9;
}

static void pass(double seconds) {
    uint64_t began = now_ns();
    while (since(began) < seconds) turn(10);
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
    while (next < connection_count || opening_count > 0) {
        while (next < connection_count && opening_count < opt.concurrency) open_connection(&connections[next++]);
        turn(10);
        if (since(began) > 0.75 * opt.limit) break;
    }
    return since(began);
}

/* Traffic */

static struct connection *sender_of(int room, int sender) {
    return &connections[room * opt.members + sender];
}

/* Messages that have not come yet, those aside that were overtaken. */
static uint64_t count_missing(void) {
    uint64_t missing = 0;
    for (int i = 0; i < connection_count; i++) {
        struct connection *c = &connections[i];
        if (i >= opt.members - opt.slow && i < opt.members) continue;
        for (int s = 0; s < opt.senders; s++) {
            uint32_t sent = sender_of((int)c->room, s)->sent;
            if (sent > c->seen[s]) missing += sent - c->seen[s];
        }
    }
    return missing;
}

/* Wait for what is under way, as long as something arrives. False when that was still so at the end. */
static bool drain(void) {
    uint64_t last = totals.received, began = now_ns(), moved = began;
    while (count_missing() > 0 && since(moved) < SILENCE_SECONDS) {
        if (since(began) > DRAIN_SECONDS) return false;
        turn(10);
        if (totals.received != last) moved = now_ns();
        last = totals.received;
    }
    return true;
}

static void start_windows(void) {
    for (int room = 0; room < opt.rooms; room++)
        for (int i = 0; i < opt.senders; i++) {
            struct connection *c = sender_of(room, i);
            for (int k = 0; k < opt.window; k++) send_message(c, now_ns());
            flush(c);
        }
}

static void start_timer(void) {
    uint64_t period = (uint64_t)((double)NANOSECONDS / opt.rate);
    struct timespec each = {(time_t)(period / NANOSECONDS), (long)(period % NANOSECONDS)};
    struct itimerspec timer = {each, each};
    timerfd_settime(timer_fd, 0, &timer, NULL);
}

/* Open loop: send what is due, each message stamped with the time at which it was. */
static void send_due(uint64_t began, uint64_t *count) {
    uint64_t expirations;
    if (read(timer_fd, &expirations, sizeof expirations) < 0) return;
    int talkers = opt.rooms * opt.senders;
    for (;; ++*count) {
        uint64_t due = began + (uint64_t)((double)(*count + 1) * (double)NANOSECONDS / opt.rate);
        if (due > now_ns()) return;
        int talker = (int)(*count % (uint64_t)talkers);
        struct connection *c = sender_of(talker / opt.senders, talker % opt.senders);
        send_message(c, due);
        flush(c);
    }
}

static void run_for(double seconds, uint64_t began, uint64_t *count) {
    uint64_t start = now_ns();
    while (since(start) < seconds) {
        int flags = turn(10);
        if (flags & TURN_TIMER) send_due(began, count);
        if (flags & TURN_STDIN) exit(1);
    }
}

static void pause_slow(void) {
    for (int i = opt.members - opt.slow; i < opt.members; i++)
        if (connections[i].state == READY) pause_reading(&connections[i]);
}

static void traffic(void) {
    struct snapshot from, to;
    uint64_t began, count = 0;
    pass(SETTLE_SECONDS);
    pause_slow();
    sending = true;
    began = now_ns();
    if (opt.rate > 0) start_timer();
    else start_windows();
    run_for(opt.warmup, began, &count);
    measured_from = now_ns();
    print_mark("measuring");
    take_snapshot(&from);
    run_for(opt.seconds, began, &count);
    take_snapshot(&to);
    print_mark("measured");
    measured_until = now_ns();
    sending = false;
    bool drained = drain();
    uint64_t holes = totals.holes > totals.late ? totals.holes - totals.late : 0, missing = count_missing();
    closes_expected = true;
    /* What those who read again now get late by their own fault says nothing about the server. */
    measured_from = UINT64_MAX;
    for (int i = opt.members - opt.slow; i < opt.members; i++) resume_reading(&connections[i]);
    if (opt.slow) pass(1.0);
    print_result(&from, &to, holes + (drained ? missing : 0), drained ? 0 : missing);
}

/* Reconnect and resume */

static void prime(void) {
    for (int room = 0; room < opt.rooms; room++) {
        struct connection *c = sender_of(room, 0);
        for (int i = 0; i < opt.missed; i++) send_message(c, now_ns());
        flush(c);
    }
    drain();
}

static void forget_missed(void) {
    for (int i = 0; i < connection_count; i++) {
        struct connection *c = &connections[i];
        c->last_seq -= c->last_seq < (uint64_t)opt.missed ? c->last_seq : (uint64_t)opt.missed;
        if (c->state != CLOSED) drop(c);
    }
}

static void resume(double opened) {
    prime();
    closes_expected = true;
    print_ready(opened);
    wait_for_line();
    forget_missed();
    uint64_t before = totals.received;
    resuming = true;
    checking = false;
    opt.concurrency = connection_count;
    histogram_clear(&openings);
    failed_count = 0;
    double seconds = open_all();
    begin_result();
    print_field("seconds", seconds);
    print_field("connections_per_second", ready_count / seconds);
    print_field("replayed", (double)(totals.received - before));
    print_field("lost", (double)connection_count * opt.missed - (double)(totals.received - before));
    print_histogram("latency_ms", &openings);
    end_result();
}

/* Join */

static void joined(struct connection *c, uint64_t now) {
    histogram_add(&latency, now - c->asked);
    last_reply = now;
    reply_count++;
}

static void join(void) {
    uint64_t began = now_ns(), last_event = began, events = totals.other, seen = events;
    replied = joined;
    for (int i = 0; i < connection_count; i++) {
        connections[i].asked = now_ns();
        send_join(&connections[i]);
        flush(&connections[i]);
    }
    while (reply_count < connection_count || since(last_event) < 0.5) {
        turn(10);
        if (totals.other != seen) last_event = now_ns();
        seen = totals.other;
        if (since(began) > 60) break;
    }
    begin_result();
    print_field("seconds", (double)(last_reply - began) / 1e9);
    print_field("seconds_to_last_event", (double)(last_event - began) / 1e9);
    print_field("joined_events", (double)(totals.other - events));
    print_field("lost", connection_count - reply_count);
    print_histogram("latency_ms", &latency);
    end_result();
}

/* History */

static uint64_t random_before(void) {
    static uint64_t x = 88172645463325252ull;
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    return (uint64_t)opt.page + 1 + x % (uint64_t)(opt.messages - opt.page);
}

static void page_arrived(struct connection *c, uint64_t now) {
    histogram_add(&latency, now - c->asked);
    if (sending) send_history(c, random_before());
}

static void history(void) {
    replied = page_arrived;
    sending = true;
    for (int i = 0; i < connection_count; i++) {
        send_history(&connections[i], random_before());
        flush(&connections[i]);
    }
    uint64_t began = now_ns();
    pass(opt.seconds);
    sending = false;
    begin_result();
    print_field("pages_per_second", (double)latency.total / since(began));
    print_histogram("latency_ms", &latency);
    end_result();
}

static void only_wait(double opened) {
    pass(opt.seconds);
    begin_result();
    print_field("seconds", opened);
    print_field("connections_per_second", ready_count / opened);
    print_histogram(join_later ? "latency_ms" : "opening_ms", &openings);
    end_result();
}

void run_phases(void) {
    bool is_join = strcmp(opt.mode, "join") == 0;
    join_later = is_join || strcmp(opt.mode, "connect") == 0;
    double opened = open_all();
    if (strcmp(opt.mode, "resume") == 0) {
        resume(opened);
        return;
    }
    print_ready(opened);
    wait_for_line();
    if (is_join) join();
    else if (strcmp(opt.mode, "traffic") == 0) traffic();
    else if (strcmp(opt.mode, "history") == 0) history();
    else if (strcmp(opt.mode, "idle") == 0 || strcmp(opt.mode, "connect") == 0) only_wait(opened);
    else fail("there is no mode %s", opt.mode);
}
