/** `causeway apply` of a plan of the configuration. */
import type { AppliedConfiguration, ConfigurationPlan, ConfigurationRequest, RollBackPlan } from '../http/index.ts'
import { withApi } from './api.ts'
import type { CliContext } from './context.ts'

type KeptPlan = ConfigurationPlan & Partial<RollBackPlan>

/** What a file holds, where that is a plan of the configuration. */
export function configurationPlanOf(value: unknown): KeptPlan | undefined {
  const plan = value as Partial<KeptPlan> | null
  return Array.isArray(plan?.configuration) && Array.isArray(plan.basis) ? (plan as KeptPlan) : undefined
}

/** The hub begins to work with its files, if both are as they were planned; else it refuses by name (CSW-8024, CSW-8025). */
export async function applyConfiguration(
  context: CliContext,
  { basis, rollBack }: KeptPlan,
  options: { reason?: string; allowDestructive?: boolean },
): Promise<void> {
  const request: ConfigurationRequest & { reason?: string } = {
    basis,
    allowDestructive: options.allowDestructive ?? false,
    ...(rollBack ? { rollBack: { version: rollBack.version, files: rollBack.files } } : {}),
    ...(options.reason === undefined ? {} : { reason: options.reason }),
  }
  const json = await withApi(context, (api) => api.call('POST', '/api/v1/configuration/apply', request))
  const { applied } = JSON.parse(json) as AppliedConfiguration
  context.output.result('apply', json, () =>
    applied.length === 0
      ? 'Configuration: the hub works with what the files say.'
      : ['The hub works with:', ...applied.map(({ kind, name, change }) => `  ${change} ${kind} ${name}`)].join('\n'),
  )
}
