/* The firmware's core, for a board's main loop. Nothing here blocks or waits. */
#ifndef FW_FW_H
#define FW_FW_H

#include <stdint.h>

/* Once, after a reset. */
void fw_init(void);

/* As often as the board likes, at least every AXIS_STEP_MS. `now_ms` counts from the reset and wraps; going back is ignored. */
void fw_poll(uint32_t now_ms);

/* One byte from the line; fw_poll was called just before. */
void fw_rx_byte(uint8_t byte);

#endif
