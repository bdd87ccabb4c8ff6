import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { table, time } from '../table.ts'

type Entry = { id: number; at: string; actor: string; action: string; subject: string; detail: object }
type Filter = Record<'actor' | 'action' | 'subject' | 'since' | 'until' | 'limit' | 'cursor', string | undefined>
type Verdict = { ok: boolean; rows: number; head: string; brokenAt: number | null; reason: string | null }

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('what people and programs did, newest first')
    .option('--actor <name>', 'only theirs, like user:ada or token:ci')
    .option('--action <name>', 'only this, like sync.pause')
    .option('--subject <name>', 'only on this, like sync:contacts')
    .option('--since <time>', 'at or after, as 2026-01-31T08:00:00Z')
    .option('--until <time>', 'before')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: Filter) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/audit', options)))
      context.output.result('audit.list', json, () => {
        const { items, next } = JSON.parse(json) as { items: Entry[]; next: string | null }
        const rows = items.map(({ id, at, actor, action, subject, detail }) => [
          id,
          time(at),
          actor,
          action,
          subject,
          JSON.stringify(detail),
        ])
        const shown = table(['id', 'at', 'who', 'did', 'on', 'particulars'], rows, 'Nothing was done yet.')
        return next ? `${shown}\nMore: --cursor ${next}` : shown
      })
    })

  command
    .command('verify')
    .description('follow the chain of hashes; exit code 1 when it is broken')
    .option('--head <hash>', 'hash noted earlier, which the chain must still hold')
    .action(async (options: { head?: string }) => {
      const context = makeContext()
      const query = withQuery('/api/v1/audit/verification', options)
      const json = await withApi(context, (api) => api.call('GET', query))
      const { ok, rows, head, brokenAt, reason } = JSON.parse(json) as Verdict
      context.output.result('audit.verify', json, () =>
        ok
          ? `${rows} rows are in order. Head: ${head}`
          : `Broken${brokenAt === null ? '' : ` at row ${brokenAt}`}: ${reason}.`,
      )
      if (!ok) process.exitCode = EXIT.failed
    })
}
