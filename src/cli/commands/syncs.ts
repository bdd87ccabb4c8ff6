import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { fields, state, table, time } from '../table.ts'

type Sync = {
  name: string
  from: string
  to: string
  state: string
  stateReason: string | null
  lastSuccessAt: string | null
  openDeadLetters: number
  lastRun: { outcome: string } | null
}
type Detail = {
  sync: Sync & { deliveries: Record<string, number>; deliveriesEstimated: boolean }
  definition: { file: string; mode: string; lanes: number; tags: string[] } | null
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('syncs with state and last run')
    .option('--connection <name>', 'only those that read from or write to it')
    .action(async (options: { connection?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) =>
        api.call('GET', withQuery('/api/v1/syncs', { ...options, limit: 500 })),
      )
      context.output.result('syncs.list', json, () => {
        const { items } = JSON.parse(json) as { items: Sync[] }
        const rows = items.map((sync) => [
          sync.name,
          `${sync.from} → ${sync.to}`,
          state(sync.state),
          sync.lastRun ? state(sync.lastRun.outcome) : 'never',
          time(sync.lastSuccessAt),
          sync.openDeadLetters,
        ])
        return table(['sync', 'from → to', 'state', 'last run', 'last success', 'dead'], rows, 'No syncs.')
      })
    })

  command
    .command('show')
    .description('one sync with its deliveries by state')
    .argument('<name>', 'name of the sync')
    .action(async (name: string) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', `/api/v1/syncs/${encodeURIComponent(name)}`))
      context.output.result('syncs.show', json, () => {
        const { sync, definition } = JSON.parse(json) as Detail
        return fields([
          ['sync', sync.name],
          ['from', sync.from],
          ['to', sync.to],
          ['state', [sync.state, sync.stateReason].filter(Boolean).join(': ')],
          ['file', definition?.file],
          ['mode', definition?.mode],
          ['lanes', definition?.lanes],
          ['last success', time(sync.lastSuccessAt)],
          [
            'deliveries',
            Object.entries(sync.deliveries)
              .map(([word, count]) => `${word} ${sync.deliveriesEstimated ? 'about ' : ''}${count}`)
              .join(', '),
          ],
        ])
      })
    })

  for (const action of ['pause', 'resume'] as const)
    command
      .command(action)
      .description(action === 'pause' ? 'deliver nothing more' : 'go on')
      .argument('<name>', 'name of the sync')
      .option('--reason <text>', 'why, for the audit trail')
      .action(async (name: string, options: { reason?: string }) => {
        const context = makeContext()
        const path = `/api/v1/syncs/${encodeURIComponent(name)}/${action}`
        const json = await withApi(context, (api) => api.call('POST', path, options))
        context.output.result(`syncs.${action}`, json, () => `${name} is ${(JSON.parse(json) as Sync).state}.`)
      })
}
