#include "dispatch.h"

#include "board.h"
#include "bytes.h"
#include "crc16.h"
#include "frame.h"
#include "host.h"
#include "requests.h"
#include "trace.h"

enum { TYPE_HELLO = 1, TYPE_PAUSE = 2, TYPE_STATUS_UNASKED = 0x70, TYPE_ANSWER = 0x80, TYPE_REFUSAL = 0xFF };

/* The longest answer is that of READ. */
#define ANSWER_MAX (FRAME_HEAD + 23u + 5u * FW_MOST_VALUES)
#define ANY_LENGTH 0xFFu

typedef struct {
  request_handler handle;
  uint8_t length;
  /* Not while storage is at work: the request is dropped, and the host repeats it. So is a repeat of the one at work. */
  bool storage;
} rule;

static const FW_FLASH rule rules[] = {
    {0, 0, false},
    {request_hello, 8, false},
    {request_pause, ANY_LENGTH, false},
    {request_resume, 4, true},
    {request_stage, ANY_LENGTH, true},
    {request_commit, 9, true},
    {request_read, 1, true},
    {request_confirm, 9, true},
    {request_roll_back, 9, true},
    {request_status, 0, false},
    {request_floor, 9, true},
    {request_describe, 1, false},
    {request_discard, 1, true},
};

/* Enough to know an exact repeat; type 0 is nobody. */
typedef struct {
  uint8_t type, seq, length;
  uint16_t crc;
} identity;

static identity answered, pending;

static struct {
  uint8_t body[ANSWER_MAX + FRAME_CRC];
  uint8_t length;
  bool due;
} memory;

static bool same(const identity *a, const identity *b) {
  return a->type == b->type && a->seq == b->seq && a->length == b->length && a->crc == b->crc;
}

static uint8_t *head(uint8_t *body, uint8_t type, uint8_t seq) {
  body[0] = type;
  body[1] = seq;
  return fw_put(body + 2, fw_trace.link, 4);
}

static void flush(void) {
  if (!memory.due || board_tx_room() < FRAME_WIRE(memory.length)) return;
  frame_send(memory.body, memory.length);
  memory.due = false;
}

/*
 * An answer that still waits for room gives way: a new request means that the host has given the older one up, and a
 * pause must be obeyed even when nobody reads the answers. The payload stands in memory already; the head is written last,
 * because HELLO changes the link.
 */
static void answer(const identity *to, uint8_t reason, const uint8_t *end) {
  answered = *to;
  memory.length = (uint8_t)(end - memory.body);
  head(memory.body, to->type | TYPE_ANSWER, to->seq);
  if (reason != FW_OK) {
    fw_trace.refusals[reason] += 1;
    fw_trace.refused += 1;
    uint8_t *at = head(memory.body, TYPE_REFUSAL, to->seq);
    at = fw_put(at, to->type, 1);
    memory.length = (uint8_t)(fw_put(at, reason, 1) - memory.body);
  }
  memory.due = true;
  flush();
}

static uint8_t handle(const identity *asks, request *asked) {
  if (asks->type >= sizeof rules / sizeof rules[0] || asks->type == 0) return FW_BAD_REQUEST;
  uint8_t length = rules[asks->type].length;
  if (length != ANY_LENGTH && length != asked->length) return FW_BAD_REQUEST;
  return rules[asks->type].handle(asked);
}

static bool must_wait(uint8_t type) {
  if (!storage_busy()) return false;
  return fw_trace.link == 0 || (type < sizeof rules / sizeof rules[0] && rules[type].storage);
}

/* What the firmware itself sends is never a request: a line that echoes must not start a conversation with itself. */
static bool echo(const uint8_t *body) { return body[0] & TYPE_ANSWER || body[1] == 0; }

void dispatch(const uint8_t *body, uint8_t length) {
  identity asks = {body[0], body[1], length, crc16(CRC16_START, body, length)};
  uint32_t link = (uint32_t)fw_get(body + 2, 4);
  bool present = link != 0 && link == fw_trace.link;
  if (echo(body)) {
    fw_trace.badFrames += 1;
    return;
  }
  fw_trace.frames += 1;
  if (present) host_heard();
  if (same(&asks, &answered)) {
    memory.due = true;
    flush();
    return;
  }
  if (must_wait(asks.type)) return;
  request asked = {body + FRAME_HEAD, (uint8_t)(length - FRAME_HEAD), memory.body + FRAME_HEAD};
  uint8_t reason = FW_OLD_LINK;
  if (present || asks.type == TYPE_HELLO || asks.type == TYPE_PAUSE) reason = handle(&asks, &asked);
  if (reason == FW_LATER) {
    pending = asks;
    return;
  }
  if (asks.type == TYPE_HELLO && reason == FW_OK) pending.type = 0;
  answer(&asks, reason, asked.answer);
}

void dispatch_finish(job_end end) {
  if (end.kind == JOB_NONE || pending.type == 0) return;
  request asked = {0, 0, memory.body + FRAME_HEAD};
  identity to = pending;
  pending.type = 0;
  uint8_t reason = request_finish(&asked, end);
  answer(&to, reason, asked.answer);
}

static struct {
  uint8_t flags, motion;
  bool told;
} last;

static void send_status(void) {
  uint8_t body[FRAME_HEAD + STATUS_BYTES + FRAME_CRC];
  if (last.told && last.flags == fw_trace.flags && last.motion == fw_trace.motion) return;
  if (board_tx_room() < FRAME_WIRE(FRAME_HEAD + STATUS_BYTES)) return;
  uint8_t *end = status_put(head(body, TYPE_STATUS_UNASKED, 0));
  frame_send(body, (uint8_t)(end - body));
  last.flags = fw_trace.flags;
  last.motion = fw_trace.motion;
  last.told = true;
}

/* Nothing is sent before the boot count is durable: a link or pause id must not come twice. */
void dispatch_send(void) {
  if (storage_busy() && fw_trace.link == 0) return;
  flush();
  send_status();
}
