/** What changed, by stream. */
export class Touched {
  #ids = new Map<number, Set<string>>()

  add(streamId: number, records: { id: string }[]): void {
    const ids = this.#ids.get(streamId) ?? new Set()
    for (const { id } of records) ids.add(id)
    this.#ids.set(streamId, ids)
  }

  /** Gives all, and forgets it. */
  empty(): Map<number, Set<string>> {
    const ids = this.#ids
    this.#ids = new Map()
    return ids
  }
}
