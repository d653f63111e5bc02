/*
 * Sends back every byte, at 115200 8N1, and sleeps otherwise. A timer of 1 ms runs beside, as in a real controller.
 * Starts are counted in the first byte of the EEPROM; after one by the reset pin it first sends "boot N\n".
 *
 *     avr-gcc -mmcu=atmega328p -Os -std=c99 -Wall -Wextra echo.c -o echo.elf && avr-objcopy -O ihex -R .eeprom echo.elf echo.hex
 */
#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdint.h>

static volatile uint8_t ring[256];
static volatile uint8_t head, tail;

static void put(uint8_t byte) {
  ring[head++] = byte;
  UCSR0B |= _BV(UDRIE0);
}

ISR(USART_RX_vect) { put(UDR0); }

ISR(USART_UDRE_vect) {
  if (head == tail) UCSR0B &= (uint8_t)~_BV(UDRIE0);
  else UDR0 = ring[tail++];
}

ISR(TIMER1_COMPA_vect) {}

int main(void) {
  uint8_t boots = (uint8_t)(eeprom_read_byte(0) + 1);
  eeprom_write_byte(0, boots);
  char greeting[] = {'b', 'o', 'o', 't', ' ', (char)('0' + boots % 10), '\n', 0};
  UBRR0 = 16;
  UCSR0A = _BV(U2X0);
  UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
  OCR1A = 249;
  TIMSK1 = _BV(OCIE1A);
  TCCR1B = _BV(WGM12) | _BV(CS11) | _BV(CS10);
  if (MCUSR & _BV(EXTRF))
    for (const char *text = greeting; *text; text++) put((uint8_t)*text);
  set_sleep_mode(SLEEP_MODE_IDLE);
  sei();
  for (;;) sleep_mode();
}
