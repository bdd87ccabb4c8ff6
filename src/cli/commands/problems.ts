import type { Command } from 'commander'
import { withApi } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { listProblems, type Problem } from '../problem-list.ts'
import { fields, table, time } from '../table.ts'

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
      await listProblems(makeContext(), 'problems.list', options)
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
