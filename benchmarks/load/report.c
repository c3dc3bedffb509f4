#include "report.h"

#include "clients.h"
#include "options.h"

#include <stdio.h>
#include <sys/resource.h>

static void print_text(const char *text) {
    putchar('"');
    for (; *text; text++) {
        unsigned char each = (unsigned char)*text;
        if (each == '"' || each == '\\') printf("\\%c", each);
        else if (each < 32) printf("\\u%04x", each);
        else putchar(each);
    }
    putchar('"');
}

void print_histogram(const char *name, const struct histogram *h) {
    if (h->total == 0) return;
    printf(",\"%s\":{\"count\":%llu,\"p50\":%.4f,\"p99\":%.4f,\"p999\":%.4f,\"max\":%.4f}", name,
           (unsigned long long)h->total, histogram_ms(h, 0.5), histogram_ms(h, 0.99), histogram_ms(h, 0.999),
           (double)h->max / 1e6);
}

void take_snapshot(struct snapshot *s) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    s->totals = totals;
    s->at = now_ns();
    s->cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
             (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void print_ready(double seconds) {
    printf("{\"event\":\"ready\",\"connections\":%d,\"failed\":%d,\"seconds\":%.4f", counts.ready, counts.failed,
           seconds);
    print_histogram("opening_ms", &openings);
    if (first_error[0]) {
        printf(",\"first_error\":");
        print_text(first_error);
    }
    puts("}");
    fflush(stdout);
}

void print_mark(const char *event) {
    printf("{\"event\":\"%s\"}\n", event);
    fflush(stdout);
}

void print_field(const char *name, double value) {
    printf(",\"%s\":%.6g", name, value);
}

static int slow_and_closed(void) {
    int count = 0;
    for (int i = first_slow(); i < opt.members; i++) count += clients[i].connection.state == CLOSED;
    return count;
}

void begin_result(void) {
    printf("{\"event\":\"result\",\"connections\":%d,\"failed\":%d", counts.ready, counts.failed);
    if (opt.slow) print_field("slow_readers_disconnected", slow_and_closed());
}

void end_result(void) {
    printf(",\"errors\":%llu,\"order_errors\":%llu,\"bad_frames\":%llu,\"unexpected_closes\":%llu,\"closes\":{",
           (unsigned long long)totals.errors, (unsigned long long)totals.order_errors,
           (unsigned long long)totals.bad_frames, (unsigned long long)totals.unexpected_closes);
    const char *comma = "";
    for (int code = 0; code < CLOSE_CODES; code++) {
        if (closes[code] == 0) continue;
        printf("%s\"%d\":%d", comma, code, closes[code]);
        comma = ",";
    }
    printf("},\"first_error\":");
    print_text(first_error);
    puts("}");
    fflush(stdout);
}

void print_result(const struct snapshot *from, const struct snapshot *to, uint64_t lost, uint64_t under_way) {
    double seconds = (double)(to->at - from->at) / 1e9;
    double received = (double)(to->totals.received - from->totals.received);
    double reads = (double)(to->totals.reads - from->totals.reads);
    begin_result();
    print_field("seconds", seconds);
    print_field("sent", (double)(to->totals.sent - from->totals.sent));
    print_field("received", received);
    print_field("messages_per_second", (double)(to->totals.sent - from->totals.sent) / seconds);
    print_field("deliveries_per_second", received / seconds);
    print_field("megabytes_per_second", (double)(to->totals.bytes - from->totals.bytes) / seconds / 1e6);
    print_field("deliveries_per_read", reads > 0 ? received / reads : 0);
    print_field("generator_busy", (to->cpu - from->cpu) / seconds);
    print_field("lost", (double)lost);
    print_field("still_under_way", (double)under_way);
    print_field("repeated", totals.late > totals.holes ? (double)(totals.late - totals.holes) : 0);
    print_histogram("latency_ms", &latency);
    end_result();
}
