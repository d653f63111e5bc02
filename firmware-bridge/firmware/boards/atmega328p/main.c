/* ATmega328P at 16 MHz: Arduino Uno and its kin. A firmware that hangs is reset, and a reset is a pause. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <avr/wdt.h>

#include "fw.h"
#include "hardware.h"

/* After its own reset the watchdog runs on with its shortest time: it is set before the start-up code can take that long. */
__attribute__((naked, used, section(".init3"))) void set_watchdog(void) {
  MCUSR = 0;
  wdt_enable(WDTO_500MS);
}

/* Looks again for bytes with interrupts off: one that came after the last look must not be slept over. */
static void sleep_until_interrupt(void) {
  cli();
  if (serial_empty()) {
    sleep_enable();
    sei();
    sleep_cpu();
    sleep_disable();
  }
  sei();
}

static bool take_bytes(void) {
  uint8_t byte;
  bool any = false;
  for (; serial_take(&byte); any = true) fw_rx_byte(byte);
  return any;
}

int main(void) {
  set_sleep_mode(SLEEP_MODE_IDLE);
  serial_open();
  clock_open();
  fw_init();
  sei();
  for (;;) {
    wdt_reset();
    fw_poll(clock_ms());
    if (!take_bytes()) sleep_until_interrupt();
  }
}
