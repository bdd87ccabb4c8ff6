import type { Command } from 'commander'
import { type ErrorCode, errorRegistry, nearestName } from '../../core/index.ts'
import { usageError } from '../report-error.ts'
import { fields } from '../table.ts'
import type { MakeContext } from './index.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command.argument('<code>', 'an error code like CSW-3003').action((given: string) => {
    const context = makeContext()
    const code = given.toUpperCase()
    if (!(code in errorRegistry)) {
      const near = nearestName(code, Object.keys(errorRegistry))
      throw usageError(`There is no error code ${JSON.stringify(given)}.`, near && `Did you mean ${near}?`)
    }
    const entry = errorRegistry[code as ErrorCode]
    context.output.result('explain', JSON.stringify({ code, ...entry }), () =>
      fields([
        ['code', code],
        ['meaning', entry.meaning],
        ['to do', entry.action],
        ['cause', entry.causeClass],
        ['reaction', entry.reaction],
      ]),
    )
  })
}
