import { Dice } from '../../../src/simulation/parts.ts'

/** Chance without surprises: every delay is the middle of its range, and nothing is lost, torn or repeated by itself. */
export class EvenDice extends Dice {
  constructor() {
    super(0)
  }

  override next(): number {
    return 0.5
  }

  override fork(): Dice {
    return this
  }
}
