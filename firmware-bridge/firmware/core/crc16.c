#include "crc16.h"

/* The table-free form of the update by one byte: 4 KiB of flash matter more than a few microseconds. */
uint16_t crc16_byte(uint16_t crc, uint8_t byte) {
  uint8_t x = (uint8_t)((crc >> 8) ^ byte);
  x ^= (uint8_t)(x >> 4);
  return (uint16_t)((crc << 8) ^ ((uint16_t)x << 12) ^ ((uint16_t)x << 5) ^ x);
}

uint16_t crc16(uint16_t crc, const uint8_t *bytes, uint8_t length) {
  while (length-- > 0) crc = crc16_byte(crc, *bytes++);
  return crc;
}
