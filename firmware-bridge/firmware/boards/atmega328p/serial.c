#include <avr/interrupt.h>
#include <avr/io.h>

#include "board.h"
#include "hardware.h"

/* Eight clocks a bit: 117,647 baud, 2.1 % off, within what a receiver bears; sixteen would be 3.5 % off. */
#define BAUD_RATE 115200ul

/* Powers of two: indices wrap by a mask. */
#define RX_BYTES 64u
#define TX_BYTES 128u

static volatile struct {
  uint8_t bytes[RX_BYTES], in, out;
} rx;

static volatile struct {
  uint8_t bytes[TX_BYTES], in, out;
} tx;

void serial_open(void) {
  UCSR0A = 1 << U2X0;
  UBRR0 = (F_CPU / 8 + BAUD_RATE / 2) / BAUD_RATE - 1;
  UCSR0C = 1 << UCSZ01 | 1 << UCSZ00;
  UCSR0B = 1 << RXEN0 | 1 << TXEN0 | 1 << RXCIE0;
}

/* A byte without room is lost, and its frame with it: the CRC tells, and the host repeats. */
ISR(USART_RX_vect) {
  uint8_t byte = UDR0;
  uint8_t next = (rx.in + 1) & (RX_BYTES - 1);
  if (next == rx.out) return;
  rx.bytes[rx.in] = byte;
  rx.in = next;
}

ISR(USART_UDRE_vect) {
  if (tx.in == tx.out) {
    UCSR0B &= (uint8_t)~(1 << UDRIE0);
    return;
  }
  UDR0 = tx.bytes[tx.out];
  tx.out = (tx.out + 1) & (TX_BYTES - 1);
}

bool serial_empty(void) { return rx.in == rx.out; }

bool serial_take(uint8_t *byte) {
  if (rx.in == rx.out) return false;
  *byte = rx.bytes[rx.out];
  rx.out = (rx.out + 1) & (RX_BYTES - 1);
  return true;
}

uint8_t board_tx_room(void) { return (uint8_t)(TX_BYTES - 1 - ((tx.in - tx.out) & (TX_BYTES - 1))); }

void board_tx(uint8_t byte) {
  tx.bytes[tx.in] = byte;
  tx.in = (tx.in + 1) & (TX_BYTES - 1);
  cli();
  UCSR0B |= 1 << UDRIE0;
  sei();
}
