/* The pause latch, and the motion that it allows. */
#ifndef FW_LATCH_H
#define FW_LATCH_H

#include <stdint.h>

enum { WHY_CONTACT = 3, WHY_OTHER = 5 };

/* Paused, whatever came before. */
void latch_power_up(void);

/* Never refused. Draws a new pause id, so that an older RESUME cannot undo it. */
void latch_pause(uint8_t why);

/* Opens the latch, or says why not. */
uint8_t latch_resume(uint32_t pause_id);

/* FW_OK while changes may be made: paused and standing. */
uint8_t latch_standing(void);

/* Follows the axis. */
void latch_motion(void);

#endif
