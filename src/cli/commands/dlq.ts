import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { isObject, parseExact } from '../../core/index.ts'
import { type Api, withApi, withQuery } from '../api.ts'
import { actInBulk, type Confirmation, withConfirmation } from '../bulk.ts'
import { demandYes } from '../confirmation.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { fields, table, time } from '../table.ts'

type DeadLetter = {
  id: number
  sync: string | null
  stream: string | null
  recordId: string | null
  code: string
  error: { what?: string; fix?: string } | null
  attempts: number
  state: string
  createdAt: string
}
type Filter = {
  code?: string
  fingerprint?: string
  sync?: string
  connection?: string
  assignee?: string
  before?: string
}
type BulkOptions = Filter & Confirmation & { all?: boolean; reason?: string }
type Preview = { count: number; byCode: Record<string, number>; duplicateRisk: number }

const PATH = '/api/v1/dead-letters'

export function define(command: Command, makeContext: MakeContext): void {
  withFilter(command.command('list').description('dead letters, newest first'))
    .option('--state <state>', 'open (default), requeued, resolved or discarded')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: Filter & { state?: string; limit?: string; cursor?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery(PATH, options)))
      context.output.result('dlq.list', json, () => listTable(json))
    })

  command
    .command('show')
    .description('one dead letter with input, output and exchange')
    .argument('<id>', 'number of the dead letter')
    .action(async (id: string) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', `${PATH}/${encodeURIComponent(id)}`))
      context.output.result('dlq.show', json, () => describe(json))
    })

  command
    .command('correct')
    .description('try a record again with a corrected body')
    .argument('<id>', 'number of the dead letter')
    .requiredOption('--file <path>', 'JSON file with the record as it should have come')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (id: string, { file, reason }: { file: string; reason?: string }) => {
      const context = makeContext()
      const text = await readFile(file, 'utf8')
      const path = `${PATH}/${encodeURIComponent(id)}/correct`
      const json = await withApi(context, (api) => api.call('POST', path, { text, ...(reason ? { reason } : {}) }))
      context.output.result('dlq.correct', json, () => 'It is tried again with the corrected record.')
    })

  command
    .command('assign')
    .description('say who looks after a dead letter')
    .argument('<id>', 'number of the dead letter')
    .requiredOption('--to <name>', 'who; "" for nobody')
    .option('--note <text>', 'what is known or was tried')
    .action(async (id: string, { to, note }: { to: string; note?: string }) => {
      const context = makeContext()
      const path = `${PATH}/${encodeURIComponent(id)}/assign`
      const body = { assignee: to || null, ...(note ? { note } : {}) }
      const json = await withApi(context, (api) => api.call('POST', path, body))
      context.output.result('dlq.assign', json, () => (to ? `${to} looks after it.` : 'Nobody looks after it.'))
    })

  for (const [action, does] of [
    ['requeue', 'try records again with their present state and mapping'],
    ['discard', 'give records up'],
  ] as const)
    withConfirmation(withFilter(command.command(action).description(does)))
      .argument('[ids...]', 'numbers of dead letters; without them the filter selects')
      .option('--all', 'all that the filter selects; without a filter, all')
      .option('--reason <text>', action === 'discard' ? 'why (needed)' : 'why, for the audit trail')
      .action(async (ids: string[], options: BulkOptions) => {
        const context = makeContext()
        if (action === 'discard' && !options.reason && !options.preview)
          throw usageError('`dlq discard` needs a reason.', 'Add --reason "…"; it is kept with the record.')
        if (action === 'discard' && ids.length) demandYes(options.yes, 'what is discarded is not delivered any more')
        await withApi(context, (api) => act(api, context, action, ids, options))
      })
}

const withFilter = (command: Command): Command =>
  command
    .option('--code <code>', 'only this error code')
    .option('--fingerprint <text>', 'only this cause')
    .option('--sync <name>', 'only this sync')
    .option('--connection <name>', 'only where this connection failed')
    .option('--assignee <name>', 'only those that this person looks after')
    .option('--before <time>', 'only those that failed before')

async function act(
  api: Api,
  context: CliContext,
  action: 'requeue' | 'discard',
  ids: string[],
  options: BulkOptions,
): Promise<void> {
  const { all, yes: _yes, preview: _preview, wait: _wait, reason, ...filter } = options
  const why = reason ? { reason } : {}
  const key = action === 'requeue' ? 'requeued' : 'discarded'
  if (ids.length) {
    let done = 0
    for (const id of ids) {
      const answer = await api.call('POST', `${PATH}/${encodeURIComponent(id)}/${action}`, why)
      done += (JSON.parse(answer) as Record<string, number>)[key] ?? 0
    }
    context.output.result(`dlq.${action}`, JSON.stringify({ [key]: done }), () => `${done} ${key}.`)
    return
  }
  if (!all && !Object.keys(filter).length)
    throw usageError(
      `\`dlq ${action}\` needs numbers or a filter.`,
      'Name dead letters, or select them with --code, --sync, --connection, --fingerprint or --before.',
    )
  await actInBulk(api, context, {
    name: `dlq.${action}`,
    paths: { preview: `${PATH}/preview`, act: `${PATH}/${action}` },
    filter,
    body: why,
    options,
    describe: (json) => previewText(action, JSON.parse(json) as Preview),
  })
}

function previewText(action: string, { count, byCode, duplicateRisk }: Preview): string {
  const codes = Object.entries(byCode).map(([code, number]) => `${number} × ${code}`)
  return fields([
    [`would ${action}`, count],
    ['of', codes.join(', ')],
    ['may be in the target already', duplicateRisk],
  ])
}

function listTable(json: string): string {
  const { items, next } = JSON.parse(json) as { items: DeadLetter[]; next: string | null }
  const rows = items.map((item) => [
    item.id,
    item.sync ?? item.stream,
    item.recordId,
    item.code,
    item.error?.what,
    time(item.createdAt),
  ])
  const shown = table(['id', 'of', 'record', 'code', 'what', 'since'], rows, 'No dead letters.')
  return next ? `${shown}\nMore: --cursor ${next}` : shown
}

function describe(json: string): string {
  const letter = JSON.parse(json) as DeadLetter
  const exact: unknown = parseExact(json)
  const head = fields([
    ['dead letter', letter.id],
    ['of', letter.sync ?? letter.stream],
    ['record', letter.recordId],
    ['state', letter.state],
    ['code', letter.code],
    ['what', letter.error?.what],
    ['fix', letter.error?.fix],
    ['attempts', letter.attempts],
    ['since', time(letter.createdAt)],
  ])
  const texts = ['input', 'output', 'exchange'].flatMap((name) => {
    const value = isObject(exact) ? exact[name] : null
    return value === null || value === undefined ? [] : [`${name}\n${JSON.stringify(value, null, 2)}`]
  })
  return [head, ...texts].join('\n\n')
}
