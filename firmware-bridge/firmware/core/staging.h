/* What is staged, per resource, until it is committed, replaced, discarded, or its deadline has passed. */
#ifndef FW_STAGING_H
#define FW_STAGING_H

#include <stdint.h>

#include "storage.h"

/* Keeps a set until `deadline`, on the controller's own clock. */
void staging_put(uint8_t resource, const record *set, uint32_t deadline);

/* FW_OK and the staged set of just this fence, or why there is none. */
uint8_t staging_get(uint8_t resource, uint64_t fence, const record **set);

void staging_discard(uint8_t resource);
void staging_discard_all(void);

/* Discards a set whose fence is below the floor. */
void staging_floor(uint8_t resource, uint64_t floor);

/* Discards what is late. Called whenever time has passed, so that nothing late is ever found staged. */
void staging_expire(void);

/* True at and after the deadline; a deadline more than 2^31 ms ahead counts as passed. */
bool staging_late(uint32_t deadline);

#endif
