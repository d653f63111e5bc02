/* The two slots of a resource: which one is in force, and how one looks in storage. */
#ifndef FW_SLOTS_H
#define FW_SLOTS_H

#include "storage.h"

#define SLOT_NONE 2u
#define GENERATION_EMPTY 0xFFu

#define SLOT_CRC_AT (12u + 4u * FW_MOST_VALUES)
#define SLOT_MARK_AT (SLOT_CRC_AT + 2u)
#define SLOT_GENERATION_AT (SLOT_MARK_AT + 1u)
#define SLOT_BYTES (SLOT_GENERATION_AT + 1u)

typedef enum { SLOT_EMPTY, SLOT_GOOD, SLOT_BAD } slot_state;

typedef struct {
  slot_state state;
  uint8_t generation;
  mark mark;
  record set;
} slot;

/* What the two slots together say. */
typedef struct {
  /* In force: 0, 1, or SLOT_NONE for the factory values. */
  uint8_t active;
  /* The one that the next commit overwrites, and the generation that it will have. */
  uint8_t spare;
  uint8_t next_generation;
  bool unverified;
  /* Unverified, and what was in force before is still whole. */
  bool predecessor;
  /* How many slots hold something that is not whole, when none is whole. */
  uint8_t bad;
  /* The largest fence in a whole slot, in force or rolled back. */
  uint64_t fence;
  record set;
} slots;

slot slot_read(uint8_t resource, uint16_t at);
void slot_image(uint8_t *image, uint8_t resource, const record *set, uint8_t generation);
void slots_read(slots *found, uint8_t resource, uint16_t at);

#endif
