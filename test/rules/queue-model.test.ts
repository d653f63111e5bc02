import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyConflict } from '../../src/rules/conflicts.ts'
import { type Player, Story, TTL_MS } from '../support/fleet-story.ts'
import { propertyOf } from '../support/property.ts'

/** Where agents are in service: a lock on just such a path takes a slot. */
const DEVICES = ['a/b', 'a/c', 'd']

/** At most so many device locks whose name begins with `below` and ends with `resource`. */
interface DumbPool {
  readonly below: string
  readonly resource: string
  readonly most: number
}

const slotsIn = ({ below, resource }: DumbPool, locks: readonly string[]): number =>
  locks.filter((lock) => {
    const [scope = '', of] = lock.split(':')
    return (
      DEVICES.includes(scope) && of === resource && (below === '*' || `${scope}/`.startsWith(`${below}/`))
    )
  }).length

/**
 * A second queue, so dumb that it can be read at a glance: a list of wishes in order of arrival. A wish is granted when
 * neither a held one nor an earlier waiting one conflicts with it, and the slots suffice for all of them together.
 */
class DumbQueue {
  wishes: { who: number; locks: string[]; held: boolean }[] = []
  readonly pools: readonly DumbPool[]

  constructor(pools: readonly DumbPool[]) {
    this.pools = pools
  }

  ask(who: number, locks: string[]): void {
    if (this.wishes.some((wish) => wish.who === who)) return
    if (this.pools.some((pool) => slotsIn(pool, locks) > pool.most)) return
    this.wishes.push({ who, locks, held: false })
    this.serve()
  }

  leave(who: number): void {
    this.wishes = this.wishes.filter((wish) => wish.who !== who)
    this.serve()
  }

  serve(): void {
    for (const [index, wish] of this.wishes.entries()) {
      const before = this.wishes.filter((other, at) => other !== wish && (other.held || at < index))
      const all = [...before.flatMap((other) => other.locks), ...wish.locks]
      const fits = this.pools.every(
        (pool) => slotsIn(pool, wish.locks) === 0 || slotsIn(pool, all) <= pool.most
      )
      if (fits && !before.some((other) => anyConflict(other.locks, wish.locks))) wish.held = true
    }
  }

  held(who: number): string[] {
    return this.wishes.filter((wish) => wish.who === who && wish.held).flatMap((wish) => wish.locks)
  }
}

const lockNames = fc.constantFrom(
  '*:aim',
  'a:aim',
  'a/b:aim',
  'a/c:aim',
  'd:aim',
  '*:safety',
  'a:safety',
  'a/b:safety',
  'd:safety'
)
const locks = fc
  .uniqueArray(lockNames, { minLength: 1, maxLength: 3 })
  .filter((all) => all.every((one, index) => !anyConflict([one], all.slice(0, index))))
const most = fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined })
/** Slots of the whole fleet for either resource, and below `a` for one. */
const slots = fc.record({ fleet: most, below: most })
type Slots = { readonly fleet: number | undefined; readonly below: number | undefined }

const poolsOf = ({ fleet, below }: Slots): DumbPool[] => [
  ...(fleet === undefined
    ? []
    : ['aim', 'safety'].map((resource) => ({ below: '*', resource, most: fleet }))),
  ...(below === undefined ? [] : [{ below: 'a', resource: 'aim', most: below }])
]

function storyOf({ fleet, below }: Slots): Story {
  const story = new Story([
    ...(fleet === undefined ? [] : [{ lock: '*', slots: fleet }]),
    ...(below === undefined ? [] : [{ lock: 'a:aim', slots: below }])
  ])
  for (const device of DEVICES) story.agent(device)
  return story
}

const who = fc.nat(5)
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), who, locks }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('release' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abandon' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('beat' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(4000) }) }
)

test('the queue grants exactly what a dumb list of wishes would: in order, nobody overtaking', () => {
  propertyOf(
    'queue: model',
    fc.property(slots, fc.array(step, { maxLength: 40, size: 'max' }), (limits, steps) => {
      const story = storyOf(limits)
      const model = new DumbQueue(poolsOf(limits))
      const players = [0, 1, 2, 3, 4, 5].map((index) => story.tool(`p${index}`))
      for (const one of steps) {
        if (one.do === 'pass') {
          story.pass(one.ms)
          continue
        }
        const player = players[one.who] as Player
        const request = [...player.asks.keys()][0]
        if (one.do === 'beat') player.beat()
        else if (one.do === 'ask') {
          const asked = request === undefined ? player.ask(one.locks) : undefined
          if (asked !== undefined && player.refusal(asked) !== undefined) player.asks.delete(asked)
          model.ask(one.who, one.locks)
        } else if (request !== undefined) {
          if (one.do === 'release') player.release(request)
          else {
            player.asks.clear()
            player.beat()
          }
          model.leave(one.who)
        }
        for (const [index, checked] of players.entries())
          assert.deepEqual([...checked.holds].sort(), model.held(index).sort(), `p${index} after ${one.do}`)
      }
    }),
    150
  )
})

const wild = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('ask' as const), who, locks }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('release' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unlock' as const), lock: lockNames }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('die' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('beat' as const), who }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), rebooted: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('raise' as const), by: fc.nat(50), who }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(2 * TTL_MS) }) }
)

test('whatever happens: no two conflicting holds, no more than slots, fences grow with every grant, floors never fall', () => {
  propertyOf(
    'queue: safety',
    fc.property(slots, fc.array(wild, { maxLength: 40, size: 'max' }), (limits, steps) => {
      const story = storyOf(limits)
      const players = [0, 1, 2, 3, 4, 5].map((index) => story.tool(`p${index}`))
      const floors = new Map<string, number>()
      let highest = 0
      let seen = 0
      for (const one of steps) {
        act(story, players, one)
        const held = [...story.fleet.busy.values()].map(({ name }) => name)
        for (const [index, lock] of held.entries())
          assert.ok(!anyConflict([lock], held.slice(0, index)), `${held} after ${one.do}`)
        for (const pool of poolsOf(limits))
          assert.ok(slotsIn(pool, held) <= pool.most, `${held} in ${JSON.stringify(pool)} after ${one.do}`)
        for (const { name, floor, fence, state } of story.fleet.locks.values()) {
          assert.ok(floor >= (floors.get(name) ?? 0), `the floor of ${name} fell after ${one.do}`)
          assert.ok(
            state === 'held' ? floor === fence : floor > fence,
            `floor ${floor}, fence ${fence}, ${state}`
          )
          floors.set(name, floor)
        }
        for (const { entry } of story.since(seen, 'audit')) {
          if (entry.what !== 'granted') continue
          for (const { fence } of entry.detail.locks as { fence: number }[]) {
            assert.ok(fence > highest, `fence ${fence} after ${highest}`)
            highest = fence
          }
        }
        seen = story.effects.length
      }
    }),
    150
  )
})

type Wild = typeof wild extends fc.Arbitrary<infer Step> ? Step : never

function act(story: Story, players: readonly Player[], one: Wild): void {
  if (one.do === 'pass') return story.pass(one.ms)
  if (one.do === 'unlock') return void story.unlock(one.lock)
  if (one.do === 'restart') {
    if (one.rebooted) story.now = 5000
    return story.restart({ rebooted: one.rebooted })
  }
  const player = players[one.who] as Player
  const request = [...player.asks.keys()][0]
  switch (one.do) {
    case 'ask':
      if (request === undefined) player.ask(one.locks)
      return
    case 'release':
      if (request !== undefined) player.release(request)
      return
    case 'die':
      return player.die()
    case 'beat':
      return player.beat()
    case 'raise':
      player.knownFence = story.fleet.meta.fenceHigh + one.by
      return player.beat()
  }
}

test('what is dropped never happened: the state is as it was, to the last field', () => {
  propertyOf(
    'queue: drop',
    fc.property(
      fc.array(wild, { maxLength: 15, size: 'max' }),
      fc.array(wild, { minLength: 1, maxLength: 5 }),
      (kept, dropped) => {
        const story = new Story()
        const players = [0, 1, 2, 3, 4, 5].map((index) => story.tool(`p${index}`))
        for (const one of kept) act(story, players, one)
        const before = stateOf(story)
        story.fleet.keep = () => story.fleet.drop()
        for (const one of dropped) if (one.do !== 'restart' && one.do !== 'pass') act(story, players, one)
        assert.deepEqual(stateOf(story), before)
      }
    ),
    60
  )
})

const stateOf = ({ fleet }: Story): unknown =>
  structuredClone(
    [
      fleet.metas,
      fleet.sessions,
      fleet.locks,
      fleet.grants,
      fleet.pushes,
      fleet.operations,
      fleet.busy,
      fleet.contacts,
      fleet.waiters
    ].map((table) => [...table.values()])
  )
