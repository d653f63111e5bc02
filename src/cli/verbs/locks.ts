import { formatDuration } from '../../protocol/duration.ts'
import { EXIT } from '../../protocol/errors.ts'
import type { LockView } from '../answers.ts'
import { clientOptions } from '../common-options.ts'
import { flag } from '../options.ts'
import type { Output } from '../output.ts'
import { renderTable } from '../table.ts'
import { defineVerb } from '../verb.ts'
import { freed, ownerName } from '../words.ts'

export const verb = defineVerb({
  name: 'locks',
  summary: 'List the locks: who holds them, who waits, what stands still',
  usage: '[options]',
  options: { all: flag('free locks too'), ...clientOptions },
  examples: ['locksmith locks', "locksmith locks --json | jq -r '.[].lock'"],
  exits: [EXIT.unreachable],
  positionals: { least: 0, most: 0, what: '' },
  run: async ({ values, context: { out } }) => {
    const { withFleet } = await import('../connect.ts')
    const { readLocks } = await import('../answers.ts')
    const answer = await withFleet('locks', values, (fleet) => fleet.query('locks'))
    const locks = values.all ? answer : withoutFree(answer)
    out.data(locks)
    if (!out.json) show(readLocks(locks), values.all, out)
    return EXIT.fine
  }
})

const withoutFree = (answer: unknown): unknown =>
  Array.isArray(answer) ? answer.filter((lock: Partial<LockView>) => lock.state !== 'free') : answer

function show(locks: readonly LockView[], all: boolean, out: Output): void {
  if (locks.length === 0) return out.print(all ? 'no lock is known' : 'no lock is held')
  const head = ['LOCK', 'STATE', 'OWNER', 'FENCE', 'HELD', 'WAITING', 'STILL', 'FREED BY']
  out.print(
    renderTable(
      head,
      locks.map((lock) => row(lock, out))
    )
  )
}

function row(lock: LockView, { colour }: Output) {
  const taken = lock.state !== 'free'
  const { held, orphaned, free } = { held: colour.yellow, orphaned: colour.red, free: colour.green }
  const { standing, devices } = lock.paused
  return [
    { text: lock.lock, paint: colour.bold },
    { text: lock.state, paint: { held, orphaned, free }[lock.state] },
    taken ? ownerName(lock.owner) : '',
    String(lock.fence),
    taken ? formatDuration(lock.heldMs) : '',
    lock.waiters.map((waiter) => waiter.name).join(','),
    taken ? `${standing}/${devices}` : '',
    freed(lock.freedBy)
  ]
}
