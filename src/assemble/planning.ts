/** Plans and comparisons for the API: candidates are read, checked against the sync they are meant for, and run over the log. */
import { CausewayError, type Finding } from '../core/index.ts'
import type {
  ComparisonRequest,
  MappingComparison,
  Plan,
  PlanRequest,
  SavedTestCase,
  SaveTestRequest,
  Verification,
  VerifyRequest,
} from '../http/index.ts'
import {
  readSoundMapping,
  type SandboxedRunner,
  type SyncDefinition,
  saveAsTest,
  type TableFiles,
} from '../mapping/index.ts'
import { compareMappings, type Ports, planSync, verifySync } from '../pipeline/index.ts'
import { givenInput } from './given-input.ts'

/** More changes than this are counted, not listed. */
const MAX_LISTED = 2_000
/** What a plan lists unless it is asked for everything; the rest is in its sums. */
const QUIET: ReadonlySet<string> = new Set(['unchanged', 'skipped', 'gone'])

export async function plan(ports: Ports, name: string, request: PlanRequest, signal: AbortSignal): Promise<Plan> {
  const { row, definition } = known(ports, name)
  const candidate =
    request.mapping === undefined ? undefined : candidateFor(definition, request.mapping, request.tables)
  const planned = planSync(ports, row.id, {
    ...(request.records ? { records: request.records } : {}),
    ...(candidate ? { definition: candidate } : {}),
    limit: request.limit,
    signal,
  })
  const changes: Listed = { linked: [], others: [] }
  let next = await planned.next()
  for (; !next.done; next = await planned.next())
    for (const change of next.value) if (request.all || !QUIET.has(change.action)) list(changes, change)
  return { ...next.value, changes: [...changes.linked, ...changes.others].slice(0, MAX_LISTED) }
}

type Listed = { linked: Plan['changes']; others: Plan['changes'] }

/** Who was found in the target comes first: at a first contact that is what a person looks at before anybody is created. */
function list({ linked, others }: Listed, change: Plan['changes'][number]): void {
  const kind = change.target === null ? others : linked
  if (kind.length < MAX_LISTED) kind.push(change)
}

export async function verify(
  ports: Ports,
  name: string,
  request: VerifyRequest,
  signal: AbortSignal,
): Promise<Verification> {
  const verified = await verifySync(ports, known(ports, name).row.id, { ...request, signal })
  return { ...verified, basis: 'target' }
}

export async function compare(
  ports: Ports,
  name: string,
  request: ComparisonRequest,
  signal: AbortSignal,
): Promise<MappingComparison> {
  const { row, definition } = known(ports, name)
  const version = (text: string | undefined, tables?: TableFiles): SyncDefinition =>
    text === undefined && !tables ? definition : candidateFor(definition, text ?? definition.source, tables)
  const before = version(request.before, request.beforeTables)
  const after = version(request.after, request.afterTables)
  return compareMappings(ports, row.id, { before, after, limit: request.limit, signal })
}

/** The name says when it was saved and not what: ids of people stand in no file. */
export async function saveTest(
  ports: Ports & { mappings: Pick<SandboxedRunner, 'map'> },
  name: string,
  { input: given, name: title, keep, mapping }: SaveTestRequest,
  signal: AbortSignal,
): Promise<SavedTestCase> {
  const { row, definition: running } = known(ports, name)
  const definition = mapping === undefined ? running : candidateFor(running, mapping)
  const input = await givenInput(ports, row.id, { given, definition, signal })
  const test = title ?? `saved from a record on ${ports.clock.now().toISOString().slice(0, 10)}`
  const saved = await saveAsTest(definition, input, { name: test, runner: ports.mappings, ...(keep ? { keep } : {}) })
  return { sync: name, file: definition.file, name: test, ...saved }
}

export function known(ports: Ports, name: string) {
  const found = ports.model().syncByName(name)
  if (!found) throw new CausewayError('CSW-1007', { what: `there is no sync "${name}"` })
  return found
}

/** Another text of the same mapping: it must join the same streams, because records and links are those of the sync. */
function candidateFor(running: SyncDefinition, text: string, tables: TableFiles = {}): SyncDefinition {
  const back = running.twoWay?.direction === 'back'
  const { definition } = readSoundMapping(text, running.file, { known: running.tables ?? {}, given: tables }, back)
  const elsewhere = otherStreams(running, definition)
  if (elsewhere) throw new CausewayError(elsewhere.code, { what: elsewhere.message, fix: elsewhere.fix })
  return { ...definition, name: running.name }
}

/** What is wrong with a version of a mapping that joins other streams than the one that runs. */
export function otherStreams(running: SyncDefinition, version: SyncDefinition): Finding | undefined {
  for (const end of ['from', 'to'] as const) {
    const [mine, its] = [running[end], version[end]].map(({ connection, stream }) => `${connection}:${stream}`)
    if (mine !== its)
      return {
        severity: 'error',
        code: 'CSW-4005',
        message: `this mapping has ${end} ${its}, the sync ${running.name} has ${mine}`,
        fix: 'Compare versions of one mapping; a sync between other streams is another sync.',
        place: { file: running.file },
      }
  }
  return undefined
}
