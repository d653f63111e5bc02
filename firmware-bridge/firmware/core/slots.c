#include "slots.h"

#include "board.h"
#include "bytes.h"
#include "crc16.h"

#define GENERATIONS 255u

/* The CRC begins with the resource, so that a slot is good only in its own place, and ends with the generation. */
static uint16_t slot_crc(const uint8_t *image, uint8_t resource) {
  uint16_t crc = crc16_byte(CRC16_START, resource);
  crc = crc16(crc, image, SLOT_CRC_AT);
  return crc16_byte(crc, image[SLOT_GENERATION_AT]);
}

static bool newer(uint8_t a, uint8_t b) {
  uint8_t ahead = (uint8_t)((a + GENERATIONS - b) % GENERATIONS);
  return ahead > 0 && ahead <= GENERATIONS / 2;
}

slot slot_read(uint8_t resource, uint16_t at) {
  uint8_t image[SLOT_BYTES];
  slot found;
  for (uint8_t i = 0; i < SLOT_BYTES; i += 1) image[i] = board_storage_read((uint16_t)(at + i));
  found.generation = image[SLOT_GENERATION_AT];
  found.mark = (mark)image[SLOT_MARK_AT];
  found.set.fence = fw_get(image, 8);
  found.set.version = (uint32_t)fw_get(image + 8, 4);
  for (uint8_t i = 0; i < FW_MOST_VALUES; i += 1) found.set.values[i] = fw_get_f32(image + 12 + 4 * i);
  if (found.generation == GENERATION_EMPTY) found.state = SLOT_EMPTY;
  else found.state = slot_crc(image, resource) == fw_get(image + SLOT_CRC_AT, 2) ? SLOT_GOOD : SLOT_BAD;
  return found;
}

void slot_image(uint8_t *image, uint8_t resource, const record *set, uint8_t generation) {
  uint8_t *at = fw_put(image, set->fence, 8);
  at = fw_put(at, set->version, 4);
  for (uint8_t i = 0; i < FW_MOST_VALUES; i += 1) at = fw_put_f32(at, set->values[i]);
  image[SLOT_MARK_AT] = MARK_UNVERIFIED;
  image[SLOT_GENERATION_AT] = generation;
  fw_put(image + SLOT_CRC_AT, slot_crc(image, resource), 2);
}

/* The newest whole slot that was not rolled back is in force. */
void slots_read(slots *found, uint8_t resource, uint16_t at) {
  slot both[2] = {slot_read(resource, at), slot_read(resource, (uint16_t)(at + SLOT_BYTES))};
  bool good0 = both[0].state == SLOT_GOOD, good1 = both[1].state == SLOT_GOOD;
  uint8_t newest = good1 && (!good0 || newer(both[1].generation, both[0].generation)) ? 1 : 0;
  uint8_t older = (uint8_t)(1 - newest);
  bool good = both[newest].state == SLOT_GOOD;
  bool older_stands = both[older].state == SLOT_GOOD && both[older].mark != MARK_ROLLED_BACK;

  found->active = SLOT_NONE;
  if (good && both[newest].mark != MARK_ROLLED_BACK) found->active = newest;
  else if (good && older_stands) found->active = older;
  /* The newest is spared too when factory values are in force: it carries the high-water. */
  found->spare = found->active == older ? newest : older;
  found->next_generation = good ? (uint8_t)((both[newest].generation + 1) % GENERATIONS) : 0;
  found->unverified = found->active != SLOT_NONE && both[found->active].mark != MARK_VERIFIED;
  /* An empty or rolled back neighbour means that the factory values were in force before. */
  found->predecessor = found->unverified && both[older].state != SLOT_BAD;
  found->bad = good ? 0 : (uint8_t)((both[0].state == SLOT_BAD) + (both[1].state == SLOT_BAD));
  found->fence = good ? both[newest].set.fence : 0;
  if (found->active != SLOT_NONE) found->set = both[found->active].set;
}
