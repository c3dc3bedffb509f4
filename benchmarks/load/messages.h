/* Messages with a stamp in their text, and the check of what arrives: each sender's numbers without hole or repeat.

   The text of a message: "stamp SSSSS NNNNNNNN TTTTTTTTTTTTT words words …"
   S: the sender among those of its room; N: its messages so far, from 1; T: when it was due, in ns since the start. */
#ifndef MESSAGES_H
#define MESSAGES_H

#include "clients.h"

#define MESSAGE_MAX 16384

/* Writes the frame of a message into `out`, which has MESSAGE_MAX bytes; its size. */
typedef size_t compose_message(const struct client *client, uint32_t number, const char *text, char *out);

/* Once, before anything else here: the stamps count from now on. */
void start_messages(compose_message *compose);

/* Queue the next message of this client, which was due at that time. */
void send_message(struct client *client, uint64_t due);

/* Closed loop: whether the end of a message lets the next one go. With a rate it never does. */
void keep_windows(bool on);

/* The client's own message has come back, or was acknowledged. */
void message_done(struct client *client);

/* Count one message that has arrived. False when the frame carries none of ours. */
bool take_delivery(struct client *client, const char *data, size_t size, uint64_t now);

/* Latency counts for messages that were due in between. */
void measure_latency(uint64_t from, uint64_t until);

/* From now on messages may come again that were seen before. */
void stop_checking(void);

/* Messages that have not come yet, those aside that were overtaken, and what slow readers have not read. */
uint64_t count_missing(void);

#endif
