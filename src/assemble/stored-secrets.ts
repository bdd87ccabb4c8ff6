/** Secrets that a person gives the hub to keep, for references `store:NAME`. They go in, and come out for those who refer to them only. */
import { type HubConfig, type SecretReference, secretOfRoute } from '../config/index.ts'
import type { StoredSecret, StoredSecretServices } from '../http/index.ts'
import type { SecretStore } from '../store/index.ts'
import type { Recorded } from './recorded.ts'

/** Apart from what the hub keeps itself under the name of a connection: tokens, secrets of webhooks. */
const OWN = 'own:'

/** Reads the secret behind `store:NAME`; null where nobody stored one. */
export const readStored = async (secrets: SecretStore, holder: string, name: string): Promise<string | null> =>
  (await secrets.get({ connection: holder, field: OWN + name })) ?? null

/** Whose secrets the hub can keep, as the files have them: connections by name, alert routes as `alerts.NAME`. */
export function secretHolders({
  connections,
  alerts,
}: Pick<HubConfig, 'connections' | 'alerts'>): Map<string, SecretReference[]> {
  const ofConnections = [...connections.values()].map(({ name, secrets, tls }): [string, SecretReference[]] => [
    name,
    [...Object.values(secrets), ...(tls.key ? [tls.key] : [])],
  ])
  const ofRoutes = alerts.flatMap((route): [string, SecretReference[]][] => {
    const secret = secretOfRoute(route)
    return secret ? [[secret.connection, [secret]]] : []
  })
  return new Map([...ofConnections, ...ofRoutes])
}

type Parts = {
  secrets: SecretStore
  holders(): ReturnType<typeof secretHolders>
  recorded: Recorded
}

export function storedSecrets({ secrets, holders, recorded }: Parts): StoredSecretServices {
  const list = async (holder: string): Promise<StoredSecret[]> =>
    merged(holder, holders().get(holder) ?? [], await secrets.list(holder))
  return {
    stored: list,
    async allStored() {
      const kept = Map.groupBy(await secrets.listAll(OWN), ({ connection }) => connection)
      const known = holders()
      // What is kept for a connection that the files have no more can still be forgotten.
      const names = [...new Set([...known.keys(), ...kept.keys()])].sort()
      return {
        holders: [...known.keys()].sort(),
        items: names.flatMap((name) => merged(name, known.get(name) ?? [], kept.get(name) ?? [])),
      }
    },
    holdsSecrets: (holder) => holders().has(holder),
    async store(holder, name, value, actor) {
      await recorded(actor, async (session, note) => {
        await secrets.put({ connection: holder, field: OWN + name }, value, session)
        note('secret.store', subjectOf(holder), { name })
      })
      return (await list(holder)).find((one) => one.name === name)!
    },
    async forget(holder, name, actor) {
      return recorded(actor, async (session, note) => {
        const forgotten = await secrets.remove({ connection: holder, field: OWN + name }, session)
        if (forgotten) note('secret.forget', subjectOf(holder), { name })
        return { forgotten }
      })
    },
  }
}

const ROUTE = 'alerts.'
const subjectOf = (holder: string): string =>
  holder.startsWith(ROUTE) ? `alert_route:${holder.slice(ROUTE.length)}` : `connection:${holder}`

/** What is kept and what is asked for, by name. */
function merged(
  holder: string,
  references: readonly SecretReference[],
  rows: readonly { field: string; updatedAt: Date }[],
): StoredSecret[] {
  const own = rows.filter(({ field }) => field.startsWith(OWN))
  const kept = new Map(own.map(({ field, updatedAt }) => [field.slice(OWN.length), updatedAt]))
  const wanted = Map.groupBy(
    references.filter(({ kind }) => kind === 'store'),
    ({ name }) => name,
  )
  return [...new Set([...wanted.keys(), ...kept.keys()])].sort().map((name) => ({
    holder,
    name,
    fields: (wanted.get(name) ?? []).map(({ field }) => field),
    storedAt: kept.get(name) ?? null,
  }))
}
