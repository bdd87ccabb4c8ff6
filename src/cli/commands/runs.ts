import type { Command } from 'commander'
import { parseExact } from '../../core/index.ts'
import type { Undone } from '../../http/index.ts'
import { withApi, withQuery } from '../api.ts'
import { demandYes } from '../confirmation.ts'
import type { MakeContext } from '../context.ts'
import { type Drift, driftLines } from '../drift-list.ts'
import { EXIT } from '../exit-codes.ts'
import { printable } from '../printable.ts'
import { duration, fields, state, table, time } from '../table.ts'
import { value } from './plan.ts'

export type Run = {
  id: number
  kind: string
  sync: string | null
  stream: string | null
  trigger: string
  mode: string | null
  mappingVersion: string | null
  requestId: string | null
  startedAt: string
  finishedAt: string | null
  outcome: string
  counts: Record<string, number>
  times: Record<string, number> | null
  error: { code?: string; what?: string; fix?: string } | null
}

type Hold = { records: number; live: number; reason: string; state: string; sample: string[] }

type ListOptions = {
  sync?: string
  stream?: string
  connection?: string
  outcome?: string
  kind?: string
  since?: string
  limit?: string
  cursor?: string
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('runs, newest first')
    .option('--sync <name>', 'only pushes of this sync')
    .option('--stream <connection:stream>', 'only runs of this stream')
    .option('--connection <name>', 'only runs that touch this connection')
    .option('--outcome <outcome>', 'only runs that ended like this')
    .option('--kind <kind>', 'pull, push or inbox')
    .option('--since <time>', 'started at or after, as 2026-01-31T08:00:00Z')
    .option('--limit <number>', 'how many (50)')
    .option('--cursor <cursor>', 'where the page before ended')
    .action(async (options: ListOptions) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/runs', options)))
      context.output.result('runs.list', json, () => {
        const { items, next } = JSON.parse(json) as { items: Run[]; next: string | null }
        const rows = items.map((run) => [
          run.id,
          run.kind,
          run.sync ?? run.stream,
          state(run.outcome),
          time(run.startedAt),
          took(run),
          countsText(run.counts),
        ])
        const shown = table(['run', 'kind', 'of', 'outcome', 'started', 'took', 'counts'], rows, 'No runs match.')
        return next ? `${shown}\nMore: --cursor ${next}` : shown
      })
    })

  command
    .command('show')
    .description('one run')
    .argument('<id>', 'number of the run')
    .action(async (id: string) => {
      const context = makeContext()
      const path = `/api/v1/runs/${encodeURIComponent(id)}`
      const { json, hold, drifts } = await withApi(context, async (api) => {
        const json = await api.call('GET', path)
        const held = (JSON.parse(json) as Run).outcome === 'held'
        const found = await api.call('GET', withQuery('/api/v1/drifts', { run: id }))
        return {
          json,
          hold: held ? (JSON.parse(await api.call('GET', `${path}/hold`)) as Hold) : null,
          drifts: (JSON.parse(found) as { items: Drift[] }).items,
        }
      })
      context.output.result('runs.show', json, () => {
        const run = JSON.parse(json) as Run
        return fields([
          ['run', run.id],
          ['kind', run.kind],
          ['sync', run.sync],
          ['stream', run.stream],
          ['trigger', run.trigger],
          ['mode', run.mode],
          ['mapping version', run.mappingVersion],
          ['request', run.requestId],
          ['outcome', run.outcome],
          ['started', time(run.startedAt)],
          ['finished', time(run.finishedAt)],
          ['took', took(run)],
          ['time went to', run.times && timesText(run.times)],
          ['counts', countsText(run.counts)],
          ...(hold
            ? ([
                ['held', `${hold.records} of ${hold.live} (${hold.reason}), ${hold.state}`],
                ['for example', hold.sample.join(', ')],
                ['then', `causeway runs approve ${run.id} --yes, or reject`],
              ] as [string, string][])
            : []),
          ...driftLines(drifts),
          ...(run.error
            ? ([
                ['error', `${run.error.code ?? ''} ${run.error.what ?? ''}`],
                ['fix', run.error.fix],
              ] as [string, string | undefined][])
            : []),
        ])
      })
    })

  command
    .command('undo')
    .description('give the fields that a run wrote the values they had before, where they still hold what it wrote')
    .argument('<id>', 'number of the run')
    .option('--plan', 'only say what would be done')
    .option('--creations', 'also delete what the run created, where nobody changed it since')
    .option('--yes', 'do it: fields of the target are written, and with --creations records deleted')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (id: string, { yes, ...options }: UndoFlags) => {
      const context = makeContext()
      if (!options.plan) demandYes(yes, 'what a run wrote would be overwritten; see it with --plan')
      const path = `/api/v1/runs/${encodeURIComponent(id)}/undo`
      const json = await withApi(context, (api) => api.call('POST', path, options))
      const undone = parseExact(json) as unknown as Undone
      context.output.result('runs.undo', json, () => undoneText(undone, options.plan ?? false))
      if (undone.left.length) process.exitCode = EXIT.failed
    })

  decision(command, makeContext, 'approve', 'let the deletions happen that a run holds')
  decision(command, makeContext, 'reject', 'keep what a run would have deleted')
}

type UndoFlags = { plan?: boolean; creations?: boolean; yes?: boolean; reason?: string }

function undoneText({ run, sync, restored, removed, changes, left }: Undone, plan: boolean): string {
  const deleted = removed ? `${removed} that it created ${plan ? 'would be' : 'are'} deleted, ` : ''
  return [
    `${sync}, run ${run}: ${restored} records ${plan ? 'would get' : 'got'} their former values back, ${deleted}${left.length} stay in whole or in part`,
    ...changes.flatMap(({ record, target, action, fields }) => [
      printable(`${record} → ${target}${action === 'delete' ? ': deleted, for the run created it' : ''}`),
      ...fields.map(({ field, wrote, before }) => `    ${printable(field)}: ${value(wrote)} → ${value(before)}`),
    ]),
    ...left.map(({ record, target, reason, fields }) =>
      printable(`${record} → ${target} stays${fields.length ? `: ${fields.join(', ')}` : ''} (${reason})`),
    ),
  ].join('\n')
}

function decision(command: Command, makeContext: MakeContext, action: 'approve' | 'reject', does: string): void {
  const decide = command.command(action).description(does)
  if (action === 'approve') decide.option('--yes', 'do it: the records are deleted')
  decide
    .argument('<id>', 'number of the run')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (id: string, { yes, reason }: { yes?: boolean; reason?: string }) => {
      const context = makeContext()
      if (action === 'approve') demandYes(yes, `records would be deleted; see how many with \`runs show ${id}\``)
      const path = `/api/v1/runs/${encodeURIComponent(id)}/${action}`
      const json = await withApi(context, (api) => api.call('POST', path, reason ? { reason } : {}))
      const { records } = JSON.parse(json) as { records: number }
      const says = action === 'approve' ? 'will be deleted' : 'stay as they are'
      context.output.result(`runs.${action}`, json, () => `${records} records ${says}.`)
    })
}

const took = (run: Run): string =>
  duration((run.finishedAt ? Date.parse(run.finishedAt) : Date.now()) - Date.parse(run.startedAt))

/** All parts in the order of a run, zeros too; they add up to the last. */
const timesText = (times: Record<string, number>): string =>
  ['queue', 'limits', 'remote', 'mapping', 'storing', 'other', 'total']
    .map((part) => `${part} ${times[part]} ms`)
    .join(', ')

export const countsText = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || 'nothing to do'
