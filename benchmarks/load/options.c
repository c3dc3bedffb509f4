#include "options.h"

#include "fail.h"

#include <stdlib.h>
#include <string.h>

struct options opt = {
    .mode = "traffic", .dialect = "plain", .rooms = 1, .members = 1, .senders = 1, .window = 1,
    .seconds = 3, .warmup = 1, .size = 100, .concurrency = 64, .missed = 20, .page = 50, .limit = 120,
};

enum kind { TEXT, INTEGER, REAL, FLAG };

static const struct {
    const char *name;
    enum kind kind;
    void *value;
} known[] = {
    {"mode", TEXT, &opt.mode},         {"dialect", TEXT, &opt.dialect},
    {"port", INTEGER, &opt.port},      {"rooms", INTEGER, &opt.rooms},
    {"members", INTEGER, &opt.members}, {"senders", INTEGER, &opt.senders},
    {"window", INTEGER, &opt.window},  {"rate", REAL, &opt.rate},
    {"seconds", REAL, &opt.seconds},   {"warmup", REAL, &opt.warmup},
    {"size", INTEGER, &opt.size},      {"ack", FLAG, &opt.ack},
    {"concurrency", INTEGER, &opt.concurrency}, {"slow", INTEGER, &opt.slow},
    {"missed", INTEGER, &opt.missed},  {"messages", INTEGER, &opt.messages},
    {"page", INTEGER, &opt.page},      {"first-name", INTEGER, &opt.first_name},
    {"limit", INTEGER, &opt.limit},    {"resume-port", INTEGER, &opt.resume_port},
};

static void set(const char *name, const char *value) {
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(name, known[i].name) != 0) continue;
        switch (known[i].kind) {
        case TEXT: *(const char **)known[i].value = value; return;
        case INTEGER: *(int *)known[i].value = atoi(value); return;
        case REAL: *(double *)known[i].value = atof(value); return;
        case FLAG: *(bool *)known[i].value = atoi(value) != 0; return;
        }
    }
    fail("there is no option --%s", name);
}

void parse_options(int argc, char **argv) {
    for (int i = 1; i < argc; i += 2) {
        if (strncmp(argv[i], "--", 2) != 0 || i + 1 == argc) fail("expected --name value, not %s", argv[i]);
        set(argv[i] + 2, argv[i + 1]);
    }
    if (opt.port <= 0 || opt.rooms <= 0 || opt.members <= 0) fail("port, rooms and members are above 0");
    if (opt.size < 36 || opt.size > 8000) fail("a message has 36 to 8000 characters");
    if (opt.senders > opt.members - opt.slow) fail("more senders than members that read");
}
