/* The axis that the controller drives. The boards here share a simulated one; another board brings its own. */
#ifndef FW_AXIS_H
#define FW_AXIS_H

#include <stdbool.h>
#include <stdint.h>

/* The axis is stepped once in this time. */
#define AXIS_STEP_MS 10u

/* One step: patrols while `run`, else slows down, stands, and then disengages its drive. */
void axis_step(bool run, float max_slew_deg_s);

/* In micro-degrees, and micro-degrees per second. */
int32_t axis_position(void);
int32_t axis_speed(void);

/* True while the drive can move the axis. */
bool axis_driven(void);

#endif
