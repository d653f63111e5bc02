import type { TestContext } from 'node:test'

/** What test support needs of a test, for a benchmark: a place to leave what has to be ended. */
export class Scope {
  readonly #endings: (() => unknown)[] = []

  /** The face of a test, as far as support code uses it. */
  get context(): TestContext {
    return {
      after: (end: () => unknown) => void this.#endings.push(end),
      signal: new AbortController().signal
    } as unknown as TestContext
  }

  later(end: () => unknown): void {
    this.#endings.push(end)
  }

  async end(): Promise<void> {
    for (const end of this.#endings.reverse()) await end()
  }
}

export async function withScope<T>(work: (scope: Scope) => Promise<T>): Promise<T> {
  const scope = new Scope()
  try {
    return await work(scope)
  } finally {
    await scope.end()
  }
}
