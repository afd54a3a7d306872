/*
 * A line between two network interfaces of Linux that delays and loses Ethernet frames, for kernels without `tc netem`:
 *
 *   frame-relay IF1 IF2 DELAY_MS LOSS_PERCENT SEED     passes frames on between IF1 and IF2 until it is ended by SIGTERM;
 *                                                      then prints what passed, as JSON
 *   frame-relay plain IF                               makes IF send frames of its MTU with checksums, as a card would
 *
 * Each frame leaves DELAY_MS after it came, in order, unless it is lost: each with the same probability, whatever became of
 * those before. What does not fit into 32 MiB for each direction is lost too, and counted apart.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 2048, RING = 1 << 14, BURST = 64 };

struct direction {
  int in, out;
  uint64_t delay, random, threshold; /* ns; state of xorshift; a frame is lost if the next number is below */
  uint64_t frames, bytes, lost, overflowed, refused;
  unsigned char (*frame)[FRAME];
  uint16_t *length;
  uint64_t *due;
};

static volatile sig_atomic_t ended;

static void end(int signal) {
  (void)signal;
  ended = 1;
}

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t next(uint64_t *s) {
  *s ^= *s << 13;
  *s ^= *s >> 7;
  *s ^= *s << 17;
  return *s;
}

static int open_interface(const char *name) {
  int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), one = 1, size = 32 << 20;
  if (fd < 0) die("socket");
  struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
  struct packet_mreq m = {.mr_ifindex = a.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
  if (a.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&a, sizeof a) < 0) die(name);
  if (setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &m, sizeof m) < 0) die("promiscuous mode");
  if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof one) < 0) die("PACKET_IGNORE_OUTGOING");
  if (setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof one) < 0) die("PACKET_QDISC_BYPASS");
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
  return fd;
}

static void *pass(void *argument) {
  struct direction *d = argument;
  struct mmsghdr messages[BURST];
  struct iovec parts[BURST];
  uint32_t head = 0, tail = 0; /* frames head to tail - 1 wait */
  static const uint64_t LONGEST = 50000000;
  while (!ended) {
    uint64_t t = now();
    uint64_t wait = head == tail ? LONGEST : d->due[head % RING] <= t ? 0 : d->due[head % RING] - t;
    struct timespec timeout = {0, (long)(wait < LONGEST ? wait : LONGEST)};
    struct pollfd p = {d->in, POLLIN, 0};
    if (ppoll(&p, 1, &timeout, NULL) > 0) {
      uint32_t room = RING - (tail - head), count = room < BURST ? room : BURST;
      static unsigned char waste[FRAME];
      if (room == 0) {
        if (recv(d->in, waste, FRAME, MSG_DONTWAIT) > 0) d->overflowed++;
      }
      for (uint32_t i = 0; i < count; i++) {
        parts[i] = (struct iovec){d->frame[(tail + i) % RING], FRAME};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[i], .msg_iovlen = 1}};
      }
      int got = count == 0 ? 0 : recvmmsg(d->in, messages, count, MSG_DONTWAIT | MSG_TRUNC, NULL);
      t = now();
      for (int i = 0; i < got; i++) {
        uint32_t length = messages[i].msg_len;
        d->frames++;
        if (length > FRAME) {
          d->refused++;
        } else if (next(&d->random) < d->threshold) {
          d->lost++;
        } else {
          unsigned char *from = parts[i].iov_base, *to = d->frame[tail % RING];
          if (from != to) memcpy(to, from, length);
          d->length[tail % RING] = (uint16_t)length;
          d->due[tail % RING] = t + d->delay;
          d->bytes += length;
          tail++;
        }
      }
    }
    t = now();
    while (head != tail && d->due[head % RING] <= t) {
      uint32_t count = 0;
      while (count < BURST && head + count != tail && d->due[(head + count) % RING] <= t) {
        parts[count] = (struct iovec){d->frame[(head + count) % RING], d->length[(head + count) % RING]};
        messages[count] = (struct mmsghdr){.msg_hdr = {.msg_iov = &parts[count], .msg_iovlen = 1}};
        count++;
      }
      int sent = sendmmsg(d->out, messages, count, 0);
      if (sent <= 0) {
        if (errno == EINTR) break;
        if (errno == ENOBUFS) d->overflowed++; else d->refused++;
        sent = 1;
      }
      head += (uint32_t)sent;
    }
  }
  return NULL;
}

static void plain(const char *name) {
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  static const uint32_t off[] = {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM, ETHTOOL_SSG};
  for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
    struct ethtool_value v = {off[i], 0};
    struct ifreq r = {0};
    strncpy(r.ifr_name, name, IFNAMSIZ - 1);
    r.ifr_data = (void *)&v;
    if (ioctl(fd, SIOCETHTOOL, &r) < 0 && errno != EOPNOTSUPP) die(name);
  }
  close(fd);
}

static void report(const struct direction *d, const char *name, const char *after) {
  printf("\"%s\":{\"frames\":%llu,\"bytes\":%llu,\"lost\":%llu,\"overflowed\":%llu,\"refused\":%llu}%s", name,
      (unsigned long long)d->frames, (unsigned long long)d->bytes, (unsigned long long)d->lost,
      (unsigned long long)d->overflowed, (unsigned long long)d->refused, after);
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "plain") == 0) {
    plain(argv[2]);
    return 0;
  }
  if (argc != 6) {
    fprintf(stderr, "usage: frame-relay IF1 IF2 DELAY_MS LOSS_PERCENT SEED | frame-relay plain IF\n");
    return 2;
  }
  double delay = atof(argv[3]), loss = atof(argv[4]) / 100;
  uint64_t seed = strtoull(argv[5], NULL, 10);
  int one = open_interface(argv[1]), two = open_interface(argv[2]);
  struct direction directions[2] = {{.in = one, .out = two}, {.in = two, .out = one}};
  struct sigaction a = {.sa_handler = end};
  sigaction(SIGTERM, &a, NULL);
  sigaction(SIGINT, &a, NULL);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) {
    struct direction *d = &directions[i];
    d->delay = (uint64_t)(delay * 1e6);
    d->threshold = loss >= 1 ? UINT64_MAX : (uint64_t)(loss * 18446744073709551616.0);
    d->random = (seed + (uint64_t)i + 1) * 0x9e3779b97f4a7c15u | 1;
    d->frame = malloc((size_t)RING * FRAME);
    d->length = malloc(RING * sizeof *d->length);
    d->due = malloc(RING * sizeof *d->due);
    if (d->frame == NULL || d->length == NULL || d->due == NULL) die("memory");
    pthread_create(&threads[i], NULL, pass, d);
  }
  printf("ready\n");
  fflush(stdout);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  printf("{");
  report(&directions[0], "there", ",");
  report(&directions[1], "back", "}\n");
  return 0;
}
