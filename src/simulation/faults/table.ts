import { brokerFaults } from './broker.ts'
import { deviceFaults } from './device.ts'
import type { FaultKind, MomentKind } from './kind.ts'
import { lineFaults } from './line.ts'
import { processFaults } from './process.ts'
import { serverFaults } from './server.ts'

/** Every kind of fault that strikes between two events. */
export const FAULTS: readonly FaultKind[] = [
  ...processFaults,
  ...lineFaults,
  ...deviceFaults,
  ...serverFaults,
  ...brokerFaults
]

/** Every kind that strikes in the middle of what a process does. */
export const MOMENTS: readonly MomentKind[] = [
  {
    name: 'stop while it sends',
    says: 'SIGSTOP between a check and what it allowed; what it was about to send leaves when it wakes',
    at: 'effect',
    most: 0.01,
    does: 'stop'
  },
  {
    name: 'kill while it sends',
    says: 'kill -9 between a check and what it allowed',
    at: 'effect',
    most: 0.005,
    does: 'kill'
  },
  {
    name: 'power lost before a write',
    says: 'nothing of it is on the disk',
    at: 'write',
    most: 0.005,
    does: 'before'
  },
  {
    name: 'power lost in a write',
    says: 'a line is torn; a file that is replaced is the old one',
    at: 'write',
    most: 0.005,
    does: 'torn'
  },
  {
    name: 'power lost after a write',
    says: 'all of it is on the disk, and nothing else has happened',
    at: 'write',
    most: 0.005,
    does: 'after'
  },
  {
    name: 'Locksmith killed before a commit',
    says: 'what it decided is not in its store, and nobody was told',
    at: 'commit',
    most: 0.03,
    does: 'before'
  },
  {
    name: 'Locksmith killed after a commit',
    says: 'what it decided is in its store, and nobody was told',
    at: 'commit',
    most: 0.03,
    does: 'after'
  }
]

/** By name; each is named once. */
export const FAULT_NAMES: readonly string[] = [...FAULTS, ...MOMENTS].map(({ name }) => name)
