import type { Mutant } from './mutant.ts'

/** Mistakes in what survives a start of Locksmith, and in what becomes of a store that has lost something. */
export const mutantsOfStarts: readonly Mutant[] = [
  {
    name: 'marks-set-anew',
    says: 'each start of Locksmith marks its stored locks anew, so that a crash loop keeps a ghost alive',
    breaks: [6],
    world: 'crash-loop',
    within: 20,
    file: 'src/rules/start.ts',
    from: '? ((facts.rebooted ? null : lock.unheard) ?? { since: now, term: fleet.meta.term })',
    to: '? { since: now, term: fleet.meta.term }'
  },
  {
    name: 'marks-skipped',
    says: 'a start of Locksmith marks nothing as unheard',
    breaks: [6],
    world: 'crash-loop',
    within: 20,
    file: 'src/rules/start.ts',
    from: 'putLock(fleet, { ...times, unheard })',
    to: 'putLock(fleet, { ...times, unheard: null })'
  },
  {
    name: 'told-before-it-is-stored',
    says: 'a commit is on the disk a little after its effects are told',
    breaks: [9],
    world: 'power-cut-after-grant',
    within: 20,
    file: 'src/lock-manager/ledger.ts',
    from: 'this.#o.store.commit(changes, links, this.#o.boot)',
    to: 'this.#o.clock.after(20, () => this.#o.store.commit(changes, links, this.#o.boot))'
  },
  {
    name: 'term-not-raised',
    says: 'a start does not raise the term: what an earlier life said looks newer than what this one says',
    breaks: [17, 8],
    world: 'restart-under-an-owner',
    within: 20,
    file: 'src/rules/start.ts',
    from: 'term: Math.max(meta.term, facts.knownTerm) + 1,',
    to: 'term: Math.max(meta.term, facts.knownTerm, 1),'
  },
  {
    name: 'fence-block-not-kept',
    says: 'the bound of a block of fences is written into no file beside the store',
    breaks: [2],
    world: 'file-alone-knows',
    within: 20,
    file: 'src/lock-manager/fence-reserve.ts',
    from: 'this.#o.fenceFile.write(limit)',
    to: 'void limit'
  },
  {
    name: 'retained-unread',
    says: 'a start does not wait for what the broker retains',
    breaks: [2],
    world: 'broker-alone-knows',
    within: 20,
    file: 'src/lock-manager/start-facts.ts',
    from: 'const { status, knownFence, knownTerm } = retained',
    to: 'const { status, knownFence, knownTerm } = { ...retained, status: undefined, knownFence: 0, knownTerm: 0 }'
  },
  {
    name: 'speakers-not-believed',
    says: 'nobody who speaks can prove that the store has lost something',
    breaks: [2, 1],
    world: 'owner-alone-knows',
    within: 20,
    file: 'src/rules/continuity.ts',
    from: 'if (knownFence <= fenceHigh && !laterTerm) return true',
    to: 'return true'
  },
  {
    name: 'no-witness-no-matter',
    says: 'a start does not mind that neither broker nor fence file tells of its earlier lives',
    breaks: [2, 1],
    world: 'owner-alone-knows',
    within: 20,
    file: 'src/rules/start.ts',
    from: 'facts.noWitness === true && meta.term > 0',
    to: 'false'
  },
  {
    name: 'quiet-time-skipped',
    says: 'after a raise of the fences it is granted at once',
    breaks: [1],
    world: 'backup',
    within: 20,
    file: 'src/rules/continuity.ts',
    from: 'quietUntil: now + options.ttlMs',
    to: 'quietUntil: 0'
  },
  {
    name: 'twin-ignored',
    says: 'a Locksmith does not listen to what another one of its fleet says',
    breaks: [21, 1, 2],
    world: 'twin',
    within: 60,
    file: 'src/lock-manager/locksmith.ts',
    from: "if (meaning === 'nothing') return",
    to: 'return'
  }
]
