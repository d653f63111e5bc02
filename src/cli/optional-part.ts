import { LocksmithError } from '../protocol/errors.ts'

/**
 * Loads a part that an installation on a device may leave out. The path is put together at run time, so that a bundler does
 * not follow it.
 */
export async function loadOptionalPart<T>(part: 'demo' | 'simulation'): Promise<T> {
  const file = new URL(`../${part}/index.ts`, import.meta.url).href
  try {
    return (await import(file)) as T
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
    if (!missing || !String(error.message).includes(file.replace('file://', ''))) throw error
    throw new LocksmithError(
      'LK-6003',
      `this installation comes without the ${part}`,
      'Run it from a checkout'
    )
  }
}
