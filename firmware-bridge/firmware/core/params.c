#include "params.h"

#define PARAM_ROW(resource, constant, name, min, max, factory) {min, max, factory, FW_RESOURCE_##resource, name},

const FW_FLASH param params[FW_PARAMS] = {FW_PARAM_TABLE(PARAM_ROW)};

uint8_t params_of(uint8_t resource, uint8_t *first) {
  uint8_t count = 0;
  for (uint8_t i = FW_PARAMS; i > 0; i -= 1) {
    if (params[i - 1].resource != resource) continue;
    *first = (uint8_t)(i - 1);
    count += 1;
  }
  return count;
}

bool param_in_range(uint8_t number, float value) {
  return value >= params[number].min && value <= params[number].max;
}
