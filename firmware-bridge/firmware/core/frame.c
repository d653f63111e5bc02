#include "frame.h"

#include "board.h"
#include "bytes.h"
#include "crc16.h"

#define WIRE_MAX (FRAME_BODY_MAX + FRAME_CRC + 1u)

static struct {
  uint8_t bytes[WIRE_MAX];
  uint8_t length;
  bool overflow;
} rx;

static uint8_t body_length;

/* Decodes in place: COBS never grows. Returns the decoded length, 0 for what is no COBS. */
static uint8_t cobs_decode(uint8_t *bytes, uint8_t length) {
  uint8_t from = 0, to = 0;
  while (from < length) {
    uint8_t code = bytes[from++];
    uint8_t run = (uint8_t)(code - 1);
    if (run > length - from) return 0;
    while (run-- > 0) bytes[to++] = bytes[from++];
    if (code < 0xFF && from < length) bytes[to++] = 0;
  }
  return to;
}

static frame_event frame_end(void) {
  uint8_t wire = rx.length;
  bool overflow = rx.overflow;
  rx.length = 0;
  rx.overflow = false;
  if (wire == 0 && !overflow) return FRAME_NONE;
  if (overflow) return FRAME_BAD;
  uint8_t length = cobs_decode(rx.bytes, wire);
  if (length < FRAME_HEAD + FRAME_CRC) return FRAME_BAD;
  body_length = (uint8_t)(length - FRAME_CRC);
  if (crc16(CRC16_START, rx.bytes, body_length) != fw_get(rx.bytes + body_length, 2)) return FRAME_BAD;
  return FRAME_GOOD;
}

frame_event frame_push(uint8_t byte) {
  if (byte == 0) return frame_end();
  if (rx.length == WIRE_MAX) rx.overflow = true;
  else rx.bytes[rx.length++] = byte;
  return FRAME_NONE;
}

const uint8_t *frame_body(void) { return rx.bytes; }

uint8_t frame_length(void) { return body_length; }

void frame_send(uint8_t *body, uint8_t length) {
  uint8_t end = (uint8_t)(length + FRAME_CRC);
  fw_put(body + length, crc16(CRC16_START, body, length), 2);
  uint8_t start = 0;
  for (uint8_t at = 0; at <= end; at += 1) {
    if (at < end && body[at] != 0) continue;
    board_tx((uint8_t)(at - start + 1));
    while (start < at) board_tx(body[start++]);
    start = (uint8_t)(at + 1);
  }
  board_tx(0);
}
