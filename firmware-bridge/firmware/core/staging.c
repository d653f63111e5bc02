#include "staging.h"

#include "trace.h"

static struct {
  record set;
  uint32_t deadline;
  /* The fence of a set that was discarded for being late: its COMMIT is told so. */
  uint64_t late;
} stages[FW_RESOURCES];

static uint8_t bit(uint8_t resource) { return (uint8_t)(1u << resource); }

bool staging_late(uint32_t deadline) { return (int32_t)(fw_trace.timeMs - deadline) >= 0; }

void staging_put(uint8_t resource, const record *set, uint32_t deadline) {
  stages[resource].set = *set;
  stages[resource].deadline = deadline;
  stages[resource].late = 0;
  fw_trace.staged |= bit(resource);
}

uint8_t staging_get(uint8_t resource, uint64_t fence, const record **set) {
  if (stages[resource].late == fence) return FW_LATE;
  if (!(fw_trace.staged & bit(resource)) || stages[resource].set.fence != fence) return FW_NOT_STAGED;
  *set = &stages[resource].set;
  return FW_OK;
}

void staging_discard(uint8_t resource) {
  fw_trace.staged &= (uint8_t)~bit(resource);
  stages[resource].late = 0;
}

void staging_discard_all(void) {
  for (uint8_t resource = 0; resource < FW_RESOURCES; resource += 1) staging_discard(resource);
}

void staging_floor(uint8_t resource, uint64_t floor) {
  if (stages[resource].set.fence < floor) staging_discard(resource);
}

void staging_expire(void) {
  for (uint8_t resource = 0; resource < FW_RESOURCES; resource += 1) {
    if (!(fw_trace.staged & bit(resource)) || !staging_late(stages[resource].deadline)) continue;
    staging_discard(resource);
    stages[resource].late = stages[resource].set.fence;
  }
}
