import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { loadAgentConfig, parseAgentConfig } from '../../src/agent/index.ts'
import { DiskError } from '../../src/platform/durable-file.ts'
import { LocksmithError } from '../../src/protocol/errors.ts'
import { MemoryFiles } from '../support/memory-files.ts'

const good = `device = "plant-2/line-4/arm-7"
kind = "arm"
stateDir = "/var/lib/locksmith"
runDir = "/run/locksmith"
[profile]
pauseBudget = "90s"
[[controller]]
name = "axis"
driver = "native"
port = "/dev/ttyACM0"
`

function refusal(text: string): string {
  try {
    parseAgentConfig(text, 'a.toml')
  } catch (error) {
    assert.ok(error instanceof LocksmithError)
    assert.deepEqual([error.code, error.exit], ['LK-6004', 78])
    return error.message
  }
  throw new assert.AssertionError({ message: 'it was accepted' })
}

test('durations are read, and what is left out has its default', () => {
  const config = parseAgentConfig(good)
  assert.deepEqual(config.profile, { pauseBudget: 90_000, afterBudget: 'stay', onHostSilent: 'stop' })
  assert.equal(config.broker, 'mqtt://127.0.0.1:1883')
  assert.equal(config.controller[0]?.baudRate, 115_200)
})

test('every sample of the repository is accepted', () => {
  const samples = new URL('../../src/samples/', import.meta.url)
  const kinds = readdirSync(samples)
  assert.ok(kinds.length >= 3)
  for (const kind of kinds) {
    const config = parseAgentConfig(readFileSync(new URL(`${kind}/agent.toml`, samples), 'utf8'))
    assert.equal(config.kind, kind)
  }
})

test('a file that does not parse is refused with line and column', () => {
  assert.match(refusal(good.replace('"arm"', 'arm')), /^a\.toml: line 2, column \d+/)
})

test('a key that is not known is refused by its place, with the one that was meant', () => {
  assert.match(refusal(`brokr = "x"\n${good}`), /the key brokr is not known; did you mean broker\?/)
  assert.match(
    refusal(good.replace('pauseBudget', 'pausebuget')),
    /profile\.pausebuget .* did you mean pauseBudget\?/
  )
  assert.match(refusal(`${good}baudrate = 9600\n`), /controller\.0\.baudrate .* did you mean baudRate\?/)
  assert.match(refusal(`${good}colour = "red"\n`), /controller\.0\.colour is not known$/)
})

test('a value that cannot be used is refused by its place', () => {
  assert.match(refusal(good.replace('plant-2/line-4/arm-7', 'Plant 2/arm')), /device: not a device path/)
  assert.match(refusal(good.replace('"90s"', '"soon"')), /profile\.pauseBudget: "soon" is no duration/)
  assert.match(
    refusal(`${good}[[controller]]\nname = "axis"\ndriver = "native"\nport = "b"\n`),
    /controller: two have the same name/
  )
  assert.match(refusal(good.slice(0, good.indexOf('[[controller]]'))), /controller: /)
  assert.match(refusal(good.replace('kind = "arm"\n', '')), /kind: /)
})

test('an automatic restart needs words, not a switch', () => {
  const profile = (value: string): string => good.replace('[profile]', `[profile]\nautoRestart = ${value}`)
  assert.match(refusal(profile('true')), /profile\.autoRestart: /)
  assert.match(refusal(profile('" "')), /profile\.autoRestart: /)
  assert.equal(parseAgentConfig(profile('"fenced"')).profile.autoRestart, 'fenced')
})

test('a file that is missing or cannot be read is bad configuration, and says which file', () => {
  const files = new MemoryFiles()
  assert.throws(() => loadAgentConfig(files, '/etc/a.toml'), {
    code: 'LK-6004',
    message: /no file \/etc\/a\.toml/
  })
  files.read = (path) => {
    throw new DiskError('read', path, 'EACCES')
  }
  assert.throws(() => loadAgentConfig(files, '/etc/a.toml'), {
    code: 'LK-6004',
    message: /permission denied/
  })
})
