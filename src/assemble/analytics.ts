/** Tables and files that follow streams: which streams an entry of the hub file means, and the work that keeps them up. */
import { resolve } from 'node:path'
import type { AnalyticsConfig } from '../config/index.ts'
import { asCausewayError, CausewayError, type Finding, isObject, type Logger, nearestName } from '../core/index.ts'
import type { StreamAddress } from '../mapping/index.ts'
import type { HubModel } from '../pipeline/index.ts'
import type { Sweep } from '../queue/index.ts'
import {
  claimFiles,
  columnsOf,
  dropUnkept,
  ensureLinks,
  ensureTable,
  followStream,
  noteFiles,
  noteTableError,
  plainName,
  readablesOf,
  type Store,
  type TableSpec,
  whileWriting,
} from '../store/index.ts'
import { writeFiles } from './analytics-files.ts'
import type { HubFiles } from './hub-files.ts'
import { keepingOf, toShape } from './model.ts'

const EVERY_MS = 5_000

type Read = Pick<HubFiles, 'config' | 'syncs' | 'entities'>

const nameOf = ({ connection, stream }: StreamAddress): string => `${connection}:${stream}`

/** All streams that syncs and entities touch, which are those that the hub reads. */
const addressesOf = ({ config, syncs, entities }: Read): StreamAddress[] =>
  toShape(config.connections.values(), syncs, entities).streams.map(({ connection, name }) => ({
    connection,
    stream: name,
  }))

const means = (pattern: string, address: StreamAddress): boolean =>
  pattern === '*' || pattern === `${address.connection}:*` || pattern === nameOf(address)

/** A star leaves out what must not lie around in full; a name that says otherwise is an error. */
function followed(target: AnalyticsConfig, files: Read): StreamAddress[] {
  return addressesOf(files).filter(
    (address) => target.streams.some((pattern) => means(pattern, address)) && isKeptInFull(files, address),
  )
}

const isKeptInFull = ({ config }: Read, { connection, stream }: StreamAddress): boolean =>
  keepingOf(config.connections.get(connection)?.keep, stream) === 'full'

/** Each writes its own folder: what lies there under the name of a table is replaced. */
function sharedFolders({ config }: Read): Finding[] {
  const folderOf = ({ files }: AnalyticsConfig): string | undefined =>
    files ? resolve(config.folder, files.folder) : undefined
  return config.analytics.flatMap((target, index): Finding[] => {
    const folder = folderOf(target)
    const twin = folder && config.analytics.slice(0, index).find((other) => folderOf(other) === folder)
    if (!twin) return []
    const message = `analytics.${target.name}.files: the folder is that of ${twin.name} already`
    const place = target.placeOf(['files', 'folder'])
    return [{ severity: 'error', code: 'CSW-1005', message, fix: 'Give each a folder of its own.', place }]
  })
}

/** What the entries of `analytics:` name must be there, and be kept in full. */
export function checkAnalytics(files: Read): Finding[] {
  const known = addressesOf(files)
  return [...sharedFolders(files), ...unknownStreams(files, known)]
}

function unknownStreams(files: Read, known: readonly StreamAddress[]): Finding[] {
  return files.config.analytics.flatMap((target) =>
    (['streams', 'history'] as const).flatMap((key) =>
      target[key].flatMap((pattern, index): Finding[] => {
        const place = target.placeOf([key, index])
        const error = (code: 'CSW-1007' | 'CSW-1009', message: string, fix: string): Finding[] => [
          { severity: 'error', code, message: `analytics.${target.name}.${key}: ${message}`, fix, place },
        ]
        const hits = known.filter((address) => means(pattern, address))
        if (!hits.length && pattern !== '*') {
          const near = nearestName(pattern, known.map(nameOf))
          const fix = near ? `Did you mean "${near}"?` : 'Name one that a sync or an entity uses: those are read.'
          return error('CSW-1007', `the hub reads no stream "${pattern}"`, fix)
        }
        const single = hits.length === 1 && nameOf(hits[0]!) === pattern ? hits[0]! : undefined
        if (single && !isKeptInFull(files, single))
          return error('CSW-1009', `${pattern} is not kept in full`, 'Keep it in full, or take it off this list.')
        return []
      }),
    ),
  )
}

/** The tables of a target, with the columns that their streams have now. */
function specsOf(target: AnalyticsConfig, files: HubFiles, model: HubModel): TableSpec[] {
  const taken = new Set<string>(['links'])
  return followed(target, files).flatMap((address) => {
    const streamId = model.streamId(address)
    if (streamId === undefined) return []
    const name = tableName(address, taken)
    taken.add(name)
    const connector = files.config.connections.get(address.connection)?.connector
    const stream =
      connector !== undefined && files.catalogue.has(connector)
        ? files.catalogue.get(connector).streams.get(address.stream)
        : undefined
    const schema = isObject(stream?.readSchema) ? stream.readSchema : undefined
    const history = target.history.some((pattern) => means(pattern, address))
    return [{ target: target.name, schema: target.schema, name, streamId, columns: columnsOf(schema), history }]
  })
}

/** `crm_contacts`; numbered where two streams would have the same name, or another table's past. */
function tableName({ connection, stream }: StreamAddress, taken: ReadonlySet<string>): string {
  const plain = plainName(`${connection}_${stream}`)
  const free = (name: string): boolean =>
    !taken.has(name) && !taken.has(`${name}_history`) && !(name.endsWith('_history') && taken.has(name.slice(0, -8)))
  for (let number = 2, name = plain; ; number++) {
    if (free(name)) return name
    name = `${plain}_${number}`
  }
}

type Parts = { pool: Store['pool']; files(): HubFiles; model(): HubModel; log: Logger; dir: string }

/** Keeps tables and files of all targets up. */
export function analyticsSweep(parts: Parts): Sweep {
  const { pool, log } = parts
  /** What was brought into form, with the files that said so. */
  let shaped: { files: HubFiles; model: HubModel; done: Set<string> } | undefined
  const said = new Map<string, string>()
  return {
    name: 'analytics',
    everyMs: EVERY_MS,
    run: async (signal) => {
      const files = parts.files()
      const model = parts.model()
      if (shaped?.files !== files || shaped.model !== model) {
        shaped = { files, model, done: new Set() }
        const dropped = await dropUnkept(pool)
        if (dropped.length)
          log.warn({ tables: dropped }, 'tables of streams that are not kept in full any more are gone')
      }
      const { done } = shaped
      const once = async (name: string, work: () => Promise<void>): Promise<void> => {
        if (done.has(name)) return
        await work()
        done.add(name)
      }
      for (const target of files.config.analytics) {
        const specs = specsOf(target, files, model)
        for (const spec of specs)
          await guarded(parts, said, spec, async () => {
            await once(`${spec.schema}.${spec.name}`, () => ensureTable(pool, spec))
            await followToEnd(pool, spec, signal)
          })
        await once(target.name, () => asked(() => ensureLinks(pool, target.schema, target.readers))).catch((thrown) =>
          sayOnce(log, said, target.name, asCausewayError(thrown), { analytics: target.name }),
        )
        if (target.files && !signal.aborted && (await claimFiles(pool, target.name, target.files.everyMinutes)))
          await whileWriting(pool, target.name, () => writeDue(parts, target, specs))
      }
    },
  }
}

async function followToEnd(pool: Store['pool'], spec: TableSpec, signal: AbortSignal): Promise<void> {
  while (!signal.aborted && (await followStream(pool, spec)) > 0);
}

/** One table that cannot be kept up holds no other one up, is tried again, and what is wrong with it stands beside it. */
async function guarded(
  { pool, log }: Parts,
  said: Map<string, string>,
  spec: TableSpec,
  work: () => Promise<void>,
): Promise<void> {
  const name = `${spec.schema}.${spec.name}`
  try {
    await asked(work)
    said.delete(name)
  } catch (thrown) {
    const error = asCausewayError(thrown)
    if (error.code === 'CSW-6001') throw error
    if (sayOnce(log, said, name, error, { analytics: spec.target, table: spec.name }))
      await noteTableError(pool, spec, error.toJSON())
  }
}

/** What goes wrong every few seconds is said when it begins. */
function sayOnce(log: Logger, said: Map<string, string>, name: string, error: CausewayError, about: object): boolean {
  if (said.get(name) === error.message) return false
  said.set(name, error.message)
  log.error({ ...about, err: error.toJSON() }, 'an analytics target stays behind')
  return true
}

/** What Postgres refuses here is for the admin: rights, roles, names. */
async function asked<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    const { code, message = '' } = thrown as { code?: unknown; message?: string }
    if (thrown instanceof CausewayError || typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) throw thrown
    // Of data and keys (classes 22, 23) its message quotes the value.
    const says = /^2[23]/.test(code) ? 'a value does not fit' : message
    throw new CausewayError('CSW-6009', { what: `Postgres: ${says} (${code}).`, cause: thrown })
  }
}

async function writeDue({ pool, log, dir }: Parts, target: AnalyticsConfig, specs: TableSpec[]): Promise<void> {
  const { folder, format } = target.files!
  try {
    const written = await writeFiles(pool, readablesOf(target.schema, specs), resolve(dir, folder), format)
    await noteFiles(pool, target.name, null)
    log.info({ analytics: target.name, files: written.length }, 'files written')
  } catch (thrown) {
    const error = asCausewayError(thrown)
    log.error({ analytics: target.name, err: error.toJSON() }, 'files for analytics were not written')
    await noteFiles(pool, target.name, error.toJSON())
  }
}
