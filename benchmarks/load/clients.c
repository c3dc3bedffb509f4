#include "clients.h"

#include "fail.h"
#include "options.h"

#include <stdlib.h>

struct client *clients;
int client_count;

void make_clients(void) {
    client_count = opt.rooms * opt.members;
    clients = calloc((size_t)client_count, sizeof *clients);
    if (clients == NULL) fail("no memory");
    for (int i = 0; i < client_count; i++) {
        struct client *client = &clients[i];
        int member = i % opt.members;
        init_connection(&client->connection);
        client->connection.small_window = i >= first_slow() && i < opt.members;
        client->room = (uint32_t)(i / opt.members);
        client->sender = member < opt.senders ? member : -1;
        client->seen = calloc((size_t)opt.senders + 1, sizeof *client->seen);
        if (client->seen == NULL) fail("no memory");
    }
}

struct client *sender_of(int room, int sender) {
    return &clients[room * opt.members + sender];
}

int first_slow(void) {
    return opt.members - opt.slow;
}
