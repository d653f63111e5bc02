import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { mosquittoMissing } from '../support/mosquitto.ts'
import { grantOf, startFleet } from './program.ts'
import { startPuppet } from './puppet-agent.ts'

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

test('a lock of a resource that the fleet does not have is refused with the nearest one, until the configuration names it', {
  skip: mosquittoMissing()
}, async (t) => {
  const fleet = await startFleet(t, { config: ['collector = "* * * * * *"'] })
  const ask = () => fleet.run('lock', '*:aime', '--no-wait', '--for', '1ms')
  const refused = await ask()
  assert.equal(refused.code, 1)
  assert.match(
    refused.stderr,
    /^LK-3007 .*"aime" is unknown; known are aim, safety; did you mean "aim"\? .*resources/
  )
  const file = join(fleet.folder, 'serve.toml')
  writeFileSync(file, `${readFileSync(file, 'utf8')}resources = ["aime"]\n`)
  await fleet.serve.line('the new resources', (line) => line.event === 'policies-read')
  assert.equal((await ask()).code, 0)
})

test('with all slots below a scope taken, one more device lock is not granted, and who has them is named', {
  skip: mosquittoMissing()
}, async (t) => {
  const fleet = await startFleet(t, { config: ['[[policy]]', 'lock = "plant:aim"', 'slots = 1'] })
  for (const device of ['plant/arm-1', 'plant/arm-2']) await startPuppet(t, fleet.mosquitto.url, device)
  const holder = fleet.start('lock', 'plant/arm-1:aim', '--as', 'ops')
  await grantOf(holder)
  const refused = await fleet.run('lock', 'plant/arm-2:aim', '--no-wait', '--for', '1ms', '--json')
  assert.equal(refused.code, 75)
  assert.match(refused.stdout, /arm-1:aim is held by ops for .* s, one of 1 slot below plant/)
  assert.equal((await fleet.run('lock', 'plant/arm-2:safety', '--no-wait', '--for', '1ms')).code, 0)
  const why = await fleet.run('why', 'plant/arm-2:aim', '--json')
  assert.match(why.stdout, /"lock":"plant\/arm-1:aim"/)
  const both = ['plant/arm-1:aim', 'plant/arm-2:aim']
  const impossible = await fleet.run('lock', ...both, '--as', 'other', '--for', '1ms', '--json')
  assert.equal(impossible.code, 77)
  assert.match(impossible.stdout, /"code":"LK-1017"/)
})
