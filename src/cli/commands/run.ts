import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { CausewayError, type ErrorCode, errorRegistry } from '../../core/index.ts'
import { type Api, openApi } from '../api.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { EXIT, exitCodeOf } from '../exit-codes.ts'
import { Progress } from '../progress.ts'
import { Interrupted } from '../report-error.ts'
import { chosenSyncs, SELECT } from '../selection.ts'
import { untilStopped } from '../signals.ts'
import { fields } from '../table.ts'
import { countsText } from './runs.ts'

type RequestProgress = {
  requestId: string
  sync: string
  state: 'waiting' | 'running' | 'finished'
  outcome: string | null
  blocked: string | null
  remaining: number
  counts: Record<string, Record<string, number>>
  error: { code?: string; what?: string; fix?: string } | null
}
type Options = { select?: string; wait?: boolean; full?: boolean; reason?: string }

const POLL_MS = 500

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('[sync]', 'name of the sync')
    .option(...SELECT)
    .option('--wait', 'wait until everything is delivered, and say how it ended')
    .option('--full', 'read the source from the beginning')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (sync: string | undefined, options: Options) => {
      const context = makeContext()
      // One after the other: what one brings is there for the next. The worst end is the end of all.
      let worst: number = EXIT.ok
      for (const name of await chosenSyncs(context.dir, sync, options.select)) {
        await run(context, name, options)
        worst = Math.max(worst, Number(process.exitCode ?? EXIT.ok))
      }
      process.exitCode = worst
    })
}

async function run(context: CliContext, sync: string, options: Options): Promise<void> {
  // Without a running hub the work is done here, so there is no point in not waiting for it.
  const api = await openApi(context, 'all')
  try {
    const path = `/api/v1/syncs/${encodeURIComponent(sync)}`
    const started = await api.call('POST', `${path}/run`, {
      ...(options.full ? { full: true } : {}),
      ...(options.reason ? { reason: options.reason } : {}),
    })
    const { requestId } = JSON.parse(started) as { requestId: string }
    if (!options.wait && api.url !== null) {
      context.output.result('run', started, () => `Started. Follow it with \`causeway runs list --sync ${sync}\`.`)
      return
    }
    const json = await follow(api, `${path}/requests/${encodeURIComponent(requestId)}`)
    const ended = JSON.parse(json) as RequestProgress
    context.output.result('run', json, () => describe(ended))
    process.exitCode = exitCodeFor(ended)
  } finally {
    await api.close()
  }
}

/** Asks until the request is finished. Ctrl-c ends the waiting; the hub goes on. */
async function follow(api: Api, path: string): Promise<string> {
  const stopped = untilStopped()
  const progress = new Progress()
  let interrupted = false
  const ended = stopped.signal.then(() => {
    interrupted = true
  })
  try {
    for (;;) {
      const json = await api.call('GET', path)
      const now = JSON.parse(json) as RequestProgress
      if (now.state === 'finished') return json
      progress.update(recordsDone(now), now.remaining || null, now.blocked ?? now.state)
      await Promise.race([sleep(POLL_MS), ended])
      if (interrupted) throw new Interrupted()
    }
  } finally {
    progress.end()
    stopped.release()
  }
}

/** Pushes tell what has arrived; while there are none, what was read is all there is to show. */
const recordsDone = ({ counts }: RequestProgress): number => counts.push?.read ?? counts.pull?.read ?? 0

function describe(ended: RequestProgress): string {
  const back = ended.counts['push back']
  return fields([
    ['sync', ended.sync],
    ['outcome', ended.outcome],
    ['pulled', countsText(ended.counts.pull ?? {})],
    ['pushed', countsText(ended.counts.push ?? {})],
    ...(back ? ([['pushed back', countsText(back)]] as [string, string][]) : []),
    ...(ended.error
      ? ([
          ['error', `${ended.error.code ?? ''} ${ended.error.what ?? ''}`],
          ['fix', ended.error.fix],
        ] as [string, string | undefined][])
      : []),
  ])
}

/** Success is 0; a run that failed as a whole says by whose fault; anything else is "not as it should be". */
function exitCodeFor({ outcome, error }: RequestProgress): number {
  if (outcome === 'success') return EXIT.ok
  const code = error?.code
  if (outcome === 'failed' && code !== undefined && code in errorRegistry)
    return exitCodeOf(new CausewayError(code as ErrorCode, { what: error?.what ?? '' }))
  return EXIT.failed
}
