import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import { actInBulk, type Confirmation, withConfirmation } from '../bulk.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { fields, time } from '../table.ts'

type Conflict = {
  id: number
  sync: string
  fromId: string
  toId: string
  field: string
  agreedValue: unknown
  fromValue: unknown
  toValue: unknown
  state: string
  foundAt: string
}
type ListOptions = { sync?: string; field?: string; record?: string; state?: string; limit?: string; cursor?: string }
type ResolveOptions = Confirmation & {
  from?: boolean
  to?: boolean
  value?: string
  sync?: string
  field?: string
  reason?: string
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('fields that both sides of a two-way sync changed')
    .option('--sync <name>', 'only this sync')
    .option('--field <name>', 'only this field')
    .option('--record <id>', 'only this record, on either side')
    .option('--state <state>', 'open (otherwise), decided or settled')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: ListOptions) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/conflicts', options)))
      context.output.result('conflicts.list', json, () => {
        const { items, next } = JSON.parse(json) as { items: Conflict[]; next: string | null }
        const shown = items.map(describe)
        return [...(shown.length ? shown : ['No conflict.']), ...(next ? [`More: --cursor ${next}`] : [])].join('\n\n')
      })
    })

  withConfirmation(command.command('resolve').description('decide conflicts, singly or all of a sync and field'))
    .argument('[ids...]', 'numbers of conflicts')
    .option('--from', 'the side under "from" wins')
    .option('--to', 'the side under "to" wins')
    .option('--value <json>', 'a value for both sides, as JSON')
    .option('--sync <name>', 'all open ones of this sync')
    .option('--field <name>', 'of those, only this field')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (ids: string[], options: ResolveOptions) => {
      const context = makeContext()
      const said = saidIn(ids, options)
      await withApi(context, async (api) => {
        if (!ids.length)
          return actInBulk(api, context, {
            name: 'conflicts.resolve',
            paths: { preview: '/api/v1/conflicts/preview', act: '/api/v1/conflicts/resolve-all' },
            filter: filterIn(options),
            body: said,
            options,
            describe: previewText,
          })
        const json = await api.call('POST', '/api/v1/conflicts/resolve', { ids: ids.map(Number), ...said })
        context.output.result('conflicts.resolve', json, () => {
          const { decided } = JSON.parse(json) as { decided: number }
          return `${decided} decided; the next push writes the side that lost.`
        })
      })
    })
}

function describe(conflict: Conflict): string {
  const { id, sync, fromId, toId, field, agreedValue, fromValue, toValue, state, foundAt } = conflict
  return fields([
    ['conflict', `${id}, ${state}, found ${time(foundAt)}`],
    ['sync', `${sync}, ${fromId} and ${toId}`],
    ['field', field || 'the whole record'],
    ['agreed before', JSON.stringify(agreedValue)],
    ['from', JSON.stringify(fromValue)],
    ['to', JSON.stringify(toValue)],
  ])
}

const filterIn = ({ sync, field }: ResolveOptions): object => ({
  ...(sync === undefined ? {} : { sync }),
  ...(field === undefined ? {} : { field }),
})

function previewText(json: string): string {
  const { count, byField } = JSON.parse(json) as { count: number; byField: Record<string, number> }
  const of = Object.entries(byField).map(([field, number]) => `${number} × ${field || 'the whole record'}`)
  return fields([
    ['would decide', count],
    ['of', of.join(', ')],
  ])
}

function saidIn(ids: string[], { from, to, value, sync, reason }: ResolveOptions): Record<string, unknown> {
  const choices = [...(from ? ['from'] : []), ...(to ? ['to'] : []), ...(value === undefined ? [] : ['value'])]
  if (choices.length !== 1) throw usageError('One of --from, --to and --value decides.', 'Give exactly one of them.')
  if (!ids.length && sync === undefined)
    throw usageError('Nothing says which conflicts.', 'Give their numbers, or --sync with or without --field.')
  if (ids.some((id) => !/^[1-9]\d*$/.test(id)))
    throw usageError('A conflict has a number.', 'See `causeway conflicts list`.')
  return {
    ...(reason === undefined ? {} : { reason }),
    choose: choices[0],
    ...(value === undefined ? {} : { value: parsed(value) }),
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw usageError('--value is no JSON.', `Text stands in quotes: --value '"Anna"'.`)
  }
}
