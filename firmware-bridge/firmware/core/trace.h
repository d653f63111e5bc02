/*
 * The state of the firmware, as one documented struct in RAM. It is the state itself, not a copy: what an outside reader
 * sees is what the firmware acts on. `sequence` is odd while the core is at work; a reader skips what it sees then.
 * The build writes the address and the layout into firmware.json.
 */
#ifndef FW_TRACE_H
#define FW_TRACE_H

#include <stdint.h>

#include "params.h"
#include "reasons.h"

#define FW_TRACE_MAGIC 0x3152544Cul /* "LTR1" */

enum { FW_PAUSED = 1, FW_HOST_SILENT = 2, FW_BOOTED = 4, FW_STORAGE_FAULT = 8 };
enum { FW_STANDSTILL = 0, FW_MOVING = 1, FW_DECELERATING = 2 };

/* ONE(type, name), MANY(type, name, count). Ordered so that no compiler needs padding; trace.c asserts it. */
#define FW_TRACE_FIELDS(ONE, MANY)                                            \
  ONE(u32, magic)                                                             \
  ONE(u32, timeMs)                 /* since the reset */                      \
  MANY(u64, fence, FW_RESOURCES)   /* high-water: largest ever committed */   \
  MANY(u64, floor, FW_RESOURCES)   /* smallest fence still good */            \
  MANY(u32, version, FW_RESOURCES) /* in force; 0 for factory values */       \
  MANY(f32, values, FW_PARAMS)     /* in force */                             \
  ONE(i32, position)               /* micro-degrees */                        \
  ONE(i32, speed)                  /* micro-degrees per second */             \
  ONE(u32, pauseId)                /* of the last pause */                    \
  ONE(u32, link)                   /* the present one; 0 for none */          \
  ONE(u32, frames)                 /* good frames received */                 \
  MANY(u16, refusals, FW_REASONS)  /* by reason */                            \
  ONE(u16, refused)                /* all of them */                          \
  ONE(u16, badFrames)              /* dropped without an answer */            \
  ONE(u16, bootCount)              /* grows at every reset */                 \
  ONE(u8, flags)                   /* FW_PAUSED ... FW_STORAGE_FAULT */       \
  ONE(u8, motion)                  /* FW_STANDSTILL ... FW_DECELERATING */    \
  ONE(u8, why)                     /* of the last pause */                    \
  ONE(u8, staged)                  /* bit per resource */                     \
  ONE(u8, unverified)              /* bit per resource */                     \
  ONE(u8, sequence)                /* odd while the core is at work */

typedef uint8_t trace_u8;
typedef uint16_t trace_u16;
typedef uint32_t trace_u32;
typedef uint64_t trace_u64;
typedef int32_t trace_i32;
typedef float trace_f32;

#define FW_TRACE_ONE(type, name) trace_##type name;
#define FW_TRACE_MANY(type, name, count) trace_##type name[count];

typedef struct {
  FW_TRACE_FIELDS(FW_TRACE_ONE, FW_TRACE_MANY)
} trace;

extern trace fw_trace;

#endif
