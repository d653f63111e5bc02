import type { Invariant } from '../world.ts'

/** A mistake that is planted in one line of the product while it is loaded; the product itself carries no switch. */
export interface Mutant {
  readonly name: string
  /** What is wrong with it. */
  readonly says: string
  /** The promises that it breaks: it is noticed by one of these first. */
  readonly breaks: readonly Invariant[]
  /** The world in which it is hunted. */
  readonly world: string
  /** It is found within so many seeds, wherever one begins. */
  readonly within: number
  /** From the top of the repository. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly from: string
  readonly to: string
}
