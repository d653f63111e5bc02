#include "latch.h"

#include "axis.h"
#include "staging.h"
#include "storage.h"
#include "trace.h"

static uint16_t pauses;

/* Ids begin with the boot count: none of an earlier life is ever valid again. */
static uint32_t draw(uint16_t *counter) {
  *counter = (uint16_t)(*counter + 1);
  if (*counter == 0) *counter = 1;
  return (uint32_t)fw_trace.bootCount << 16 | *counter;
}

void latch_power_up(void) {
  pauses = 0;
  latch_pause(WHY_OTHER);
}

void latch_pause(uint8_t why) {
  fw_trace.flags |= FW_PAUSED;
  fw_trace.why = why;
  fw_trace.pauseId = draw(&pauses);
  latch_motion();
}

void latch_motion(void) {
  fw_trace.position = axis_position();
  fw_trace.speed = axis_speed();
  if (fw_trace.speed == 0 && !axis_driven()) fw_trace.motion = FW_STANDSTILL;
  else fw_trace.motion = fw_trace.flags & FW_PAUSED ? FW_DECELERATING : FW_MOVING;
}

uint8_t latch_standing(void) {
  if (!(fw_trace.flags & FW_PAUSED)) return FW_NOT_PAUSED;
  return fw_trace.motion == FW_STANDSTILL ? FW_OK : FW_NOT_STANDING;
}

uint8_t latch_resume(uint32_t pause_id) {
  if (pause_id != fw_trace.pauseId) return FW_OLD_PAUSE;
  if (!(fw_trace.flags & FW_PAUSED)) return FW_OK;
  if (!storage_boot_stored()) return FW_STORAGE;
  if (fw_trace.unverified != 0) return FW_UNVERIFIED;
  if (fw_trace.motion != FW_STANDSTILL) return FW_NOT_STANDING;
  staging_discard_all();
  fw_trace.flags &= (uint8_t)~FW_PAUSED;
  return FW_OK;
}
