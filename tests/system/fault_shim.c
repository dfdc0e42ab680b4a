/* Preloaded into a process: its wall clock is as many seconds off as the file $CLOCK_OFF says (eight bytes), and while the
 * file $SYNC_FAILS.<process id> exists no sync of a file succeeds. Monotonic clocks go on as on a real machine. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t none;
static const volatile int64_t *off_s = &none;
static int (*real_gettime)(clockid_t, struct timespec *);

__attribute__((constructor)) static void begin(void) {
    const char *name = getenv("CLOCK_OFF");
    int file = name ? open(name, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *shared = mmap(NULL, sizeof none, PROT_READ, MAP_SHARED, file, 0);
    if (shared != MAP_FAILED) off_s = shared;
    close(file);
}

int clock_gettime(clockid_t which, struct timespec *now) {
    if (real_gettime == NULL) real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real_gettime(which, now);
    if (!failed && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += *off_s;
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    struct timespec exact;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &exact);
    now->tv_sec = exact.tv_sec;
    now->tv_usec = exact.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *out) {
    struct timespec exact;
    clock_gettime(CLOCK_REALTIME_COARSE, &exact);
    if (out != NULL) *out = exact.tv_sec;
    return exact.tv_sec;
}

static int sync_fails(void) {
    char flag[PATH_MAX];
    const char *stem = getenv("SYNC_FAILS");
    if (stem == NULL) return 0;
    snprintf(flag, sizeof flag, "%s.%d", stem, (int)getpid());
    return access(flag, F_OK) == 0;
}

#define SYNC(name)                                                      \
    int name(int file) {                                                \
        static int (*real)(int);                                        \
        if (sync_fails()) { errno = EIO; return -1; }                   \
        if (real == NULL) real = (int (*)(int))dlsym(RTLD_NEXT, #name); \
        return real(file);                                              \
    }

SYNC(fsync)
SYNC(fdatasync)
