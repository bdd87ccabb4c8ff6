import type { Command } from 'commander'
import { withApi } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { table, time } from '../table.ts'

type Table = {
  schema: string
  name: string
  stream: string
  history: boolean
  rows: number | null
  behind: number
  changedAt: string
  lastError: { code?: string; what: string } | null
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('tables that follow streams, and how far behind each is')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', '/api/v1/analytics'))
      context.output.result('analytics.list', json, () =>
        table(
          ['table', 'stream', 'history', 'rows (about)', 'behind', 'changed', 'error'],
          (JSON.parse(json) as { items: Table[] }).items.map((item) => [
            `${item.schema}.${item.name}`,
            item.stream,
            item.history ? 'yes' : null,
            item.rows,
            item.behind,
            time(item.changedAt),
            item.lastError && [item.lastError.code, item.lastError.what].filter(Boolean).join(' '),
          ]),
          'No tables. docs/analytics.md tells how to get some.',
        ),
      )
    })

  command
    .command('write')
    .description('write the files of an entry of `analytics:` now')
    .argument('<name>', 'name of the entry in causeway.yaml')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (name: string, { reason }: { reason?: string }) => {
      const context = makeContext()
      const path = `/api/v1/analytics/${encodeURIComponent(name)}/files`
      const json = await withApi(context, (api) => api.call('POST', path, reason ? { reason } : {}))
      context.output.result('analytics.write', json, () => {
        const { folder } = JSON.parse(json) as { folder: string }
        return `A worker writes the files of ${name} to ${folder} within seconds.`
      })
    })
}
