#include "host.h"

#include "latch.h"
#include "trace.h"

static uint16_t links;
static uint32_t heard_at;
static host_policy policy;

void host_hello(host_policy wanted) {
  links = (uint16_t)(links + 1);
  if (links == 0) links = 1;
  fw_trace.link = (uint32_t)fw_trace.bootCount << 16 | links;
  fw_trace.flags &= (uint8_t)~FW_BOOTED;
  policy = wanted;
  host_heard();
}

void host_heard(void) {
  heard_at = fw_trace.timeMs;
  fw_trace.flags &= (uint8_t)~FW_HOST_SILENT;
}

void host_watch(void) {
  if (fw_trace.link == 0 || policy.silence_ms == 0 || fw_trace.flags & FW_HOST_SILENT) return;
  if (fw_trace.timeMs - heard_at < policy.silence_ms) return;
  fw_trace.flags |= FW_HOST_SILENT;
  if (policy.stop) latch_pause(WHY_CONTACT);
}
