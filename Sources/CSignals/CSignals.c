#define _GNU_SOURCE
#include "CSignals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

static const int caught[] = {SIGINT, SIGTERM, SIGHUP};
static int ends[2] = {-1, -1};

static void note(int number) {
    int saved = errno;
    unsigned char byte = (unsigned char)number;
    if (write(ends[1], &byte, 1) < 0) { /* Full: there are enough of them. */ }
    errno = saved;
}

static void set(void (*handler)(int)) {
    for (unsigned i = 0; i < sizeof caught / sizeof *caught; i++) {
        struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART}, before;
        // Started with `nohup`, or by a shell in the background: what was ignored stays ignored.
        if (sigaction(caught[i], 0, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        sigemptyset(&action.sa_mask);
        sigaction(caught[i], &action, 0);
    }
}

void csignals_catch(void) {
    signal(SIGPIPE, SIG_IGN);
    if (ends[0] < 0 && pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
    set(note);
}

int csignals_file(void) { return ends[0]; }

void csignals_let_go(void) {
    set(SIG_DFL);
    unsigned char byte;
    if (ends[0] >= 0 && read(ends[0], &byte, 1) == 1) raise(byte);
}
