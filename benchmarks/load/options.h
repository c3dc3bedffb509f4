/* The command line: --name value for each field of struct options. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>

struct options {
    const char *mode;    /* traffic, idle, connect, resume, join, history, fill */
    const char *dialect; /* chat, plain, socketio, xmpp */
    int port;
    int rooms, members;  /* rooms, and clients in each */
    int senders;         /* of the members in each room, so many send */
    int window;          /* closed loop: messages outstanding per sender */
    double rate;         /* open loop: messages per second in all; 0 is a closed loop */
    double seconds, warmup;
    int size;            /* characters of a message */
    bool ack;            /* chat: ask for an "ok", and count that as the end of a message */
    int concurrency;     /* connections being opened at once */
    int slow;            /* members of the first room that stop reading */
    int missed;          /* resume: messages each client missed */
    int messages;        /* history: messages in the room; fill: messages to send in all */
    int resume_port;     /* resume: where the clients come back, if not where they were */
    int page;            /* history: messages a page */
    int first_name;      /* chat: clients get other names than in a run with another number */
    int limit;           /* after so many seconds the program gives up, whatever it is doing */
};

/* Set once by parse_options(). */
extern struct options opt;

void parse_options(int argc, char **argv);

#endif
