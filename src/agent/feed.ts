/** Tells listeners what comes, in the order of their coming. */
export class Feed<T> {
  readonly #listeners = new Set<(value: T) => void>()

  /** Returns the function that ends it. */
  listen(listener: (value: T) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  tell(value: T): void {
    for (const listener of [...this.#listeners]) listener(value)
  }
}
