import type { FleetSession, Grant } from '../client/index.ts'
import type { Life } from './life.ts'

/** Somebody who holds locks, or believes so. */
export interface Holder {
  readonly life: Life
  readonly name: string
  readonly grant: Grant
}

interface Speaker {
  readonly life: Life
  readonly session: FleetSession
}

/** Which grants and sessions the owners themselves have: what they would answer if they were asked. */
export class Register {
  #holders: Holder[] = []
  #speakers: Speaker[] = []

  speaks(life: Life, session: FleetSession): void {
    this.#speakers = this.#speakers.filter((one) => !one.life.dead)
    this.#speakers.push({ life, session })
  }

  holds(holder: Holder): void {
    this.#holders.push(holder)
  }

  get speakers(): readonly Speaker[] {
    return this.#speakers
  }

  /** Those that may still act, now or when they wake. */
  get holders(): readonly Holder[] {
    this.#holders = this.#holders.filter(({ life, grant }) => !life.dead && !grant.lost.aborted)
    return this.#holders
  }

  /** Whether a running process speaks under this session number. */
  isAlive(session: number): boolean {
    return this.#speakers.some((one) => one.life.running && one.session.session === session)
  }

  /** What a process is about, for statistics. */
  stateOf(life: Life): string {
    if (life.stopped) return 'stopped'
    if (this.holders.some((holder) => holder.life === life)) return 'holding'
    return this.#speakers.some((one) => one.life === life) ? 'not-holding' : 'other'
  }
}
