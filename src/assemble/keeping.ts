/** Streams that are not kept in full: what the hub file may say about them, and the sweep that shrinks what was delivered. */
import type { HubConfig } from '../config/index.ts'
import type { Catalogue } from '../connector/index.ts'
import { type Finding, nearestName } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import type { Ports } from '../pipeline/index.ts'
import type { Sweep } from '../queue/index.ts'
import { type Store, shrinkRecords } from '../store/index.ts'
import type { Erasures } from './erasures.ts'
import { keepingOf, pathsReadOf } from './model.ts'

const EVERY_MS = 30_000
/** After so long everything is looked through again: what waited for a person the first time is over by then. */
const AGAIN_MS = 60 * 60_000

/** Shrinks records that every sync has delivered. */
export function keepingSweep(parts: { pool: Store['pool']; ports: Ports; erasures: Erasures }): Sweep {
  const { pool, ports, erasures } = parts
  let reached = new Map<number, Map<number, number>>()
  let since = 0
  return {
    name: 'keeping',
    everyMs: EVERY_MS,
    run: async () => {
      const now = ports.clock.monotonic()
      if (now - since > AGAIN_MS) {
        reached = new Map()
        since = now
      }
      for (const stream of (await ports.ledger.readRegistry()).streams) {
        if (stream.keeping === 'full') continue
        await erasures.prepare()
        const slices = reached.get(stream.id) ?? new Map<number, number>()
        reached.set(stream.id, slices)
        const followers = ports
          .model()
          .followers(stream.id)
          .map(({ row }) => row.id)
        const shrunk = await shrinkRecords(pool, { stream, followers, reached: slices, hash: erasures.hash })
        if (shrunk) ports.log.info({ connection: stream.connection, stream: stream.name, shrunk }, 'records shrunk')
      }
    },
  }
}

/** What `keep` asks for must be possible. */
export function checkKeeping(config: HubConfig, catalogue: Catalogue, syncs: readonly SyncDefinition[]): Finding[] {
  const findings: Finding[] = []
  for (const connection of config.connections.values()) {
    const connector = catalogue.has(connection.connector) ? catalogue.get(connection.connector) : null
    const known = connector && [...connector.streams.keys()]
    const streams = new Set(syncs.flatMap((sync) => addressesOf(sync, connection.name)))
    for (const stream of Object.keys(connection.keep)) {
      const place = connection.placeOf(['keep', stream])
      if (known && stream !== '*' && !known.includes(stream)) {
        const near = nearestName(stream, known)
        const message = `connections.${connection.name}.keep: connector ${connection.connector} has no stream "${stream}"`
        const fix = near ? `Did you mean "${near}"?` : `Known: ${known.join(', ')}.`
        findings.push({ severity: 'error', code: 'CSW-2002', message, fix, place })
      }
    }
    for (const stream of streams) {
      const keeping = keepingOf(connection.keep, stream)
      const address = { connection: connection.name, stream }
      const place = connection.placeOf(['keep', Object.hasOwn(connection.keep, stream) ? stream : '*'])
      const joining = syncs.find(({ joins }) =>
        joins.some(({ from }) => from.connection === connection.name && from.stream === stream),
      )
      if (keeping === 'hash' && joining)
        findings.push({
          severity: 'error',
          code: 'CSW-1009',
          message: `${stream} of ${connection.name} cannot be kept as hash, because ${joining.name} joins its records`,
          fix: 'Keep it as `used`, which leaves the fields that mappings read.',
          place,
        })
      const twoWay = syncs.find((sync) => sync.twoWay && addressesOf(sync, connection.name).includes(stream))
      if (keeping === 'hash' && twoWay)
        findings.push({
          severity: 'error',
          code: 'CSW-1009',
          message: `${stream} of ${connection.name} cannot be kept as hash, because ${twoWay.name} goes both ways: which side changed a field is seen from values`,
          fix: 'Keep it in full.',
          place,
        })
      if (keeping !== 'full' && connector?.streams.get(stream)?.abilities.byId === false)
        findings.push({
          severity: 'warning',
          code: 'CSW-1009',
          message: `${stream} of ${connection.name} is kept as ${keeping}, but the connector reads no single records of it: what is needed again later becomes a dead letter (CSW-5018)`,
          fix: 'Add `fetch` to the stream in the connector, keep the stream in full, or read it in full when such letters come (`causeway run SYNC --full`).',
          place,
        })
      if (keeping === 'used' && pathsReadOf(address, syncs).some((path) => path.length === 0))
        findings.push({
          severity: 'warning',
          code: 'CSW-1009',
          message: `${stream} of ${connection.name} is kept as used, but a mapping reads whole records, so all of it stays`,
          fix: 'Name the fields in the mapping (instead of `$`, `*`, `**` or `%`), or keep it as `hash`.',
          place,
        })
    }
  }
  return findings
}

function addressesOf(sync: SyncDefinition, connection: string): string[] {
  return [sync.from, sync.to, ...sync.joins.map(({ from }) => from)]
    .filter((address) => address.connection === connection)
    .map(({ stream }) => stream)
}
