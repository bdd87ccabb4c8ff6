/** Two connections that lead to one installation, and are two targets to the hub. */
import type { ConnectionConfig, HubConfig } from '../config/index.ts'
import type { Finding } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'

/**
 * Warns where syncs create records of one kind through two connections that say the same of where their system is. Whether a write is under
 * way is known by connection: two creates of the same record would not see each other.
 */
export function checkInstallations({ connections }: HubConfig, syncs: readonly SyncDefinition[]): Finding[] {
  const findings: Finding[] = []
  const creators = Map.groupBy(
    syncs.filter(({ mode }) => mode !== 'update-only'),
    ({ to }) => to.stream,
  )
  for (const [stream, creating] of creators) {
    const names = [...new Set(creating.map(({ to }) => to.connection))]
    const targets = names.flatMap((name) => connections.get(name) ?? [])
    for (const [i, connection] of targets.entries()) {
      const other = targets.slice(0, i).find((one) => mayBeOne(one, connection))
      if (!other) continue
      const by = (of: ConnectionConfig): string => creating.find(({ to }) => to.connection === of.name)!.name
      findings.push({
        severity: 'warning',
        code: 'CSW-1012',
        message: `${other.name} and ${connection.name} seem to be one installation, and both ${by(other)} and ${by(connection)} create ${stream} there: a record that both see at once may be created twice`,
        fix: `Let both syncs use one connection. If these are two installations after all, nothing needs to be done.`,
        place: connection.placeOf([]),
      })
    }
  }
  return findings
}

/** Without settings only the credentials tell accounts apart. */
const mayBeOne = (one: ConnectionConfig, other: ConnectionConfig): boolean =>
  one.connector === other.connector &&
  sorted(one.settings) === sorted(other.settings) &&
  (Object.keys(one.settings).length > 0 || secretsOf(one) === secretsOf(other))

const secretsOf = ({ secrets }: ConnectionConfig): string =>
  sorted(Object.fromEntries(Object.entries(secrets).map(([field, { kind, name }]) => [field, `${kind}:${name}`])))

const sorted = (values: object): string => JSON.stringify(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)))
