import type { Dice } from '../dice.ts'

/** How messages fare between a client and the broker. Drawn once per run. */
export interface Weather {
  /** Of messages at QoS 0. */
  readonly loss: number
  /** Of messages at QoS 1. */
  readonly duplicates: number
  readonly usualDelayMs: number
  /** How many take longer, and how long at most. */
  readonly late: number
  readonly latestMs: number
}

/** Lateness is drawn in proportion to the lease: what comes after it is the interesting part. */
export function drawWeather(dice: Dice, ttlMs: number): Weather {
  const rough = dice.chance(0.6)
  return {
    loss: rough && dice.chance(0.7) ? dice.stretched(0.001, 0.2) : 0,
    duplicates: rough ? 0.05 : 0,
    // At worst a round trip takes a good part of a lease, day in, day out.
    usualDelayMs: dice.chance(0.1) ? dice.between(40, 40 + ttlMs / 8) : dice.stretched(1, 40),
    late: rough ? dice.stretched(0.002, 0.1) : 0,
    latestMs: dice.stretched(100, 3 * ttlMs)
  }
}

/** Nothing is lost, repeated or late any more. */
export const calmed = (weather: Weather): Weather => ({ ...weather, loss: 0, duplicates: 0, late: 0 })

export function delayMs(weather: Weather, dice: Dice): number {
  if (dice.chance(weather.late)) return dice.between(weather.usualDelayMs, weather.latestMs)
  return weather.usualDelayMs * dice.between(0.2, 1.5)
}
