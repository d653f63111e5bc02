import * as z from 'zod'
import { StoreError } from './store.ts'

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
  const parsed = content.safeParse(JSON.parse(text))
  if (!parsed.success) throw new Error('it is not {"fenceLimit": WHOLE NUMBER}')
  return parsed.data.fenceLimit
}

export const printFenceFile = (fenceLimit: number): string => `${JSON.stringify({ fenceLimit })}\n`

/** @throws StoreError (fatal) when the file cannot be read or understood */
export function readFenceFile(file: FenceFile): number {
  try {
    return file.read()
  } catch (error) {
    const { message } = error as Error
    throw new StoreError(
      `the fence file cannot be used (${message}); restore it, or write into it a fenceLimit above every fence ever granted`,
      true
    )
  }
}
