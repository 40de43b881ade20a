#define _GNU_SOURCE
#include "CHold.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static atomic_flag isUsed = ATOMIC_FLAG_INIT;

static void hold(const char *call, const char *path) {
    const char *rule = getenv("BELAY_HOLD");
    if (!rule || !path) return;
    char copy[4096];
    snprintf(copy, sizeof copy, "%s", rule);
    char *word = strchr(copy, ':');
    if (!word) return;
    *word++ = 0;
    char *door = strchr(word, ':');
    if (!door) return;
    *door++ = 0;
    size_t length = strlen(path), end = strlen(word);
    if (strcmp(copy, call) != 0 || length < end || strcmp(path + length - end, word) != 0) return;
    if (access(door, F_OK) != 0) return;
    if (atomic_flag_test_and_set(&isUsed)) return;
    char held[4200];
    snprintf(held, sizeof held, "%s.held", door);
    int file = open(held, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    if (file >= 0) close(file);
    while (access(door, F_OK) == 0) usleep(2000);
}

int rename(const char *from, const char *to) {
    static int (*next)(const char *, const char *);
    if (!next) next = dlsym(RTLD_NEXT, "rename");
    hold("rename", to);
    return next(from, to);
}

static void holdFile(const char *call, int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count <= 0) return;
    path[count] = 0;
    hold(call, path);
}

int fsync(int file) {
    static int (*next)(int);
    if (!next) next = dlsym(RTLD_NEXT, "fsync");
    holdFile("fsync", file);
    return next(file);
}

int fdatasync(int file) {
    static int (*next)(int);
    if (!next) next = dlsym(RTLD_NEXT, "fdatasync");
    holdFile("fsync", file);
    return next(file);
}

int ftruncate(int file, off_t length) {
    static int (*next)(int, off_t);
    if (!next) next = dlsym(RTLD_NEXT, "ftruncate");
    holdFile("ftruncate", file);
    return next(file, length);
}

int connect(int file, const struct sockaddr *address, socklen_t length) {
    static int (*next)(int, const struct sockaddr *, socklen_t);
    if (!next) next = dlsym(RTLD_NEXT, "connect");
    if (address && address->sa_family == AF_UNIX) hold("connect", ((const struct sockaddr_un *)address)->sun_path);
    return next(file, address, length);
}
