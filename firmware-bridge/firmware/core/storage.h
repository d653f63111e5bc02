/*
 * What survives a reset. Bytes are written one at a time, because each takes milliseconds: storage_poll starts at most one
 * and never waits. A set is committed by the one byte that is written last, so a power cut leaves the old or the new one whole.
 *
 * Layout: two copies of the boot count, then per resource two copies of the high-water and two slots.
 *   copy   value, crc16            the larger valid one counts; the other is overwritten
 *   slot   fence u64, version u32, values f32[], crc16, mark u8, generation u8
 * A generation of 0xFF is an empty slot. The mark lies outside the CRC: it is one byte, so that confirming and rolling
 * back are atomic; whatever is neither VERIFIED nor ROLLED_BACK counts as unverified.
 */
#ifndef FW_STORAGE_H
#define FW_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "params.h"

typedef struct {
  uint64_t fence;
  uint32_t version;
  float values[FW_MOST_VALUES];
} record;

typedef enum { MARK_UNVERIFIED = 0xFF, MARK_VERIFIED = 0xA5, MARK_ROLLED_BACK = 0x5A } mark;

typedef enum { JOB_NONE, JOB_BOOT, JOB_COMMIT, JOB_CONFIRM, JOB_ROLLBACK } job_kind;

/* A job that has come to its end, durable or failed. */
typedef struct {
  job_kind kind;
  uint8_t resource;
  bool failed;
} job_end;

/* Bytes of storage that a board must have. */
#define FW_STORAGE_BYTES 256u

/* Reads everything into the trace, draws the boot count and starts to store it. */
void storage_open(void);

/* False when the boot count could not be stored: pause ids of this life may come again. */
bool storage_boot_stored(void);

/* True from a request to write until storage_poll has told its end. */
bool storage_busy(void);
job_end storage_poll(void);

/* Start one job; called only while storage is not busy. */
void storage_commit(uint8_t resource, const record *set);
void storage_confirm(uint8_t resource);
void storage_roll_back(uint8_t resource);

/* Reads again from storage what is in force; false when its slot has gone bad. */
bool storage_read(uint8_t resource, record *set);

/* The fence under which what is in force was committed; 0 for factory values. */
uint64_t storage_in_force(uint8_t resource);

/* True while what is in force can be rolled back: it is unverified, and what was in force before is whole. */
bool storage_predecessor(uint8_t resource);

#endif
