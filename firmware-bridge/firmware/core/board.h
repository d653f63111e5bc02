/* What a board gives to the core: a clock (handed to fw_poll), a serial line, storage. The axis is in axis.h. */
#ifndef FW_BOARD_H
#define FW_BOARD_H

#include <stdbool.h>
#include <stdint.h>

/* Tables that a Harvard machine would otherwise copy into its RAM. */
#ifdef __AVR__
#define FW_FLASH __flash
#else
#define FW_FLASH
#endif

/* Bytes that can be sent now without waiting. */
uint8_t board_tx_room(void);

/* Sends one byte; called only while there is room. */
void board_tx(uint8_t byte);

/* Storage survives a reset, byte by byte. FW_STORAGE_BYTES in storage.h tells how many are needed. */
uint8_t board_storage_read(uint16_t at);

/* True while a byte is being written: then nothing is read or written. */
bool board_storage_busy(void);

/* Starts to write one byte and returns at once. */
void board_storage_write(uint16_t at, uint8_t value);

#endif
