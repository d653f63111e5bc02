import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { startFleet } from './program.ts'

test('a name that the policy does not list is denied with 77, until the changed file is taken over', {
  skip: mosquittoMissing()
}, async (t) => {
  const everySecond = 'collector = "* * * * * *"'
  const policy = ['[[policy]]', 'lock = "*:safety"', 'mayLock = ["alice"]']
  const fleet = await startFleet(t, { config: [everySecond, ...policy] })
  const ask = (name: string, lock: string) =>
    fleet.run('lock', lock, '--as', name, '--no-wait', '--for', '1ms', '--json')
  assert.equal((await ask('alice', 'plant:safety')).code, 0)
  assert.equal((await ask('bob', 'plant:aim')).code, 0)
  const denied = await ask('bob', 'plant:safety')
  assert.equal(denied.code, 77)
  assert.match(denied.stdout, /"code":"LK-1006"/)

  const file = join(fleet.folder, 'serve.toml')
  const good = readFileSync(file, 'utf8')
  writeFileSync(file, good.replace('mayLock', 'mayLok'))
  const kept = await fleet.serve.line('the refusal of the bad file', (line) => line.event === 'policies-kept')
  assert.match(String(kept.msg), /mayLok/)
  assert.equal((await ask('bob', 'plant:safety')).code, 77)
  writeFileSync(file, good.replace('"alice"', '"alice", "bob"'))
  await fleet.serve.line('the new policies', (line) => line.event === 'policies-read')
  assert.equal((await ask('bob', 'plant:safety')).code, 0)
})
