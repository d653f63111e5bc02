import * as z from 'zod'

/**
 * The upper bound of the fences that may have been granted, in a second file beside the store. It must not be part of the
 * same backup: it is what tells a restored store that it has lost grants.
 */
export interface FenceFile {
  read(): number
  write(limit: number): void
}

const content = z.object({ fenceLimit: z.int().min(0) })

/** @throws Error when the file is there and cannot be understood: starting without it could grant a fence twice. */
export function parseFenceFile(text: string | undefined): number {
  if (text === undefined) return 0
  return content.parse(JSON.parse(text)).fenceLimit
}

export const printFenceFile = (fenceLimit: number): string => `${JSON.stringify({ fenceLimit })}\n`
