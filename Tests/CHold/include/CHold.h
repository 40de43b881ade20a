#ifndef CHOLD_H
#define CHOLD_H
/// A library for LD_PRELOAD: holds one call of the program under test until a file is removed, never for a number of
/// milliseconds. BELAY_HOLD=CALL:WORD:DOOR, with CALL one of rename, fsync and connect, WORD the end of the path that it is
/// about, and DOOR a file: the first such call that comes while DOOR exists makes DOOR.held and waits until DOOR is gone.
/// Later calls pass.
#endif
