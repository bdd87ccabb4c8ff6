import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { state, table, time } from '../table.ts'

type Snooze = { until: string } | null
type Route = {
  name: string
  kind: string
  tell: string[]
  severity: string
  waiting: number
  lastSentAt: string | null
  lastError: { code?: string; what: string } | null
  snooze: Snooze
}
type Subject = {
  key: string
  kind: string
  round: number
  since: string
  content: { title: string; severity: string }
  snooze: Snooze
}
type Message = {
  route: string
  change: string
  state: string
  attempts: number
  createdAt: string
  content: { title?: string; total?: number }
  error: { what: string } | null
}
type Scope = { route?: string; subject?: string; reason?: string }
type SnoozeOptions = Scope & { for?: string; until?: string; end?: boolean }

const PATH = '/api/v1/alerts'
const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list', { isDefault: true })
    .description('who is told, how far that got, and what is wrong now')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', PATH))
      context.output.result('alerts.list', json, () => {
        const { routes, open } = JSON.parse(json) as { routes: Route[]; open: Subject[] }
        return [
          table(
            ['route', 'kind', 'tells', 'least', 'waiting', 'last sent', 'quiet until', 'error'],
            routes.map((route) => [
              route.name,
              route.kind,
              route.tell.join(' '),
              route.severity,
              route.waiting,
              time(route.lastSentAt),
              route.snooze && time(route.snooze.until),
              route.lastError && [route.lastError.code, route.lastError.what].filter(Boolean).join(' '),
            ]),
            'No routes. docs/operate/alerts.md tells how to set one up.',
          ),
          table(
            ['subject', 'what', 'since', 'quiet until'],
            open.map(({ key, content, since, snooze }) => [
              key,
              content.title,
              time(since),
              snooze && time(snooze.until),
            ]),
            'Nothing is wrong that would be told.',
          ),
        ].join('\n\n')
      })
    })

  command
    .command('messages')
    .description('what was told, or is about to be, newest first')
    .option('--route <name>', 'only of this route')
    .option('--state <state>', 'waiting, sent, given_up, cancelled or folded')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: Record<string, string>) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery(`${PATH}/messages`, options)))
      context.output.result('alerts.messages', json, () =>
        table(
          ['made', 'route', 'change', 'state', 'tries', 'what', 'error'],
          (JSON.parse(json) as { items: Message[] }).items.map((item) => [
            time(item.createdAt),
            item.route,
            item.change,
            state(item.state),
            item.attempts,
            item.content.title ?? `${item.content.total} things`,
            item.error?.what,
          ]),
          'Nothing was told yet.',
        ),
      )
    })

  command
    .command('test')
    .description('send a message to a route now')
    .argument('<route>', 'name of the entry in `alerts:`')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (route: string, { reason }: { reason?: string }) => {
      const context = makeContext()
      const path = `${PATH}/routes/${encodeURIComponent(route)}/test`
      const json = await withApi(context, (api) => api.call('POST', path, reason ? { reason } : {}))
      context.output.result('alerts.test', json, () => `The message to ${route} was taken.`)
    })

  command
    .command('snooze')
    .description('tell nothing of a route, or of one thing that is wrong, for a while')
    .option('--route <name>', 'a route')
    .option('--subject <key>', 'or one thing, as `alerts list` prints it')
    .option('--for <time>', 'like 30m, 8h or 2d')
    .option('--until <moment>', 'or until then, like 2026-01-31T08:00:00Z')
    .option('--end', 'tell again from now on')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async ({ for: length, until, end, ...scope }: SnoozeOptions) => {
      const context = makeContext()
      if ((scope.route === undefined) === (scope.subject === undefined))
        throw usageError('Give either --route or --subject.')
      if ([length, until, end].filter((choice) => choice !== undefined).length !== 1)
        throw usageError('Give one of --for, --until and --end.')
      const json = await withApi(context, (api) =>
        end
          ? api.call('POST', `${PATH}/wake`, scope)
          : api.call('POST', `${PATH}/snooze`, { ...scope, until: until ?? momentIn(length!) }),
      )
      context.output.result('alerts.snooze', json, () => {
        if (end) return 'It is told again.'
        return `Quiet until ${time((JSON.parse(json) as { until: string }).until)}; what is wrong then is told then.`
      })
    })
}

function momentIn(length: string): string {
  const [, count, unit] = /^(\d{1,5})([mhd])$/.exec(length) ?? []
  if (!count || !unit) throw usageError(`--for takes something like 30m, 8h or 2d, not ${JSON.stringify(length)}.`)
  return new Date(Date.now() + Number(count) * UNITS[unit]!).toISOString()
}
