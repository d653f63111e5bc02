/**
 * Values by key, with a layer of changes on top that is either kept or dropped as a whole. Rules write into the layer; the
 * shell persists it and only then keeps it, so that a disk that fails leaves the state as it was.
 */
export class Table<V> {
  readonly #kept = new Map<string, V>()
  readonly #layer = new Map<string, V | undefined>()

  get(key: string): V | undefined {
    return this.#layer.has(key) ? this.#layer.get(key) : this.#kept.get(key)
  }

  put(key: string, value: V): void {
    this.#layer.set(key, value)
  }

  remove(key: string): void {
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
    this.#layer.clear()
  }
}
