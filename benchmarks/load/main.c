/* load --port N --dialect chat --mode traffic …: see options.h, and README.md beside this folder. */
#include "clients.h"
#include "connections.h"
#include "dialects.h"
#include "messages.h"
#include "options.h"
#include "phases.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

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
    const struct protocol *protocol = choose_dialect(opt.dialect);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, give_up);
    alarm((unsigned)opt.limit);
    allow_many_files();
    start_loop(protocol);
    start_messages(chosen_composer());
    make_clients();
    run_phases();
    return 0;
}
