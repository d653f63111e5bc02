import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { startCli, startFleet } from './program.ts'

test('a Locksmith whose fleet another one has taken over exits 78, and the other serves', {
  skip: mosquittoMissing()
}, async (t) => {
  const fleet = await startFleet(t)
  const store = `sqlite:${fleet.folder}/other/fleet.db`
  const other = startCli(t, ['serve', '--store', store, '--ttl', '2s'], { env: fleet.env })
  await other.line('serving', (line) => line.event === 'serving')
  const said = await fleet.serve.line('its last word', (line) => line.event === 'taken-over')
  assert.equal(said.code, 'LK-7003')
  assert.equal((await fleet.serve.exited()).code, 78)
  const { locksmith } = await fleet.json<{ locksmith: { instance: string } }>('status')
  assert.ok(locksmith.instance.length > 0 && said.by === locksmith.instance)
})
