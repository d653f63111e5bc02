import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readArguments } from '../../src/cli/arguments.ts'
import { brokerOptions, clientOptions } from '../../src/cli/common-options.ts'
import { asDuration, countBetween, flag, optional, required, withFallback } from '../../src/cli/options.ts'
import { readSettings } from '../../src/cli/settings.ts'
import { LocksmithError } from '../../src/protocol/errors.ts'
import { nearest } from '../../src/protocol/nearest.ts'
import { temporaryFolder } from '../support/temporary.ts'

const nothing = { env: {}, settings: {}, settingsPath: 'cli.toml' }

const options = {
  yes: flag('do not ask'),
  'at-once': withFallback({ placeholder: 'N', help: '', fallback: '1' }, countBetween(1, 10)),
  wait: optional({ placeholder: '10m', help: '' }, asDuration),
  ...brokerOptions
}

function thrown(work: () => unknown): LocksmithError {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof LocksmithError)
    return error
  }
  return assert.fail('it was accepted')
}

test('flags, values, arguments and the command after -- are told apart', () => {
  const argv = ['FILE', '--yes', '--at-once', '3', '--wait=10m', 'more', '--', 'sh', '-c', '--yes']
  const read = readArguments('push', options, argv, nothing)
  assert.deepEqual(read.positionals, ['FILE', 'more'])
  assert.deepEqual(read.command, ['sh', '-c', '--yes'])
  assert.equal(read.values.yes, true)
  assert.equal(read.values['at-once'], 3)
  assert.equal(read.values.wait, 600_000)
})

test('a flag wins over the environment, the environment over cli.toml, cli.toml over the fallback', () => {
  const env = { LOCKSMITH_FLEET: 'from-env' }
  const settings = { fleet: 'from-file' }
  const fleet = (argv: string[], around: Partial<typeof nothing>) => {
    const read = readArguments('locks', options, argv, { ...nothing, ...around })
    return [read.values.fleet, read.sources.fleet]
  }
  assert.deepEqual(fleet(['--fleet', 'typed'], { env, settings }), ['typed', 'flag'])
  assert.deepEqual(fleet([], { env, settings }), ['from-env', 'environment'])
  assert.deepEqual(fleet([], { env: { LOCKSMITH_FLEET: '' }, settings }), ['from-file', 'settings'])
  assert.deepEqual(fleet([], {}), ['default', 'fallback'])
})

test('options that are not shared are not read from the environment', () => {
  const read = readArguments('push', options, [], { ...nothing, env: { LOCKSMITH_WAIT: '5m' } })
  assert.equal(read.values.wait, undefined)
})

test('a bad value is a usage error that names where it came from; in cli.toml it is bad configuration', () => {
  const typed = thrown(() => readArguments('push', options, ['--wait', '10'], nothing))
  assert.equal(typed.code, 'LK-6003')
  assert.match(typed.message, /^--wait "10" is no duration.*10m/)
  assert.equal(typed.hint, 'See locksmith push --help')
  const inherited = thrown(() =>
    readArguments('locks', clientOptions, [], { ...nothing, env: { LOCKSMITH_TIMEOUT: 'soon' } })
  )
  assert.match(inherited.message, /^LOCKSMITH_TIMEOUT "soon"/)
  const written = thrown(() =>
    readArguments('locks', clientOptions, [], { ...nothing, settings: { broker: 'http://x' } })
  )
  assert.equal(written.code, 'LK-6004')
  assert.match(written.message, /^cli\.toml: broker .*mqtt:\/\//)
})

test('an unknown option is refused with the one that was meant', () => {
  assert.match(
    thrown(() => readArguments('push', options, ['--at-onc', '3'], nothing)).message,
    /no option --at-onc; did you mean --at-once\?/
  )
  assert.match(thrown(() => readArguments('push', options, ['--zebra'], nothing)).message, /--zebra$/)
})

test('numbers, names and required values are checked', () => {
  for (const argv of [
    ['--at-once', '0'],
    ['--at-once', '1.5'],
    ['--at-once', 'many'],
    ['--fleet', 'Not A Name'],
    ['--broker', 'localhost'],
    ['--wait'],
    ['--yes=no']
  ]) {
    assert.equal(thrown(() => readArguments('push', options, argv, nothing)).code, 'LK-6003', argv.join(' '))
  }
  const needs = { reason: required({ placeholder: 'TEXT', help: '' }, String) }
  assert.match(thrown(() => readArguments('unlock', needs, [], nothing)).message, /--reason is missing/)
})

test('cli.toml is read from the place that XDG names, and says what is wrong with it', async (t: TestContext) => {
  const folder = temporaryFolder(t)
  const env = { XDG_CONFIG_HOME: folder }
  assert.deepEqual((await readSettings(env)).values, {})
  mkdirSync(join(folder, 'locksmith'))
  const write = (text: string): void => writeFileSync(join(folder, 'locksmith', 'cli.toml'), text)
  write('fleet = "plant"\ntimeout = "2s"\n')
  assert.deepEqual({ ...(await readSettings(env)).values }, { fleet: 'plant', timeout: '2s' })
  for (const [text, what] of [
    ['flee = "plant"', /"flee" is unknown; known are broker, fleet, as, timeout/],
    ['timeout = 5', /"timeout" must be a text/],
    ['fleet = ', /line 1/]
  ] as const) {
    write(text)
    await assert.rejects(readSettings(env), (error: LocksmithError) => {
      assert.equal(error.code, 'LK-6004')
      assert.match(error.message, what)
      return true
    })
  }
})

test('a typo is met with the nearest word, and nonsense with none', () => {
  const verbs = ['serve', 'agent', 'locks', 'lock', 'unlock', 'status', 'push']
  assert.equal(nearest('lok', verbs), 'lock')
  assert.equal(nearest('stat', verbs), 'status')
  assert.equal(nearest('pusch', verbs), 'push')
  assert.equal(nearest('frobnicate', verbs), undefined)
})
