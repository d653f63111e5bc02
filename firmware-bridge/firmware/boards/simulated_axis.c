/*
 * A simulated axis with inertia, in whole numbers. Its speed is a number of equal quanta and changes by at most one per
 * step, so that it takes BRAKING_STEPS (half a second) to stop from full speed, whatever that speed is.
 */
#include "axis.h"

#define END_MICRODEG 60000000l
#define BRAKING_STEPS 50l
#define STEPS_PER_S (1000l / AXIS_STEP_MS)
#define MICRODEG_PER_DEG 1000000.0f

static struct {
  int32_t position;
  /* Micro-degrees that one quantum of speed moves in one step. */
  int32_t quantum;
  int8_t quanta;
  int8_t direction;
  bool driven;
} axis = {0, 0, 0, 1, false};

/* The way from here to rest when this step is still made with so many quanta. */
static int32_t way_to_rest(int8_t quanta) { return axis.quantum * quanta * (quanta + 1) / 2; }

static void patrol(void) {
  int32_t left = END_MICRODEG - axis.direction * axis.position;
  if (axis.quanta < BRAKING_STEPS && way_to_rest((int8_t)(axis.quanta + 1)) <= left) axis.quanta += 1;
  else if (way_to_rest(axis.quanta) > left) axis.quanta -= 1;
  if (axis.quanta == 0) axis.direction = (int8_t)-axis.direction;
}

/* The drive is engaged only from rest, and lets go one step after the axis has come to rest. */
void axis_step(bool run, float max_slew_deg_s) {
  if (run && axis.quanta == 0) {
    axis.driven = true;
    axis.quantum = (int32_t)(max_slew_deg_s * MICRODEG_PER_DEG) / (STEPS_PER_S * BRAKING_STEPS);
  }
  if (run) patrol();
  else if (axis.quanta > 0) axis.quanta -= 1;
  else axis.driven = false;
  axis.position += axis.direction * axis.quanta * axis.quantum;
}

int32_t axis_position(void) { return axis.position; }

int32_t axis_speed(void) { return axis.direction * axis.quanta * axis.quantum * STEPS_PER_S; }

bool axis_driven(void) { return axis.driven; }
