import type { Mutant } from './mutant.ts'

/** @throws Error when the line is not there exactly once: the product has moved on, and its mutant has to follow. */
export function plant({ name, file, from, to }: Mutant, text: string): string {
  const found = text.split(from).length - 1
  if (found !== 1)
    throw new Error(`mutant ${name}: the line to change occurs ${found} times in ${file}, not once`)
  return text.replace(from, () => to)
}
