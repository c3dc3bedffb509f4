#define _GNU_SOURCE
#include "dialects.h"

#include "fail.h"
#include "options.h"
#include "stats.h"

#include <stdio.h>
#include <string.h>

struct dialect {
    const char *name;
    const char *subprotocol;
    int (*path)(const struct client *client, char *out, size_t size);
    void (*opened)(struct client *client);
    void (*text)(struct client *client, const char *data, size_t size, uint64_t now);
    compose_message *compose;
};

static const struct dialect *dialect;
static bool joins_later, resuming;
static void (*replied)(struct client *client, uint64_t now);
static char epoch[64];

static bool starts(const char *data, size_t size, const char *with) {
    size_t length = strlen(with);
    return size >= length && memcmp(data, with, length) == 0;
}

static const char *after(const char *data, size_t size, const char *what) {
    const char *found = memmem(data, size, what, strlen(what));
    return found ? found + strlen(what) : NULL;
}

static void copy_string(char *out, size_t room, const char *data, size_t size, const char *key) {
    const char *value = after(data, size, key);
    const char *end = value ? memchr(value, '"', size - (size_t)(value - data)) : NULL;
    if (end != NULL) snprintf(out, room, "%.*s", (int)(end - value), value);
}

static void say(struct client *client, const char *text, int size) {
    queue_text(&client->connection, text, (size_t)size);
}

/* chat.v1 */

static int chat_path(const struct client *client, char *out, size_t size) {
    (void)client;
    return snprintf(out, size, "/ws");
}

/* Names that don't look alike: letters only, none of which resembles another. */
static void name_of(const struct client *client, char *out) {
    static const char letters[] = "abcdeghjkpqstxyz";
    unsigned number = (unsigned)(client - clients + opt.first_name);
    for (int i = 5; i-- > 0; number >>= 4) out[i] = letters[number & 15];
    out[5] = 0;
}

static void chat_opened(struct client *client) {
    char hello[512], name[8];
    int size;
    name_of(client, name);
    if (resuming) {
        size = snprintf(hello, sizeof hello,
                        "{\"type\":\"hello\",\"id\":\"e\",\"token\":\"%s\",\"name\":\"%s\","
                        "\"resume\":{\"epoch\":\"%s\",\"rooms\":{\"room%u\":%llu}}}",
                        client->token, name, epoch, client->room, (unsigned long long)client->last_seq);
    } else {
        size = snprintf(hello, sizeof hello,
                        "{\"type\":\"hello\",\"id\":\"e\",\"name\":\"%s\"}", name);
    }
    say(client, hello, size);
}

void send_join(struct client *client) {
    char request[128];
    int size = snprintf(request, sizeof request, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"room%u\"}", client->room);
    client->last_seq = 0;
    say(client, request, size);
}

void send_history(struct client *client, uint64_t before) {
    char request[160];
    int size = snprintf(request, sizeof request,
                        "{\"type\":\"history\",\"id\":\"h\",\"room\":\"room%u\",\"before\":%llu,\"limit\":%d}",
                        client->room, (unsigned long long)before, opt.page);
    client->asked = now_ns();
    say(client, request, size);
}

static void chat_ok(struct client *client, const char *data, size_t size, uint64_t now) {
    const char *re = after(data, size < 64 ? size : 64, "\"re\":\"");
    if (re == NULL) return;
    if (*re == 'm' && opt.ack) message_done(client);
    else if (*re == 'j' && !joins_later) now_ready(&client->connection);
    else if (replied != NULL) replied(client, now);
}

static void chat_message(struct client *client, const char *data, size_t size, uint64_t now) {
    const char *at = after(data, size < 256 ? size : 256, "\"seq\":");
    uint64_t seq = 0;
    while (at != NULL && *at >= '0' && *at <= '9') seq = seq * 10 + (uint64_t)(*at++ - '0');
    if (client->last_seq != 0 && seq != client->last_seq + 1) totals.order_errors++;
    client->last_seq = seq;
    if (!take_delivery(client, data, size, now)) totals.other++;
}

static void chat_welcome(struct client *client, const char *data, size_t size) {
    copy_string(client->token, sizeof client->token, data, size, "\"token\":\"");
    copy_string(epoch, sizeof epoch, data, size, "\"epoch\":\"");
}

static void chat_text(struct client *client, const char *data, size_t size, uint64_t now) {
    if (starts(data, size, "{\"type\":\"message\"")) {
        chat_message(client, data, size, now);
    } else if (starts(data, size, "{\"type\":\"ok\"")) {
        chat_ok(client, data, size, now);
    } else if (starts(data, size, "{\"type\":\"welcome\"")) {
        chat_welcome(client, data, size);
    } else if (starts(data, size, "{\"type\":\"live\"")) {
        if (joins_later || resuming) now_ready(&client->connection);
        else send_join(client);
    } else if (starts(data, size, "{\"type\":\"error\"")) {
        count_error(data, size);
        if (client->connection.state == GREETING) drop(&client->connection);
        else if (opt.ack || client->outstanding > 0) message_done(client);
    } else {
        totals.other++;
    }
}

static size_t chat_compose(const struct client *client, uint32_t number, const char *text, char *out) {
    char id[32] = "";
    if (opt.ack) snprintf(id, sizeof id, "\"id\":\"m%u\",", number);
    return (size_t)snprintf(out, MESSAGE_MAX,
                            "{\"type\":\"message\",%s\"room\":\"room%u\",\"nonce\":\"n%u\",\"content\":\"%s\"}", id,
                            client->room, number, text);
}

/* plain */

static int plain_path(const struct client *client, char *out, size_t size) {
    return snprintf(out, size, "/ws/room%u", client->room);
}

static void plain_opened(struct client *client) {
    now_ready(&client->connection);
}

/* A server may put several messages into one frame, a line each. */
static void plain_text(struct client *client, const char *data, size_t size, uint64_t now) {
    while (size > 0) {
        const char *end = memchr(data, '\n', size);
        size_t line = end ? (size_t)(end - data) : size;
        if (!take_delivery(client, data, line, now)) totals.other++;
        data += line + (end != NULL);
        size -= line + (end != NULL);
    }
}

static size_t plain_compose(const struct client *client, uint32_t number, const char *text, char *out) {
    (void)client, (void)number;
    return (size_t)snprintf(out, MESSAGE_MAX, "%s", text);
}

/* Socket.IO 4: Engine.IO packets 0 (open), 2 and 3 (ping, pong), 4 (message) around packets 0 (connect), 2 (event) */

static int socketio_path(const struct client *client, char *out, size_t size) {
    return snprintf(out, size, "/socket.io/?EIO=4&transport=websocket&room=room%u", client->room);
}

static void nothing_yet(struct client *client) {
    (void)client;
}

static void socketio_text(struct client *client, const char *data, size_t size, uint64_t now) {
    if (starts(data, size, "42")) plain_text(client, data, size, now);
    else if (starts(data, size, "40")) now_ready(&client->connection);
    else if (starts(data, size, "0")) say(client, "40", 2);
    else if (starts(data, size, "2")) say(client, "3", 1);
    else count_error(data, size);
}

static size_t socketio_compose(const struct client *client, uint32_t number, const char *text, char *out) {
    (void)client, (void)number;
    return (size_t)snprintf(out, MESSAGE_MAX, "42[\"message\",\"%s\"]", text);
}

/* XMPP: RFC 7395 (framing), RFC 6120 (anonymous sign-in, binding), XEP-0045 (rooms). `localhost` serves them. */

#define XMPP_OPEN "<open xmlns=\"urn:ietf:params:xml:ns:xmpp-framing\" to=\"localhost\" version=\"1.0\"/>"
#define XMPP_SIGN_IN "<auth xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\" mechanism=\"ANONYMOUS\"/>"
#define XMPP_BIND "<iq xmlns=\"jabber:client\" type=\"set\" id=\"bind\"><bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"/></iq>"

static int xmpp_path(const struct client *client, char *out, size_t size) {
    (void)client;
    return snprintf(out, size, "/xmpp-websocket");
}

static void xmpp_opened(struct client *client) {
    say(client, XMPP_OPEN, sizeof XMPP_OPEN - 1);
}

static void xmpp_join(struct client *client) {
    char stanza[256];
    int size = snprintf(stanza, sizeof stanza,
                        "<presence xmlns=\"jabber:client\" to=\"room%u@conference.localhost/n%u\">"
                        "<x xmlns=\"http://jabber.org/protocol/muc\"><history maxstanzas=\"0\"/></x></presence>",
                        client->room, (unsigned)(client - clients));
    say(client, stanza, size);
}

static void xmpp_greeted(struct client *client, const char *data, size_t size) {
    if (starts(data, size, "<success")) xmpp_opened(client);
    else if (after(data, size, "<mechanism") != NULL) say(client, XMPP_SIGN_IN, sizeof XMPP_SIGN_IN - 1);
    else if (after(data, size, "xmpp-bind") != NULL && starts(data, size, "<stream")) say(client, XMPP_BIND, sizeof XMPP_BIND - 1);
    else if (starts(data, size, "<iq")) xmpp_join(client);
    else if (starts(data, size, "<failure") || after(data, size, "<error") != NULL) count_error(data, size);
    else if (starts(data, size, "<presence") && after(data, size, "110") != NULL) now_ready(&client->connection);
}

static void xmpp_text(struct client *client, const char *data, size_t size, uint64_t now) {
    if (client->connection.state == GREETING) xmpp_greeted(client, data, size);
    else if (!starts(data, size, "<message") || !take_delivery(client, data, size, now)) totals.other++;
}

static size_t xmpp_compose(const struct client *client, uint32_t number, const char *text, char *out) {
    return (size_t)snprintf(out, MESSAGE_MAX,
                            "<message xmlns=\"jabber:client\" type=\"groupchat\" id=\"m%u\" "
                            "to=\"room%u@conference.localhost\"><body>%s</body></message>",
                            number, client->room, text);
}

static const struct dialect dialects[] = {
    {"chat", "chat.v1", chat_path, chat_opened, chat_text, chat_compose},
    {"plain", NULL, plain_path, plain_opened, plain_text, plain_compose},
    {"xmpp", "xmpp", xmpp_path, xmpp_opened, xmpp_text, xmpp_compose},
    {"socketio", NULL, socketio_path, nothing_yet, socketio_text, socketio_compose},
};

static int path(const struct connection *c, char *out, size_t size) {
    return dialect->path((const struct client *)c, out, size);
}

static void opened(struct connection *c) {
    dialect->opened(client_of(c));
}

static void text(struct connection *c, const char *data, size_t size, uint64_t now) {
    dialect->text(client_of(c), data, size, now);
}

const struct protocol *choose_dialect(const char *name) {
    static struct protocol protocol = {.path = path, .opened = opened, .text = text};
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (strcmp(dialects[i].name, name) == 0) dialect = &dialects[i];
    if (dialect == NULL) fail("there is no dialect %s", name);
    protocol.subprotocol = dialect->subprotocol;
    return &protocol;
}

compose_message *chosen_composer(void) {
    return dialect->compose;
}

void join_later(void) {
    joins_later = true;
}

void resume_sessions(void) {
    resuming = true;
}

void on_reply(void (*called)(struct client *client, uint64_t now)) {
    replied = called;
}
