/* Writes bytes to storage one at a time, in a fixed order, and reads each back. */
#ifndef FW_WRITER_H
#define FW_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#define WRITER_IMAGE_BYTES 40u

typedef enum { WRITER_IDLE, WRITER_BUSY, WRITER_DONE, WRITER_FAILED } writer_state;

/* The bytes to write; filled in before the spans that use them are added. */
uint8_t *writer_image(void);

/* Adds `length` bytes of the image, from `from`, to be written at `at` after the spans added before. */
void writer_add(uint16_t at, uint8_t from, uint8_t length);

/* Starts at most one byte; never waits. DONE and FAILED are told once. */
writer_state writer_poll(void);

#endif
