#include <avr/interrupt.h>
#include <avr/io.h>

#include "board.h"

/* Ready is a level, not an event: it wakes the main loop once, and is asked for again with the next byte. */
ISR(EE_READY_vect) { EECR = 0; }

bool board_storage_busy(void) { return EECR & 1 << EEPE; }

uint8_t board_storage_read(uint16_t at) {
  EEAR = at;
  EECR = 1 << EERE;
  return EEDR;
}

/* EEPE must follow EEMPE within four cycles. One store also asks for the interrupt: EECR is not touched while it writes. */
void board_storage_write(uint16_t at, uint8_t value) {
  EEAR = at;
  EEDR = value;
  cli();
  EECR = 1 << EEMPE;
  EECR = 1 << EEMPE | 1 << EEPE | 1 << EERIE;
  sei();
}
