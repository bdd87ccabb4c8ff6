/**
 * Records that were moved. Where ids are places (paths of a WebDAV server), a moved record shows as one that is gone and one that
 * is new; what it kept (`moved_by`) tells that they are one. Known before the page is committed, because a push follows at once.
 */
import type { ConnectorSession, SourceRecord } from '../connector/index.ts'
import { digest, JsonText } from '../core/index.ts'
import { lookAgain } from './delete-proof.ts'
import { type IncomingRecord, isMark, MOVED_FIELD, type PageCommit, type Ports, type StreamRow } from './ports.ts'

const NOTHING = JsonText.of({})

/** What a record keeps when it is moved, among its keys. */
export const markOf = ({ movedBy }: SourceRecord): IncomingRecord['keys'] =>
  movedBy === undefined ? [] : [{ field: MOVED_FIELD, value: digest(movedBy) }]

/**
 * Adds to a page what its new records were before, where exactly one known record has the same mark and a look by id, after the
 * new place was read, does not find it any more. Gives how many were moved.
 */
export async function followMoves(
  ports: Ports,
  stream: StreamRow,
  session: ConnectorSession,
  commit: PageCommit,
  signal: AbortSignal,
): Promise<number> {
  const marks = commit.records.flatMap(({ id, keys }) => keys.filter(isMark).map(({ value }) => ({ id, value })))
  if (!marks.length) return 0
  const here = new Set(commit.records.map(({ id }) => id))
  const claims = Map.groupBy(await ports.ledger.findMoved(stream.id, marks), ({ former }) => former)
  // Two copies of one record: the first of them stands for it, and the others are new.
  const maybe = [...claims.values()].map(([first]) => first!).filter(({ former }) => !here.has(former))
  if (!maybe.length) return 0
  const requestedAt = ports.clock.now()
  const formers = maybe.map(({ former }) => former)
  const alive = await lookAgain(stream, session, { signal }, formers)
  if (!alive) return 0
  const standing = new Set(alive.map(({ id }) => id))
  commit.moves = maybe.filter(({ former }) => !standing.has(former))
  commit.records.push(...commit.moves.map(({ former }) => tombstone(former, requestedAt)))
  return commit.moves.length
}

const tombstone = (id: string, requestedAt: Date): IncomingRecord => ({
  ...{ id, version: null, hash: digest('{}'), body: NOTHING, content: null },
  ...{ deleted: true, keys: [], aliases: [], requestedAt },
})
