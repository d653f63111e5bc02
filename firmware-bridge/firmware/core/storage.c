#include "storage.h"

#include "bytes.h"
#include "copies.h"
#include "slots.h"
#include "trace.h"
#include "writer.h"

/* The first bytes stay free: a brown-out can spoil address 0 of an AVR's EEPROM. */
#define BOOT_AT 16u
#define BOOT_BYTES 2u
#define FENCE_BYTES 8u
#define RESOURCES_AT (BOOT_AT + 2u * (BOOT_BYTES + COPY_CRC))
#define FENCE_COPY (FENCE_BYTES + COPY_CRC)
#define RESOURCE_BYTES (2u * FENCE_COPY + 2u * SLOT_BYTES)

_Static_assert(RESOURCES_AT + FW_RESOURCES * RESOURCE_BYTES <= FW_STORAGE_BYTES, "all resources fit");
_Static_assert(SLOT_BYTES + 1 <= WRITER_IMAGE_BYTES, "a slot and the mark that empties it fit");

static struct {
  uint64_t fence;
  uint8_t active, spare, next_generation, fence_copy;
  bool predecessor;
} held[FW_RESOURCES];

static job_kind under_way;
static uint8_t job_resource;
static bool boot_stored;

static uint16_t fences_at(uint8_t resource) { return (uint16_t)(RESOURCES_AT + resource * RESOURCE_BYTES); }

static uint16_t slot_at(uint8_t resource, uint8_t number) {
  return (uint16_t)(fences_at(resource) + 2u * FENCE_COPY + number * SLOT_BYTES);
}

static void set_bit(uint8_t *bits, uint8_t resource, bool on) {
  uint8_t bit = (uint8_t)(1u << resource);
  *bits = (uint8_t)(on ? *bits | bit : *bits & ~bit);
}

static void fault_if(bool fault) {
  if (fault) fw_trace.flags |= FW_STORAGE_FAULT;
}

static void use_values(uint8_t resource, const slots *found) {
  uint8_t first = 0, count = params_of(resource, &first);
  for (uint8_t i = 0; i < count; i += 1) {
    bool factory = found->active == SLOT_NONE;
    fw_trace.values[first + i] = factory ? params[first + i].factory : found->set.values[i];
  }
  fw_trace.version[resource] = found->active == SLOT_NONE ? 0 : found->set.version;
}

/* Takes the state of a resource from storage. The high-water never falls: a slot gone bad may have carried it. */
static void load(uint8_t resource) {
  slots found;
  slots_read(&found, resource, slot_at(resource, 0));
  copies fences = copies_read(fences_at(resource), FENCE_BYTES, false);
  held[resource].fence = found.active == SLOT_NONE ? 0 : found.set.fence;
  held[resource].active = found.active;
  held[resource].spare = found.spare;
  held[resource].next_generation = found.next_generation;
  held[resource].predecessor = found.predecessor;
  held[resource].fence_copy = fences.copy;
  if (found.fence > fw_trace.fence[resource]) fw_trace.fence[resource] = found.fence;
  if (fences.valid && fences.value > fw_trace.fence[resource]) fw_trace.fence[resource] = fences.value;
  set_bit(&fw_trace.unverified, resource, found.unverified);
  /* Before anything was confirmed, one bad slot is a first commit that a power cut left unfinished. */
  fault_if(fences.lost || found.bad > (fences.valid ? 0 : 1));
  use_values(resource, &found);
}

static void start(job_kind kind, uint8_t resource) {
  under_way = kind;
  job_resource = resource;
}

void storage_open(void) {
  for (uint8_t resource = 0; resource < FW_RESOURCES; resource += 1) load(resource);
  copies boots = copies_read(BOOT_AT, BOOT_BYTES, true);
  fault_if(boots.lost);
  uint16_t count = (uint16_t)(boots.valid ? boots.value + 1 : 1);
  fw_trace.bootCount = count == 0 ? 1 : count;
  copy_image(writer_image(), fw_trace.bootCount, BOOT_BYTES);
  uint8_t other = (uint8_t)(1 - boots.copy);
  writer_add((uint16_t)(BOOT_AT + other * (BOOT_BYTES + COPY_CRC)), 0, BOOT_BYTES + COPY_CRC);
  start(JOB_BOOT, 0);
}

bool storage_boot_stored(void) { return boot_stored; }

bool storage_busy(void) { return under_way != JOB_NONE; }

job_end storage_poll(void) {
  job_end end = {JOB_NONE, 0, false};
  writer_state state = writer_poll();
  if (state != WRITER_DONE && state != WRITER_FAILED) return end;
  end.kind = under_way;
  end.resource = job_resource;
  end.failed = state == WRITER_FAILED;
  under_way = JOB_NONE;
  fault_if(end.failed);
  if (end.kind == JOB_BOOT) boot_stored = !end.failed;
  else load(end.resource);
  return end;
}

/* The spare slot is emptied first and gets its generation last: in between it counts for nothing. */
void storage_commit(uint8_t resource, const record *set) {
  uint8_t *image = writer_image();
  uint16_t at = slot_at(resource, held[resource].spare);
  slot_image(image, resource, set, held[resource].next_generation);
  image[SLOT_BYTES] = GENERATION_EMPTY;
  writer_add((uint16_t)(at + SLOT_GENERATION_AT), SLOT_BYTES, 1);
  writer_add(at, 0, SLOT_GENERATION_AT);
  writer_add((uint16_t)(at + SLOT_GENERATION_AT), SLOT_GENERATION_AT, 1);
  start(JOB_COMMIT, resource);
}

/*
 * A later commit may overwrite the slot that carries the high-water, and be cut off there. So the high-water is stored
 * apart before the mark that permits such a commit.
 */
static void mark_active(uint8_t resource, mark value) {
  uint8_t *image = writer_image();
  uint8_t other = (uint8_t)(1 - held[resource].fence_copy);
  copy_image(image, held[resource].fence, FENCE_BYTES);
  image[FENCE_COPY] = value;
  writer_add((uint16_t)(fences_at(resource) + other * FENCE_COPY), 0, FENCE_COPY);
  writer_add((uint16_t)(slot_at(resource, held[resource].active) + SLOT_MARK_AT), FENCE_COPY, 1);
}

void storage_confirm(uint8_t resource) {
  mark_active(resource, MARK_VERIFIED);
  start(JOB_CONFIRM, resource);
}

void storage_roll_back(uint8_t resource) {
  mark_active(resource, MARK_ROLLED_BACK);
  start(JOB_ROLLBACK, resource);
}

bool storage_read(uint8_t resource, record *set) {
  uint8_t first = 0, count = params_of(resource, &first);
  if (held[resource].active == SLOT_NONE) {
    for (uint8_t i = 0; i < count; i += 1) set->values[i] = params[first + i].factory;
    set->version = 0;
    return true;
  }
  slot found = slot_read(resource, slot_at(resource, held[resource].active));
  fault_if(found.state != SLOT_GOOD);
  *set = found.set;
  return found.state == SLOT_GOOD;
}

uint64_t storage_in_force(uint8_t resource) { return held[resource].fence; }

bool storage_predecessor(uint8_t resource) { return held[resource].predecessor; }
