/** The client library: connect, open a session, hold locks. */
export { openFleetConnection } from './connection.ts'
export { makeId } from './id.ts'
export { queryAll } from './query.ts'
export { openSession } from './session.ts'
export type {
  Ask,
  ConnectionOptions,
  FleetConnection,
  FleetSession,
  Grant,
  HeartbeatFacts,
  RequestOptions,
  SessionOptions,
  Truth
} from './types.ts'
export { using } from './using.ts'
