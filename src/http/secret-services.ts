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

/** A secret that the hub keeps for a reference `store:NAME`. Its value is never among this. */
export type StoredSecret = {
  /** A connection by its name, an alert route as `alerts.NAME`. */
  holder: string
  name: string
  /** Fields of the holder that refer to it. */
  fields: string[]
  /** Null where one is wanted and none is kept. */
  storedAt: Date | null
}

export interface StoredSecretServices {
  stored(holder: string): Promise<StoredSecret[]>
  /** Of all; `holders` are those that the files have. */
  allStored(): Promise<{ holders: string[]; items: StoredSecret[] }>
  /** True for what the files have. */
  holdsSecrets(holder: string): boolean
  store(holder: string, name: string, value: string, actor: Actor): Promise<StoredSecret>
  forget(holder: string, name: string, actor: Actor): Promise<{ forgotten: boolean }>
}

export interface SecretServices extends StoredSecretServices {
  keys(): Promise<{ from: 'file' | 'setting'; keys: MasterKeyState[] }>
  rotate(actor: Actor): Promise<SecretRotation>
}
