#define _GNU_SOURCE
#include "messages.h"

#include "options.h"
#include "stats.h"

#include <stdio.h>
#include <string.h>

#define MARK "stamp "
#define MARK_SIZE 6
#define STAMP_SIZE 35

static compose_message *compose;
static uint64_t epoch_ns;
static bool sending, checking = true;
static uint64_t measured_from = UINT64_MAX, measured_until = UINT64_MAX;

static const char words[] = "the quick brown fox jumps over the lazy dog and goes on its way to the river ";

void start_messages(compose_message *composer) {
    compose = composer;
    epoch_ns = now_ns();
}

void keep_windows(bool on) {
    sending = on;
}

void measure_latency(uint64_t from, uint64_t until) {
    measured_from = from;
    measured_until = until;
}

void stop_checking(void) {
    checking = false;
}

static void stamp_text(char *out, int sender, uint32_t number, uint64_t due) {
    int written = snprintf(out, STAMP_SIZE + 1, MARK "%05d %08u %013llu ", sender, number,
                           (unsigned long long)(due - epoch_ns));
    for (int i = written; i < opt.size; i++) out[i] = words[(size_t)(i - written) % (sizeof words - 1)];
    if (out[opt.size - 1] == ' ') out[opt.size - 1] = '.';
    out[opt.size] = 0;
}

void send_message(struct client *client, uint64_t due) {
    char text[MESSAGE_MAX / 2], payload[MESSAGE_MAX];
    if (client->connection.state != READY) return;
    client->sent++;
    client->outstanding++;
    totals.sent++;
    stamp_text(text, client->sender, client->sent, due);
    queue_text(&client->connection, payload, compose(client, client->sent, text, payload));
}

static uint64_t digits(const char *at, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++) value = value * 10 + (uint64_t)(at[i] - '0');
    return value;
}

static const char *find_stamp(struct client *client, const char *data, size_t size) {
    if (client->stamp_at + STAMP_SIZE <= size && memcmp(data + client->stamp_at, MARK, MARK_SIZE) == 0)
        return data + client->stamp_at;
    const char *found = memmem(data, size, MARK, MARK_SIZE);
    if (found == NULL || found + STAMP_SIZE > data + size) return NULL;
    client->stamp_at = (size_t)(found - data);
    return found;
}

/* A sender's numbers without a hole, none late, none twice. A late one fills the hole it left; one that comes twice
   can't be told from a late one, but there is no hole for it. */
static void check_order(struct client *client, uint32_t sender, uint32_t number) {
    uint32_t next = client->seen[sender] + 1;
    if (number != next) totals.order_errors++;
    if (number < next) {
        totals.late++;
        return;
    }
    totals.holes += number - next;
    client->seen[sender] = number;
}

bool take_delivery(struct client *client, const char *data, size_t size, uint64_t now) {
    const char *stamp = find_stamp(client, data, size);
    if (stamp == NULL) return false;
    uint32_t sender = (uint32_t)digits(stamp + 6, 5), number = (uint32_t)digits(stamp + 12, 8);
    uint64_t due = digits(stamp + 21, 13) + epoch_ns;
    totals.received++;
    if (sender >= (uint32_t)opt.senders) {
        totals.bad_frames++;
        return true;
    }
    if (checking) check_order(client, sender, number);
    if (due >= measured_from && due <= measured_until) histogram_add(&latency, now > due ? now - due : 0);
    if ((int)sender == client->sender && !opt.ack) message_done(client);
    return true;
}

void message_done(struct client *client) {
    if (client->outstanding > 0) client->outstanding--;
    if (sending && opt.rate == 0) send_message(client, now_ns());
}

uint64_t count_missing(void) {
    uint64_t missing = 0;
    for (int i = 0; i < client_count; i++) {
        struct client *client = &clients[i];
        if (i >= first_slow() && i < opt.members) continue;
        for (int s = 0; s < opt.senders; s++) {
            uint32_t sent = sender_of((int)client->room, s)->sent;
            if (sent > client->seen[s]) missing += sent - client->seen[s];
        }
    }
    return missing;
}
