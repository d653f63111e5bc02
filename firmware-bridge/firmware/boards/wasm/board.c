/* A board without a chip: storage and line are memory that the loader sees. */
#include "board.h"

#include <stddef.h>

#include "fw.h"
#include "storage.h"
#include "trace.h"

#define OUTPUT_BYTES 1024u
#define EXPORT(name) __attribute__((export_name(name)))

uint8_t wasm_storage[FW_STORAGE_BYTES];
uint8_t wasm_output[OUTPUT_BYTES];

static uint16_t output_length;
static bool storage_is_busy;

uint8_t board_tx_room(void) {
  uint16_t room = (uint16_t)(OUTPUT_BYTES - output_length);
  return room > UINT8_MAX ? UINT8_MAX : (uint8_t)room;
}

void board_tx(uint8_t byte) { wasm_output[output_length++] = byte; }

uint8_t board_storage_read(uint16_t at) { return wasm_storage[at]; }

bool board_storage_busy(void) { return storage_is_busy; }

void board_storage_write(uint16_t at, uint8_t value) {
  wasm_storage[at] = value;
  storage_is_busy = true;
}

/* A byte of storage takes from one poll to the next, so that a power cut can fall between any two of them. */
EXPORT("poll") void wasm_poll(uint32_t now_ms) {
  storage_is_busy = false;
  fw_poll(now_ms);
}

EXPORT("init") void wasm_init(void) { fw_init(); }
EXPORT("receive") void wasm_receive(uint8_t byte) { fw_rx_byte(byte); }
EXPORT("writing") bool wasm_writing(void) { return storage_busy(); }
EXPORT("storageBytes") uint16_t wasm_storage_bytes(void) { return FW_STORAGE_BYTES; }
EXPORT("storageAt") uint8_t *wasm_storage_at(void) { return wasm_storage; }
EXPORT("outputAt") uint8_t *wasm_output_at(void) { return wasm_output; }
EXPORT("traceAt") trace *wasm_trace_at(void) { return &fw_trace; }

/* The number of bytes sent since the last call. */
EXPORT("takeOutput") uint16_t wasm_take_output(void) {
  uint16_t length = output_length;
  output_length = 0;
  return length;
}

/* The compiler may call these even where the source does not. */
void *memset(void *to, int value, size_t length) {
  for (volatile uint8_t *at = to; length > 0; length -= 1) *at++ = (uint8_t)value;
  return to;
}

void *memcpy(void *to, const void *from, size_t length) {
  volatile uint8_t *at = to;
  for (const uint8_t *next = from; length > 0; length -= 1) *at++ = *next++;
  return to;
}
