import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import { type BulkAction, report, watchBulkAction } from '../bulk.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { table, time } from '../table.ts'

const PATH = '/api/v1/bulk-actions'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('bulk actions, newest first')
    .option('--state <state>', 'running, done or aborted')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: { state?: string; limit?: string; cursor?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery(PATH, options)))
      context.output.result('bulk.list', json, () => listTable(json))
    })

  command
    .command('show')
    .description('how far a bulk action is')
    .argument('<id>', 'number of the action')
    .option('--watch', 'until it is over')
    .action(async (id: string, { watch }: { watch?: boolean }) => {
      const context = makeContext()
      const number = numberOf(id)
      const json = await withApi(context, (api) =>
        watch ? watchBulkAction(api, number) : api.call('GET', `${PATH}/${number}`),
      )
      report(context, 'bulk.show', json)
    })

  command
    .command('abort')
    .description('stop a bulk action; what it has done stays done')
    .argument('<id>', 'number of the action')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const context = makeContext()
      const path = `${PATH}/${numberOf(id)}/abort`
      const json = await withApi(context, (api) => api.call('POST', path, reason === undefined ? {} : { reason }))
      context.output.result('bulk.abort', json, () => {
        const { done, left } = JSON.parse(json) as BulkAction
        return `Stopped after ${done}; ${left} were left alone.`
      })
    })
}

function numberOf(id: string): number {
  if (!/^[1-9]\d{0,14}$/.test(id)) throw usageError('A bulk action has a number.', 'See `causeway bulk list`.')
  return Number(id)
}

function listTable(json: string): string {
  const { items, next } = JSON.parse(json) as { items: BulkAction[]; next: string | null }
  const rows = items.map(({ id, kind, state, actor, done, total, failed, createdAt }) => [
    id,
    kind,
    state,
    `${done} of ${total}`,
    failed,
    actor,
    time(createdAt),
  ])
  const shown = table(['id', 'kind', 'state', 'done', 'failed', 'by', 'since'], rows, 'No bulk actions.')
  return next ? `${shown}\nMore: --cursor ${next}` : shown
}
