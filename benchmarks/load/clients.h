/* The clients of the run: a connection each, which room it is in, and what it has sent and seen there. */
#ifndef CLIENTS_H
#define CLIENTS_H

#include "connections.h"

#define TOKEN_SIZE 64

struct client {
    struct connection connection; /* first: client_of() relies on it */
    uint32_t room;
    int sender;           /* number among the senders of its room, or -1 */
    uint32_t sent, outstanding;
    uint32_t *seen;       /* per sender of the room: the highest number that has come */
    size_t stamp_at;      /* where the stamp was in the frame before; the next one is likely there too */
    uint64_t last_seq;    /* chat: of the room's log */
    uint64_t asked;       /* when the request that is under way was sent */
    char token[TOKEN_SIZE];
};

/* Room by room; those of a room that send come first. */
extern struct client *clients;
extern int client_count;

/* As many as the options say, none of them connected. */
void make_clients(void);

struct client *sender_of(int room, int sender);

/* The slow readers are the clients from here to opt.members. */
int first_slow(void);

static inline struct client *client_of(struct connection *c) {
    return (struct client *)c;
}

#endif
