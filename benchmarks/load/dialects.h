/* What is said inside the frames: chat.v1, plain text that a server sends to all in a room, Socket.IO, and XMPP. */
#ifndef DIALECTS_H
#define DIALECTS_H

#include "clients.h"
#include "messages.h"

/* A dialect by its name: what start_loop() and start_messages() take. Fails when there is none. */
const struct protocol *choose_dialect(const char *name);
compose_message *chosen_composer(void);

/* chat: clients are ready once they are signed in, and join when send_join() says so. */
void join_later(void);

/* chat: from now on hello names what was seen last, and clients are ready when they got the rest. */
void resume_sessions(void);

/* chat: called for each "ok" that is neither of a message nor of the join while opening. */
void on_reply(void (*called)(struct client *client, uint64_t now));

void send_join(struct client *client);
void send_history(struct client *client, uint64_t before);

#endif
