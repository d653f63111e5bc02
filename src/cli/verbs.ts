import type { Verb } from './verb.ts'

/** Each verb is a file that is loaded when it is called for: help comes at once, and a bundle for devices can leave some out. */
const VERBS: Readonly<Record<string, () => Promise<{ verb: Verb }>>> = {
  serve: () => import('./verbs/serve.ts'),
  agent: () => import('./verbs/agent.ts'),
  demo: () => import('./verbs/demo.ts'),
  locks: () => import('./verbs/locks.ts'),
  status: () => import('./verbs/status.ts'),
  why: () => import('./verbs/why.ts'),
  lock: () => import('./verbs/lock.ts'),
  exec: () => import('./verbs/exec.ts'),
  unlock: () => import('./verbs/unlock.ts'),
  push: () => import('./verbs/push.ts'),
  withdraw: () => import('./verbs/withdraw.ts'),
  board: () => import('./verbs/board.ts'),
  simulate: () => import('./verbs/simulate.ts')
}

export const VERB_NAMES = Object.keys(VERBS)

/** Undefined when there is no such verb. */
export async function loadVerb(name: string): Promise<Verb | undefined> {
  const load = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  return (await load?.())?.verb
}

export async function loadAll(): Promise<readonly Verb[]> {
  return (await Promise.all(Object.values(VERBS).map((load) => load()))).map(({ verb }) => verb)
}
