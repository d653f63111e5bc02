/** Whose a lock is, or who waits for it, in words: an orphaned lock is nobody's any more, and least of all was it orphaned by its ghost. */
export const whose = (state: string, name: string): string =>
  state === 'orphaned' ? `orphaned, last held by ${name}` : `${state} by ${name}`
