/* What the driver reads on standard output: one JSON object a line, "ready" and then "result". */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

#include "stats.h"

struct snapshot {
    struct totals totals;
    uint64_t at;
    double cpu; /* seconds of this program */
};

void take_snapshot(struct snapshot *s);

void print_ready(double seconds);

/* Tells the driver to look at the server's processor time. */
void print_mark(const char *event);

/* A result is begun, gets its fields and histograms, and is ended. */
void begin_result(void);
void print_field(const char *name, double value);
void print_histogram(const char *name, const struct histogram *h);
void end_result(void);

/* The whole result of traffic between two snapshots. */
void print_result(const struct snapshot *from, const struct snapshot *to, uint64_t lost, uint64_t under_way);

#endif
