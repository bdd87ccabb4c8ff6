/** `causeway plan --to VERSION`: what going back to a version that was kept means. The hub has its files, and plans it. */
import type { RollBackPlan } from '../http/index.ts'
import { type Api, withQuery } from './api.ts'
import { numberOfVersion, VERSIONS } from './configuration-versions.ts'
import { paint } from './output.ts'
import { printable } from './printable.ts'

/** `records`: recorded inputs that go through the former and the new text of a changed mapping. */
export const planRollBack = async (api: Api, to: string, records: number): Promise<RollBackPlan> =>
  JSON.parse(
    await api.call('GET', withQuery(`${VERSIONS}/${numberOfVersion(to)}/plan`, { records: String(records) })),
  ) as RollBackPlan

export const rollBackText = ({ version, changes }: RollBackPlan['rollBack']): string =>
  changes.length === 0
    ? `Files: those in force are those of version ${version}.`
    : [
        `Back to version ${version}, files:`,
        ...changes.map(({ path, change }) => `  ${paint('bold', change)} ${printable(path)}`),
      ].join('\n')
