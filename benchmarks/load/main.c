/* load --port N --dialect chat --mode traffic …: see options.c, and README.md beside this folder. */
#include "load.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

uint64_t epoch_ns;

void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(2);
}

static void give_up(int number) {
    static const char text[] = "load: not finished within --limit seconds\n";
    (void)number;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(4);
    _exit(3);
}

static void allow_many_files(void) {
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
}

int main(int argc, char **argv) {
    parse_options(argc, argv);
    choose_dialect(opt.dialect);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, give_up);
    alarm((unsigned)opt.limit);
    allow_many_files();
    epoch_ns = now_ns();
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    make_connections();
    run_phases();
    return 0;
}
