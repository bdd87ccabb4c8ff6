import { CausewayError, nearestName, newId } from '../core/index.ts'
import type { SyncDefinition } from '../mapping/index.ts'
import type { HubModel, Ports, SyncRow } from './ports.ts'

/**
 * Asks for a sync to run now: a pull of its source (of both sides where it goes both ways) and of the streams it joins; the push follows by itself. Gives the request
 * id under which its runs are recorded. A connection that waits for authorisation gets another try, because a person asked.
 */
export async function requestSync(
  ports: Ports,
  name: string,
  options: { full: boolean; byHand: boolean; requestId?: string },
): Promise<string> {
  const sync = ports.model().syncByName(name)
  if (!sync) {
    const near = nearestName(
      name,
      ports
        .model()
        .syncs()
        .map(({ row }) => row.name),
    )
    throw new CausewayError('CSW-1007', {
      what: `there is no sync "${name}"`,
      ...(near ? { fix: `Did you mean "${near}"?` } : {}),
    })
  }
  const requestId = options.requestId ?? newId()
  const streams = [...new Set([...readBy(ports.model(), sync), ...(sync.definition.twoWay ? [sync.row.toStream] : [])])]
  const held = heldAgainst(ports.model(), sync).filter((id) => !streams.includes(id))
  if (options.byHand) await ports.ledger.endPushWait([sync.row.id])
  if (options.byHand) await reactivate(ports, [sync.definition.from.connection, sync.definition.to.connection])
  await ports.ledger.requestPull(streams, options.full ? 'full' : 'incremental', requestId)
  if (held.length) await ports.ledger.requestPull(held, 'incremental', requestId)
  await ports.queue.wakeMany('pull', [...streams, ...held].map(String))
  return requestId
}

type KnownSync = { row: SyncRow; definition: SyncDefinition }

/** The streams a sync must read: its source, those it joins, and the target where its records are held against the source's. */
export const streamsOf = (model: HubModel, sync: KnownSync): number[] => [
  ...readBy(model, sync),
  ...heldAgainst(model, sync),
]

/** The target of a sync between two streams of one entity. */
const heldAgainst = (model: HubModel, { row }: KnownSync): number[] =>
  model.entities?.some(({ streams }) => streams.includes(row.fromStream) && streams.includes(row.toStream))
    ? [row.toStream]
    : []

const readBy = (model: HubModel, sync: KnownSync): number[] => [
  sync.row.fromStream,
  ...sync.definition.joins.flatMap((join) => model.streamId(join.from) ?? []),
]

async function reactivate(ports: Ports, connections: string[]): Promise<void> {
  for (const name of connections) {
    const id = ports.model().connectionId(name)
    const row = id === undefined ? undefined : await ports.ledger.readConnection(id)
    if (row?.state === 'needs_authorisation') await ports.ledger.setConnectionState(row.id, 'active', null)
    else if (row?.waitUntil) await ports.ledger.setWait(row.id, null, null)
  }
}
