#include <avr/interrupt.h>
#include <avr/io.h>

#include "axis.h"
#include "hardware.h"

#define PRESCALER 64u
#define COUNTS_PER_MS (F_CPU / PRESCALER / 1000u)

static volatile uint32_t ticked_ms;

void clock_open(void) {
  TCCR1A = 0;
  OCR1A = COUNTS_PER_MS * AXIS_STEP_MS - 1;
  TIMSK1 = 1 << OCIE1A;
  TCCR1B = 1 << WGM12 | 1 << CS11 | 1 << CS10;
}

ISR(TIMER1_COMPA_vect) { ticked_ms += AXIS_STEP_MS; }

uint32_t clock_ms(void) {
  cli();
  uint32_t ms = ticked_ms;
  uint16_t count = TCNT1;
  /* The timer may have wrapped with its interrupt still waiting. */
  if (TIFR1 & 1 << OCF1A) {
    count = TCNT1;
    ms += AXIS_STEP_MS;
  }
  sei();
  return ms + count / COUNTS_PER_MS;
}
