/** The parts of a simulated world, for whoever composes one of their own. */
export { Board } from './device/board.ts'
export { VirtualDisk } from './device/disk.ts'
export { Dice } from './dice.ts'
export { History } from './history.ts'
export { type Interruption, Life } from './life.ts'
export { Machine } from './machine.ts'
export { VirtualBroker } from './mqtt/broker.ts'
export { Timeline } from './timeline.ts'
