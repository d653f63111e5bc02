#include "bytes.h"

typedef union {
  float real;
  uint32_t bits;
} f32;

uint64_t fw_get(const uint8_t *at, uint8_t bytes) {
  uint64_t value = 0;
  while (bytes > 0) {
    bytes -= 1;
    value = (value << 8) | at[bytes];
  }
  return value;
}

uint8_t *fw_put(uint8_t *at, uint64_t value, uint8_t bytes) {
  for (; bytes > 0; bytes -= 1) {
    *at++ = (uint8_t)value;
    value >>= 8;
  }
  return at;
}

float fw_get_f32(const uint8_t *at) {
  f32 value;
  value.bits = (uint32_t)fw_get(at, 4);
  return value.real;
}

uint8_t *fw_put_f32(uint8_t *at, float real) {
  f32 value;
  value.real = real;
  return fw_put(at, value.bits, 4);
}
