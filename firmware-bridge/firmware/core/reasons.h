/* Why a request is refused. Number and name are those of PROTOCOL.md. */
#ifndef FW_REASONS_H
#define FW_REASONS_H

/* X(number, constant, name) */
#define FW_REASON_TABLE(X)            \
  X(1, BAD_REQUEST, "bad-request")    \
  X(2, OLD_LINK, "old-link")          \
  X(3, NOT_PAUSED, "not-paused")      \
  X(4, NOT_STANDING, "not-standing")  \
  X(5, OLD_FENCE, "old-fence")        \
  X(6, SPENT_FENCE, "spent-fence")    \
  X(7, NOT_STAGED, "not-staged")      \
  X(8, LATE, "late")                  \
  X(9, BAD_RESOURCE, "bad-resource")  \
  X(10, BAD_PARAM, "bad-param")       \
  X(11, OUT_OF_RANGE, "out-of-range") \
  X(12, UNVERIFIED, "unverified")     \
  X(13, VERIFIED, "verified")         \
  X(14, OLD_PAUSE, "old-pause")       \
  X(15, STORAGE, "storage")

#define FW_REASON_CONSTANT(number, constant, name) FW_##constant = number,
enum { FW_OK = 0, FW_REASON_TABLE(FW_REASON_CONSTANT) FW_REASONS };

#endif
