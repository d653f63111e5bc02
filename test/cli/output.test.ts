import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeUnlock } from '../../src/cli/describe-unlock.ts'
import { report } from '../../src/cli/failure.ts'
import { createOutput } from '../../src/cli/output.ts'
import { renderTable } from '../../src/cli/table.ts'
import { LocksmithError } from '../../src/protocol/errors.ts'

function paper(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, write: (text: string) => written.push(text), text: () => written.join('') }
}

function output({ json = false, tty = true, env = {} }: { json?: boolean; tty?: boolean; env?: object }) {
  const [stdout, stderr] = [paper(tty), paper(tty)]
  return { stdout, stderr, out: createOutput({ json, env: { ...env }, stdout, stderr }) }
}

test('colour is for terminals only, and NO_COLOR and a dumb terminal turn it off', () => {
  const red = (options: Parameters<typeof output>[0]) => output(options).out.colour.red('x')
  assert.equal(red({}), '\x1b[31mx\x1b[39m')
  assert.equal(red({ env: { NO_COLOR: '1' } }), 'x')
  assert.equal(red({ env: { TERM: 'dumb' } }), 'x')
  assert.equal(red({ tty: false }), 'x')
  assert.equal(red({ json: true }), 'x')
})

test('with --json stdout carries JSON only, errors too, and their exit code is the one of the table', () => {
  const { out, stdout, stderr } = output({ json: true })
  out.print('for people')
  out.data([1])
  assert.equal(report(new LocksmithError('LK-1016', 'the lease ran out'), out), 124)
  const lines = stdout.text().trimEnd().split('\n')
  assert.deepEqual(JSON.parse(lines[0] ?? ''), [1])
  const { error } = JSON.parse(lines[1] ?? '') as { error: { code: string; message: string; hint: string } }
  assert.equal(error.code, 'LK-1016')
  assert.equal(error.message, 'the lease ran out')
  assert.notEqual(error.hint, '')
  assert.equal(lines.length, 2)
  assert.equal(stderr.text(), '')
})

test('for people an error is its code, what happened, why, and what to do next, on stderr', () => {
  const { out, stdout, stderr } = output({})
  assert.equal(report(new LocksmithError('LK-6001', 'nobody listens there'), out), 69)
  assert.equal(
    stderr.text(),
    'LK-6001 The broker cannot be reached. Nobody listens there. Check --broker and that the broker runs.\n'
  )
  assert.equal(stdout.text(), '')
})

test('errors of other parts and unforeseen ones come out under a code too', () => {
  const cases = [
    ['BrokerAddressError', 2],
    ['InstanceRunning', 78],
    ['DiskError', 1],
    ['TypeError', 1]
  ] as const
  for (const [name, exit] of cases) {
    const { out, stdout } = output({ json: true })
    assert.equal(report(Object.assign(new Error('why'), { name }), out), exit)
    assert.match(stdout.text(), /"code":"LK-\d{4}"/)
  }
})

test('a table fits 80 columns, shortening the widest column, and leaves no blanks at the end of a line', () => {
  const table = renderTable(
    ['LOCK', 'WHY', 'N'],
    [
      ['*:aim', 'because '.repeat(30), '1'],
      ['b', '', '']
    ]
  )
  const lines = table.split('\n')
  assert.ok(lines.every((line) => line.length <= 80 && line === line.trimEnd()))
  assert.match(lines[1] ?? '', /^\*:aim {2}because .*… {2}1$/)
})

test('before an unlock the operator reads owner, phase, waiters, what will move and what will not', () => {
  const hold = { id: 'h', kind: 'lock', owner: 'node-7', why: '', sinceMs: 1, untilMs: null, waived: false }
  const device = (name: string, holds: object[]) => ({
    device: name,
    kind: 'arm',
    online: true,
    state: 'paused',
    configs: {},
    holds: holds as never
  })
  const text = describeUnlock(
    {
      lock: '*:aim',
      state: 'orphaned',
      fence: 7,
      owner: { name: 'node-7' },
      phase: 'applying 3/8',
      reason: 'push of aim version 4',
      heldMs: 60_000,
      leaseLeftMs: 0,
      lastHeardMs: 40_000,
      waiters: [{ name: 'operator', waitedMs: 5000 }],
      paused: { devices: 3, standing: 2, unreachable: 1 },
      freedBy: { what: 'the lock delay', inMs: 4000 }
    },
    {
      locksmith: { up: true, version: '', instance: '', term: 1, startedMs: 0 },
      devices: [
        device('a', [{ ...hold, lock: '*:aim' }]),
        device('b', [
          { ...hold, lock: '*:aim' },
          { ...hold, kind: 'config' }
        ]),
        device('c', [])
      ]
    }
  ).join('\n')
  for (const part of [
    /orphaned, last held by node-7 under fence 7 for 1 m 00 s/,
    /silent, its lease has run out; last heard 40 s ago/,
    /applying 3\/8; push of aim version 4/,
    /waiting\s+operator \(5 s\)/,
    /will move\s+a\n/,
    /stay put\s+b\n/,
    /next grant\s+within 4 s/,
    /2 of 3 devices, 1 unreachable/
  ])
    assert.match(text, part)
})
