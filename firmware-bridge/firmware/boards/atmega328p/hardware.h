/* The chip's parts, as main.c sees them. */
#ifndef HARDWARE_H
#define HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

/* USART0, 115200 baud, 8N1. */
void serial_open(void);
bool serial_take(uint8_t *byte);
/* Called with interrupts off. */
bool serial_empty(void);

/* Timer 1: an interrupt every 10 ms, and whole milliseconds in between. */
void clock_open(void);
uint32_t clock_ms(void);

#endif
