/* Resources and parameters of this firmware. The tables below are the only place that names them. */
#ifndef FW_PARAMS_H
#define FW_PARAMS_H

#include <stdbool.h>
#include <stdint.h>

#include "board.h"

/* X(constant, name), in the order of their numbers on the wire. */
#define FW_RESOURCE_TABLE(X) \
  X(AIM, "aim")              \
  X(SAFETY, "safety")

/* X(resource, constant, name, min, max, factory), in the order of their numbers on the wire. */
#define FW_PARAM_TABLE(X)                                               \
  X(AIM, SENSITIVITY, "sensitivity", 0.0f, 1.0f, 0.5f)                  \
  X(AIM, DEADBAND, "deadband_deg", 0.0f, 10.0f, 0.5f)                   \
  X(AIM, MAX_SLEW, "max_slew_deg_s", 1.0f, 360.0f, 30.0f)               \
  X(SAFETY, MAX_SPEED, "max_speed_mm_s", 1.0f, 5000.0f, 250.0f)         \
  X(SAFETY, MAX_FORCE, "max_force_n", 1.0f, 1000.0f, 80.0f)             \
  X(SAFETY, MIN_DISTANCE, "min_distance_mm", 0.0f, 5000.0f, 400.0f)     \
  X(SAFETY, GEOFENCE, "geofence_radius_m", 1.0f, 5000.0f, 120.0f)       \
  X(SAFETY, MAX_ALTITUDE, "max_altitude_m", 1.0f, 500.0f, 60.0f)

#define FW_RESOURCE_CONSTANT(constant, name) FW_RESOURCE_##constant,
enum { FW_RESOURCE_TABLE(FW_RESOURCE_CONSTANT) FW_RESOURCES };

#define FW_PARAM_CONSTANT(resource, constant, name, min, max, factory) FW_PARAM_##constant,
enum { FW_PARAM_TABLE(FW_PARAM_CONSTANT) FW_PARAMS };

/* The most parameters that one resource may have: the size of a slot in storage. */
#define FW_MOST_VALUES 5u

#define FW_PARAM_NAME_SIZE 24u

typedef struct {
  float min, max, factory;
  uint8_t resource;
  char name[FW_PARAM_NAME_SIZE];
} param;

extern const FW_FLASH param params[FW_PARAMS];

/* How many parameters the resource has, and the number of its first one: they stand together in the table. */
uint8_t params_of(uint8_t resource, uint8_t *first);

/* False outside the range, for infinities and for NaN. */
bool param_in_range(uint8_t number, float value);

#endif
