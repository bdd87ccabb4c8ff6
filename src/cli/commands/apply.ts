import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { CausewayError } from '../../core/index.ts'
import type { Applied, ApplyRequest, Plan } from '../../http/index.ts'
import { withApi } from '../api.ts'
import { applyConfiguration, configurationPlanOf } from '../apply-configuration.ts'
import type { MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { paint } from '../output.ts'
import { printable } from '../printable.ts'
import { WRITES } from './plan.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('<file>', 'what `causeway plan [SYNC] --out FILE` or `causeway verify SYNC --out FILE` kept')
    .option('--reason <text>', 'why, for the audit trail')
    .option('--allow-destructive', 'a plan of the configuration may remove connections and syncs')
    .action(async (file: string, { allowDestructive, ...options }: { reason?: string; allowDestructive?: boolean }) => {
      const context = makeContext()
      const kept = await readPlan(resolve(context.dir, file), file)
      const configuration = configurationPlanOf(kept)
      if (configuration)
        return await applyConfiguration(context, configuration, {
          ...options,
          ...(allowDestructive ? { allowDestructive } : {}),
        })
      const plan = planOf(kept, file)
      const changes = plan.changes
        .filter(({ action }) => WRITES.includes(action))
        .map(({ record, part, seq, action, target, fingerprint }) => ({
          record,
          part,
          seq,
          action,
          target,
          fingerprint,
        }))
      if (changes.length === 0) {
        const nothing: Applied = { sync: plan.sync, runs: [], states: {}, moved: [] }
        return context.output.result(
          'apply',
          JSON.stringify(nothing),
          () => `${plan.sync}: the plan has nothing to write.`,
        )
      }
      const request: ApplyRequest & { reason?: string } = {
        version: plan.version,
        ...(plan.basis ? { basis: plan.basis } : {}),
        changes,
        ...options,
      }
      const json = await withApi(context, (api) =>
        api.call('POST', `/api/v1/syncs/${encodeURIComponent(plan.sync)}/apply`, request),
      )
      const applied = JSON.parse(json) as Applied
      context.output.result('apply', json, () => appliedText(applied, unlisted(plan)))
      const failed = ['dead', 'pending', 'in_doubt'].some((state) => applied.states[state])
      if (applied.moved.length || failed) process.exitCode = EXIT.failed
    })
}

async function readPlan(path: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as unknown
  } catch (cause) {
    throw new CausewayError('CSW-8020', {
      what: `${file} cannot be read as a plan: ${(cause as Error).message}`,
      fix: 'Name a file that `causeway plan SYNC --out FILE` wrote.',
      cause,
    })
  }
}

function planOf(value: unknown, file: string): Plan {
  const plan = value as Partial<Plan> | null
  if (typeof plan?.sync === 'string' && typeof plan.version === 'string' && Array.isArray(plan.changes))
    return plan as Plan
  throw new CausewayError('CSW-8020', {
    what: `${file} is no plan.`,
    fix: 'Name a file that `causeway plan SYNC --out FILE` wrote.',
  })
}

/** A plan lists only so many changes; what it merely counts is not done. */
const unlisted = (plan: Plan): number => {
  // Of a verification the sum of what differs, with what is missing and cannot be made by applying.
  const { actions, findings } = plan as Plan & { findings?: Record<string, number> }
  const [counts, kinds] = findings ? [findings, ['missing', 'stale', 'diverged']] : [actions, WRITES]
  const listed = findings ? plan.changes : plan.changes.filter(({ action }) => WRITES.includes(action))
  return kinds.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0) - listed.length
}

function appliedText({ sync, states, moved }: Applied, left: number): string {
  const done = Object.entries(states).map(([state, count]) => `${count} ${state}`)
  const head = done.length
    ? `${sync}: ${done.join(', ')}`
    : `${sync}: nothing was written, because the plan does not hold any more`
  return [
    moved.length ? paint('red', head) : head,
    ...moved.map(
      ({ record, part, reason }) => `  ${printable(part ? `${record} part ${part}` : record)}: ${printable(reason)}`,
    ),
    ...(left > 0 ? [`  ${left} more changes were counted in the plan and not listed; plan again for them`] : []),
  ].join('\n')
}
