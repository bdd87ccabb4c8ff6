import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { listProblems } from '../problem-list.ts'
import { defineStatusLists } from '../status-lists.ts'
import { duration, state, table, time } from '../table.ts'

type Queue = {
  connection: string
  kind: string
  waiting: number
  waitingCapped: boolean
  delayed: number
  active: number
  oldestAgeSeconds: number | null
  paused: boolean
  waitUntil: string | null
}
type Schedule = {
  sync: string | null
  stream: string | null
  expression: string
  zone: string | null
  next: string[]
  lastSlot: string | null
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('problems', { isDefault: true })
    .description('what is broken, grouped by cause')
    .option('--connection <name>', 'only this connection')
    .action(async (options: { connection?: string }) => {
      const items = await listProblems(makeContext(), 'status.problems', options)
      if (items.some((item) => item.status !== 'retrying' && item.status !== 'parked')) process.exitCode = EXIT.failed
    })

  command
    .command('queues')
    .description('backlog, age, pauses and waits by connection')
    .option('--connection <name>', 'only this connection')
    .action(async (options: { connection?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/queues', options)))
      context.output.result('status.queues', json, () =>
        table(
          ['connection', 'kind', 'waiting', 'delayed', 'active', 'oldest', 'state'],
          (JSON.parse(json) as { items: Queue[] }).items.map((item) => [
            item.connection,
            item.kind,
            `${item.waiting}${item.waitingCapped ? '+' : ''}`,
            item.delayed,
            item.active,
            item.oldestAgeSeconds === null ? null : duration(item.oldestAgeSeconds * 1_000),
            item.paused ? state('paused') : item.waitUntil ? `waits until ${time(item.waitUntil)}` : 'open for work',
          ]),
          'No queues.',
        ),
      )
    })

  command
    .command('schedules')
    .description('timetables with the next slots')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', '/api/v1/schedules'))
      context.output.result('status.schedules', json, () =>
        table(
          ['of', 'when', 'zone', 'last', 'next'],
          (JSON.parse(json) as { items: Schedule[] }).items.map((item) => [
            item.sync ?? item.stream,
            item.expression,
            item.zone,
            time(item.lastSlot),
            time(item.next[0] ?? null),
          ]),
          'No schedules.',
        ),
      )
    })

  defineStatusLists(command, makeContext)
}
