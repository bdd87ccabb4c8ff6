/** Where tokens got at run time are kept. Refresh tokens that serve once must outlive the process that got them. */
import type { JsonObject } from '../../core/index.ts'

/**
 * Keeps the tokens of one connection. They are secrets: whoever implements this encrypts them. Tokens carry a `version`, a
 * number that grows with each save.
 */
export type TokenStore = {
  load(): Promise<JsonObject | null>
  /**
   * Stores the tokens if what is stored still has the version `previousVersion` (null: nothing is stored); else changes
   * nothing and answers false. One atomic step, or two processes would use the same refresh token.
   */
  save(tokens: JsonObject, previousVersion: number | null): Promise<boolean>
}

/** Keeps tokens as long as the process lives. */
export class MemoryTokens implements TokenStore {
  private held: JsonObject | null = null

  async load(): Promise<JsonObject | null> {
    return this.held
  }

  async save(tokens: JsonObject, previousVersion: number | null): Promise<boolean> {
    if ((this.held?.version ?? null) !== previousVersion) return false
    this.held = tokens
    return true
  }
}
