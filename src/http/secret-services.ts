import type { Actor } from './actor.ts'

/** Keys are named by a digest that tells nothing about them. */
type MasterKeyState = { id: string; current: boolean; present: boolean; secrets: number }

type SecretRotation = {
  from: 'file' | 'setting'
  /** The key that seals everything now. */
  key: string
  /** Those that nothing is sealed with any more. */
  former: string[]
  resealed: number
  added: boolean
}

export interface SecretServices {
  keys(): Promise<{ from: 'file' | 'setting'; keys: MasterKeyState[] }>
  rotate(actor: Actor): Promise<SecretRotation>
}
