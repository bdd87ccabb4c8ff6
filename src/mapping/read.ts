import { basename } from 'node:path'
import {
  CausewayError,
  compileSchema,
  digest,
  type Finding,
  hasErrors,
  type JsonObject,
  nearestName,
  parseYaml,
  RECORD_BACKOFF,
  validateYaml,
  type YamlFile,
} from '../core/index.ts'
import { type CheckedExpression, checkExpressions } from './check/expressions.ts'
import { DELETE_LIMITS, type JoinSpec, type StreamAddress, type SyncDefinition } from './contract.ts'
import type { Program } from './program.ts'
import { readsOfAll } from './reads.ts'
import { durationMs, scheduleFault, toSchedule } from './schedule.ts'
import { DELETE_POLICIES, type MappingFile, mappingFileSchema, type ScheduleText } from './schema.ts'
import { readTables, type TableSource, type Tables } from './tables.ts'
import { toTemplate } from './template.ts'
import { testFindings } from './tests/check.ts'
import { type Direction, directionsOf, isBack, joinDirections, twoWayFindings } from './two-way.ts'

/** A mapping file as read: the definition for the pipeline, the program for the sandbox, and the text with its places. */
export type Mapping = {
  definition: SyncDefinition
  program: Omit<Program, 'schema'>
  content: MappingFile
  yaml: YamlFile
  /** Its expressions, compiled. */
  expressions: CheckedExpression[]
  /** The other direction of a two-way file. */
  back?: Mapping
}

const DEFAULT_ATTEMPTS = 8

/** Reads the text of a mapping file. Findings hold all that is wrong with its form; with an error there is no mapping. */
export function readMapping(
  text: string,
  file: string,
  source?: TableSource,
): { mapping?: Mapping; findings: Finding[] } {
  let yaml: YamlFile
  try {
    yaml = parseYaml(text, file)
  } catch (error) {
    return { findings: [findingOf(error as CausewayError, file)] }
  }
  const findings = validateYaml(yaml, compileSchema(mappingFileSchema))
  if (hasErrors(findings)) return { findings }
  const content = yaml.value as MappingFile
  findings.push(...consistencyFindings(content, yaml), ...twoWayFindings(content, yaml), ...testFindings(content, yaml))
  if (hasErrors(findings)) return { findings }
  const { tables, findings: faults } = readTables(content, yaml, source)
  findings.push(...faults)
  const name = content.sync ?? basename(file).replace(/\.ya?ml$/, '')
  const [forward, back] = directionsOf(content, yaml, name).map((one) =>
    readDirection(one, { tables, text, file, findings }),
  )
  if (!forward || hasErrors(findings)) return { findings }
  if (back) {
    findings.push(...joinDirections(forward, back))
    forward.back = back
    remember(back)
  }
  remember(forward)
  return { mapping: forward, findings }
}

type Reading = { tables: Tables; text: string; file: string; findings: Finding[] }

/** One direction as a mapping of its own; undefined where some expression cannot be read. */
function readDirection({ content, yaml }: Direction, { tables, text, file, findings }: Reading): Mapping | undefined {
  const program = programOf(content, tables)
  const { sound: expressions, findings: wrong } = checkExpressions(program, yaml)
  findings.push(...wrong)
  if (hasErrors(wrong)) return undefined
  const definition = definitionOf(content, program, text, file)
  definition.reads = readsOfAll(
    expressions,
    definition.joins.map(({ name }) => name),
  )
  if (program.template.kind === 'object') definition.writes = program.template.entries.map(([field]) => field)
  return { definition, program, content, yaml, expressions }
}

/** What was read along with a definition, so that checking a file need not read it a second time. */
const read = new WeakMap<SyncDefinition, Mapping>()

export const remember = (mapping: Mapping): void => void read.set(mapping.definition, mapping)

/** The mapping behind a definition. */
export const mappingOf = (definition: SyncDefinition): Mapping =>
  read.get(definition) ??
  readSoundMapping(definition.source, definition.file, { known: definition.tables ?? {} }, isBack(definition.name))

/**
 * Reads a mapping that must be sound, such as the text behind a version that ran; `back`: the way back of a two-way file. Throws
 * its first error.
 */
export function readSoundMapping(text: string, file: string, source?: TableSource, back = false): Mapping {
  const { mapping, findings } = readMapping(text, file, source)
  const wanted = back ? mapping?.back : mapping
  if (wanted) return wanted
  if (mapping) throw new CausewayError('CSW-4005', { what: `${file} has no way back`, place: { file } })
  const first = findings[0]!
  throw new CausewayError(first.code, { what: first.message, fix: first.fix, place: first.place })
}

function programOf(content: MappingFile, tables: Tables): Omit<Program, 'schema'> {
  const { each, when } = content
  return {
    from: addressOf(content.from),
    to: addressOf(content.to),
    when: when === undefined ? null : { source: when, path: ['when'] },
    template: each ? toTemplate(each.map, ['each', 'map']) : toTemplate(content.map, ['map']),
    each: each
      ? { of: { source: each.of, path: ['each', 'of'] }, key: { source: each.key, path: ['each', 'key'] } }
      : null,
    joins: Object.entries(content.with ?? {}).map(([name, join]) => ({
      name,
      key: { source: join.key, path: ['with', name, 'key'] },
      required: join.required ?? false,
    })),
    tables,
  }
}

function definitionOf(
  content: MappingFile,
  program: Omit<Program, 'schema'>,
  source: string,
  file: string,
): SyncDefinition {
  const joins: JoinSpec[] = Object.entries(content.with ?? {}).map(([name, join]) => ({
    name,
    from: addressOf(join.from),
    field: join.field ?? null,
    take: join.take ?? 'one',
  }))
  const deciding = {
    match: (content.match ?? []).map((key) => [key].flat()),
    mode: content.mode ?? 'upsert',
    onLeave: content.on_leave ?? 'keep',
    deactivate: (content.deactivate as JsonObject | undefined) ?? null,
    deletes: deletesOf(content).policy ?? 'ignore',
    onDoubt: content.on_doubt ?? 'ask',
    content: content.content ?? false,
    joins,
  } as const
  return {
    name: content.sync ?? basename(file).replace(/\.ya?ml$/, ''),
    file,
    source,
    // Comments, tests and schedules do not change what comes out, so they do not make a new version.
    version: digest(JSON.stringify([program, deciding])),
    from: program.from,
    to: program.to,
    multipart: program.each !== null,
    ...deciding,
    ...(content.on_drift ? { onDrift: content.on_drift } : {}),
    deleteLimits: {
      maxShare: deletesOf(content).max_share ?? DELETE_LIMITS.maxShare,
      maxCount: deletesOf(content).max_count ?? DELETE_LIMITS.maxCount,
    },
    graceMs: durationMs(deletesOf(content).grace ?? '0s'),
    schedule: content.schedule === undefined ? [{ kind: 'manual' }] : [content.schedule].flat().map(toSchedule),
    fullSchedule: content.full === undefined ? null : toSchedule(content.full),
    lanes: content.lanes ?? 1,
    retry: {
      attempts: content.retry?.attempts ?? DEFAULT_ATTEMPTS,
      baseMs: content.retry?.base ? durationMs(content.retry.base) : RECORD_BACKOFF.baseMs,
      capMs: content.retry?.cap ? durationMs(content.retry.cap) : RECORD_BACKOFF.capMs,
    },
    tags: content.tags ?? [],
    ...(content.tables ? { tables: program.tables } : {}),
  }
}

/** `deletes: delete` is short for `deletes: { policy: delete }`. */
const deletesOf = ({ deletes }: MappingFile): Exclude<MappingFile['deletes'], string | undefined> =>
  typeof deletes === 'string' ? { policy: deletes } : (deletes ?? {})

/** What a schema cannot say: keys that need or exclude each other, and schedules. */
function consistencyFindings(content: MappingFile, yaml: YamlFile): Finding[] {
  const findings: Finding[] = []
  const report = (path: (string | number)[], message: string, fix: string) =>
    findings.push({ severity: 'error', code: 'CSW-1005', message, fix, place: yaml.placeOf(path) })
  if (content.map === undefined && content.each === undefined && content.both === undefined)
    report([], 'neither "map" nor "each" is there', 'Add "map" with the fields of the target record.')
  if (content.map !== undefined && content.each !== undefined)
    report(['each'], '"map" and "each" exclude each other', 'Move the fields under "each.map", or remove "each".')
  for (const key of ['on_leave', 'deletes'] as const)
    if ((key === 'deletes' ? deletesOf(content).policy : content[key]) === 'deactivate' && !content.deactivate)
      report([key], `"${key}: deactivate" needs the values to write`, 'Add "deactivate:" with the fields and values.')
  if (typeof content.deletes === 'string' && !DELETE_POLICIES.includes(content.deletes)) {
    const near = nearestName(content.deletes, DELETE_POLICIES)
    const fix = near ? `Did you mean "${near}"?` : `Allowed: ${DELETE_POLICIES.join(', ')}.`
    report(['deletes'], `"${content.deletes}" is not a value for deletes`, fix)
  }
  for (const [path, schedule] of schedulesOf(content)) {
    const fault = scheduleFault(schedule)
    if (fault) report(path, fault, 'Write e.g. { every: 5m } or { cron: "0 2 * * *", zone: Europe/Warsaw }.')
  }
  return findings
}

function schedulesOf(content: MappingFile): [(string | number)[], ScheduleText][] {
  const { schedule, full } = content
  const listed: [(string | number)[], ScheduleText][] = Array.isArray(schedule)
    ? schedule.map((one, i) => [['schedule', i], one])
    : schedule === undefined
      ? []
      : [[['schedule'], schedule]]
  return full === undefined ? listed : [...listed, [['full'], full]]
}

function addressOf(text: string): StreamAddress {
  const colon = text.indexOf(':')
  return { connection: text.slice(0, colon), stream: text.slice(colon + 1) }
}

const findingOf = (error: CausewayError, file: string): Finding => ({
  severity: 'error',
  code: error.code,
  message: error.message,
  fix: error.fix,
  place: error.place ?? { file, line: 1, column: 1 },
})
