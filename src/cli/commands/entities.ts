import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { CausewayError } from '../../core/index.ts'
import { type Api, withApi, withQuery } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { fields, table, time } from '../table.ts'

type Picture = {
  entity: string
  id: number
  fields: Record<string, { values: string[]; stream: string }>
  records: { stream: string; id: string; alias: boolean }[]
}
type Whole = Picture & {
  timeline: { at: string | null; kind: string; text: string; stream: string }[]
  deliveries: { sync: string; id: string; state: string; error: { code?: string; what?: string } | null }[]
}
type Review = {
  id: number
  entity: string
  kind: string
  points: number | null
  left: Reviewed
  right: Reviewed
}
type Reviewed = { stream: string; id: string; fields: Record<string, string[]> }

const PATH = '/api/v1/entities'
/** As many as the API takes at once. */
const PAIRS = 5_000

export function define(command: Command, makeContext: MakeContext): void {
  const run = async (
    name: string,
    call: (api: Api) => Promise<string>,
    say: (json: string) => string,
  ): Promise<void> => {
    const context = makeContext()
    const json = await withApi(context, call)
    context.output.result(name, json, () => say(json))
  }
  const at = (...steps: string[]): string => [PATH, ...steps.map(encodeURIComponent)].join('/')

  command
    .command('types')
    .description('kinds of entities, with the streams whose records belong to them')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', '/api/v1/entities'))
      context.output.result('entities.types', json, () => {
        const { items } = JSON.parse(json) as { items: { entity: string; title: string; streams: string[] }[] }
        const rows = items.map(({ entity, title, streams }) => [entity, title, streams.join(', ')])
        return table(['entity', 'title', 'streams'], rows, 'No entities.')
      })
    })

  command
    .command('search')
    .description('find entities by an e-mail address, a number, an id, or words of a name')
    .argument('<entity>', 'name of the entity type')
    .argument('<text>', 'what is sought')
    .action((entity: string, text: string) =>
      run(
        'entities.search',
        (api) => api.call('GET', withQuery(at(entity), { q: text })),
        (json) => pictureTable((JSON.parse(json) as { items: Picture[] }).items),
      ),
    )

  command
    .command('show')
    .description('one picture of an entity over all systems')
    .argument('<entity>', 'name of the entity type')
    .argument('<id>', 'its number')
    .option('--reveal', 'show masked values, which is audited')
    .action((entity: string, id: string, { reveal }: { reveal?: true }) =>
      run(
        'entities.show',
        (api) => api.call('GET', withQuery(at(entity, id), reveal ? { reveal: 'true' } : {})),
        (json) => describe(JSON.parse(json) as Whole),
      ),
    )

  command
    .command('reviews')
    .description('pairs of records of which a person is to say whether they are the same')
    .option('--entity <type>', 'only this type')
    .option('--state <state>', 'open (the default), confirmed, rejected or superseded')
    .option('--after <number>', 'those behind this number')
    .option('--limit <number>', 'how many (50)')
    .action((options: Record<string, string>) =>
      run(
        'entities.reviews',
        (api) => api.call('GET', withQuery('/api/v1/entity-reviews', options)),
        (json) => reviewTable((JSON.parse(json) as { items: Review[] }).items),
      ),
    )

  for (const [verb, sense] of [
    ['confirm', 'they are the same'],
    ['reject', 'they are two, and are never proposed again'],
  ] as const)
    command
      .command(verb)
      .description(`decide a pair: ${sense}`)
      .argument('<review>', 'number of the review')
      .option('--reason <text>', 'why, for the audit trail')
      .action((id: string, why: { reason?: string }) =>
        run(
          `entities.${verb}`,
          (api) => api.call('POST', `/api/v1/entity-reviews/${encodeURIComponent(id)}/${verb}`, why),
          () => `Review ${id}: ${sense}.`,
        ),
      )

  command
    .command('merge')
    .description('make another entity part of this one')
    .argument('<entity>', 'name of the entity type')
    .argument('<id>', 'the entity that stays')
    .argument('<from>', 'the entity that is taken over')
    .option('--reason <text>', 'why, for the audit trail')
    .action((entity: string, id: string, from: string, why: { reason?: string }) =>
      run(
        'entities.merge',
        (api) => api.call('POST', `${at(entity, id)}/merge`, { from: Number(from), ...why }),
        () => `${entity} ${from} is part of ${id} now.`,
      ),
    )

  command
    .command('split')
    .description('take records out of an entity into a new one, and keep them apart')
    .argument('<entity>', 'name of the entity type')
    .argument('<id>', 'number of the entity')
    .argument('<records...>', 'records that leave, as connection:stream/id')
    .option('--reason <text>', 'why, for the audit trail')
    .action((entity: string, id: string, records: string[], why: { reason?: string }) =>
      run(
        'entities.split',
        (api) => api.call('POST', `${at(entity, id)}/split`, { records: records.map(recordOf), ...why }),
        (json) => `They are ${entity} ${(JSON.parse(json) as { id: number }).id} now.`,
      ),
    )

  command
    .command('import')
    .description('take over an existing cross-reference: CSV whose first line names two streams, then two ids a line')
    .argument('<entity>', 'name of the entity type')
    .argument('<file>', 'the file')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (entity: string, file: string, why: { reason?: string }) => {
      const pairs = await pairsIn(file)
      await run(
        'entities.import',
        (api) => importAll(api, `${at(entity)}/import`, pairs, why),
        (json) => {
          const { linked, known, refused } = JSON.parse(json) as Imported
          const lines = refused.map(({ at: place, why: reason }) => `line ${place + 2}: ${reason}`)
          return [`${linked} linked, ${known} known before, ${refused.length} refused.`, ...lines].join('\n')
        },
      )
    })
}

type Imported = { linked: number; known: number; refused: { at: number; why: string }[] }
type NamedPair = Record<'left' | 'right', { stream: string; id: string }>

async function importAll(api: Api, path: string, pairs: NamedPair[], why: object): Promise<string> {
  const all: Imported = { linked: 0, known: 0, refused: [] }
  for (let from = 0; from < pairs.length; from += PAIRS) {
    const answer = await api.call('POST', path, { pairs: pairs.slice(from, from + PAIRS), ...why })
    const { linked, known, refused } = JSON.parse(answer) as Imported
    all.linked += linked
    all.known += known
    all.refused.push(...refused.map((one) => ({ ...one, at: one.at + from })))
  }
  return JSON.stringify(all)
}

async function pairsIn(file: string): Promise<NamedPair[]> {
  const { parse, CsvError } = await import('csv-parse/sync')
  const text = await readFile(file)
  let rows: string[][]
  try {
    rows = parse(text, { bom: true, skip_empty_lines: true, trim: true })
  } catch (error) {
    if (error instanceof CsvError) throw usageError(`${file} is no CSV (${error.code}).`, 'Correct the file.')
    throw error
  }
  const [left, right, ...others] = rows[0] ?? []
  if (!left?.includes(':') || !right?.includes(':') || others.length)
    throw usageError(
      `The first line of ${file} does not name two streams.`,
      'Write it like `crm:contacts,erp:customers`, and two ids on each line below.',
    )
  return rows.slice(1).map(([one, other], i) => {
    if (!one || !other) throw new CausewayError('CSW-8020', { what: `Line ${i + 2} of ${file} has not two ids.` })
    return { left: { stream: left, id: one }, right: { stream: right, id: other } }
  })
}

function recordOf(text: string): { stream: string; id: string } {
  const slash = text.indexOf('/')
  if (slash < 0) throw usageError(`${JSON.stringify(text)} is not a record.`, 'Write it like `crm:contacts/4711`.')
  return { stream: text.slice(0, slash), id: text.slice(slash + 1) }
}

const summary = (shown: Record<string, string[]>): string =>
  Object.values(shown)
    .flatMap((values) => values.slice(0, 1))
    .join(', ')

const pictureTable = (items: Picture[]): string =>
  table(
    ['id', 'what', 'records'],
    items.map(({ id, fields: shown, records }) => [
      id,
      summary(Object.fromEntries(Object.entries(shown).map(([name, { values }]) => [name, values]))),
      records.map(({ stream, id: record }) => `${stream} ${record}`).join(', '),
    ]),
    'Nothing found.',
  )

const reviewTable = (items: Review[]): string =>
  table(
    ['id', 'entity', 'kind', 'points', 'left', 'right'],
    items.map(({ id, entity, kind, points, left, right }) => [
      id,
      entity,
      kind,
      points,
      `${left.stream} ${left.id}: ${summary(left.fields)}`,
      `${right.stream} ${right.id}: ${summary(right.fields)}`,
    ]),
    'No questions.',
  )

function describe({ entity, id, fields: shown, records, timeline, deliveries }: Whole): string {
  const head = fields([
    [entity, String(id)],
    ...Object.entries(shown).map(([name, { values, stream }]): [string, string] => [
      name,
      `${values.join(', ')}  (${stream})`,
    ]),
  ])
  return [
    head,
    table(
      ['record', 'id', ''],
      records.map((record) => [record.stream, record.id, record.alias ? 'duplicate' : '']),
      'No records.',
    ),
    table(
      ['at', 'kind', 'what'],
      timeline.map((event) => [time(event.at), event.kind, event.text]),
      'Nothing happened.',
    ),
    table(
      ['sync', 'record', 'state', 'why'],
      deliveries.map(({ sync, id: record, state, error }) => [
        sync,
        record,
        state,
        error && `${error.code ?? ''} ${error.what ?? ''}`,
      ]),
      'Nothing is under way.',
    ),
  ].join('\n\n')
}
