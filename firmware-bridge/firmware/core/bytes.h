/* Little-endian fields of frames and of storage, whatever the byte order and the alignment rules of the chip. */
#ifndef FW_BYTES_H
#define FW_BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Reads `bytes` (1 to 8) bytes as one whole number. */
uint64_t fw_get(const uint8_t *at, uint8_t bytes);

/* Writes the low `bytes` bytes of a whole number; returns the place after them. */
uint8_t *fw_put(uint8_t *at, uint64_t value, uint8_t bytes);

float fw_get_f32(const uint8_t *at);
uint8_t *fw_put_f32(uint8_t *at, float value);

#endif
