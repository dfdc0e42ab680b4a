/* Preloaded into a process: logs every write, truncation, sync and removal of its database files, in order, so that the
 * disk as any power cut would leave it can be rebuilt. A "promise" (write to descriptor PROMISES) is logged between them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define DESCRIPTORS 4096

enum { OTHER, DATABASE, PROMISES };

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -1;
static char names[DESCRIPTORS][24];
static char kinds[DESCRIPTORS];

static void note(char step, const char *name, long offset, const void *data, long size) {
    struct { char step; char name[23]; long offset, size; } head;
    if (log_file < 0 && getenv("WRITE_LOG") == NULL) return;
    memset(&head, 0, sizeof head);
    head.step = step;
    strncpy(head.name, name, sizeof head.name - 1);
    head.offset = offset;
    head.size = data ? size : 0;
    pthread_mutex_lock(&turn);
    if (log_file < 0) log_file = REAL(open)(getenv("WRITE_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (REAL(write)(log_file, &head, sizeof head) < 0) abort();
    if (head.size && REAL(write)(log_file, data, head.size) < 0) abort();
    pthread_mutex_unlock(&turn);
}

static const char *base(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int opened(const char *path, int fd) {
    if (fd < 0 || fd >= DESCRIPTORS) return fd;
    const char *name = base(path);
    kinds[fd] = OTHER;
    if (!strcmp(name, "promises")) kinds[fd] = PROMISES;
    if (!strncmp(name, "outbox.db", 9) && (name[9] == 0 || !strcmp(name + 9, "-wal"))) kinds[fd] = DATABASE;
    strncpy(names[fd], name, sizeof names[fd] - 1);
    return fd;
}

static int is(int fd, int kind) { return fd >= 0 && fd < DESCRIPTORS && kinds[fd] == kind; }

#define OPEN(function) \
    int function(const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        return opened(path, REAL(function)(path, flags, mode)); }
OPEN(open)
OPEN(open64)

int openat64(int folder, const char *path, int flags, ...) {
    va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest);
    return opened(path, REAL(openat64)(folder, path, flags, mode));
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
    ssize_t done = REAL(pwrite64)(fd, data, size, offset);
    if (done > 0 && is(fd, DATABASE)) note('W', names[fd], offset, data, done);
    return done;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
    ssize_t done = REAL(pwrite)(fd, data, size, offset);
    if (done > 0 && is(fd, DATABASE)) note('W', names[fd], offset, data, done);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) {
    ssize_t done = REAL(write)(fd, data, size);
    if (done > 0 && is(fd, PROMISES)) note('P', names[fd], 0, data, done);
    return done;
}

int ftruncate64(int fd, off64_t size) {
    int failed = REAL(ftruncate64)(fd, size);
    if (!failed && is(fd, DATABASE)) note('T', names[fd], size, NULL, 0);
    return failed;
}

int ftruncate(int fd, off_t size) {
    int failed = REAL(ftruncate)(fd, size);
    if (!failed && is(fd, DATABASE)) note('T', names[fd], size, NULL, 0);
    return failed;
}

int fdatasync(int fd) {
    int failed = REAL(fdatasync)(fd);
    if (!failed && is(fd, DATABASE)) note('S', names[fd], 0, NULL, 0);
    return failed;
}

int fsync(int fd) {
    int failed = REAL(fsync)(fd);
    if (!failed && is(fd, DATABASE)) note('S', names[fd], 0, NULL, 0);
    return failed;
}

int unlink(const char *path) {
    int failed = REAL(unlink)(path);
    const char *name = base(path);
    if (!failed && !strncmp(name, "outbox.db", 9) && (name[9] == 0 || !strcmp(name + 9, "-wal"))) note('U', name, 0, NULL, 0);
    return failed;
}
