/* CRC-16/CCITT-FALSE: polynomial 0x1021, not reflected, no final xor; check("123456789") = 0x29B1. */
#ifndef FW_CRC16_H
#define FW_CRC16_H

#include <stdint.h>

#define CRC16_START 0xFFFFu

uint16_t crc16_byte(uint16_t crc, uint8_t byte);
uint16_t crc16(uint16_t crc, const uint8_t *bytes, uint8_t length);

#endif
