/** What `status` lists besides problems, queues and schedules. */
import { type Command, Option } from 'commander'
import { withApi, withQuery } from './api.ts'
import type { MakeContext } from './context.ts'
import { printable } from './printable.ts'
import { fields, state, table, time } from './table.ts'

type Activity = { sync: string; hour: string } & Record<'runs' | 'failed' | 'written' | 'unchanged' | 'dead', number>
type Hour = { hour: string; lag: number | null; times: Record<'queue' | 'limits' | 'remote', number> } & Record<
  'runs' | 'failed' | 'read' | 'written' | 'dead',
  number
>
type LimitHour = Record<'hour' | 'limit', string> &
  Record<'units' | 'seconds' | 'used' | 'most', number> & { shared: boolean }
type Entry = { at: string; kind: string; actor: string; what: string; subject: string; outcome: string | null }
type Worker = { host: string; process: string; startedAt: string; seenAt: string; alive: boolean }
type Setting = { name: string; value: string | null; from: string; where: string | null }
type Stream = {
  address: string
  seq: number
  pullMode: string | null
  pullFailures: number
  lastPullAt: string | null
  lastSuccessAt: string | null
  nextPullAt: string | null
  lastError: { code?: string; what?: string } | null
  records?: { live: number; deleted: number; estimated: boolean }
}
type Paging = Record<'limit' | 'cursor', string | undefined>
type Page<T> = { items: T[]; next?: string | null }

/** Adds the lists to the command. */
export function defineStatusLists(command: Command, makeContext: MakeContext): void {
  const show = async <T>(name: string, path: string, heads: string[], row: (item: T) => unknown[], none: string) => {
    const { output, ...context } = makeContext()
    const json = await withApi({ ...context, output }, (api) => api.call('GET', path))
    output.result(`status.${name}`, json, () => {
      const { items, next } = JSON.parse(json) as Page<T>
      const shown = table(heads, items.map(row) as Parameters<typeof table>[1], none)
      return next ? `${shown}\nMore: --cursor ${next}` : shown
    })
  }

  command
    .command('activity')
    .description('what pushes did in the last hours, by sync and hour')
    .option('--hours <number>', 'how many, at most 168 (24)')
    .action((options: { hours?: string }) =>
      show<Activity>(
        'activity',
        withQuery('/api/v1/activity', options),
        ['sync', 'hour', 'runs', 'failed', 'written', 'unchanged', 'dead'],
        (item) => [item.sync, time(item.hour), item.runs, item.failed, item.written, item.unchanged, item.dead],
        'Nothing ran.',
      ),
    )

  command
    .command('hours')
    .description('throughput, errors, lag and waits of all runs, or those of one sync or connection, by hour')
    .addOption(new Option('--sync <name>', 'of this sync').conflicts('connection'))
    .option('--connection <name>', 'of this connection')
    .option('--hours <number>', 'how many, at most 168 (24)')
    .action(({ sync, connection, hours }: Partial<Record<'sync' | 'connection' | 'hours', string>>) =>
      show<Hour>(
        'hours',
        withQuery(`/api/v1${pathOf(sync, connection)}/hours`, { hours }),
        ['hour', 'runs', 'failed', 'read', 'written', 'dead', 'lag ms', 'queue ms', 'limits ms', 'other side ms'],
        ({ hour, runs, failed, read, written, dead, lag, times: { queue, limits, remote } }) => {
          return [time(hour), runs, failed, read, written, dead, lag, queue, limits, remote]
        },
        'Nothing ran.',
      ),
    )

  command
    .command('limits')
    .description('what was used of the limits of a connection, by hour')
    .argument('<connection>', 'its name')
    .option('--hours <number>', 'how many, at most 168 (24)')
    .action((connection: string, { hours }: { hours?: string }) =>
      show<LimitHour>(
        'limits',
        withQuery(`/api/v1/connections/${encodeURIComponent(connection)}/limits`, { hours }),
        ['hour', 'limit', 'allows', 'used', 'most in 5 min', 'shared'],
        ({ hour, limit, units, seconds, used, most, shared }) => [
          time(hour),
          limit,
          `${units} in ${seconds} s`,
          used,
          most,
          shared ? 'yes' : '',
        ],
        'Nothing was used, or it has no limits.',
      ),
    )

  withPaging(command.command('timeline').description('what people did and what ran, newest first'))
    .option('--kind <kind>', 'deed or run')
    .option('--since <time>', 'at or after, as 2026-01-31T08:00:00Z')
    .option('--until <time>', 'before')
    .action((options: Paging & Record<'kind' | 'since' | 'until', string | undefined>) =>
      show<Entry>(
        'timeline',
        withQuery('/api/v1/timeline', options),
        ['at', 'who', 'did', 'on', 'outcome'],
        (item) => [time(item.at), item.actor, item.what, item.subject, item.outcome && state(item.outcome)],
        'Nothing happened yet.',
      ),
    )

  command
    .command('workers')
    .description('processes that work, and those that fell silent within the hour')
    .action(() =>
      show<Worker>(
        'workers',
        '/api/v1/workers',
        ['host', 'process', 'since', 'seen', 'state'],
        (item) => [item.host, item.process, time(item.startedAt), time(item.seenAt), item.alive ? 'works' : 'silent'],
        'Nobody works.',
      ),
    )

  command
    .command('settings')
    .description('what the hub works with, setting by setting, and where it came from')
    .action(() =>
      show<Setting>(
        'settings',
        '/api/v1/settings',
        ['setting', 'value', 'from', 'where'],
        (item) => [item.name, item.value, item.from, item.where],
        'No settings.',
      ),
    )

  withPaging(command.command('streams').description('streams with their last pull; with ADDRESS one of them'))
    .argument('[address]', '`connection:stream`')
    .option('--connection <name>', 'only those of this connection')
    .action((address: string | undefined, options: Paging & { connection?: string }) =>
      address === undefined
        ? show<Stream>(
            'streams',
            withQuery('/api/v1/streams', options),
            ['stream', 'pulls', 'changes', 'last pull', 'next pull', 'failures', 'error'],
            (item) => [
              item.address,
              item.pullMode,
              item.seq,
              time(item.lastPullAt),
              time(item.nextPullAt),
              item.pullFailures,
              item.lastError?.code,
            ],
            'No streams.',
          )
        : showStream(makeContext, address),
    )
}

function pathOf(sync: string | undefined, connection: string | undefined): string {
  const [kind, name] = sync === undefined ? ['connections', connection] : ['syncs', sync]
  return name === undefined ? '' : `/${kind}/${encodeURIComponent(name)}`
}

const withPaging = (command: Command): Command =>
  command.option('--limit <number>', 'how many (50)').option('--cursor <cursor>', 'where the page before ended')

async function showStream(makeContext: MakeContext, address: string): Promise<void> {
  const context = makeContext()
  const json = await withApi(context, (api) => api.call('GET', `/api/v1/streams/${encodeURIComponent(address)}`))
  context.output.result('status.stream', json, () => {
    const stream = JSON.parse(json) as Stream
    const about = stream.records?.estimated ? 'about ' : ''
    return fields([
      ['stream', stream.address],
      ['pulls', stream.pullMode],
      [
        'records',
        `${about}${stream.records?.live} live, ${about}${stream.records?.deleted} deleted, ${stream.seq} changes so far`,
      ],
      ['last pull', time(stream.lastPullAt)],
      ['last that went well', time(stream.lastSuccessAt)],
      ['next pull', time(stream.nextPullAt)],
      ['error', stream.lastError ? printable(`${stream.lastError.code} ${stream.lastError.what}`) : null],
    ])
  })
}
