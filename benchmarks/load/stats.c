/* A histogram has 64 buckets for each power of two, so a quantile is right within 1.6 %. */
#include "stats.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

struct totals totals;
struct histogram latency, openings;
int closes[CLOSE_CODES];
char first_error[512];

void count_error(const char *text, size_t size) {
    totals.errors++;
    if (!first_error[0]) snprintf(first_error, sizeof first_error, "%.*s", (int)size, text);
}

uint64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * NANOSECONDS + (uint64_t)t.tv_nsec;
}

double seconds_since(uint64_t then) {
    return (double)(now_ns() - then) / 1e9;
}

static unsigned bucket_of(uint64_t value) {
    if (value < (1u << SUB_BITS)) return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - SUB_BITS;
    return ((shift + 1) << SUB_BITS) + (unsigned)((value >> shift) & ((1u << SUB_BITS) - 1));
}

static uint64_t value_of(unsigned bucket) {
    unsigned power = bucket >> SUB_BITS, sub = bucket & ((1u << SUB_BITS) - 1);
    return power == 0 ? sub : (uint64_t)((1u << SUB_BITS) + sub) << (power - 1);
}

void histogram_clear(struct histogram *h) {
    memset(h, 0, sizeof *h);
}

void histogram_add(struct histogram *h, uint64_t ns) {
    h->counts[bucket_of(ns)]++;
    h->total++;
    if (ns > h->max) h->max = ns;
}

double histogram_ms(const struct histogram *h, double quantile) {
    uint64_t rank = (uint64_t)(quantile * (double)h->total), seen = 0;
    for (unsigned i = 0; i < BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > rank) return (double)value_of(i) / 1e6;
    }
    return (double)h->max / 1e6;
}
