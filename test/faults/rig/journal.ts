import { type FileHandle, open } from 'node:fs/promises'

export type Effect = {
  n: number
  at: number
  operation: 'create' | 'update'
  id: string
  externalId: string
  /** Version of the source record that the write carried. */
  rev: number
}

/** What really happened in the target: each effect is on disk before anybody is told of it. Writers that meet share a sync. */
export class Journal {
  readonly effects: Effect[] = []
  readonly #file: FileHandle
  #unwritten: string[] = []
  #syncing: Promise<void> | undefined

  private constructor(file: FileHandle) {
    this.#file = file
  }

  static async open(path: string): Promise<Journal> {
    return new Journal(await open(path, 'a'))
  }

  /** Notes an effect; `synced` tells when it is on disk. */
  note(effect: Omit<Effect, 'n' | 'at'>): void {
    const entry = { ...effect, n: this.effects.length, at: Date.now() }
    this.effects.push(entry)
    this.#unwritten.push(JSON.stringify(entry))
  }

  async synced(): Promise<void> {
    while (this.#unwritten.length || this.#syncing) {
      this.#syncing ??= this.#sync().finally(() => {
        this.#syncing = undefined
      })
      await this.#syncing
    }
  }

  async #sync(): Promise<void> {
    const lines = this.#unwritten.splice(0)
    await this.#file.appendFile(`${lines.join('\n')}\n`)
    await this.#file.datasync()
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
