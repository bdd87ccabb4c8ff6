import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import { actInBulk, type Confirmation, withConfirmation } from '../bulk.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { fields, state, table, time } from '../table.ts'

type Event = {
  id: number
  connection: string
  stream: string | null
  eventId: string
  receivedAt: string
  state: string
  attempts: number
  bytes: number
}
type Subscription = {
  id: number
  connection: string
  stream: string | null
  state: string
  remoteId: string | null
  expiresAt: string | null
  error: { code?: string; what?: string } | null
}
type Filter = { connection?: string; stream?: string; state?: string; since?: string; until?: string }

const withFilter = (command: Command): Command =>
  command
    .option('--connection <name>', 'only this connection')
    .option('--stream <name>', 'only what was sent for this stream')
    .option('--state <state>', 'pending, done, skipped or dead')
    .option('--since <time>', 'received at or after, as 2026-01-31T08:00:00Z')
    .option('--until <time>', 'received before')

type Intake = {
  connection: string | null
  stored: number
  duplicates: number
  handshakes: number
  refused: { code: string; count: number }[]
}

export function define(command: Command, makeContext: MakeContext): void {
  withFilter(command.command('list').description('webhook events, newest first'))
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: Filter & { limit?: string; cursor?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/events', options)))
      context.output.result('webhooks.list', json, () => {
        const { items, next } = JSON.parse(json) as { items: Event[]; next: string | null }
        const rows = items.map((item) => [
          item.id,
          item.connection,
          item.stream,
          item.eventId,
          state(item.state),
          item.attempts,
          time(item.receivedAt),
        ])
        const shown = table(
          ['id', 'connection', 'stream', 'event', 'state', 'attempts', 'received'],
          rows,
          'No events.',
        )
        return next ? `${shown}\nMore: --cursor ${next}` : shown
      })
    })

  withConfirmation(
    withFilter(command.command('replay').description('read events again and let their records go through the syncs')),
  )
    .argument('[ids...]', 'numbers of events; without them the filter selects')
    .option('--sync <name>', 'only through this sync')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (ids: string[], options: Filter & Confirmation & { sync?: string; reason?: string }) => {
      const context = makeContext()
      const { yes: _yes, preview: _preview, wait: _wait, sync, reason, ...filter } = options
      const body = { ...(sync === undefined ? {} : { sync }), ...(reason === undefined ? {} : { reason }) }
      if (!ids.length && !Object.keys(filter).length)
        throw usageError(
          '`webhooks replay` needs numbers or a filter.',
          'Name events, or select them with --since, --state …',
        )
      await withApi(context, async (api) => {
        if (!ids.length)
          return actInBulk(api, context, {
            name: 'webhooks.replay',
            paths: { preview: '/api/v1/events/preview', act: '/api/v1/events/replay-all' },
            filter,
            body,
            options,
            describe: previewText,
          })
        const json = await api.call('POST', '/api/v1/events/replay', { ids: ids.map(Number), ...body })
        const { replayed, notKept } = JSON.parse(json) as { replayed: number; notKept: number }
        const lost = notKept ? ` Of ${notKept} the bytes are not kept (CSW-5018).` : ''
        context.output.result('webhooks.replay', json, () => `${replayed} events are read again.${lost}`)
      })
    })

  command
    .command('intake')
    .description('webhooks that came since the hub began, also those that were refused, and why')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', '/api/v1/webhook-intake'))
      context.output.result('webhooks.intake', json, () =>
        table(
          ['connection', 'stored', 'repeats', 'handshakes', 'refused'],
          (JSON.parse(json) as { items: Intake[] }).items.map((item) => [
            item.connection ?? 'no connection',
            item.stored,
            item.duplicates,
            item.handshakes,
            item.refused.map(({ code, count }) => `${count} × ${code}`).join(', '),
          ]),
          'None came yet.',
        ),
      )
    })

  command
    .command('subscriptions')
    .description('webhooks that the hub ordered at other systems')
    .option('--connection <name>', 'only this connection')
    .option('--again <id>', 'try this one now; make sure first that nothing is ordered there')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (options: { connection?: string; again?: string; reason?: string }) => {
      const context = makeContext()
      const { again, connection, reason } = options
      if (again !== undefined) {
        const path = `/api/v1/subscriptions/${encodeURIComponent(again)}/again`
        const json = await withApi(context, (api) => api.call('POST', path, reason === undefined ? {} : { reason }))
        return context.output.result('webhooks.again', json, () => `${again} is tried within 15 s.`)
      }
      const json = await withApi(context, (api) =>
        api.call('GET', withQuery('/api/v1/subscriptions', connection === undefined ? {} : { connection })),
      )
      context.output.result('webhooks.subscriptions', json, () => {
        const { items } = JSON.parse(json) as { items: Subscription[] }
        const rows = items.map((item) => [
          item.id,
          item.connection,
          item.stream,
          state(item.state),
          item.remoteId,
          time(item.expiresAt),
          item.error ? `${item.error.code} ${item.error.what}` : '',
        ])
        const head = ['id', 'connection', 'stream', 'state', 'id there', 'ends', 'problem']
        return table(head, rows, 'No webhooks are ordered.')
      })
    })
}

function previewText(json: string): string {
  const { count, byState } = JSON.parse(json) as { count: number; byState: Record<string, number> }
  const states = Object.entries(byState).map(([name, number]) => `${number} × ${name}`)
  return fields([
    ['would read again', count],
    ['of', states.join(', ')],
  ])
}
