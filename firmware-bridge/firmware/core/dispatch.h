/* Takes requests from the line and answers each exactly once, however often it is repeated. */
#ifndef FW_DISPATCH_H
#define FW_DISPATCH_H

#include <stdint.h>

#include "storage.h"

/* A body whose CRC was right. */
void dispatch(const uint8_t *body, uint8_t length);

/* A storage job has ended: its request is answered, unless a new link was made since. */
void dispatch_finish(job_end end);

/* Sends what waits for room on the line: the answer, and the status when something changed. */
void dispatch_send(void);

#endif
