import type { Command } from 'commander'
import { withApi } from '../api.ts'
import { demandYes } from '../confirmation.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'

type Counts = { records: number; deadLetters: number; journal: number; events: number }

export function define(command: Command, makeContext: MakeContext): void {
  command
    .requiredOption('--key <field=value>', 'who: a field of the records and its value, like email=ada@example.org')
    .option('--yes', 'do it; it cannot be undone')
    .option('--reason <text>', 'why, for the audit trail; must not name the person')
    .action(async ({ key, yes, reason }: { key: string; yes?: boolean; reason?: string }) => {
      const context = makeContext()
      const at = key.indexOf('=')
      if (at < 1 || at === key.length - 1)
        throw usageError('`--key` needs a field and a value.', 'Write email=ada@example.org.')
      demandYes(yes, 'erasing cannot be undone')
      const body = { field: key.slice(0, at), value: key.slice(at + 1), ...(reason ? { reason } : {}) }
      const json = await withApi(context, (api) => api.call('POST', '/api/v1/erasures', body))
      const { records, deadLetters, journal, events } = JSON.parse(json) as Counts
      context.output.result(
        'erase',
        json,
        () =>
          `Erased: ${records} records, ${deadLetters} dead letters, ${journal} batches of the journal, ${events} events.`,
      )
    })
}
