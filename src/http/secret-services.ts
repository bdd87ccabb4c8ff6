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

/** A secret of a connection that the hub keeps for a reference `store:NAME`. Its value is never among this. */
export type StoredSecret = {
  name: string
  /** Fields of the connection that refer to it. */
  fields: string[]
  /** Null where one is wanted and none is kept. */
  storedAt: Date | null
}

export interface StoredSecretServices {
  stored(connection: string): Promise<StoredSecret[]>
  store(connection: string, name: string, value: string, actor: Actor): Promise<StoredSecret>
  forget(connection: string, name: string, actor: Actor): Promise<{ forgotten: boolean }>
}

export interface SecretServices extends StoredSecretServices {
  keys(): Promise<{ from: 'file' | 'setting'; keys: MasterKeyState[] }>
  rotate(actor: Actor): Promise<SecretRotation>
}
