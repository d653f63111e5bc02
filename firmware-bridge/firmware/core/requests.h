/* What each request does. A handler appends the payload of its answer and returns FW_OK, a reason, or FW_LATER. */
#ifndef FW_REQUESTS_H
#define FW_REQUESTS_H

#include <stdint.h>

#include "reasons.h"
#include "storage.h"

/* The answer is given by request_finish, once storage has told the end of the job. */
#define FW_LATER 0xFFu

typedef struct {
  const uint8_t *payload;
  uint8_t length;
  /* Where the next byte of the answer goes. */
  uint8_t *answer;
} request;

typedef uint8_t (*request_handler)(request *asked);

uint8_t request_hello(request *asked);
uint8_t request_pause(request *asked);
uint8_t request_resume(request *asked);
uint8_t request_status(request *asked);
uint8_t request_describe(request *asked);

uint8_t request_stage(request *asked);
uint8_t request_commit(request *asked);
uint8_t request_read(request *asked);
uint8_t request_confirm(request *asked);
uint8_t request_roll_back(request *asked);
uint8_t request_floor(request *asked);
uint8_t request_discard(request *asked);

/* The answer to the request that started the job. */
uint8_t request_finish(request *asked, job_end end);

/* Appends a status. */
uint8_t *status_put(uint8_t *at);

#define STATUS_BYTES 25u

#endif
