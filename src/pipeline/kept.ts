/**
 * Records of which the hub keeps less than all (`used`, `hash`): where what was dropped is needed again, the source is asked
 * for the record once more. What it cannot give fails by name, and is never mapped from a part of the record.
 */
import type { ConnectorSession, SourceRecord } from '../connector/index.ts'
import {
  asCausewayError,
  CausewayError,
  isObject,
  type JsonObject,
  type JsonPaths,
  JsonText,
  keepPaths,
  type SerializedError,
} from '../core/index.ts'
import type { StreamAddress } from '../mapping/index.ts'
import { noteConnectionFailure } from './connection-failure.ts'
import { isConnectionFailure } from './failures.ts'
import { HASHES, hashDelivered, type LogBody, type Ports } from './ports.ts'
import { toCommit, withoutErased } from './pull.ts'
import { waitForPull } from './pull-wait.ts'
import { SOURCE_RETRY_MS, sourceFailure } from './source-failure.ts'
import { callFollowers } from './wake-followers.ts'
import type { Lane, Work } from './work.ts'

/** A record of the log; `missing` says why it has no body that could be mapped. */
export type WholeBody = LogBody & { missing?: SerializedError }

type Wish = {
  streamId: number
  address: StreamAddress
  /** What is read of the records; all of them where it is not known. */
  reads: JsonPaths | undefined
  /** Whether what the source says now may be stored. Without it, a record that changed there is missing here. */
  store: boolean
  /** They are joined to the record that is delivered: what becomes of them makes that record due again. */
  joined?: boolean
  signal: AbortSignal
}

const FETCH_BATCH = 50

/** The rows with what is read of them. Asks the source only for records that lack something of it. */
export async function wholeBodies(ports: Ports, rows: LogBody[], wish: Wish): Promise<WholeBody[]> {
  const lacking = rows.filter((row) => lacks(row, wish.reads))
  if (!lacking.length) return rows
  const whole = new Map<string, WholeBody>()
  for (let at = 0; at < lacking.length; at += FETCH_BATCH)
    for (const row of await askAgain(ports, lacking.slice(at, at + FETCH_BATCH), wish)) whole.set(row.id, row)
  return rows.map((row) => whole.get(row.id) ?? row)
}

/** Whether something was dropped that is read. Whoever was erased has nothing that could be asked for. */
function lacks({ body, dropped, deleted }: LogBody, reads: JsonPaths | undefined): boolean {
  if (dropped === null || deleted) return false
  if (body === null || !reads) return true
  const gone = Object.keys(JSON.parse(dropped) as object)
  const read = reads.map((path) => path.join('.'))
  return gone.some((path) => read.some((other) => other === '' || within(path, other) || within(other, path)))
}

const within = (path: string, other: string): boolean => path === other || path.startsWith(`${other}.`)

async function askAgain(ports: Ports, rows: LogBody[], wish: Wish): Promise<WholeBody[]> {
  const requestedAt = ports.clock.now()
  const answer = await fetchAll(ports, rows, wish)
  if (answer === null) return rows.map((row) => missing(row, 'the source gives no single records'))
  const page = { records: answer.found.filter((record) => !record.deleted) }
  withoutErased(ports, page, {})
  const stream = (await ports.ledger.readStream(wish.streamId))!
  const commit = toCommit({ ...page, rejected: [], requestedAt }, stream, null)
  const fetched = new Map(commit.records.map((record) => [record.id, record]))
  const moved = commit.records.filter((record) => rows.some(({ id, hash }) => id === record.id && hash !== record.hash))
  const stored = wish.store && moved.length ? await storeAgain(ports, { ...commit, records: moved }) : new Map()
  return rows.map((row): WholeBody => {
    const record = fetched.get(row.id)
    const refused = answer.refused.get(row.id)
    if (refused) return missing(row, `the source refuses to give it: ${refused.message}`)
    if (!record) return (wish.store && wish.joined ? awaited : missing)(row, 'the source no longer has it')
    if (record.hash === row.hash) return { ...row, body: record.body.toString() }
    const now = stored.get(row.id)
    if (now && !lacks(now, wish.reads)) return now
    return (wish.store ? awaited : missing)(row, 'it has changed in the source since the hub read it')
  })
}

type Fetched = { found: SourceRecord[]; refused: Map<string, CausewayError> }

/** More ids than this refused one by one mean that the read itself is wrong, not the records. */
const MAX_REFUSED = 5

/**
 * Null where the source cannot be asked for single records. A request that it refuses because of one odd id is cut in halves
 * until that id stands alone; what fails for all of them is a failure of the source, not of the target that waits.
 */
async function fetchAll(ports: Ports, rows: LogBody[], wish: Wish): Promise<Fetched | null> {
  const { address, signal } = wish
  const found: SourceRecord[] = []
  const refused = new Map<string, CausewayError>()
  const ask = async (session: ConnectorSession, ids: string[]): Promise<void> => {
    try {
      found.push(...(await session.fetch({ stream: address.stream, ids, signal })))
    } catch (thrown) {
      const error = asCausewayError(thrown)
      if (!isOfIds(error) || signal.aborted) throw error
      if (ids.length > 1) {
        const middle = Math.ceil(ids.length / 2)
        await ask(session, ids.slice(0, middle))
        await ask(session, ids.slice(middle))
      } else if (refused.set(ids[0]!, error).size > MAX_REFUSED) throw error
    }
  }
  let session: ConnectorSession | undefined
  try {
    session = await ports.session(address.connection)
    await ask(
      session,
      rows.map(({ id }) => id),
    )
    return { found, refused }
  } catch (thrown) {
    const error = asCausewayError(thrown)
    if (error.code === 'CSW-2003') return null
    if (error.causeClass === 'hub' || signal.aborted) throw error
    const connectionId = ports.model().connectionId(address.connection)
    if (wish.store && connectionId !== undefined)
      await noteConnectionFailure(ports, connectionId, error, error.retryAfterMs ?? SOURCE_RETRY_MS, session)
    throw sourceFailure(address.connection, error)
  }
}

const isOfIds = (error: CausewayError): boolean =>
  error.code !== 'CSW-2003' && !isConnectionFailure(error) && error.reaction !== 'retry' && error.causeClass !== 'hub'

/** What the source says now is news for everybody who follows the stream. */
async function storeAgain(ports: Ports, commit: ReturnType<typeof toCommit>): Promise<Map<string, LogBody>> {
  const { changed } = await ports.ledger.commitPage(commit)
  if (changed.length) await callFollowers(ports, commit.streamId, new Set(changed.map(({ id }) => id)))
  const ids = commit.records.map(({ id }) => id)
  return new Map((await ports.ledger.readBodies(commit.streamId, ids)).map((row) => [row.id, row]))
}

const lost = ({ id, altered }: LogBody, why: string): string =>
  `the body of record ${id} ${altered ? 'was altered in the ledger' : 'is not kept here'}, and ${why}`

const missing = (row: LogBody, why: string): WholeBody => ({
  ...row,
  body: null,
  missing: new CausewayError('CSW-5018', { what: lost(row, why) }).toJSON(),
})

/** The next pull brings what the hub needs to know. */
const awaited = (row: LogBody, why: string): WholeBody => ({ ...row, body: null, missing: waitForPull(lost(row, why)) })

/** True when a value is the one that was delivered, which the ledger keeps as a hash only. A value it holds itself is newer. */
export function isDelivered(ports: Ports, { delivered }: Work, field: string, value: unknown): boolean {
  if (!delivered || Object.hasOwn(delivered.value, field)) return false
  const hashes = delivered.value[HASHES]
  if (!isObject(hashes) || !Object.hasOwn(hashes, field)) return false
  return ports.erasures.hashes(field, JSON.stringify(value)).includes((hashes as JsonObject)[field] as string)
}

/** Delivered values as the ledger may keep them. */
export const keptDelivered = (ports: Ports, streamId: number, delivered: JsonText | null): JsonText | null =>
  delivered && ports.model().keeping(streamId) === 'hash' ? hashDelivered(delivered, ports.erasures.hash) : delivered

/** An input as the journal may keep it. */
export function keptInput({ ports, row, sync }: Lane, input: JsonText): JsonText | null {
  const keeping = ports.model().keeping(row.fromStream)
  if (keeping === 'hash') return null
  return keeping === 'full' || !sync.reads
    ? input
    : JsonText.of(keepPaths(input.value, sync.reads.source) as JsonObject)
}
