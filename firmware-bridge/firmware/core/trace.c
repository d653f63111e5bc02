#include "trace.h"

trace fw_trace;

#define ONE_SIZE(type, name) + sizeof(trace_##type)
#define MANY_SIZE(type, name, count) + (count) * sizeof(trace_##type)

_Static_assert(sizeof(trace) == 0 FW_TRACE_FIELDS(ONE_SIZE, MANY_SIZE), "the trace has no padding");
