/* Time, histograms of it, and what is counted during a run. */
#ifndef STATS_H
#define STATS_H

#include <stddef.h>
#include <stdint.h>

#define NANOSECONDS 1000000000ull
#define CLOSE_CODES 5000

#define SUB_BITS 6
#define BUCKETS ((64 - SUB_BITS + 1) << SUB_BITS)

struct histogram {
    uint64_t counts[BUCKETS];
    uint64_t total, max;
};

/* Counted by the file that sees it happen, printed by report.c. */
struct totals {
    uint64_t sent, received, bytes, reads, other;
    uint64_t holes, late, order_errors, errors, bad_frames, unexpected_closes;
};

extern struct totals totals;
extern struct histogram latency, openings;
extern int closes[CLOSE_CODES]; /* close frames of the server, by code */
extern char first_error[512];

/* Count an error; the text of the first one is kept. */
void count_error(const char *text, size_t size);

uint64_t now_ns(void);
double seconds_since(uint64_t then);

void histogram_clear(struct histogram *h);
void histogram_add(struct histogram *h, uint64_t ns);
double histogram_ms(const struct histogram *h, double quantile);

#endif
