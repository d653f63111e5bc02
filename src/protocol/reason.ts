/** Characters that the reason of a request may have. */
export const MAX_REASON = 500
