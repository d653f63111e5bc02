import type { Controller } from '../../firmware-bridge/drivers/controller.ts'
import type { Log } from '../platform/logger.ts'
import type { Update } from '../protocol/messages.ts'
import type { Step } from '../rules/change.ts'
import type { Allowance } from './allowance.ts'
import type { Authority } from './authority.ts'
import type { ConfigFiles } from './config-file.ts'
import type { Guard } from './guard.ts'
import type { Journal } from './journal.ts'

/** What a change works with; all of it handed in. */
export interface ChangeDeps {
  /** The device's name. */
  readonly name: string
  readonly journal: Journal
  readonly configs: ConfigFiles
  readonly guard: Guard
  /** How long the device may still stand. */
  readonly allowance: Pick<Allowance, 'requireRoom' | 'bound'>
  readonly controllers: readonly Controller[]
  readonly log: Log
  /** The right to make this change: waits for it, or refuses. */
  readonly authority: (update: Update, signal: AbortSignal) => Promise<Authority>
  /** Called just after a step is in the journal, before it is taken. */
  readonly halt: (step: Step) => void
  readonly standstillMs: number
  /** How long to wait for a controller that is away, at the beginning of a change or in its middle. */
  readonly reachableMs: number
}
