/* Messages with a stamp in their text, and the check of what arrives: each sender's numbers without hole or repeat.

   The text of a message: "stamp SSSSS NNNNNNNN TTTTTTTTTTTTT words words …"
   S: the sender among those of its room; N: its messages so far, from 1; T: when it was due, in ns since the start. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>

#define MARK "stamp "
#define MARK_SIZE 6
#define STAMP_SIZE 35

bool sending, checking = true;
uint64_t measured_from = UINT64_MAX, measured_until = UINT64_MAX;

static const char words[] = "the quick brown fox jumps over the lazy dog and goes on its way to the river ";

static void stamp_text(char *out, int sender, uint32_t number, uint64_t due) {
    int written = snprintf(out, STAMP_SIZE + 1, MARK "%05d %08u %013llu ", sender, number,
                           (unsigned long long)(due - epoch_ns));
    for (int i = written; i < opt.size; i++) out[i] = words[(size_t)(i - written) % (sizeof words - 1)];
    if (out[opt.size - 1] == ' ') out[opt.size - 1] = '.';
    out[opt.size] = 0;
}

void send_message(struct connection *c, uint64_t due) {
    char text[MESSAGE_MAX / 2], payload[MESSAGE_MAX];
    if (c->state != READY) return;
    c->sent++;
    c->outstanding++;
    totals.sent++;
    stamp_text(text, c->sender, c->sent, due);
    queue_text(c, payload, dialect->compose(c, c->sent, text, payload));
}

static uint64_t digits(const char *at, int count) {
    uint64_t value = 0;
    for (int i = 0; i < count; i++) value = value * 10 + (uint64_t)(at[i] - '0');
    return value;
}

static const char *find_stamp(struct connection *c, const char *data, size_t size) {
    if (c->stamp_at + STAMP_SIZE <= size && memcmp(data + c->stamp_at, MARK, MARK_SIZE) == 0)
        return data + c->stamp_at;
    const char *found = memmem(data, size, MARK, MARK_SIZE);
    if (found == NULL || found + STAMP_SIZE > data + size) return NULL;
    c->stamp_at = (size_t)(found - data);
    return found;
}

/* A sender's numbers without a hole, none late, none twice. A late one fills the hole it left; one that comes twice
   can't be told from a late one, but there is no hole for it. */
static void check_order(struct connection *c, uint32_t sender, uint32_t number) {
    uint32_t next = c->seen[sender] + 1;
    if (number != next) totals.order_errors++;
    if (number < next) {
        totals.late++;
        return;
    }
    totals.holes += number - next;
    c->seen[sender] = number;
}

/* Count one message that has arrived. False when the frame carries none of ours. */
bool take_delivery(struct connection *c, const char *data, size_t size, uint64_t now) {
    const char *stamp = find_stamp(c, data, size);
    if (stamp == NULL) return false;
    uint32_t sender = (uint32_t)digits(stamp + 6, 5), number = (uint32_t)digits(stamp + 12, 8);
    uint64_t due = digits(stamp + 21, 13) + epoch_ns;
    totals.received++;
    if (sender >= (uint32_t)opt.senders) {
        totals.bad_frames++;
        return true;
    }
    if (checking) check_order(c, sender, number);
    if (due >= measured_from && due <= measured_until) histogram_add(&latency, now > due ? now - due : 0);
    if ((int)sender == c->sender && !opt.ack) message_done(c);
    return true;
}

/* One's own message has come back, or was acknowledged: in a closed loop the next one goes. */
void message_done(struct connection *c) {
    if (c->outstanding > 0) c->outstanding--;
    if (sending && opt.rate == 0) send_message(c, now_ns());
}
