/** `causeway plan` without a sync: the files against what the hub works with, and what changed mappings do to recorded inputs. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type {
  ConfigurationChange,
  ConfigurationPlan,
  MappingComparison,
  PlannedItem,
  RollBackPlan,
} from '../http/index.ts'
import { type Api, withApi } from './api.ts'
import { type Assembly, loadAssembly } from './assembly.ts'
import { configurationText } from './configuration-plan.ts'
import type { CliContext } from './context.ts'
import { countOption } from './count-option.ts'
import { EXIT } from './exit-codes.ts'
import { tablesField } from './mapping-tables.ts'
import { planRollBack, rollBackText } from './roll-back-plan.ts'

/** Recorded inputs that go through the former and the new text of a changed mapping, the last ones. */
const EFFECT_RECORDS = 1_000

export async function planConfiguration(
  context: CliContext,
  options: { limit?: string; out?: string; exitCode?: boolean; to?: string },
): Promise<void> {
  const limit = options.limit === undefined ? EFFECT_RECORDS : countOption(options.limit)
  const plan: ConfigurationPlan & Partial<RollBackPlan> = await withApi(context, (api) =>
    options.to === undefined ? planFolder(api, context.dir, limit) : planRollBack(api, options.to, limit),
  )
  const json = JSON.stringify(plan)
  if (options.out !== undefined) await writeFile(resolve(context.dir, options.out), `${json}\n`)
  context.output.result('plan', json, () =>
    [...(plan.rollBack ? [rollBackText(plan.rollBack)] : []), configurationText(plan.configuration)].join('\n'),
  )
  if (options.exitCode && plan.configuration.length + (plan.rollBack?.changes.length ?? 0) > 0)
    process.exitCode = EXIT.changes
}

async function planFolder(api: Api, dir: string, limit: number): Promise<ConfigurationPlan> {
  const assembly = await loadAssembly()
  const after = await assembly.folderConfiguration(dir)
  const { items: before } = JSON.parse(await api.call('GET', '/api/v1/configuration')) as { items: PlannedItem[] }
  const made = assembly.configurationPlan(before, after)
  for (const change of made.configuration) {
    const is = ({ kind, name }: PlannedItem): boolean => kind === change.kind && name === change.name
    const effect = await effectOf(api, change, [before.find(is), after.find(is)], limit)
    if (effect) change.effect = effect
  }
  return made
}

type FolderItem = Awaited<ReturnType<Assembly['folderConfiguration']>>[number]

/**
 * A mapping between the same streams whose rules changed: what its former and its new text make of the recorded inputs, each with
 * its value tables. Those of the former one are with the hub.
 */
async function effectOf(
  api: Api,
  { kind, name, change, fields }: ConfigurationChange,
  [was, is]: [PlannedItem | undefined, FolderItem | undefined],
  limit: number,
): Promise<MappingComparison | undefined> {
  const changed = new Set(fields.map(({ field }) => field))
  if (kind !== 'sync' || change !== 'changed' || !changed.has('mapping')) return undefined
  if (changed.has('from') || changed.has('to') || !was?.source || !is?.source) return undefined
  const path = `/api/v1/syncs/${encodeURIComponent(name)}/compare`
  const body = { before: was.source, after: is.source, ...tablesField('afterTables', is.tables), limit }
  return JSON.parse(await api.call('POST', path, body)) as MappingComparison
}
