import type { Log } from '../platform/logger.ts'

/** How long a store that refused is left alone. */
export const STORE_AGAIN_MS = 1000

/** Says when the store begins to refuse and when it takes writes again, once each. */
export function storeHealth(log: Log): (refusal: string | undefined) => void {
  let healthy = true
  return (why) => {
    if (healthy === (why === undefined)) return
    healthy = why === undefined
    if (healthy) log.info({ event: 'store-recovered' }, 'the store takes writes again')
    else
      log.error({ event: 'store-refused', code: 'LK-7002', why }, 'a write was refused; nothing is granted')
  }
}
