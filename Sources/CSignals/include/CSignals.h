#ifndef CSIGNALS_H
#define CSIGNALS_H

/// From here on SIGINT, SIGTERM and SIGHUP end nothing: their numbers are written to a pipe, a byte each, where they stay
/// until somebody reads them. SIGPIPE is ignored. Safe to call twice.
void csignals_catch(void);
/// The pipe's reading end; -1 before csignals_catch.
int csignals_file(void);
/// The signals do again what the system says, and one that came meanwhile does it now.
void csignals_let_go(void);

#endif
