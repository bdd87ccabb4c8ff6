/** Secrets that a person gives the hub to keep, for references `store:NAME` of connections. They go in, and come out for connections only. */
import type { HubConfig } from '../config/index.ts'
import type { Actor, StoredSecret, StoredSecretServices } from '../http/index.ts'
import type { SecretStore } from '../store/index.ts'

/** Apart from what the hub keeps itself under the name of a connection: tokens, secrets of webhooks. */
const OWN = 'own:'

/** Reads the secret behind `store:NAME`; null where nobody stored one. */
export const readStored = async (secrets: SecretStore, connection: string, name: string): Promise<string | null> =>
  (await secrets.get({ connection, field: OWN + name })) ?? null

type Parts = {
  secrets: SecretStore
  connections(): Pick<HubConfig, 'connections'>['connections']
  audit(actor: Actor, action: string, subject: string, detail?: Record<string, unknown>): Promise<void>
}

export function storedSecrets({ secrets, connections, audit }: Parts): StoredSecretServices {
  const list = async (connection: string): Promise<StoredSecret[]> => {
    const kept = new Map(
      (await secrets.list(connection))
        .filter(({ field }) => field.startsWith(OWN))
        .map(({ field, updatedAt }) => [field.slice(OWN.length), updatedAt] as const),
    )
    const wanted = wantedBy(connections().get(connection)?.secrets ?? {})
    return [...new Set([...wanted.keys(), ...kept.keys()])].sort().map((name) => ({
      name,
      fields: wanted.get(name) ?? [],
      storedAt: kept.get(name) ?? null,
    }))
  }
  return {
    stored: list,
    async store(connection, name, value, actor) {
      await secrets.put({ connection, field: OWN + name }, value)
      await audit(actor, 'secret.store', `connection:${connection}`, { name })
      return (await list(connection)).find((one) => one.name === name)!
    },
    async forget(connection, name, actor) {
      const forgotten = await secrets.remove({ connection, field: OWN + name })
      if (forgotten) await audit(actor, 'secret.forget', `connection:${connection}`, { name })
      return { forgotten }
    },
  }
}

/** Name → fields of the connection that refer to it. */
function wantedBy(references: Readonly<Record<string, { kind: string; name: string }>>): Map<string, string[]> {
  const wanted = new Map<string, string[]>()
  for (const [field, { kind, name }] of Object.entries(references))
    if (kind === 'store') wanted.set(name, [...(wanted.get(name) ?? []), field])
  return wanted
}
