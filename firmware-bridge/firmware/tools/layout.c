/* Never compiled: only preprocessed, to hand the tables of the core to layout.ts. */
#include "params.h"
#include "reasons.h"
#include "trace.h"

#define ONE_FIELD(type, name) field type name 1;
#define MANY_FIELD(type, name, count) field type name count;
#define RESOURCE(constant, name) resource constant name;
#define PARAM(resource, constant, name, min, max, factory) param resource name;
#define REASON(number, constant, name) reason number name;

layout begins;
FW_RESOURCE_TABLE(RESOURCE)
FW_PARAM_TABLE(PARAM)
FW_REASON_TABLE(REASON)
FW_TRACE_FIELDS(ONE_FIELD, MANY_FIELD)
