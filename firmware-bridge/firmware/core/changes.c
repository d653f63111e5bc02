/* The requests that read and change configuration. */
#include "bytes.h"
#include "latch.h"
#include "requests.h"
#include "staging.h"
#include "trace.h"

#define FENCE_LIMIT ((uint64_t)1 << 53)
#define STAGE_HEAD 18u
#define VALUE_BYTES 5u

enum { READ_UNVERIFIED = 1, READ_FACTORY = 2, READ_PREDECESSOR = 4 };

static void put(request *asked, uint64_t value, uint8_t bytes) { asked->answer = fw_put(asked->answer, value, bytes); }

/* Resource and fence, which begin most of these requests. */
static uint8_t take(const request *asked, uint8_t *resource, uint64_t *fence) {
  *resource = asked->payload[0];
  if (*resource >= FW_RESOURCES) return FW_BAD_RESOURCE;
  *fence = fw_get(asked->payload + 1, 8);
  return *fence == 0 || *fence >= FENCE_LIMIT ? FW_BAD_REQUEST : FW_OK;
}

static bool unverified(uint8_t resource) { return (fw_trace.unverified >> resource) & 1; }

/* The commit of the high-water is the one in force: it was neither rolled back nor lost. */
static bool committed(uint8_t resource, uint64_t fence) {
  return fence == fw_trace.fence[resource] && fence == storage_in_force(resource);
}

static uint8_t guard(uint8_t resource, uint64_t fence) {
  uint8_t reason = latch_standing();
  if (reason != FW_OK) return reason;
  if (fence < fw_trace.fence[resource] || fence < fw_trace.floor[resource]) return FW_OLD_FENCE;
  return fence == fw_trace.fence[resource] && !committed(resource, fence) ? FW_SPENT_FENCE : FW_OK;
}

/* Every parameter of the resource exactly once, each in its range. */
static uint8_t take_values(const uint8_t *at, uint8_t resource, record *set) {
  uint8_t first = 0, expected = params_of(resource, &first), seen = 0;
  if (*at++ != expected) return FW_BAD_PARAM;
  for (uint8_t i = 0; i < expected; i += 1, at += VALUE_BYTES) {
    uint8_t index = (uint8_t)(at[0] - first);
    if (index >= expected || (seen & (1u << index)) != 0) return FW_BAD_PARAM;
    seen |= (uint8_t)(1u << index);
    set->values[index] = fw_get_f32(at + 1);
  }
  for (uint8_t i = 0; i < expected; i += 1) {
    if (!param_in_range((uint8_t)(first + i), set->values[i])) return FW_OUT_OF_RANGE;
  }
  return FW_OK;
}

uint8_t request_stage(request *asked) {
  record set = {0};
  uint8_t resource;
  if (asked->length < STAGE_HEAD) return FW_BAD_REQUEST;
  if (asked->length != STAGE_HEAD + VALUE_BYTES * asked->payload[17]) return FW_BAD_REQUEST;
  uint8_t reason = take(asked, &resource, &set.fence);
  if (reason == FW_OK) reason = guard(resource, set.fence);
  if (reason != FW_OK) return reason;
  put(asked, fw_trace.timeMs, 4);
  if (committed(resource, set.fence)) return FW_OK;
  if (unverified(resource)) return FW_UNVERIFIED;
  reason = take_values(asked->payload + 17, resource, &set);
  if (reason != FW_OK) return reason;
  uint32_t deadline = (uint32_t)fw_get(asked->payload + 9, 4);
  if (staging_late(deadline)) return FW_LATE;
  set.version = (uint32_t)fw_get(asked->payload + 13, 4);
  staging_put(resource, &set, deadline);
  return FW_OK;
}

static uint8_t answer_commit(request *asked, uint8_t already) {
  put(asked, already, 1);
  put(asked, fw_trace.timeMs, 4);
  return FW_OK;
}

uint8_t request_commit(request *asked) {
  uint8_t resource;
  uint64_t fence;
  const record *set;
  uint8_t reason = take(asked, &resource, &fence);
  if (reason == FW_OK) reason = guard(resource, fence);
  if (reason != FW_OK) return reason;
  if (committed(resource, fence)) return answer_commit(asked, 1);
  reason = staging_get(resource, fence, &set);
  if (reason != FW_OK) return reason;
  if (unverified(resource)) return FW_UNVERIFIED;
  storage_commit(resource, set);
  return FW_LATER;
}

uint8_t request_read(request *asked) {
  record set;
  uint8_t resource = asked->payload[0], first = 0;
  if (resource >= FW_RESOURCES) return FW_BAD_RESOURCE;
  if (!storage_read(resource, &set)) return FW_STORAGE;
  uint8_t flags = unverified(resource) ? READ_UNVERIFIED : 0;
  if (storage_in_force(resource) == 0) flags |= READ_FACTORY;
  if (storage_predecessor(resource)) flags |= READ_PREDECESSOR;
  put(asked, resource, 1);
  put(asked, flags, 1);
  put(asked, fw_trace.fence[resource], 8);
  put(asked, fw_trace.floor[resource], 8);
  put(asked, set.version, 4);
  uint8_t count = params_of(resource, &first);
  put(asked, count, 1);
  for (uint8_t i = 0; i < count; i += 1) {
    put(asked, (uint8_t)(first + i), 1);
    asked->answer = fw_put_f32(asked->answer, set.values[i]);
  }
  return FW_OK;
}

/* For requests that speak of the last commit: only just its fence will do. */
static uint8_t take_last(const request *asked, uint8_t *resource, uint64_t *fence) {
  uint8_t reason = take(asked, resource, fence);
  if (reason != FW_OK) return reason;
  if (*fence < fw_trace.fence[*resource]) return FW_OLD_FENCE;
  return *fence > fw_trace.fence[*resource] ? FW_NOT_STAGED : FW_OK;
}

uint8_t request_confirm(request *asked) {
  uint8_t resource;
  uint64_t fence;
  uint8_t reason = take_last(asked, &resource, &fence);
  if (reason != FW_OK) return reason;
  if (!committed(resource, fence)) return FW_SPENT_FENCE;
  if (!unverified(resource)) {
    put(asked, 1, 1);
    return FW_OK;
  }
  storage_confirm(resource);
  return FW_LATER;
}

static uint8_t answer_roll_back(request *asked, uint8_t resource, uint8_t already) {
  put(asked, already, 1);
  put(asked, storage_in_force(resource), 8);
  put(asked, fw_trace.version[resource], 4);
  return FW_OK;
}

uint8_t request_roll_back(request *asked) {
  uint8_t resource;
  uint64_t fence;
  uint8_t reason = take_last(asked, &resource, &fence);
  if (reason != FW_OK) return reason;
  if (!committed(resource, fence)) return answer_roll_back(asked, resource, 1);
  if (!unverified(resource)) return FW_VERIFIED;
  /* What is unverified cannot be resumed, so this holds already; it is asked again, because values change under the axis. */
  reason = latch_standing();
  if (reason != FW_OK) return reason;
  if (!storage_predecessor(resource)) return FW_STORAGE;
  storage_roll_back(resource);
  return FW_LATER;
}

uint8_t request_floor(request *asked) {
  uint8_t resource = asked->payload[0];
  uint64_t floor = fw_get(asked->payload + 1, 8);
  if (resource >= FW_RESOURCES) return FW_BAD_RESOURCE;
  if (floor >= FENCE_LIMIT) return FW_BAD_REQUEST;
  if (floor > fw_trace.floor[resource]) fw_trace.floor[resource] = floor;
  staging_floor(resource, floor);
  put(asked, fw_trace.floor[resource], 8);
  return FW_OK;
}

uint8_t request_discard(request *asked) {
  if (asked->payload[0] >= FW_RESOURCES) return FW_BAD_RESOURCE;
  staging_discard(asked->payload[0]);
  return FW_OK;
}

uint8_t request_finish(request *asked, job_end end) {
  if (end.failed) return FW_STORAGE;
  if (end.kind == JOB_COMMIT) {
    staging_discard(end.resource);
    return answer_commit(asked, 0);
  }
  if (end.kind == JOB_ROLLBACK) return answer_roll_back(asked, end.resource, 0);
  put(asked, 0, 1);
  return FW_OK;
}
