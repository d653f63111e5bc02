import { connect, type MqttClient } from 'mqtt'
import { topicsOf } from '../../src/protocol/topics.ts'
import { startNode } from '../support/processes.ts'
import { waitFor } from '../support/wait.ts'
import type { Scope } from './scope.ts'

const HAND_TOPIC = 'bench/hand'

/** Has locks taken by another process, and tells when their records leave the broker: this process only looks at the clock. */
export interface Watch {
  /** The moment at which the next record of this lock in this state comes, by `performance.now()`. */
  heard(lock: string, state: 'held' | 'free'): Promise<number>
  tell(word: `take ${string}` | 'give'): void
}

type Look = (topic: string, payload: Uint8Array, at: number) => void

export async function openWatch(scope: Scope, url: string, locks: readonly string[]): Promise<Watch> {
  await startHand(scope, url)
  const topics = topicsOf('default')
  const looks = new Set<Look>()
  const client = watchBroker(url, looks)
  scope.later(() => client.end(true))
  let subscribed = false
  client.subscribe(
    locks.map((lock) => topics.lock(lock)),
    () => {
      subscribed = true
    }
  )
  await waitFor('the watch', () => subscribed)
  const heard: Watch['heard'] = (lock, state) =>
    new Promise((resolve) => {
      const look: Look = (topic, payload, at) => {
        if (topic !== topics.lock(lock) || !Buffer.from(payload).includes(`"state":"${state}"`)) return
        looks.delete(look)
        resolve(at)
      }
      looks.add(look)
    })
  return { heard, tell: (word) => void client.publish(HAND_TOPIC, word) }
}

/** The moment of a message is that of its bytes: to parse them takes as long as half of what is measured. */
function watchBroker(url: string, looks: ReadonlySet<Look>): MqttClient {
  const client = connect(url, { protocolVersion: 5 })
  let at = 0
  client.on('connect', () => {
    if ('setNoDelay' in client.stream && typeof client.stream.setNoDelay === 'function') {
      client.stream.setNoDelay(true)
    }
    client.stream.prependListener('data', () => {
      at = performance.now()
    })
  })
  client.on('message', (topic, payload) => {
    for (const look of [...looks]) look(topic, payload, at)
  })
  return client
}

async function startHand(scope: Scope, url: string): Promise<void> {
  const file = new URL('./hand.ts', import.meta.url).pathname
  const hand = startNode(scope.context, [file, url, HAND_TOPIC])
  await waitFor('the hand', () => hand.stdout.includes('ready'))
}
