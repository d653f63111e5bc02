import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { firstBrokenLink } from '../../src/lock-manager/index.ts'
import { House, TTL_MS } from '../support/test-locksmith.ts'

async function eventful(): Promise<House> {
  const house = await new House().open()
  for (const name of ['one', 'two', 'three']) {
    const session = house.session(name)
    await house.clock.advance(100)
    const asked = session.acquire({ locks: ['*:aim'], wait: true, reason: `${name} tries` })
    await house.clock.advance(100)
    void (await asked).release()
    await house.clock.advance(100)
  }
  house.say('operator', { op: 'unlock', id: 'x', lock: '*:aim', fence: 1, reason: 'why not', graceMs: 0 })
  await house.clock.advance(100)
  house.kill()
  await house.open()
  return house
}

test('every grant, ending and unlock is a link, in order, also over a restart', async () => {
  const house = await eventful()
  const session = house.session('four')
  await house.clock.advance(100)
  void session.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(100)
  const entries = house.disk.audit.map(
    ({ entry }) => JSON.parse(entry) as { what: string; by: string; at: string }
  )
  const what = entries.map((entry) => `${entry.what} ${entry.by}`)
  assert.deepEqual(what, [
    ...['one', 'two', 'three'].flatMap((name) => [`granted ${name}`, `released ${name}`]),
    'unlock operator',
    'granted four'
  ])
  for (const { at } of entries) assert.match(at, /^2026-11-24T03:/)
  assert.equal(firstBrokenLink(house.disk.audit), undefined)
})

test('a link that was altered, taken out, moved or added breaks the chain, and is named', async () => {
  const { audit } = (await eventful()).disk
  assert.ok(audit.length >= 6)
  const altered = audit.map((link) =>
    link.seq === 3 ? { ...link, entry: link.entry.replace('two', 'six') } : link
  )
  assert.equal(firstBrokenLink(altered), 3)
  assert.equal(firstBrokenLink(audit.filter(({ seq }) => seq !== 4)), 5)
  const [first, second, ...rest] = audit
  assert.ok(first && second)
  assert.equal(firstBrokenLink([second, first, ...rest]), 1)
  assert.equal(
    firstBrokenLink([...audit, { seq: audit.length + 1, entry: '{}', hash: 'f'.repeat(64) }]),
    audit.length + 1
  )
  const rehashed = audit.map((link) => (link.seq === 3 ? { ...link, hash: 'f'.repeat(64) } : link))
  assert.equal(firstBrokenLink(rehashed), 3)
})

test('a chain whose oldest links were removed holds from the oldest one kept', async () => {
  const { audit } = (await eventful()).disk
  assert.equal(firstBrokenLink(audit.slice(3)), undefined)
  assert.equal(firstBrokenLink([]), undefined)
})

test('each link is published as it is stored', async () => {
  const house = await eventful()
  const published = house.broker.sentOn('locksmith/1/default/audit')
  assert.deepEqual(
    published.map(({ hash }) => hash),
    house.disk.audit.map(({ hash }) => hash)
  )
})

test('a link of which the store took nothing is not published', async () => {
  const house = await new House().open()
  const session = house.session('one')
  await house.clock.advance(100)
  house.disk.refuses = 'full'
  void session.acquire({ locks: ['*:aim'], wait: true })
  await house.clock.advance(TTL_MS)
  assert.deepEqual(house.broker.sentOn('locksmith/1/default/audit'), [])
})

test('a forger who also makes the hash fit breaks the chain at the link behind', async () => {
  const { audit } = (await eventful()).disk
  const forged = audit.map((link, index) => {
    if (link.seq !== 3) return link
    const entry = link.entry.replace('two', 'six')
    const hash = createHash('sha256')
      .update(audit[index - 1]?.hash ?? '')
      .update(entry)
      .digest('hex')
    return { ...link, entry, hash }
  })
  assert.equal(firstBrokenLink(forged), 4)
})
