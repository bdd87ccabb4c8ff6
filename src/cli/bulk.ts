/** Bulk actions, as several commands begin them and wait for them. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import type { Api } from './api.ts'
import type { CliContext } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { Progress } from './progress.ts'
import { usageError } from './report-error.ts'
import { fields, time } from './table.ts'

export type BulkAction = {
  id: number
  kind: string
  state: 'running' | 'done' | 'aborted'
  actor: string
  total: number
  done: number
  passedOver: number
  failed: number
  left: number
  error: { code?: string; what?: string } | null
  createdAt: string
}
export type Confirmation = { yes?: boolean; preview?: boolean; wait?: boolean }

const PATH = '/api/v1/bulk-actions'
const POLL_MS = 500

/** Options of every command that acts on what a filter selects. */
export const withConfirmation = (command: Command): Command =>
  command
    .option('--preview', 'only count what would be touched')
    .option('--yes', 'do it: what the filter selects, without looking at a preview first')
    .option('--no-wait', 'do not wait until it is done; see `causeway bulk show`')

/**
 * Counts what `filter` selects and, with `--yes`, has exactly that done by the hub. `name` is that of the results, `paths` the preview and
 * the action. Asked to act without `--yes` it counts and fails: that must not look like success.
 */
export async function actInBulk(
  api: Api,
  context: CliContext,
  asked: {
    name: string
    paths: { preview: string; act: string }
    filter: object
    body: object
    options: Confirmation
    describe(preview: string): string
  },
): Promise<void> {
  const { name, paths, filter, body, options } = asked
  const selected = await api.call('POST', paths.preview, { filter })
  const { count, token } = JSON.parse(selected) as { count: number; token: string }
  if (options.preview || !options.yes) {
    context.output.result(`${name}.preview`, selected, () => asked.describe(selected))
    if (!options.preview && count)
      throw usageError(`Nothing was done: the filter selects ${count}.`, 'Repeat the command with --yes.')
    return
  }
  const begun = await api.call('POST', paths.act, { filter, token, ...body })
  // Opened in this process the hub does not work: whoever does goes on with it.
  const ended = options.wait === false || api.url === null ? begun : await watchBulkAction(api, idOf(begun))
  report(context, name, ended)
}

const idOf = (json: string): number => (JSON.parse(json) as BulkAction).id

/** Shows how far an action is until it is over. Leaving does not stop it. */
export async function watchBulkAction(api: Api, id: number): Promise<string> {
  const progress = new Progress()
  try {
    for (;;) {
      const json = await api.call('GET', `${PATH}/${id}`)
      const { state, total, left, kind } = JSON.parse(json) as BulkAction
      if (state !== 'running') return json
      progress.update(total - left, left, `${kind} ${id}`)
      await sleep(POLL_MS)
    }
  } finally {
    progress.end()
  }
}

/** Prints an action; one that was stopped or failed in part is no success. */
export function report(context: CliContext, name: string, json: string): void {
  const { state, failed } = JSON.parse(json) as BulkAction
  context.output.result(name, json, () => describe(json))
  if (state === 'aborted' || failed > 0) process.exitCode = EXIT.failed
}

function describe(json: string): string {
  const action = JSON.parse(json) as BulkAction
  return fields([
    ['bulk action', `${action.id}, ${action.kind}, ${action.state}`],
    ['by', `${action.actor}, ${time(action.createdAt)}`],
    ['done', `${action.done} of ${action.total}`],
    ['closed before', action.passedOver || null],
    ['failed', action.failed ? `${action.failed}, the last: ${action.error?.code} ${action.error?.what}` : null],
    ['left', action.left || null],
  ])
}
