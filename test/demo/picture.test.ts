import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawPicture, type LockPicture, type Palette, type Picture } from '../../src/demo/picture.ts'

const same = (text: string): string => text
const plain: Palette = { bold: same, dim: same, red: same, green: same, yellow: same }
/** Colours that a test can read. */
const named: Palette = {
  bold: (text) => `<b>${text}</b>`,
  dim: same,
  red: (text) => `<red>${text}</red>`,
  green: (text) => `<green>${text}</green>`,
  yellow: (text) => `<yellow>${text}</yellow>`
}

const paths = [
  'site-1/patrol/drone-1',
  'site-1/patrol/drone-2',
  'site-1/patrol/drone-3',
  'site-1/patrol/drone-4',
  'plant-2/line-4/arm-1',
  'plant-2/line-4/arm-2',
  'plant-2/line-4/arm-3',
  'lab/rack-1/node-7'
]

const lock = (name: string): LockPicture => ({
  lock: name,
  state: 'held',
  fence: 4711,
  owner: 'node-7',
  doing: 'applying 3/8',
  heldMs: 65_000,
  leaseLeftMs: 14_200,
  waiters: [
    { name: 'operator', waitedMs: 3000 },
    { name: 'orchestrator-of-the-night', waitedMs: 2000 }
  ],
  freedBy: { what: 'its owner, or maxHold', inMs: 835_000 }
})

const picture = (more: Partial<Picture> = {}): Picture => ({
  broker: 'mqtt://127.0.0.1:54321',
  folder: '/tmp/locksmith-demo-AbCdEf',
  node7: 1234,
  trouble: [],
  devices: paths.map((device) => ({
    device,
    state: 'running',
    axis: { position: -12.34, moving: true },
    holds: [],
    silentMs: undefined
  })),
  locks: [],
  events: Array.from({ length: 100 }, (_, index) => ({
    at: '03:12:00',
    from: 'locksmith',
    text: `event ${index} ${'with many words '.repeat(10)}`,
    hot: false
  })),
  ...more
})

const draw = (one: Picture, columns: number, rows = 24): string[] =>
  drawPicture(one, { columns, rows, colour: plain })

test('a picture never has more lines or columns than the screen, whatever happens', () => {
  const busy = picture({
    locks: paths.map((path) => lock(`${path}:aim`)),
    trouble: [
      'Without an agent: node-7. Start it again:',
      '  npm run --silent locksmith -- agent',
      'x'.repeat(300)
    ],
    devices: picture().devices.map((device) => ({
      ...device,
      state: 'paused',
      holds: [
        { kind: 'lock', owner: 'node-7', lock: '*:aim' },
        { kind: 'config', owner: 'node-7' }
      ]
    }))
  })
  for (const one of [picture(), busy, picture({ locks: [lock('*:aim')] })])
    for (const columns of [200, 79, 59, 40, 10])
      for (const rows of [50, 24, 12, 3]) {
        const lines = draw(one, columns, rows)
        assert.ok(lines.length <= rows, `${lines.length} lines on ${rows} rows`)
        assert.deepEqual(
          lines.filter((line) => [...line].length > columns),
          []
        )
      }
})

test('on 80 and on 60 columns a lock tells owner, lease left, waiters and what frees it', () => {
  for (const columns of [79, 59]) {
    const text = draw(picture({ locks: [lock('*:aim')] }), columns).join('\n')
    for (const said of [
      '*:aim  held by node-7, fence 4711',
      'lease left 14 s',
      'applying 3/8',
      'waiting: operator (3 s)',
      'freed by its owner, or maxHold, within 13 m 55 s'
    ])
      assert.ok(text.includes(said), `${columns}: ${said}\n${text}`)
  }
})

test('a lock whose owner is gone names the ghost', () => {
  const lines = draw(picture({ locks: [{ ...lock('*:aim'), state: 'orphaned', leaseLeftMs: 0 }] }), 79)
  assert.ok(
    lines.includes('*:aim  orphaned by the ghost node-7, fence 4711, for 1 m 05 s, no lease left: …'),
    lines.join('\n')
  )
})

test('every device is told with state, position, motion and holds; one that is silent by its age instead', () => {
  const [first, second, ...rest] = picture().devices
  assert.ok(first !== undefined && second !== undefined)
  const devices = [
    { ...first, state: 'paused', holds: [{ kind: 'lock', owner: 'op', lock: '*:aim' }] },
    { ...second, state: 'silent', silentMs: 42_000, axis: { position: 7, moving: false } },
    ...rest
  ]
  const lines = draw(picture({ devices }), 79)
  assert.ok(lines.includes('site-1/patrol/drone-1  paused      -12.3  moves   *:aim of op'))
  assert.ok(lines.includes('site-1/patrol/drone-2  silent        7.0  stands  last heard 42 s ago'))
  assert.ok(draw(picture({ devices }), 59).includes('drone-1  paused      -12.3  moves   *:aim of op'))
})

test('many locks never push the last events off the screen, and those left out are counted', () => {
  const lines = draw(picture({ locks: paths.map((path) => lock(`${path}:aim`)) }), 79)
  assert.ok(lines.includes('and 3 more: npm run --silent locksmith -- locks'), lines.join('\n'))
  assert.equal(lines.at(-4), 'last events')
  assert.match(lines.at(-1) ?? '', /event 99/)
})

test('a HOT line stands out, by its words and by its colour', () => {
  const events = [
    { at: '03:12:00', from: 'locksmith', text: 'HOT *:aim is wanted by op', hot: true },
    { at: '03:12:01', from: 'arm-1', text: 'in contact', hot: false }
  ]
  const lines = drawPicture(picture({ events }), { columns: 79, rows: 24, colour: named })
  assert.deepEqual(lines.slice(-2), [
    '03:12:00 locksmith <b><red>HOT *:aim is wanted by op</red></b>',
    '03:12:01 arm-1 in contact'
  ])
})

test('what others wrote cannot command the terminal', () => {
  const events = [{ at: '03:12:00', from: 'op', text: '\x1b[2Jgone\r\n\u009b31m \u202e', hot: false }]
  assert.equal(draw(picture({ events }), 79).at(-1), '03:12:00 op ?[2Jgone???31m ?')
})
