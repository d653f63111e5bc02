import assert from 'node:assert/strict'
import { chmodSync, chownSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { loadAll } from '../../src/cli/verbs.ts'
import { freePort } from '../support/mosquitto.ts'
import { temporaryFolder } from '../support/temporary.ts'
import { runCli, startCli, startShell } from './program.ts'

const NOBODY = 65534

function nobodyMissing(): string | false {
  return process.getuid?.() === 0 && existsSync('/usr/bin/setpriv')
    ? false
    : 'NOT TESTED: to be somebody else needs root and setpriv'
}

test('the help of every verb fits 80 columns and shows an example, its options and its exit codes', async () => {
  for (const verb of await loadAll()) {
    const help = verb.help()
    assert.match(help, new RegExp(`\nExamples?:\n  locksmith ${verb.name}\\b`), verb.name)
    assert.match(help, /\nExit codes:\n {2}0 {4}fine\n/, verb.name)
    assert.match(help, /\nOptions:\n {2}--/, verb.name)
    assert.match(help, /\n {2}--json /, verb.name)
    assert.deepEqual(
      help.split('\n').filter((line) => [...line].length > 80),
      [],
      verb.name
    )
  }
})

test('help and version end with 0 and say nothing on stderr', async (t) => {
  const calls = [['--help'], ['help', 'push'], ['locks', '--help'], ['exec', '-h'], ['--version'], []]
  for (const { code, stdout, stderr } of await Promise.all(calls.map((args) => runCli(t, args)))) {
    assert.equal(code, 0, stderr)
    assert.notEqual(stdout, '')
    assert.equal(stderr, '')
  }
})

test('wrong usage ends with 2 and a sentence that helps', async (t) => {
  const long = 'x'.repeat(501)
  const tooLong = /--reason is 501 characters long; at most 500 are taken/
  const cases: readonly (readonly [string[], RegExp])[] = [
    [['unlok'], /did you mean "unlock"\?/],
    [['frobnicate'], /verbs are serve, agent/],
    [['locks', '--al'], /did you mean --all\?/],
    [['locks', 'extra'], /"extra" is one argument too many/],
    [['lock'], /the lock is missing/i],
    [['lock', 'nonsense'], /SCOPE:RESOURCE/],
    [['lock', '*:aim', '--no-wait', '--wait', '1s'], /contradict/],
    [['lock', '*:aim', '--', 'ls'], /nothing may follow "--"/i],
    [['exec', '*:aim'], /the command is missing/i],
    [['unlock', '*:aim'], /--reason is missing/],
    [['unlock', '*:aim', '--reason', 'x'], /--yes/],
    [['lock', '*:aim', '--reason', long], tooLong],
    [['exec', '*:aim', '--reason', long, '--', 'true'], tooLong],
    [['unlock', '*:aim', '--reason', long], tooLong],
    [['withdraw', 'p', '--reason', long], tooLong],
    [['push', 'x.toml'], /--to is missing/],
    [['push', '/nonexistent.toml', '--to', '*'], /cannot be read/],
    [['agent'], /--config is missing/],
    [['locks', '--broker', 'nowhere'], /mqtt:\/\//]
  ]
  const ended = await Promise.all(cases.map(([args]) => runCli(t, args)))
  for (const [index, { code, stdout, stderr }] of ended.entries()) {
    const [args, said] = cases[index] ?? [[], /./]
    assert.equal(code, 2, `${args.join(' ')}: ${stderr}`)
    assert.match(stderr, /^LK-6003 Wrong usage\. /)
    assert.match(stderr, said)
    assert.equal(stdout, '')
  }
})

test('with --json a usage error is JSON on stdout and nothing is on stderr', async (t) => {
  const { code, stdout, stderr } = await runCli(t, ['locks', '--json', '--tiemout', '1s'])
  assert.equal(code, 2)
  assert.equal(stderr, '')
  const { error } = JSON.parse(stdout) as { error: Record<string, string> }
  assert.deepEqual(Object.keys(error), ['code', 'message', 'hint'])
  assert.equal(error.code, 'LK-6003')
})

test('without a broker every client verb ends with 69 once --timeout has passed, and says what it met', async (t) => {
  const broker = `mqtt://127.0.0.1:${await freePort()}`
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'aim.toml'), aim)
  const verbs = [
    ['locks'],
    ['status'],
    ['why', 'arm-7'],
    ['lock', '*:aim'],
    ['lock', '*:aim', '--no-wait'],
    ['exec', '*:aim', '--', 'true'],
    ['unlock', '*:aim', '--reason', 'x', '--yes'],
    ['push', join(folder, 'aim.toml'), '--to', '*', '--together']
  ]
  const more = ['--broker', broker, '--timeout', '300ms', '--json']
  const withMore = verbs.map(([verb = '', ...args]) => [verb, ...more, ...args])
  for (const { code, stdout } of await Promise.all(withMore.map((args) => runCli(t, args)))) {
    assert.equal(code, 69, stdout)
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } }
    assert.equal(error.code, 'LK-6001')
    assert.match(error.message, /nobody listens there \(ECONNREFUSED\)/)
  }
})

test('a document that does not parse, breaks its schema or is of an unknown resource is refused before anything is sent', async (t) => {
  const folder = temporaryFolder(t)
  const cases = [
    ['LK-3004', 'resource = '],
    ['LK-3005', aim.replace('0.65', '7')],
    ['LK-3005', aim.replace('version = 17', 'version = -1')],
    ['LK-3005', aim.replace('sensitivity', '__proto__')],
    ['LK-3007', aim.replace('"aim"', '"tea"')]
  ] as const
  const files = cases.map(([, text], index) => {
    const file = join(folder, `${index}.toml`)
    writeFileSync(file, text)
    return file
  })
  const ended = await Promise.all(files.map((file) => runCli(t, ['push', file, '--to', '*', '--json'])))
  for (const [index, { code, stdout }] of ended.entries()) {
    assert.equal(code, 1)
    assert.match(stdout, new RegExp(`"code":"${cases[index]?.[0]}"`))
  }
})

test('serve ends with 78 and names the trouble: configuration, database, fence file, store', async (t) => {
  const folder = temporaryFolder(t)
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const corrupt = file('corrupt.db', 'this is no database, whatever its name says; '.repeat(100))
  const cases = [
    [['--config', join(folder, 'none.toml')], /^LK-6004 .*none\.toml/],
    [['--config', file('bad.toml', 'ttl = "15"')], /^LK-6004 .*ttl.*15s/],
    [['--config', file('typo.toml', 'tll = "15s"')], /^LK-6004 .*tll/],
    [['--config', file('torn.toml', 'ttl = ')], /^LK-6004 .*line 1/],
    [['--config', file('policy.toml', '[[policy]]\nlock = "no lock!"')], /^LK-6004 .*policy\.0\.lock/],
    [
      ['--config', file('resource.toml', '[[policy]]\nlock = "*:saftey"')],
      /^LK-6004 .*did you mean "safety"/
    ],
    [['--store', 'redis:x'], /^LK-6004 .*sqlite:FILE/],
    [['--store', `sqlite:${corrupt}`], /^LK-7001 .*corrupt\.db/]
  ] as const
  const ended = await Promise.all(cases.map(([args]) => runCli(t, ['serve', ...args])))
  for (const [index, { code, stderr }] of ended.entries()) {
    assert.equal(code, 78, stderr)
    assert.match(stderr, cases[index]?.[1] ?? /./)
  }
  for (const [text, words] of [
    ['{"fenceLimit":', /^LK-7001 .*new\.db\.fences/],
    ['{"fenceLimit":-1}', /^LK-7001 .*new\.db\.fences .*it is not \{"fenceLimit": WHOLE NUMBER\}/]
  ] as const) {
    file('new.db.fences', text)
    const fences = await runCli(t, ['serve', '--store', `sqlite:${join(folder, 'new.db')}`])
    assert.equal(fences.code, 78)
    assert.match(fences.stderr, words)
  }
})

test('a store at an impossible path ends serve at once with 78, the reason and what to do', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'file'), '')
  const cases = [
    ['/proc/nope/x.db', /folder of the path is missing/],
    [folder, /it is a folder/],
    [`${folder}/file/x.db`, /something else is in the way/],
    ['/dev/full', /no plain file/],
    ['/dev/null', /no plain file/],
    ['/sys/x.db', /denied|not permitted/]
  ] as const
  for (const [path, why] of cases) {
    const { code, stderr } = await runCli(t, ['serve', '--store', `sqlite:${path}`])
    assert.equal(code, 78, `${path}: ${stderr}`)
    assert.match(stderr, why)
    assert.match(stderr, /^LK-7001 .*Name a file that this user may write: --store sqlite:FILE/)
  }
})

test('a store in a folder that takes no other files ends serve with 78: its log must lie beside it', {
  skip: nobodyMissing()
}, async (t) => {
  const folder = join(temporaryFolder(t), 'store')
  mkdirSync(folder)
  const store = join(folder, 'locksmith.db')
  writeFileSync(store, '')
  chownSync(store, NOBODY, NOBODY)
  chmodSync(dirname(folder), 0o755)
  const serve = startShell(
    t,
    `exec setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups $LOCKSMITH serve --store sqlite:${store}`,
    {}
  )
  assert.equal((await serve.exited()).code, 78, serve.stderr)
  assert.match(serve.stderr, /^LK-7001 .*permission denied .*every folder above it/)
})

test('a second serve on a store ends with 78 and names the process that has it, whose store stays whole', async (t) => {
  const store = `sqlite:${temporaryFolder(t)}/locksmith.db`
  const broker = `mqtt://127.0.0.1:${await freePort()}`
  const serve = ['serve', '--store', store, '--broker', broker]
  const first = startCli(t, serve)
  await first.line('the broker missed', (line) => line.event === 'broker-lost')
  const { code, stderr } = await runCli(t, serve)
  assert.equal(code, 78)
  assert.match(
    stderr,
    new RegExp(`^LK-7004 .*: process ${first.pid} uses it \\(.* serve .*\\). Stop it first`)
  )
  assert.doesNotMatch(stderr, /backup/)
  first.signal('SIGTERM')
  assert.equal((await first.exited()).code, 0)
  const next = startCli(t, serve)
  await next.line('the broker missed', (line) => line.event === 'broker-lost')
})

test('a disk without space ends serve with a code after which it is started again, and with no word of giving the store up', async (t) => {
  const store = join(temporaryFolder(t), 'locksmith.db')
  const full = startShell(t, `ulimit -f 8; exec $LOCKSMITH serve --store sqlite:${store}`, {})
  const { code } = await full.exited()
  assert.equal(code, 1, full.stderr)
  assert.match(full.stderr, /^LK-7002 .*locksmith\.db: .*(full|I\/O).* Free the disk/)
})

test('serve waits for a broker that is not there, says so, and stops when told', async (t) => {
  const folder = temporaryFolder(t)
  const broker = `mqtt://127.0.0.1:${await freePort()}`
  const serve = startCli(t, ['serve', '--broker', broker, '--store', `sqlite:${folder}/a.db`])
  await serve.line('the broker missed', (line) => line.event === 'broker-lost')
  serve.signal('SIGTERM')
  assert.equal((await serve.exited()).code, 0)
})

test('serve warns of each policy whose lockDelay is shorter than exec takes to end a COMMAND that ignores SIGTERM', async (t) => {
  const file = join(temporaryFolder(t), 'serve.toml')
  const policy = (lock: string, more: string): string => `[[policy]]\nlock = "${lock}"\n${more}\n`
  const policies = [
    policy('*', 'lockDelay = "7s"'),
    policy('plant-1', 'lockDelay = "7500ms"'),
    policy('plant-2:aim', 'lockDelay = "0s"\nmayLock = ["alice"]'),
    policy('plant-3', 'lockDelay = "0s"\nmayLock = []')
  ]
  writeFileSync(file, policies.join(''))
  const broker = `mqtt://127.0.0.1:${await freePort()}`
  const serve = startCli(t, ['serve', '--config', file, '--broker', broker, '--store', `sqlite:${file}.db`])
  const warned = await serve.line('the warning', (line) => line.event === 'lock-delay-short')
  assert.deepEqual(warned.locks, ['*', 'plant-2:aim'])
  assert.match(String(warned.msg), /\*, plant-2:aim is below 7.5 s: a COMMAND of exec that ignores SIGTERM/)
})

test('a reader that goes away is no error', async (t) => {
  const shell = startShell(t, '$LOCKSMITH --help | head -1; $LOCKSMITH nonsense 2>&1 | true', {})
  assert.equal((await shell.exited()).code, 0)
  assert.match(shell.stdout, /^locksmith \d/)
  assert.doesNotMatch(shell.stderr, /EPIPE|Error/)
})

const aim = `resource = "aim"
version = 17
[values]
sensitivity = 0.65
deadband_deg = 0.4
max_slew_deg_s = 45.0
`
