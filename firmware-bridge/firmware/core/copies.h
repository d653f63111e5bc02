/* A whole number in two copies, each with its CRC: the larger valid one counts, the other one is overwritten. */
#ifndef FW_COPIES_H
#define FW_COPIES_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
  uint64_t value;
  /* 0 or 1: the copy that holds the value. */
  uint8_t copy;
  bool valid;
  /* Both copies hold something, and neither is whole. */
  bool lost;
} copies;

#define COPY_CRC 2u

/* `wraps`: values are compared modulo 2^16. */
copies copies_read(uint16_t at, uint8_t bytes, bool wraps);

/* The bytes of a copy: value, CRC. */
void copy_image(uint8_t *image, uint64_t value, uint8_t bytes);

#endif
