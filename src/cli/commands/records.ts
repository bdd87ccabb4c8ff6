import type { Command } from 'commander'
import { CausewayError, isObject, parseExact } from '../../core/index.ts'
import { type Api, withApi, withQuery } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { fields, state, table, time } from '../table.ts'

type Found = {
  stream: string
  id: string
  matched: string
  deleted: boolean | null
  deliveries: Record<string, number>
}
type Shown = {
  stream: string
  id: string
  log: { seq: number; version: string | null; deleted: boolean; observedAt: string } | null
  deliveries: {
    sync: string
    to: string
    part: string
    state: string
    attempts: number
    nextAttemptAt: string | null
    error: { code?: string; what?: string } | null
    waitsFor: { stream: string; id: string } | null
  }[]
  links: { stream: string; id: string }[]
  deadLetters: { id: number; code: string }[]
  journal: { at: string; kind: string; sync: string | null; outcome: string; target: string | null }[]
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('find')
    .description('find records by id, match field or linked id')
    .argument('<key>', 'a record id, an e-mail address, a number')
    .option('--stream <connection:stream>', 'only in this stream')
    .action(async (key: string, options: { stream?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) => find(api, key, options.stream))
      context.output.result('records.find', json, () => foundTable((JSON.parse(json) as { items: Found[] }).items))
    })

  command
    .command('show')
    .description('what the hub knows of one record')
    .argument('<key>', 'its id, or anything that finds exactly one record')
    .option('--stream <connection:stream>', 'the stream of the record; needed where the key is in several')
    .action(async (key: string, options: { stream?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) => show(api, key, options.stream))
      context.output.result('records.show', json, () => describe(json))
    })
}

const find = (api: Api, key: string, stream: string | undefined): Promise<string> =>
  api.call('GET', withQuery('/api/v1/records', { key, stream }))

const exact = (api: Api, stream: string, id: string): Promise<string> =>
  api.call('GET', withQuery('/api/v1/record', { stream, id }))

async function show(api: Api, key: string, stream: string | undefined): Promise<string> {
  if (stream !== undefined) {
    const byId = await exact(api, stream, key).catch((error: unknown) => {
      if (error instanceof CausewayError && error.code === 'CSW-8002') return undefined
      throw error
    })
    if (byId !== undefined) return byId
  }
  const { items } = JSON.parse(await find(api, key, stream)) as { items: Found[] }
  const [only, ...others] = items
  if (!only)
    throw new CausewayError('CSW-8002', {
      what: `No record was found by ${JSON.stringify(key)}.`,
      fix: 'Search by another key; match fields, ids and linked ids are known.',
    })
  // A record and its copies in other systems are found by one key; the one that is read is meant.
  const sources = items.filter((item) => Object.keys(item.deliveries).length > 0)
  if (others.length && sources.length !== 1)
    throw usageError(
      `${items.length} records are found by ${JSON.stringify(key)}: ${items.map((item) => `${item.stream} ${item.id}`).join(', ')}.`,
      `Choose one, like \`--stream ${only.stream}\`.`,
    )
  const chosen = sources[0] ?? only
  return exact(api, chosen.stream, chosen.id)
}

const foundTable = (items: Found[]): string =>
  table(
    ['stream', 'id', 'found by', 'deliveries'],
    items.map((item) => [
      item.stream,
      item.id,
      item.matched,
      Object.entries(item.deliveries)
        .map(([word, count]) => `${word} ${count}`)
        .join(', '),
    ]),
    'No record is found. What is looked for is whole: an id of the record or of what it became elsewhere, or a value that records are matched by, like an e-mail address.',
  )

function describe(json: string): string {
  const record = JSON.parse(json) as Shown
  const head = fields([
    ['record', `${record.stream} ${record.id}`],
    ['version', record.log?.version],
    ['seen', record.log ? time(record.log.observedAt) : 'not in the change log'],
    ['deleted', record.log?.deleted ? 'yes' : 'no'],
    [
      'linked to',
      record.links
        .filter((link) => link.stream !== record.stream)
        .map((link) => `${link.stream} ${link.id}`)
        .join(', '),
    ],
  ])
  const deliveries = table(
    ['sync', 'part', 'state', 'attempts', 'next', 'why'],
    record.deliveries.map((delivery) => [
      delivery.sync,
      delivery.part,
      state(delivery.state),
      delivery.attempts,
      time(delivery.nextAttemptAt),
      delivery.waitsFor
        ? `waits for ${delivery.waitsFor.stream} ${delivery.waitsFor.id}`
        : delivery.error && `${delivery.error.code ?? ''} ${delivery.error.what ?? ''}`,
    ]),
    'No deliveries.',
  )
  const journal = table(
    ['at', 'kind', 'sync', 'outcome', 'target'],
    record.journal.slice(0, 20).map((entry) => [time(entry.at), entry.kind, entry.sync, entry.outcome, entry.target]),
    'Nothing in the journal.',
  )
  return [head, bodyText(json), deliveries, journal].join('\n\n')
}

/** The body indented for people, with numbers as the source spelled them. */
function bodyText(json: string): string {
  const record: unknown = parseExact(json)
  const log: unknown = isObject(record) ? record.log : undefined
  return isObject(log) ? JSON.stringify(log.body, null, 2) : 'No body.'
}
