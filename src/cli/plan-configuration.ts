/** `causeway plan` without a sync: the files against what the hub works with, and what changed mappings do to recorded inputs. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { MappingComparison, PlannedItem } from '../http/index.ts'
import { type Api, withApi } from './api.ts'
import { loadAssembly } from './assembly.ts'
import { type ConfigurationChange, configurationPlan, configurationText } from './configuration-plan.ts'
import type { CliContext } from './context.ts'
import { countOption } from './count-option.ts'
import { EXIT } from './exit-codes.ts'

/** Recorded inputs that go through the former and the new text of a changed mapping, the last ones. */
const EFFECT_RECORDS = 1_000

export async function planConfiguration(
  context: CliContext,
  options: { limit?: string; out?: string; exitCode?: boolean },
): Promise<void> {
  const after = await (await loadAssembly()).folderConfiguration(context.dir)
  const limit = options.limit === undefined ? EFFECT_RECORDS : countOption(options.limit)
  const plan = await withApi(context, async (api) => {
    const { items: before } = JSON.parse(await api.call('GET', '/api/v1/configuration')) as { items: PlannedItem[] }
    const made = configurationPlan(before, after)
    for (const change of made.configuration) {
      const texts = [before, after].map(
        (items) => items.find(({ kind, name }) => kind === change.kind && name === change.name)?.source,
      )
      const effect = await effectOf(api, change, texts, limit)
      if (effect) change.effect = effect
    }
    return made
  })
  const json = JSON.stringify(plan)
  if (options.out !== undefined) await writeFile(resolve(context.dir, options.out), `${json}\n`)
  context.output.result('plan', json, () => configurationText(plan.configuration))
  if (options.exitCode && plan.configuration.length > 0) process.exitCode = EXIT.changes
}

/** A mapping between the same streams whose rules changed: what its former and its new text make of the recorded inputs. */
async function effectOf(
  api: Api,
  { kind, name, change, fields }: ConfigurationChange,
  [before, after]: (string | null | undefined)[],
  limit: number,
): Promise<MappingComparison | undefined> {
  const changed = new Set(fields.map(({ field }) => field))
  if (kind !== 'sync' || change !== 'changed' || !changed.has('mapping')) return undefined
  if (changed.has('from') || changed.has('to') || !before || !after) return undefined
  const path = `/api/v1/syncs/${encodeURIComponent(name)}/compare`
  return JSON.parse(await api.call('POST', path, { before, after, limit })) as MappingComparison
}
