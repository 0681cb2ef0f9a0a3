/* Loaded in front of libc: counts fsync and fdatasync in a shared file, and makes each take longer if asked to. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

static unsigned long *counter;
static useconds_t delay;

__attribute__((constructor)) static void set_up(void) {
  const char *path = getenv("SYNC_COUNTER"), *micros = getenv("SYNC_DELAY_US");
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  delay = micros ? (useconds_t)atoi(micros) : 0;
  if (fd >= 0) {
    counter = mmap(NULL, 8, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (counter == MAP_FAILED) counter = NULL;
    close(fd);
  }
}

/* The whole delay, also in a program whose timer signals end a sleep early (as those of Haskell's runtime do). */
static void wait_whole(void) {
  struct timespec end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  end.tv_nsec += (long)delay * 1000;
  end.tv_sec += end.tv_nsec / 1000000000;
  end.tv_nsec %= 1000000000;
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) continue;
}

static int synced(const char *name, int fd) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  if (counter) __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
  if (delay) wait_whole();
  return real(fd);
}

int fsync(int fd) { return synced("fsync", fd); }
int fdatasync(int fd) { return synced("fdatasync", fd); }
