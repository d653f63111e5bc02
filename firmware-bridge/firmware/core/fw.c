#include "fw.h"

#include "axis.h"
#include "dispatch.h"
#include "frame.h"
#include "host.h"
#include "latch.h"
#include "staging.h"
#include "storage.h"
#include "trace.h"

/* After a longer gap in time the axis has come to rest or is on patrol: the steps left out change neither. */
#define STEPS_AT_ONCE 1000u

static uint32_t stepped_at;

static void step_axis(void) {
  for (uint16_t steps = 0; fw_trace.timeMs - stepped_at >= AXIS_STEP_MS; steps += 1) {
    if (steps == STEPS_AT_ONCE) {
      stepped_at = fw_trace.timeMs;
      break;
    }
    axis_step(!(fw_trace.flags & FW_PAUSED), fw_trace.values[FW_PARAM_MAX_SLEW]);
    stepped_at += AXIS_STEP_MS;
  }
  latch_motion();
}

void fw_init(void) {
  fw_trace.magic = FW_TRACE_MAGIC;
  fw_trace.flags = FW_PAUSED | FW_BOOTED;
  storage_open();
  latch_power_up();
}

void fw_poll(uint32_t now_ms) {
  fw_trace.sequence += 1;
  if ((int32_t)(now_ms - fw_trace.timeMs) > 0) fw_trace.timeMs = now_ms;
  step_axis();
  dispatch_finish(storage_poll());
  staging_expire();
  host_watch();
  dispatch_send();
  fw_trace.sequence += 1;
}

void fw_rx_byte(uint8_t byte) {
  fw_trace.sequence += 1;
  frame_event event = frame_push(byte);
  if (event == FRAME_BAD) fw_trace.badFrames += 1;
  if (event == FRAME_GOOD) dispatch(frame_body(), frame_length());
  fw_trace.sequence += 1;
}
