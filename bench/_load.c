/* Clients that each repeat their requests, one at a time, over a unix stream socket; as little work a call as can be.

   load SOCKET SECONDS < REQUESTS: one line a client, on it its messages, each ended by a byte 3. Prints the calls that were
   answered with success, those that were not, the seconds, the median latency and this process's own time, in seconds. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { CLIENTS = 1024, END = 3, SAMPLES = 1 << 22 };
static const char SUCCESS[] = "{\"success\":true";

struct client {
  int fd;
  char *requests, *next; /* the messages, and the one to send */
  size_t received;       /* bytes of the answer so far */
  int bad;
  double sent;
};

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static void send_next(struct client *c, double at) {
  char *end = strchr(c->next, END) + 1;
  if (send(c->fd, c->next, (size_t)(end - c->next), MSG_NOSIGNAL) != end - c->next) die("send");
  c->next = *end ? end : c->requests;
  c->received = 0;
  c->bad = 0;
  c->sent = at;
}

static int ascending(const void *a, const void *b) {
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  static struct client clients[CLIENTS];
  static float taken[SAMPLES];
  static char buffer[1 << 16];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct epoll_event events[64];
  int count = 0, poll = epoll_create1(0);
  long good = 0, bad = 0;
  char *line = NULL;
  size_t room = 0;
  ssize_t length;
  if (argc != 3) return 2;
  strncpy(address.sun_path, argv[1], sizeof address.sun_path - 1);
  while (count < CLIENTS && (length = getline(&line, &room, stdin)) > 0) {
    struct client *c = &clients[count++];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
    if (line[length - 1] == '\n') line[length - 1] = 0;
    c->requests = c->next = strdup(line);
    c->fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(c->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
    if (epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &event)) die("epoll_ctl");
  }
  double start = now(), end = start + atof(argv[2]), at = start;
  for (int i = 0; i < count; i++) send_next(&clients[i], at);
  while (at < end && good + bad < SAMPLES - 64) {
    int ready = epoll_wait(poll, events, 64, 10000);
    if (ready == 0) errno = ETIMEDOUT;
    if (ready <= 0) die("epoll_wait");
    for (int i = 0; i < ready; i++) {
      struct client *c = events[i].data.ptr;
      ssize_t got = recv(c->fd, buffer, sizeof buffer, 0);
      if (got <= 0) die("recv");
      if (c->received == 0) c->bad = got < (ssize_t)sizeof SUCCESS || memcmp(buffer, SUCCESS, sizeof SUCCESS - 1);
      c->received += (size_t)got;
      if (buffer[got - 1] != END) continue;
      at = now();
      taken[good + bad] = (float)(at - c->sent);
      if (c->bad) bad++; else good++;
      send_next(c, at);
    }
  }
  struct rusage used;
  getrusage(RUSAGE_SELF, &used);
  double own = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
  qsort(taken, (size_t)(good + bad), sizeof *taken, ascending);
  printf("%ld %ld %.6f %.9f %.6f\n", good, bad, at - start, (double)taken[(good + bad) / 2], own);
  return 0;
}
