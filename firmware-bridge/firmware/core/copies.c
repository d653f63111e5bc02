#include "copies.h"

#include "board.h"
#include "bytes.h"
#include "crc16.h"

#define VALUE_MAX 8u

void copy_image(uint8_t *image, uint64_t value, uint8_t bytes) {
  fw_put(image, value, bytes);
  fw_put(image + bytes, crc16(CRC16_START, image, bytes), COPY_CRC);
}

typedef enum { COPY_EMPTY, COPY_GOOD, COPY_BAD } copy_state;

static copy_state read_copy(uint16_t at, uint8_t bytes, uint64_t *value) {
  uint8_t image[VALUE_MAX + COPY_CRC];
  uint8_t filled = 0xFF;
  for (uint8_t i = 0; i < bytes + COPY_CRC; i += 1) {
    image[i] = board_storage_read((uint16_t)(at + i));
    filled &= image[i];
  }
  if (filled == 0xFF) return COPY_EMPTY;
  *value = fw_get(image, bytes);
  return crc16(CRC16_START, image, bytes) == fw_get(image + bytes, COPY_CRC) ? COPY_GOOD : COPY_BAD;
}

static bool newer(uint64_t a, uint64_t b, bool wraps) {
  return wraps ? (int16_t)(uint16_t)(a - b) > 0 : a > b;
}

copies copies_read(uint16_t at, uint8_t bytes, bool wraps) {
  copies found = {0, 1, false, false};
  copy_state states[2];
  for (uint8_t copy = 0; copy < 2; copy += 1) {
    uint64_t value = 0;
    states[copy] = read_copy((uint16_t)(at + copy * (bytes + COPY_CRC)), bytes, &value);
    if (states[copy] != COPY_GOOD || (found.valid && !newer(value, found.value, wraps))) continue;
    found.value = value;
    found.copy = copy;
    found.valid = true;
  }
  found.lost = states[0] == COPY_BAD && states[1] == COPY_BAD;
  return found;
}
