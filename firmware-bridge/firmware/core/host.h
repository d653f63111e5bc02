/* The link to the host, and what its silence does. */
#ifndef FW_HOST_H
#define FW_HOST_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  /* 0: never. */
  uint16_t silence_ms;
  bool stop;
} host_policy;

/* A new link: it replaces the one before. */
void host_hello(host_policy wanted);

/* A frame of the present link was accepted or refused. */
void host_heard(void);

/* Acts on a host that has been silent for too long. Silence never starts motion. */
void host_watch(void);

#endif
