/* What is said inside the frames: chat.v1, plain text that a server sends to all in a room, Socket.IO, and XMPP. */
#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <string.h>

const struct dialect *dialect;
bool join_later, resuming;

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

static void note_error(const char *data, size_t size) {
    totals.errors++;
    if (!first_error[0]) snprintf(first_error, sizeof first_error, "%.*s", (int)size, data);
}

/* chat.v1 */

static int chat_path(const struct connection *c, char *out, size_t size) {
    (void)c;
    return snprintf(out, size, "/ws");
}

/* Names that don't look alike: letters only, none of which resembles another. */
static void name_of(const struct connection *c, char *out) {
    static const char letters[] = "abcdeghjkpqstxyz";
    unsigned number = (unsigned)(c - connections + opt.first_name);
    for (int i = 5; i-- > 0; number >>= 4) out[i] = letters[number & 15];
    out[5] = 0;
}

static void chat_opened(struct connection *c) {
    char hello[512], name[8];
    int size;
    name_of(c, name);
    if (resuming) {
        size = snprintf(hello, sizeof hello,
                        "{\"type\":\"hello\",\"id\":\"e\",\"token\":\"%s\",\"name\":\"%s\",\"client\":\"load/1\","
                        "\"resume\":{\"epoch\":\"%s\",\"rooms\":{\"room%u\":%llu}}}",
                        c->token, name, epoch, c->room, (unsigned long long)c->last_seq);
    } else {
        size = snprintf(hello, sizeof hello,
                        "{\"type\":\"hello\",\"id\":\"e\",\"name\":\"%s\",\"client\":\"load/1\"}", name);
    }
    queue_text(c, hello, (size_t)size);
}

void send_join(struct connection *c) {
    char request[128];
    int size = snprintf(request, sizeof request, "{\"type\":\"join\",\"id\":\"j\",\"room\":\"room%u\"}", c->room);
    c->last_seq = 0;
    queue_text(c, request, (size_t)size);
}

void send_history(struct connection *c, uint64_t before) {
    char request[160];
    int size = snprintf(request, sizeof request,
                        "{\"type\":\"history\",\"id\":\"h\",\"room\":\"room%u\",\"before\":%llu,\"limit\":%d}",
                        c->room, (unsigned long long)before, opt.page);
    c->asked = now_ns();
    queue_text(c, request, (size_t)size);
}

static void chat_ok(struct connection *c, const char *data, size_t size, uint64_t now) {
    const char *re = after(data, size < 64 ? size : 64, "\"re\":\"");
    totals.replies++;
    if (re == NULL) return;
    if (*re == 'm' && opt.ack) message_done(c);
    else if (*re == 'j' && !join_later) now_ready(c);
    else if (replied != NULL) replied(c, now);
}

static void chat_message(struct connection *c, const char *data, size_t size, uint64_t now) {
    const char *at = after(data, size < 256 ? size : 256, "\"seq\":");
    uint64_t seq = 0;
    while (at != NULL && *at >= '0' && *at <= '9') seq = seq * 10 + (uint64_t)(*at++ - '0');
    if (c->last_seq != 0 && seq != c->last_seq + 1) totals.order_errors++;
    c->last_seq = seq;
    if (!take_delivery(c, data, size, now)) totals.other++;
}

static void chat_welcome(struct connection *c, const char *data, size_t size) {
    copy_string(c->token, sizeof c->token, data, size, "\"token\":\"");
    copy_string(epoch, sizeof epoch, data, size, "\"epoch\":\"");
}

static void chat_text(struct connection *c, const char *data, size_t size, uint64_t now) {
    if (starts(data, size, "{\"type\":\"message\"")) {
        chat_message(c, data, size, now);
    } else if (starts(data, size, "{\"type\":\"ok\"")) {
        chat_ok(c, data, size, now);
    } else if (starts(data, size, "{\"type\":\"welcome\"")) {
        chat_welcome(c, data, size);
    } else if (starts(data, size, "{\"type\":\"live\"")) {
        if (join_later || resuming) now_ready(c);
        else send_join(c);
    } else if (starts(data, size, "{\"type\":\"error\"")) {
        note_error(data, size);
        if (c->state == GREETING) drop(c);
        else if (opt.ack || c->outstanding > 0) message_done(c);
    } else {
        totals.other++;
    }
}

static size_t chat_compose(const struct connection *c, uint32_t number, const char *text, char *out) {
    char id[32] = "";
    if (opt.ack) snprintf(id, sizeof id, "\"id\":\"m%u\",", number);
    return (size_t)snprintf(out, MESSAGE_MAX,
                            "{\"type\":\"message\",%s\"room\":\"room%u\",\"nonce\":\"n%u\",\"content\":\"%s\"}", id,
                            c->room, number, text);
}

/* plain */

static int plain_path(const struct connection *c, char *out, size_t size) {
    return snprintf(out, size, "/ws/room%u", c->room);
}

/* A server may put several messages into one frame, a line each. */
static void plain_text(struct connection *c, const char *data, size_t size, uint64_t now) {
    while (size > 0) {
        const char *end = memchr(data, '\n', size);
        size_t line = end ? (size_t)(end - data) : size;
        if (!take_delivery(c, data, line, now)) totals.other++;
        data += line + (end != NULL);
        size -= line + (end != NULL);
    }
}

static size_t plain_compose(const struct connection *c, uint32_t number, const char *text, char *out) {
    (void)c, (void)number;
    return (size_t)snprintf(out, MESSAGE_MAX, "%s", text);
}

/* Socket.IO 4: Engine.IO packets 0 (open), 2 and 3 (ping, pong), 4 (message) around packets 0 (connect), 2 (event) */

static int socketio_path(const struct connection *c, char *out, size_t size) {
    return snprintf(out, size, "/socket.io/?EIO=4&transport=websocket&room=room%u", c->room);
}

static void nothing_yet(struct connection *c) {
    (void)c;
}

static void socketio_text(struct connection *c, const char *data, size_t size, uint64_t now) {
    if (starts(data, size, "42")) plain_text(c, data, size, now);
    else if (starts(data, size, "40")) now_ready(c);
    else if (starts(data, size, "0")) queue_text(c, "40", 2);
    else if (starts(data, size, "2")) queue_text(c, "3", 1);
    else note_error(data, size);
}

static size_t socketio_compose(const struct connection *c, uint32_t number, const char *text, char *out) {
    (void)c, (void)number;
    return (size_t)snprintf(out, MESSAGE_MAX, "42[\"message\",\"%s\"]", text);
}

/* XMPP: RFC 7395 (framing), RFC 6120 (anonymous sign-in, binding), XEP-0045 (rooms). `localhost` serves them. */

#define XMPP_OPEN "<open xmlns=\"urn:ietf:params:xml:ns:xmpp-framing\" to=\"localhost\" version=\"1.0\"/>"
#define XMPP_SIGN_IN "<auth xmlns=\"urn:ietf:params:xml:ns:xmpp-sasl\" mechanism=\"ANONYMOUS\"/>"
#define XMPP_BIND "<iq xmlns=\"jabber:client\" type=\"set\" id=\"bind\"><bind xmlns=\"urn:ietf:params:xml:ns:xmpp-bind\"/></iq>"

static int xmpp_path(const struct connection *c, char *out, size_t size) {
    (void)c;
    return snprintf(out, size, "/xmpp-websocket");
}

static void xmpp_opened(struct connection *c) {
    queue_text(c, XMPP_OPEN, strlen(XMPP_OPEN));
}

static void xmpp_join(struct connection *c) {
    char stanza[256];
    int size = snprintf(stanza, sizeof stanza,
                        "<presence xmlns=\"jabber:client\" to=\"room%u@conference.localhost/n%u\">"
                        "<x xmlns=\"http://jabber.org/protocol/muc\"><history maxstanzas=\"0\"/></x></presence>",
                        c->room, (unsigned)(c - connections));
    queue_text(c, stanza, (size_t)size);
}

static void xmpp_greeted(struct connection *c, const char *data, size_t size) {
    if (starts(data, size, "<success")) xmpp_opened(c);
    else if (after(data, size, "<mechanism") != NULL) queue_text(c, XMPP_SIGN_IN, strlen(XMPP_SIGN_IN));
    else if (after(data, size, "xmpp-bind") != NULL && starts(data, size, "<stream")) queue_text(c, XMPP_BIND, strlen(XMPP_BIND));
    else if (starts(data, size, "<iq")) xmpp_join(c);
    else if (starts(data, size, "<failure") || after(data, size, "<error") != NULL) note_error(data, size);
    else if (starts(data, size, "<presence") && after(data, size, "110") != NULL) now_ready(c);
}

static void xmpp_text(struct connection *c, const char *data, size_t size, uint64_t now) {
    if (c->state == GREETING) xmpp_greeted(c, data, size);
    else if (!starts(data, size, "<message") || !take_delivery(c, data, size, now)) totals.other++;
}

static size_t xmpp_compose(const struct connection *c, uint32_t number, const char *text, char *out) {
    return (size_t)snprintf(out, MESSAGE_MAX,
                            "<message xmlns=\"jabber:client\" type=\"groupchat\" id=\"m%u\" "
                            "to=\"room%u@conference.localhost\"><body>%s</body></message>",
                            number, c->room, text);
}

static const struct dialect dialects[] = {
    {"chat", "chat.v1", chat_path, chat_opened, chat_text, chat_compose},
    {"plain", NULL, plain_path, now_ready, plain_text, plain_compose},
    {"xmpp", "xmpp", xmpp_path, xmpp_opened, xmpp_text, xmpp_compose},
    {"socketio", NULL, socketio_path, nothing_yet, socketio_text, socketio_compose},
};

void choose_dialect(const char *name) {
    for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++)
        if (strcmp(dialects[i].name, name) == 0) dialect = &dialects[i];
    if (dialect == NULL) fail("there is no dialect %s", name);
}
