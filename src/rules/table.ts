/** By name: the keys under which a value is found, none or many. */
export type Indexes<V, Name extends string> = Readonly<Record<Name, (value: V) => readonly string[]>>

/**
 * Values by key, with a layer of changes on top that is either kept or dropped as a whole. Rules write into the layer; the
 * shell persists it and only then keeps it, so that a disk that fails leaves the state as it was. Indexes follow the layer.
 */
export class Table<V, Name extends string = never> {
  readonly #kept = new Map<string, V>()
  readonly #layer = new Map<string, V | undefined>()
  readonly #indexes: readonly [Name, (value: V) => readonly string[]][]
  readonly #found = new Map<Name, Map<string, Set<string>>>()

  constructor(indexes?: Indexes<V, Name>) {
    this.#indexes = Object.entries(indexes ?? {}) as [Name, (value: V) => readonly string[]][]
    for (const [name] of this.#indexes) this.#found.set(name, new Map())
  }

  get(key: string): V | undefined {
    return this.#layer.has(key) ? this.#layer.get(key) : this.#kept.get(key)
  }

  put(key: string, value: V): void {
    this.#move(key, this.get(key), value)
    this.#layer.set(key, value)
  }

  remove(key: string): void {
    this.#move(key, this.get(key), undefined)
    this.#layer.set(key, undefined)
  }

  *values(): Generator<V> {
    for (const [key, value] of this.#kept) {
      if (!this.#layer.has(key)) yield value
      else {
        const changed = this.#layer.get(key)
        if (changed !== undefined) yield changed
      }
    }
    for (const [key, value] of this.#layer) {
      if (value !== undefined && !this.#kept.has(key)) yield value
    }
  }

  /** The values that are found under this key of an index. */
  where(index: Name, key: string): V[] {
    const keys = this.#found.get(index)?.get(key)
    return keys === undefined ? [] : [...keys].map((each) => this.get(each) as V)
  }

  /** What would be kept: a value of undefined means that the key goes. */
  changes(): ReadonlyMap<string, V | undefined> {
    return this.#layer
  }

  keep(): void {
    for (const [key, value] of this.#layer) {
      if (value === undefined) this.#kept.delete(key)
      else this.#kept.set(key, value)
    }
    this.#layer.clear()
  }

  drop(): void {
    for (const [key, value] of this.#layer) this.#move(key, value, this.#kept.get(key))
    this.#layer.clear()
  }

  #move(key: string, before: V | undefined, after: V | undefined): void {
    for (const [name, keysOf] of this.#indexes) {
      const found = this.#found.get(name) as Map<string, Set<string>>
      for (const old of before === undefined ? [] : keysOf(before)) {
        const keys = found.get(old)
        keys?.delete(key)
        if (keys?.size === 0) found.delete(old)
      }
      for (const each of after === undefined ? [] : keysOf(after)) {
        const keys = found.get(each)
        if (keys === undefined) found.set(each, new Set([key]))
        else keys.add(key)
      }
    }
  }
}
