#include "CSignalsAtStart.h"

#include "CSignals.h"

// Before main and before any thread. Swift's own start takes tens of milliseconds, in which SIGTERM would end a driver that is
// about to take a rollout over, and leave the canary unwatched. Blocking the signals would not do: libdispatch's main thread
// waits in sigsuspend with none blocked.
__attribute__((constructor)) static void start(void) { csignals_catch(); }

void csignals_at_start(void) {}
