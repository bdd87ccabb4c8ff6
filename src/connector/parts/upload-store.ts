/** Where started uploads are kept, so that whoever comes after a crash goes on from the last part that arrived. */
import type { JsonObject } from '../../core/index.ts'

/** Keeps the started uploads of one connection. An address to upload to opens doors, so whoever implements this encrypts it. */
export type UploadStore = {
  load(key: string): Promise<JsonObject | null>
  save(key: string, state: JsonObject): Promise<void>
  remove(key: string): Promise<void>
}

/** Keeps started uploads as long as the process lives. */
export class MemoryUploads implements UploadStore {
  private readonly held = new Map<string, JsonObject>()

  async load(key: string): Promise<JsonObject | null> {
    return this.held.get(key) ?? null
  }

  async save(key: string, state: JsonObject): Promise<void> {
    this.held.set(key, state)
  }

  async remove(key: string): Promise<void> {
    this.held.delete(key)
  }
}
