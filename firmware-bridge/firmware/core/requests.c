#include "requests.h"

#include "bytes.h"
#include "frame.h"
#include "host.h"
#include "latch.h"
#include "trace.h"

#define PROTOCOL_VERSION 1u
#define CAPABILITIES 0x7Fu
#define NAME_MAX 16u

static const char device_name[] = "locksmith-axis";
_Static_assert(sizeof device_name - 1 <= NAME_MAX, "the name fits");

static void put(request *asked, uint64_t value, uint8_t bytes) { asked->answer = fw_put(asked->answer, value, bytes); }

uint8_t request_hello(request *asked) {
  host_policy policy = {(uint16_t)fw_get(asked->payload + 5, 2), asked->payload[7] == 0};
  if (asked->payload[0] != PROTOCOL_VERSION || asked->payload[7] > 1) return FW_BAD_REQUEST;
  host_hello(policy);
  put(asked, PROTOCOL_VERSION, 1);
  put(asked, fw_get(asked->payload + 1, 4), 4);
  put(asked, fw_trace.bootCount, 2);
  put(asked, fw_trace.timeMs, 4);
  put(asked, CAPABILITIES, 2);
  put(asked, FRAME_BODY_MAX, 1);
  put(asked, FW_RESOURCES, 1);
  put(asked, FW_PARAMS, 1);
  for (const char *c = device_name; *c != 0; c += 1) put(asked, (uint8_t)*c, 1);
  return FW_OK;
}

uint8_t request_pause(request *asked) {
  latch_pause(asked->length > 0 ? asked->payload[0] : WHY_OTHER);
  put(asked, fw_trace.pauseId, 4);
  put(asked, fw_trace.timeMs, 4);
  put(asked, fw_trace.motion, 1);
  return FW_OK;
}

uint8_t request_resume(request *asked) {
  uint8_t reason = latch_resume((uint32_t)fw_get(asked->payload, 4));
  put(asked, fw_trace.timeMs, 4);
  return reason;
}

uint8_t *status_put(uint8_t *at) {
  at = fw_put(at, fw_trace.timeMs, 4);
  at = fw_put(at, fw_trace.pauseId, 4);
  at = fw_put(at, fw_trace.flags, 1);
  at = fw_put(at, fw_trace.motion, 1);
  at = fw_put(at, (uint32_t)fw_trace.position, 4);
  at = fw_put(at, (uint32_t)fw_trace.speed, 4);
  at = fw_put(at, fw_trace.staged, 1);
  at = fw_put(at, fw_trace.unverified, 1);
  at = fw_put(at, fw_trace.why, 1);
  at = fw_put(at, fw_trace.badFrames, 2);
  return fw_put(at, fw_trace.refused, 2);
}

uint8_t request_status(request *asked) {
  asked->answer = status_put(asked->answer);
  return FW_OK;
}

uint8_t request_describe(request *asked) {
  uint8_t number = asked->payload[0];
  if (number >= FW_PARAMS) return FW_BAD_PARAM;
  put(asked, number, 1);
  put(asked, params[number].resource, 1);
  asked->answer = fw_put_f32(asked->answer, params[number].min);
  asked->answer = fw_put_f32(asked->answer, params[number].max);
  for (uint8_t i = 0; i < FW_PARAM_NAME_SIZE && params[number].name[i] != 0; i += 1) {
    put(asked, (uint8_t)params[number].name[i], 1);
  }
  return FW_OK;
}
