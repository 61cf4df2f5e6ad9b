/* The clock on the wall, shifted by as many seconds as the file CHAOS_CLOCK says at the moment; the monotonic one goes on.
 * Loaded into the processes of a test (LD_PRELOAD): for them it is as if somebody had set the machine's clock. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <math.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile double *shift;

__attribute__((constructor)) static void open_clock(void) {
    const char *path = getenv("CHAOS_CLOCK");
    int file = path ? open(path, O_RDONLY) : -1;
    void *map = file < 0 ? MAP_FAILED : mmap(NULL, sizeof(double), PROT_READ, MAP_SHARED, file, 0);
    if (file >= 0) close(file);
    if (map != MAP_FAILED) shift = map;
}

static void moved(struct timespec *at, double by) {
    double whole = floor(by);
    at->tv_sec += (time_t)whole;
    at->tv_nsec += (long)((by - whole) * 1e9);
    if (at->tv_nsec >= 1000000000L) { at->tv_nsec -= 1000000000L; at->tv_sec += 1; }
}

int clock_gettime(clockid_t which, struct timespec *at) {
    int code = (int)syscall(SYS_clock_gettime, which, at);
    if (code == 0 && shift && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) moved(at, *shift);
    return code;
}

int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    int code = clock_gettime(CLOCK_REALTIME, &now);
    (void)zone;
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return code;
}

time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}

/* Waits until a moment on the wall, which the kernel knows by its own clock. */
int sem_timedwait(sem_t *one, const struct timespec *until) {
    static int (*real)(sem_t *, const struct timespec *);
    struct timespec at = *until;
    if (!real) real = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
    if (shift) moved(&at, -*shift);
    return real(one, &at);
}
