/* Frames: COBS(body, crc16(body)), 0x00. */
#ifndef FW_FRAME_H
#define FW_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_BODY_MAX 144u
#define FRAME_HEAD 6u
#define FRAME_CRC 2u

/* Bytes on the wire for a body, delimiter included; a body is too short for a second COBS block. */
#define FRAME_WIRE(body) ((body) + FRAME_CRC + 2u)

typedef enum { FRAME_NONE, FRAME_GOOD, FRAME_BAD } frame_event;

/* Takes one byte from the line. At FRAME_GOOD the body is there to be read until the next byte is pushed. */
frame_event frame_push(uint8_t byte);
const uint8_t *frame_body(void);
uint8_t frame_length(void);

/* Sends a body; there are FRAME_CRC bytes of room behind it, which are used. The caller has looked for room on the line. */
void frame_send(uint8_t *body, uint8_t length);

#endif
