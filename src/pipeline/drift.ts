/**
 * Drift: a source changes the form of its records. Pulls notice it, name the lines of mappings that read what changed, and do
 * what the syncs ask for (`on_drift`) before a record of the new form is delivered.
 */
import type { ConnectorSession, SourceRecord } from '../connector/index.ts'
import { CausewayError, type JsonObject } from '../core/index.ts'
import { linesReading, type SyncDefinition, type TouchedLine } from '../mapping/index.ts'
import type { Ports, StreamRow, SyncRow } from './ports.ts'
import { compareDeclared, emptyShape, observe, type Shape, type ShapeChange, shows } from './shape.ts'
import type { Lane, Work } from './work.ts'

/** A change with the lines it touches, as the ledger keeps it. */
type Drift = ShapeChange & { touches: (TouchedLine & { sync: string })[] }

/** Of a page so many records are looked at where nobody asked for more; of the first page of a run, more of them. */
const SAMPLE = 20
const FIRST_SAMPLE = 200
/** More changes than this at once are another kind of record. */
const MOST = 100

/**
 * Normally accepting a drift releases what it held. A record that parks while somebody accepts is seen by neither, so the first
 * look of our own comes soon; the later ones find a sync that no longer asks for care.
 */
const FIRST_LOOK_MS = 3_000
const HELD_LOOK_MS = 60 * 60_000

/** Watches the records of one pull. */
export class DriftWatch {
  readonly #ports: Ports
  readonly #stream: StreamRow
  readonly #runId: number
  readonly #shape: Shape
  /** True where a sync does something about drift, so that no record may pass unseen. */
  readonly #closely: boolean
  readonly #learning: boolean
  #looked = false
  #news = false

  private constructor(ports: Ports, stream: StreamRow, runId: number, shape: Shape) {
    this.#ports = ports
    this.#stream = stream
    this.#runId = runId
    this.#shape = shape
    this.#learning = shape.records === 0
    this.#closely = followersOf(ports, stream.id).some(({ definition }) => policyOf(definition) !== 'continue')
  }

  /** Begins with what is known of the stream, and compares what the system declares now with what it declared before. */
  static async begin(
    ports: Ports,
    stream: StreamRow,
    run: { runId: number; session: ConnectorSession; signal: AbortSignal },
  ): Promise<{ watch: DriftWatch; changes: number }> {
    const known = await ports.ledger.readShape(stream.id)
    const shape = known === null ? emptyShape() : (JSON.parse(known) as Shape)
    const watch = new DriftWatch(ports, stream, run.runId, shape)
    const info = await run.session.describe?.({ stream: stream.name, signal: run.signal })
    const schema = info?.readSchema as JsonObject | undefined
    const before = JSON.stringify(shape.declared)
    const changes = schema ? await watch.#report(compareDeclared(shape, schema)) : 0
    watch.#news = JSON.stringify(shape.declared) !== before
    return { watch, changes }
  }

  /** Looks at records before they are stored. Gives how many changes were found. */
  async look(records: readonly SourceRecord[]): Promise<number> {
    const live = records.filter((record) => !record.deleted)
    const most = this.#closely ? live.length : this.#looked ? SAMPLE : FIRST_SAMPLE
    this.#looked ||= live.length > 0
    const step = Math.max(1, Math.ceil(live.length / most))
    const changes: ShapeChange[] = []
    for (let at = 0; at < live.length; at += step)
      changes.push(
        ...observe(this.#shape, live[at]!.body, {
          id: live[at]!.id,
          pull: this.#runId,
          learning: this.#learning,
          closely: this.#closely,
        }),
      )
    return this.#report(changes)
  }

  async save(): Promise<void> {
    if (this.#looked || this.#news) await this.#ports.ledger.saveShape(this.#stream.id, JSON.stringify(this.#shape))
  }

  async #report(changes: ShapeChange[]): Promise<number> {
    if (!changes.length) return 0
    const { ledger, log } = this.#ports
    const followers = followersOf(this.#ports, this.#stream.id)
    const drifts = merged(changes)
      .slice(0, MOST)
      .map((change): Drift => ({ ...change, touches: touchedBy(followers, change) }))
    // What is only new breaks no line that was written before it came.
    const touching = drifts.filter(({ kind, touches }) => kind !== 'new' && touches.length)
    const id = await ledger.addDrift({
      streamId: this.#stream.id,
      runId: this.#runId,
      changes: JSON.stringify(drifts),
      open: touching.length > 0,
      shape: JSON.stringify(this.#shape),
    })
    const names = new Set(touching.flatMap(({ touches }) => touches.map(({ sync }) => sync)))
    for (const { row, definition } of followers)
      if (names.has(definition.name) && policyOf(definition) === 'pause') await ledger.pauseForDrift(row.id, id)
    const fields = drifts.map(({ kind, field }) => `${field} (${kind})`).slice(0, 10)
    const { connection, name: stream } = this.#stream
    log.warn(
      { code: 'CSW-5019', connection, stream, drift: id, fields, syncs: [...names] },
      'records have another form',
    )
    return drifts.length
  }
}

type Follower = { row: SyncRow; definition: SyncDefinition; joins: (string | null)[] }

/** Syncs that read a stream, with the joins by which they do; null is their source. */
const followersOf = (ports: Ports, streamId: number): Follower[] =>
  ports
    .model()
    .followers(streamId)
    .map(({ row, definition }) => ({
      row,
      definition,
      joins: [
        ...(row.fromStream === streamId ? [null] : []),
        ...definition.joins.flatMap((join) => (ports.model().streamId(join.from) === streamId ? [join.name] : [])),
      ],
    }))

const policyOf = (definition: SyncDefinition) => definition.onDrift ?? 'continue'

function touchedBy(followers: Follower[], { field }: ShapeChange): Drift['touches'] {
  return followers.flatMap(({ definition, joins }) =>
    joins.flatMap((join) => linesReading(definition, field, join).map((line) => ({ sync: definition.name, ...line }))),
  )
}

/** One entry per field and kind. */
function merged(changes: ShapeChange[]): ShapeChange[] {
  const found = new Map<string, ShapeChange>()
  for (const change of changes) {
    const key = `${change.kind} ${change.field}`
    const before = found.get(key)
    found.set(key, before ? { ...before, after: [...new Set([...before.after, ...change.after])] } : change)
  }
  return [...found.values()]
}

/** Holds records that show a change of form that a line of this mapping reads, where the sync asks for that. */
export async function holdDrifted(lane: Lane, works: Work[]): Promise<void> {
  if (policyOf(lane.sync) !== 'hold') return
  const open = await lane.ports.ledger.readOpenDrifts(lane.row.fromStream)
  if (!open.length) return
  const changes = open
    .flatMap((text) => JSON.parse(text) as Drift[])
    .filter(({ kind, touches }) => kind !== 'new' && touches.some(({ sync }) => sync === lane.sync.name))
  for (const work of works) {
    const { record } = work
    if (!record.body || record.deleted || work.takenBack) continue
    const shown = changes.find((change) => shows(record.body!.value, change))
    if (!shown) continue
    work.operation = null
    const what = `the field ${shown.field} of its source ${shown.kind === 'vanished' ? 'is gone' : `has another type (${shown.after.join(', ')})`}`
    work.settlement = {
      state: 'parked',
      error: new CausewayError('CSW-5019', { what }).toJSON(),
      // On the full hour, so that all that is held comes in one run.
      retryInMs:
        work.existing?.state === 'parked'
          ? HELD_LOOK_MS - (lane.ports.clock.now().getTime() % HELD_LOOK_MS)
          : FIRST_LOOK_MS,
    }
  }
}
