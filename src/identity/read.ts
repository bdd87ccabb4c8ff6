import {
  type CausewayError,
  compileSchema,
  digest,
  type Finding,
  hasErrors,
  nearestName,
  parseYaml,
  validateYaml,
  type YamlFile,
  type YamlPath,
} from '../core/index.ts'
import {
  type EmbeddedMapping,
  readEmbedded,
  type StreamAddress,
  type SyncDefinition,
  scheduleFault,
  toSchedule,
} from '../mapping/index.ts'
import type { EntityField, EntityType } from './contract.ts'
import { FIELD_KINDS } from './kinds.ts'
import { type EntityFile, entityFileSchema } from './schema.ts'

/** Raised whenever the kinds of fields make other keys of the same values, so that hubs make theirs anew. */
const RULES = 2

/** Reads the text of a file in `entities/`. Findings hold all that is wrong with it by itself; with an error there is no type. */
export function readEntityType(text: string, file: string): { type?: EntityType; findings: Finding[] } {
  let yaml: YamlFile
  try {
    yaml = parseYaml(text, file)
  } catch (error) {
    const { code, message, fix, place } = error as CausewayError
    return { findings: [{ severity: 'error', code, message, fix, place: place ?? { file, line: 1, column: 1 } }] }
  }
  const findings = validateYaml(yaml, compileSchema(entityFileSchema), 'CSW-1005')
  if (hasErrors(findings)) return { findings }
  const content = yaml.value as EntityFile
  findings.push(...consistencyFindings(content, yaml))
  const embedded = (spec: EmbeddedMapping): SyncDefinition | undefined => {
    const { definition, findings: found } = readEmbedded(spec, yaml)
    findings.push(...found)
    return definition
  }
  const views = content.records.map((records, i) => embedded(viewOf(content, records, ['records', i])))
  const events = (content.timeline ?? []).map((entry, i) => embedded(eventOf(content, entry, ['timeline', i])))
  if (hasErrors(findings)) return { findings }
  return { type: typeOf(content, file, views as SyncDefinition[], events as SyncDefinition[]), findings }
}

function viewOf(content: EntityFile, records: EntityFile['records'][number], path: YamlPath): EmbeddedMapping {
  return {
    name: `${content.entity} from ${records.stream}`,
    from: addressOf(records.stream),
    ...(records.when === undefined ? {} : { when: { source: records.when, path: [...path, 'when'] } }),
    map: {
      fields: { value: records.fields, path: [...path, 'fields'] },
      at: { value: records.at ?? null, path: [...path, 'at'] },
    },
  }
}

type TimelineText = NonNullable<EntityFile['timeline']>[number]

function eventOf(content: EntityFile, entry: TimelineText, path: YamlPath): EmbeddedMapping {
  return {
    name: `${content.entity} timeline from ${entry.stream}`,
    from: addressOf(entry.stream),
    ...(entry.when === undefined ? {} : { when: { source: entry.when, path: [...path, 'when'] } }),
    map: {
      key: { value: entry.key, path: [...path, 'key'] },
      at: { value: entry.at, path: [...path, 'at'] },
      text: { value: entry.text, path: [...path, 'text'] },
    },
  }
}

function typeOf(content: EntityFile, file: string, views: SyncDefinition[], events: SyncDefinition[]): EntityType {
  const { country = '', match } = content
  const fields = Object.entries(content.fields).map(
    ([name, field]): EntityField => ({
      name,
      kind: field.kind,
      same: field.same ?? 0,
      different: field.different ?? 0,
      take:
        field.take === 'newest'
          ? 'newest'
          : (field.take === undefined ? content.records.map(({ stream }) => stream) : [field.take].flat()).map(
              addressOf,
            ),
      access: field.access ?? 'open',
    }),
  )
  const timeline = (content.timeline ?? []).map((entry, i) => ({
    from: addressOf(entry.stream),
    kind: entry.kind,
    by: entry.of === undefined ? { field: entry.by! } : { records: addressOf(entry.of) },
    event: events[i]!,
  }))
  const deciding = [country, fields.map(({ name, kind, same, different }) => [name, kind, same, different]), match]
  const programs = [...views, ...events].map(({ version }) => version)
  return {
    name: content.entity,
    title: content.title ?? content.entity,
    file,
    version: digest(
      JSON.stringify([RULES, deciding, programs, timeline.map(({ from, kind, by }) => [from, kind, by])]),
    ),
    country,
    fields,
    records: content.records.map(({ stream, when }, i) => ({
      from: addressOf(stream),
      view: views[i]!,
      filtered: when !== undefined,
    })),
    timeline,
    linkAt: match.link_at,
    reviewAt: match.review_at,
    schedule: content.schedule === undefined ? [{ kind: 'manual' }] : [content.schedule].flat().map(toSchedule),
  }
}

/** What a schema cannot say: names that must be defined elsewhere in the file. */
function consistencyFindings(content: EntityFile, yaml: YamlFile): Finding[] {
  const findings: Finding[] = []
  const report = (path: YamlPath, message: string, fix: string) =>
    findings.push({ severity: 'error', code: 'CSW-1010', message, fix, place: yaml.placeOf(path) })
  const known = (path: YamlPath, name: string, names: string[], what: string): void => {
    if (names.includes(name)) return
    const near = nearestName(name, names)
    report(
      path,
      `${what} "${name}" is not defined in this file`,
      near ? `Did you mean "${near}"?` : `Known: ${names.join(', ')}.`,
    )
  }
  const fields = Object.keys(content.fields)
  const streams = content.records.map(({ stream }) => stream)
  if (content.match.review_at > content.match.link_at)
    report(
      ['match', 'review_at'],
      '"review_at" is above "link_at"',
      'Pairs for a person have fewer points than those that are linked.',
    )
  content.records.forEach((records, i) => {
    if (streams.indexOf(records.stream) !== i)
      report(['records', i, 'stream'], `${records.stream} stands here twice`, 'Put its fields into one entry.')
    for (const name of Object.keys(records.fields)) known(['records', i, 'fields', name], name, fields, 'the field')
  })
  for (const [name, { take }] of Object.entries(content.fields)) {
    if (take === undefined || take === 'newest') continue
    for (const stream of [take].flat()) known(['fields', name, 'take'], stream, streams, 'the stream')
  }
  ;(content.timeline ?? []).forEach((entry, i) => {
    const path = ['timeline', i]
    if ((entry.of === undefined) === (entry.by === undefined))
      report(
        path,
        'an entry has either "of" or "by"',
        'Say whose id the key is (`of: crm:contacts`), or which field (`by: email`).',
      )
    if (entry.of !== undefined) known([...path, 'of'], entry.of, streams, 'the stream')
    if (entry.by === undefined) return
    known([...path, 'by'], entry.by, fields, 'the field')
    const kind = content.fields[entry.by]?.kind
    if (kind && !FIELD_KINDS[kind].isKey)
      report([...path, 'by'], `a field of kind ${kind} is no key`, `Kinds that are: ${keyKinds().join(', ')}.`)
  })
  for (const [i, schedule] of [content.schedule ?? []].flat().entries()) {
    const fault = scheduleFault(schedule)
    if (fault) report(['schedule', i], fault, 'Write e.g. { every: 5m } or { cron: "0 2 * * *", zone: Europe/Warsaw }.')
  }
  return findings
}

const keyKinds = (): string[] => Object.entries(FIELD_KINDS).flatMap(([name, { isKey }]) => (isKey ? [name] : []))

function addressOf(text: string): StreamAddress {
  const colon = text.indexOf(':')
  return { connection: text.slice(0, colon), stream: text.slice(colon + 1) }
}
