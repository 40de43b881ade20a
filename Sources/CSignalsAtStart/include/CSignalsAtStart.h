#ifndef CSIGNALS_AT_START_H
#define CSIGNALS_AT_START_H
/// Named by the program so that the linker keeps what runs before main.
void csignals_at_start(void);
#endif
