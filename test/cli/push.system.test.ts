import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { connectBroker } from '../../src/platform/mqtt-connection.ts'
import { topicsOf } from '../../src/protocol/topics.ts'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { waitFor } from '../support/wait.ts'
import { type ListedLock, startFleet, type TestFleet } from './program.ts'
import { startPuppet, updateOf } from './puppet-agent.ts'

const needs = { skip: mosquittoMissing() }

function document(fleet: TestFleet, version: number): string {
  const file = join(fleet.folder, `aim-${version}.toml`)
  const values = 'sensitivity = 0.65\ndeadband_deg = 0.4\nmax_slew_deg_s = 45.0'
  writeFileSync(file, `resource = "aim"\nversion = ${version}\n[values]\n${values}\n`)
  return file
}

/** Everything that a principal asks from now on. */
async function listenTo(t: TestContext, fleet: TestFleet, principal: string): Promise<{ op: string }[]> {
  const heard: { op: string }[] = []
  const topics = topicsOf('default')
  const [mine, theirs] = [topics.request('ear'), topics.request(principal)]
  const listening = { yes: false }
  const mqtt = connectBroker(fleet.mosquitto.url)(
    { clientId: 'ear' },
    {
      message: ({ topic, payload }) => {
        if (topic === mine) listening.yes = true
        else heard.push(JSON.parse(new TextDecoder().decode(payload)) as { op: string })
      }
    }
  )
  t.after(() => mqtt.close())
  mqtt.subscribe([mine, theirs])
  await waitFor('the subscription to work', () => {
    mqtt.publish(mine, '{}')
    return listening.yes
  })
  return heard
}

interface Result {
  readonly ok: boolean
  readonly devices: readonly {
    device: string
    outcome: string
    code: string | null
    version: number | null
  }[]
}

/** Each look from outside is a process of its own: on a busy machine several of them take longer than a short lease lasts. */
const LONG_TTL = '12s'

test(
  'a rolling push hands the document to one device after another and reports each outcome',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const { url } = fleet.mosquitto
    const [a, b] = [await startPuppet(t, url, 'plant/arm-1'), await startPuppet(t, url, 'plant/arm-2')]
    const push = fleet.start('push', document(fleet, 2), '--to', 'plant', '--json')
    const first = await updateOf(a, 2)
    assert.equal(first.under, null)
    assert.equal(b.updates.length, 0)
    await a.answer(first, 'applied')
    await b.answer(await updateOf(b, 2), 'refused', 'LK-3006')
    assert.equal((await push.exited()).code, 1)
    const { ok, devices } = push.lines.at(-1) as unknown as Result
    assert.equal(ok, false)
    assert.deepEqual(
      devices.map(({ device, outcome, code, version }) => [device, outcome, code, version]),
      [
        ['plant/arm-1', 'applied', null, 2],
        ['plant/arm-2', 'refused', 'LK-3006', null]
      ]
    )
    assert.match(push.stderr, /plant\/arm-1: applied \(version 2\)/)
  }
)

test('--at-once serves that many at a time, and a device may be called by its name', needs, async (t) => {
  const fleet = await startFleet(t)
  const { url } = fleet.mosquitto
  const [a, b] = [await startPuppet(t, url, 'plant/arm-1'), await startPuppet(t, url, 'plant/arm-2')]
  const both = fleet.start('push', document(fleet, 2), '--to', '*', '--at-once', '2')
  const [toA, toB] = [await updateOf(a, 2), await updateOf(b, 2)]
  await Promise.all([a.answer(toA, 'applied'), b.answer(toB, 'applied')])
  assert.equal((await both.exited()).code, 0)
  assert.match(both.stdout, /applied on 2 devices/)
  const one = fleet.start('push', document(fleet, 3), '--to', 'arm-2')
  await b.answer(await updateOf(b, 3), 'applied')
  assert.equal((await one.exited()).code, 0)
  assert.equal(a.updates.length, 1)
  const nobody = await fleet.run('push', document(fleet, 4), '--to', 'arm-9', '--json')
  assert.equal(nobody.code, 1)
  assert.match(nobody.stdout, /"code":"LK-3003"/)
})

test(
  'a push waits for another of its resource to end, or gives up after --wait with 75 and names the one in the way',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const arm = await startPuppet(t, fleet.mosquitto.url, 'plant/arm-1')
    const first = fleet.start('push', document(fleet, 2), '--to', '*', '--wait', '5m', '--as', 'alice')
    const update = await updateOf(arm, 2)
    const hasty = await fleet.run('push', document(fleet, 3), '--to', '*', '--wait', '500ms', '--json')
    assert.equal(hasty.code, 75)
    const { error } = JSON.parse(hasty.stdout) as { error: Record<string, string> }
    assert.equal(error.code, 'LK-3001')
    assert.ok(error.message?.includes(`push ${update.push} by alice`), error.message)
    assert.match(error.hint ?? '', new RegExp(`locksmith withdraw ${update.push} --reason`))
    const second = fleet.start('push', document(fleet, 4), '--to', '*')
    await waitFor('the second to wait', () => /waiting: push .* is under way/.test(second.stderr))
    await arm.answer(update, 'applied')
    await arm.answer(await updateOf(arm, 4), 'applied')
    assert.equal((await first.exited()).code, 0)
    assert.equal((await second.exited()).code, 0)
  }
)

test(
  'a rolling push that nobody answers is taken back with withdraw, or ends by itself when patience ends',
  needs,
  async (t) => {
    const config = ['[[policy]]', 'lock = "plant/arm-2"', 'patience = "500ms"']
    const fleet = await startFleet(t, { config })
    const { url } = fleet.mosquitto
    const [hangs] = [await startPuppet(t, url, 'plant/arm-1'), await startPuppet(t, url, 'plant/arm-2')]
    const push = fleet.start('push', document(fleet, 2), '--to', 'plant/arm-1', '--json')
    const update = await updateOf(hangs, 2)
    const hasty = await fleet.run('push', document(fleet, 3), '--to', 'arm-1', '--wait', '500ms')
    assert.ok(hasty.stderr.includes(`locksmith withdraw ${update.push} `), hasty.stderr)
    const taken = ['withdraw', update.push, '--reason', 'it hangs']
    assert.equal((await fleet.json<{ outcome: string }>(...taken)).outcome, 'withdrawn')
    assert.equal((await push.exited()).code, 1)
    const [first] = (push.lines.at(-1) as unknown as Result).devices
    assert.deepEqual([first?.outcome, first?.code], ['unreachable', 'LK-3008'])
    await hangs.answer(update, 'applied')
    const after = await fleet.json<Result & { outcome: string }>(...taken)
    assert.deepEqual([after.outcome, after.devices[0]?.outcome], ['already-ended', 'applied'])
    const silent = await fleet.run('push', document(fleet, 4), '--to', 'arm-2', '--json')
    assert.equal(silent.code, 1)
    assert.match(silent.stdout, /"outcome":"unreachable","code":"LK-3012"/)
    assert.equal((await fleet.run('withdraw', 'never', '--reason', 'x')).code, 1)
  }
)

test(
  'a push together sends nothing before everybody stands, names its lock and fence, and releases at the end',
  needs,
  async (t) => {
    const fleet = await startFleet(t, { ttl: LONG_TTL })
    const { url } = fleet.mosquitto
    const [a, b] = [await startPuppet(t, url, 'plant/arm-1'), await startPuppet(t, url, 'plant/arm-2')]
    const push = fleet.start(
      'push',
      document(fleet, 2),
      '--to',
      'plant',
      '--together',
      '--as',
      'node-7',
      '--json'
    )
    await a.stand()
    const [held] = await fleet.json<(ListedLock & { phase: string })[]>('locks')
    assert.deepEqual([held?.lock, held?.owner?.name], ['plant:aim', 'node-7'])
    assert.deepEqual([a.updates.length, b.updates.length], [0, 0])
    await b.stand()
    const first = await updateOf(a, 2)
    assert.deepEqual(first.under, { lock: 'plant:aim', fence: held?.fence })
    await a.answer(first, 'applied')
    await b.answer(await updateOf(b, 2), 'applied')
    assert.equal((await push.exited()).code, 0, push.stderr)
    assert.equal((push.lines.at(-1) as unknown as Result).ok, true)
    assert.deepEqual(await fleet.json('locks'), [])
  }
)

test(
  'a push together that is withdrawn ends with 1 and what became of each device, as a rolling one does',
  needs,
  async (t) => {
    const fleet = await startFleet(t, { ttl: LONG_TTL })
    const { url } = fleet.mosquitto
    const [a, b] = [await startPuppet(t, url, 'plant/arm-1'), await startPuppet(t, url, 'plant/arm-2')]
    const push = fleet.start('push', document(fleet, 2), '--to', 'plant', '--together', '--json')
    await waitFor('the grant', () => push.stderr.includes('is held under fence'))
    await Promise.all([a.stand(), b.stand()])
    const update = await updateOf(a, 2)
    const taken = await fleet.json<Result>('withdraw', update.push, '--reason', 'it hangs')
    assert.equal((await push.exited()).code, 1, push.stderr)
    const expected = [
      ['plant/arm-1', 'unreachable', 'LK-3008'],
      ['plant/arm-2', 'refused', 'LK-3008']
    ]
    for (const { devices } of [taken, push.lines.at(-1) as unknown as Result])
      assert.deepEqual(
        devices.map(({ device, outcome, code }) => [device, outcome, code]),
        expected
      )
    assert.match(push.stdout, /withdrew it: it hangs/)
    const [held] = await fleet.json<ListedLock[]>('locks')
    assert.equal(held?.lock, 'plant:aim', 'it does not come free before the answer')
    await a.answer(update, 'applied')
    await waitFor('the lock to come free', async () => (await fleet.json<unknown[]>('locks')).length === 0)
  }
)

test(
  'a push together that sleeps past its lease wakes, sends nothing more, and ends with 124',
  needs,
  async (t) => {
    const fleet = await startFleet(t)
    const { url } = fleet.mosquitto
    const [a, b] = [await startPuppet(t, url, 'plant/arm-1'), await startPuppet(t, url, 'plant/arm-2')]
    const push = fleet.start(
      'push',
      document(fleet, 2),
      '--to',
      'plant',
      '--together',
      '--as',
      'node-7',
      '--json'
    )
    await waitFor('the grant', () => push.stderr.includes('is held under fence'))
    await Promise.all([a.stand(), b.stand()])
    const first = await updateOf(a, 2)
    push.signal('SIGSTOP')
    const next = fleet.start('lock', '*:aim', '--as', 'operator')
    await next.line('the grant after the ghost', (line) => typeof line.fence === 'number')
    const said = await listenTo(t, fleet, 'node-7')
    push.signal('SIGCONT')
    assert.equal((await push.exited()).code, 124)
    assert.deepEqual(
      said.filter((request) => request.op !== 'heartbeat'),
      []
    )
    assert.equal((push.lines.at(-1) as { error?: { code: string } }).error?.code, 'LK-1016')
    await a.answer(first, 'applied').catch(() => undefined)
    const [held] = await fleet.json<ListedLock[]>('locks')
    assert.equal(held?.owner?.name, 'operator')
    assert.equal(b.updates.length, 0)
  }
)

test(
  'Ctrl-C in a push together never says that it has stopped while updates are out: the lease runs out first',
  needs,
  async (t) => {
    const fleet = await startFleet(t, { ttl: '3s' })
    const arm = await startPuppet(t, fleet.mosquitto.url, 'plant/arm-1')
    const push = fleet.start('push', document(fleet, 2), '--to', 'plant', '--together', '--json')
    await waitFor('the grant', () => push.stderr.includes('is held under fence'))
    await arm.stand()
    await updateOf(arm, 2)
    push.signal('SIGINT')
    assert.equal((await push.exited()).code, 75)
    const held = await fleet.json<ListedLock[]>('locks')
    assert.equal(held[0]?.lock, 'plant:aim')
    await waitFor('the lease to run out', async () => (await fleet.json<unknown[]>('locks')).length === 0)
  }
)
