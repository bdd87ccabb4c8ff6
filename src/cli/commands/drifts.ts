import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { type Drift, driftLines } from '../drift-list.ts'
import { fields, time } from '../table.ts'

type ListOptions = { stream?: string; state?: string; limit?: string; cursor?: string }

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('changes in the form of records, with the lines of mappings that they touch')
    .option('--stream <connection:stream>', 'only this stream')
    .option('--state <state>', 'open or accepted')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: ListOptions) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/drifts', options)))
      context.output.result('drifts.list', json, () => {
        const { items, next } = JSON.parse(json) as { items: Drift[]; next: string | null }
        const shown = items.map((drift) =>
          fields([
            ['stream', drift.stream],
            ['found', `${time(drift.foundAt)} in run ${drift.runId}`],
            ...driftLines([drift]),
          ]),
        )
        return [...(shown.length ? shown : ['No drift.']), ...(next ? [`More: --cursor ${next}`] : [])].join('\n\n')
      })
    })

  command
    .command('accept')
    .description('let go on what a drift held or paused')
    .argument('<id>', 'number of the drift')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (id: string, { reason }: { reason?: string }) => {
      const context = makeContext()
      const path = `/api/v1/drifts/${encodeURIComponent(id)}/accept`
      const json = await withApi(context, (api) => api.call('POST', path, reason ? { reason } : {}))
      context.output.result('drifts.accept', json, () => `Drift ${id} is accepted; what waited for it goes on.`)
    })
}
