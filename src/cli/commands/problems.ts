import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import { fields, state, table, time } from '../table.ts'
import type { MakeContext } from './index.ts'

type Problem = {
  code: string
  fingerprint: string
  status: string
  connection: string | null
  meaning: string
  action: string
  count: number
  firstSeenAt: string
  lastSeenAt: string
  syncs: string[]
}
type Letter = {
  id: number
  sync: string | null
  recordId: string | null
  error: { what?: string } | null
  assignee: string | null
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list', { isDefault: true })
    .description('what is broken, grouped by cause')
    .option('--connection <name>', 'only this connection')
    .action(async (options: { connection?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/problems', options)))
      const { items } = JSON.parse(json) as { items: Problem[] }
      context.output.result('problems.list', json, () =>
        table(
          ['status', 'connection', 'code', 'cause', 'count', 'since', 'what'],
          items.map((item) => [
            state(item.status),
            item.connection,
            item.code,
            item.fingerprint,
            item.count,
            time(item.firstSeenAt),
            item.meaning,
          ]),
          'No problems.',
        ),
      )
    })

  command
    .command('show')
    .description('one cause: what it means, what to do, which records')
    .argument('<code>', 'error code')
    .argument('<cause>', 'as `problems list` prints it')
    .action(async (code: string, cause: string) => {
      const context = makeContext()
      const path = `/api/v1/problems/${encodeURIComponent(code)}/${encodeURIComponent(cause)}`
      const json = await withApi(context, (api) => api.call('GET', path))
      const { items, deadLetters } = JSON.parse(json) as { items: Problem[]; deadLetters: Letter[] }
      context.output.result('problems.show', json, () =>
        [
          ...items.map((item) =>
            fields([
              ['problem', `${item.code} ${item.fingerprint}`],
              ['status', item.status],
              ['connection', item.connection],
              ['syncs', item.syncs.join(', ')],
              ['count', item.count],
              ['first', time(item.firstSeenAt)],
              ['last', time(item.lastSeenAt)],
              ['means', item.meaning],
              ['do', item.action],
            ]),
          ),
          ...(deadLetters.length
            ? [
                table(
                  ['letter', 'sync', 'record', 'whose', 'what'],
                  deadLetters.map((letter) => [
                    letter.id,
                    letter.sync,
                    letter.recordId,
                    letter.assignee,
                    letter.error?.what,
                  ]),
                  '',
                ),
              ]
            : []),
        ].join('\n\n'),
      )
    })
}
