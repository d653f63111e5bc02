#include "writer.h"

#include "board.h"

#define SPANS 3u
#define TRIES 3u

typedef struct {
  uint16_t at;
  uint8_t from, length;
} span;

static struct {
  uint8_t image[WRITER_IMAGE_BYTES];
  span spans[SPANS];
  uint8_t count, current, byte, tries;
} job;

uint8_t *writer_image(void) { return job.image; }

void writer_add(uint16_t at, uint8_t from, uint8_t length) {
  span added = {at, from, length};
  job.spans[job.count++] = added;
}

static writer_state finish(writer_state state) {
  job.count = job.current = job.byte = job.tries = 0;
  return state;
}

/* Reading before writing both spares equal bytes, which costs no wear, and proves the byte that was written last. */
writer_state writer_poll(void) {
  if (job.count == 0) return WRITER_IDLE;
  if (board_storage_busy()) return WRITER_BUSY;
  for (; job.current < job.count; job.current += 1, job.byte = 0) {
    const span *now = &job.spans[job.current];
    for (; job.byte < now->length; job.byte += 1, job.tries = 0) {
      uint16_t at = (uint16_t)(now->at + job.byte);
      uint8_t value = job.image[now->from + job.byte];
      if (board_storage_read(at) == value) continue;
      if (job.tries++ == TRIES) return finish(WRITER_FAILED);
      board_storage_write(at, value);
      return WRITER_BUSY;
    }
  }
  return finish(WRITER_DONE);
}
